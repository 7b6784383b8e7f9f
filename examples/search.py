"""Semantic search over a list of texts: python search.py BUNDLE TEXTS QUERY..., the texts one a line."""

import sys
from pathlib import Path

import numpy as np

import edge_runtime


def main(bundle: str, file: str, *queries: str, most: int = 3) -> list[list[str]]:
    """Print, and return, the texts that are nearest to each query, nearest first."""
    model = edge_runtime.load(bundle)
    texts = [line for line in Path(file).read_text(encoding="utf-8").splitlines() if line.strip()]
    index = np.stack([answer.embedding for answer in model.predict(texts)])  # once; keep it with the texts
    found = []
    for answer, query in zip(model.predict(list(queries)), queries, strict=True):
        near = index @ answer.embedding  # cosines, since every embedding has length one
        best = np.argsort(-near, kind="stable")[:most]
        found.append([texts[at] for at in best])
        print(query, *(f"  {near[at]:.3f}  {texts[at]}" for at in best), sep="\n")
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
