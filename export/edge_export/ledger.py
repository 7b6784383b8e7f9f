"""How often the test set of a run was opened: a set that was opened many times is one that choices were tuned on."""

import json
from pathlib import Path

from edge_export.bundle_writer import write_atomically
from edge_runtime.errors import InputError

LEDGER_FILE = "test-openings.json"
LOCK_FILE = ".test-openings.lock"
"""The operating system's lock on it is what counts, and ends with its process; the file itself may stay."""

LOCK_SECONDS = 60
"""A count takes milliseconds; who holds the lock for longer is stuck."""


def record_test_opening(directory: Path, fingerprint: str) -> int:
    """Count that a test set was looked at for this run, and return how often that has now been.

    Two exports at once count one after the other.

    Args:
        directory: The run.
        fingerprint: Of the test split.

    Raises:
        InputError: the ledger cannot be read, so that the count is unknown, or another process keeps it locked.
    """
    import filelock

    file = directory / LEDGER_FILE
    try:
        with filelock.FileLock(directory / LOCK_FILE, timeout=LOCK_SECONDS, poll_interval=0.01):
            counts = _read(file)
            counts[fingerprint] = counts.get(fingerprint, 0) + 1
            write_atomically(file, (json.dumps(counts, indent=2) + "\n").encode())
    except filelock.Timeout as error:
        raise InputError(
            f"{file}: another process has kept it locked for {LOCK_SECONDS} s; end that process, or wait for it"
        ) from error
    return counts[fingerprint]


def _read(file: Path) -> dict[str, int]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return {str(name): int(count) for name, count in found.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError) as error:
        # Starting again from zero would hide how often the test set was opened.
        raise InputError(
            f"{file}: cannot be read ({error}), so how often the test set was opened is unknown; restore the file"
        ) from error
