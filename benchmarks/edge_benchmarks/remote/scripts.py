"""What runs on the other machine, in POSIX sh: look, install, prove."""

from __future__ import annotations

_FIND = """
cache="${XDG_CACHE_HOME:-$HOME/.cache}/edge"
for python in python3 python3.14 python3.13 python3.12 python3.11 python3.10 none; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then break; fi
done
"""

LOOK = f"""{_FIND}
if [ "$python" = none ]; then echo no-python; exit; fi
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then echo no-venv; exit; fi
if [ -x "$cache/$1/bin/python" ]; then echo ready; else echo absent; fi
"""
"""`$1` is the name of an environment: says `ready` where it is installed, `absent` where it can be, or what is missing.
"""

INSTALL = f"""{_FIND}
set -e
name=$1
shift
mkdir -p "$cache"
find "$cache" -maxdepth 1 -name '*.part' -mtime +1 -exec rm -rf {{}} +
part=$(mktemp -d "$cache/XXXXXX.part")
trap 'rm -rf "$part"' EXIT
trap 'exit 1' HUP INT TERM PIPE
mkdir "$part/wheels"
tar -x -f - -C "$part/wheels"
"$python" -m venv "$part/env"
cd "$part/wheels"
"$part/env/bin/python" -m pip --disable-pip-version-check --quiet install "$@" >&2
if [ ! -e "$cache/$name" ]; then mv "$part/env" "$cache/$name"; fi
"""
"""`$1` is the environment to make, the rest goes to `pip install`; a tar file of wheels comes in. The environment gets
its name when it is whole: what was interrupted is found by nobody, and removed after a day."""

PROVE = f"""{_FIND}
folder=$(mktemp -d "$cache/run.XXXXXX") || exit 1
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM PIPE
cat > "$folder/bundle.edge" || exit 1
name=$1
shift
"$cache/$name/bin/python" -c 'from edge_benchmarks.cli import main; main()' prove "$folder/bundle.edge" --json "$@"
"""
"""`$1` is the environment, the rest are options of `edge-bench prove`; the bundle comes in, the evidence goes out."""
