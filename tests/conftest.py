"""What every area's tests share."""

import os
import tempfile

# Before anything imports ONNX Runtime: no test sends telemetry or writes a device id into the user's cache.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
# What opening a data set remembers stays out of the user's cache too.
_CACHE = tempfile.TemporaryDirectory(prefix="edge-tests-")
os.environ["EDGE_CACHE_DIR"] = _CACHE.name
