"""The machine that something is measured on.

| file | what |
|---|---|
| `environment.py` | identity, conditions and versions, as every report holds them |
| `throttling.py` | heat and firmware that slow a clock |
| `watch.py` | what changed while a phase was measured |
| `validity.py` | when that makes the phase's numbers invalid |
| `sizes.py` | bytes of what is installed and what ships |
"""
