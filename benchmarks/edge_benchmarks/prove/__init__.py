"""What `edge-bench prove` does on a device; it needs the runtime, numpy, click and psutil alone.

| file | what |
|---|---|
| `run.py` | golden vectors, then the variants timed in processes of their own |
| `proof.py` | what was found, and the verdict on it |
| `evidence.py` | the file that `edge pack` adds to a bundle |
"""
