"""What every area's tests share."""

import os

# Before anything imports ONNX Runtime: no test sends telemetry or writes a device id into the user's cache.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
