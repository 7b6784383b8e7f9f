#!/bin/sh
# The whole way on real images: `make demo` runs this with the virtual environment on PATH.
set -eu
demo=${DEMO_DIR:-demo}
rm -rf "$demo"
mkdir -p "$demo"
set -x
edge sample mnist "$demo/data"
edge train "$demo/data" -o "$demo/run"
edge export "$demo/run" --quantize int8 --search-time 30 -o "$demo/mnist.edge"
edge eval "$demo/mnist.edge" "$demo/data" --split test
# 6 says that this machine did not hold still: the report is there, and tells what moved.
edge bench "$demo/mnist.edge" -o "$demo/bench.html" -o "$demo/bench.json" || test $? -eq 6
edge run "$demo/mnist.edge" "$demo"/data/test/7/*0.png
edge verify "$demo/mnist.edge"
edge inspect "$demo/mnist.edge"
