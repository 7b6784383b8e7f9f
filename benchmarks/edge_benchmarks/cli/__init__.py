"""`edge-bench`: measures bundles on a device; the same code as `edge bench`, without the toolchain."""
