"""One benchmark of bundles and ONNX files, from what to run to the document that tells what was found.

| file | what |
|---|---|
| `run.py` | `bench`: the whole of it, in order |
| `arms.py`, `onnx_files.py` | what is measured: a bundle's variants, or plain ONNX files, each checked first |
| `operators.py` | which execution provider really runs which operators |
| `stages.py` | one call, stage by stage |
| `scenarios/` | how calls come: one file for each |
| `cold_start.py` | fresh processes |
| `rows.py`, `variants.py`, `flat.py`, `document.py` | what a report holds |
"""
