"""What the data can prove, said before the training starts."""

from collections.abc import Sized


def promise(test: Sized | None) -> str:
    """Say in one line the smallest accuracy drop that a gate on this test split can resolve."""
    n = len(test) if test is not None else 0
    if n == 0:
        return "no test split: no gate can conclude anything; add one, or give a flat folder and 15 % is set aside"
    from edge_benchmarks.statistics import smallest_resolvable_drop

    points = 100 * smallest_resolvable_drop(n)
    return (
        f"with {n:,} test items, the smallest drop a gate can resolve is {points:.2f} points "
        "(at 1 % of answers changed)"
    )
