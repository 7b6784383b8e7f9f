"""report.html."""


def write_report(*_: object) -> None:
    """Write nothing yet."""
