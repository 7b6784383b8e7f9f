"""Writes a copy of a text data set without personal data, all of it or nothing."""

import json
import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

from edge_export.bundle_writer import write_atomically
from edge_pipeline.scrubbing.interface import REGIONS, ScrubConfig
from edge_pipeline.scrubbing.json_lines import scrub_json_lines
from edge_pipeline.scrubbing.masking import Masker, SearchError
from edge_pipeline.scrubbing.names import read_names
from edge_pipeline.scrubbing.plain_text import scrub_text
from edge_pipeline.scrubbing.record import ScrubRecord, fingerprint, record_path, visible_files
from edge_pipeline.scrubbing.tables import scrub_table
from edge_pipeline.scrubbing.tally import Tally
from edge_runtime.errors import EdgeError, InputError, MachineError

Form = Callable[[Path, Callable[[str], None], Masker, tuple[str, ...], Tally], None]
FORMS: dict[str, Form] = {
    ".csv": scrub_table,
    ".tsv": scrub_table,
    ".jsonl": scrub_json_lines,
    ".ndjson": scrub_json_lines,
    ".txt": scrub_text,
}
"""Ending of a file, lower case, to what copies it."""


@dataclass(frozen=True)
class ScrubReport:
    """What `scrub` did."""

    output: Path
    record: ScrubRecord
    left_out: dict[str, int] = field(default_factory=dict)
    """Ending to how many files of a folder were not copied, since nothing here reads them."""
    telling_paths: int = 0
    """Files of a folder whose path holds personal data; they keep it."""

    def to_dict(self) -> dict[str, Any]:
        """Return the report as a JSON-ready dictionary."""
        extra = {"left_out": self.left_out, "telling_paths": self.telling_paths}
        return {"output": str(self.output)} | self.record.to_dict() | extra


def scrub(source: Path | str, output: Path | str, config: ScrubConfig | None = None) -> ScrubReport:
    """Copy `source` to the new `output` with personal data masked, and write `OUTPUT.scrub.json` beside it.

    Memory does not grow with the file: CSV and JSON lines go through row by row, plain text in parts. Neither the
    report nor the record nor any error holds a value that was found.

    Args:
        source: A `.csv`, `.tsv`, `.jsonl`, `.ndjson` or `.txt` file, or a folder of such files.
        output: What to write; it must not exist.
        config: What to look for, and where.

    Raises:
        InputError: the source cannot be read as what its name says, the output exists, or the configuration asks for
            what there is not.
        MachineError: a package of the scrub extra is missing, or the disk does not take the output.
    """
    config = config or ScrubConfig()
    source, output = Path(source), Path(output)
    _check_paths(source, output)
    masker = Masker(config)
    tally = Tally()
    temporary = output.absolute().with_name(f".{output.absolute().name}.{secrets.token_hex(4)}.tmp")
    try:
        output.absolute().parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            left_out, telling_paths = _scrub_folder(source, temporary, masker, config.columns, tally)
        else:
            left_out, telling_paths = {}, 0
            _scrub_file(source, temporary, masker, config.columns, tally)
        record = _record(config, masker, tally, fingerprint(temporary))
        temporary.rename(output)
        content = json.dumps(record.to_dict(), indent=2, ensure_ascii=False) + "\n"
        write_atomically(record_path(output), content.encode())
    except OSError as error:
        raise MachineError(f"{output}: cannot be written ({error.strerror or error}); check free space") from error
    finally:
        shutil.rmtree(temporary) if temporary.is_dir() else temporary.unlink(missing_ok=True)
    return ScrubReport(output, record, left_out, telling_paths)


def _check_paths(source: Path, output: Path) -> None:
    if not source.exists():
        raise InputError(f"{source}: no such file or folder")
    if not source.is_dir() and source.suffix.lower() not in FORMS:
        raise InputError(
            f"{source}: cannot scrub {source.suffix or 'a file without an ending'}; {', '.join(FORMS)} can"
        )
    if output.exists() or output.is_symlink():
        raise InputError(f"{output}: exists; remove it or choose another name")
    if source.is_dir() and source.resolve() in output.resolve().parents:
        raise InputError(f"{output}: inside {source}, which would then be scrubbed with it; choose a place outside")


def _scrub_folder(
    source: Path, target: Path, masker: Masker, columns: tuple[str, ...], tally: Tally
) -> tuple[dict[str, int], int]:
    """Copy every file that a form reads; return the endings of the others, and how many paths tell something."""
    left_out: dict[str, int] = {}
    telling = 0
    copied = 0
    target.mkdir()
    for file in visible_files(source):
        relative = file.relative_to(source)
        if file.suffix.lower() not in FORMS:
            left_out[file.suffix.lower()] = left_out.get(file.suffix.lower(), 0) + 1
            continue
        (target / relative).parent.mkdir(parents=True, exist_ok=True)
        _scrub_file(file, target / relative, masker, columns, tally)
        telling += bool(masker.mask(relative.as_posix()).edits)
        copied += 1
    if not copied:
        raise InputError(f"{source}: no {', '.join(FORMS)} file in it")
    return left_out, telling


def _scrub_file(source: Path, target: Path, masker: Masker, columns: tuple[str, ...], tally: Tally) -> None:
    try:
        with target.open("xb") as stream:
            FORMS[source.suffix.lower()](source, _writer(stream), masker, columns, tally)
            stream.flush()
            os.fsync(stream.fileno())
    except (EdgeError, OSError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, its message and its cause may quote the data
        what = str(error) if isinstance(error, SearchError) else type(error).__name__
        raise RuntimeError(f"{what} after {tally.items:,} items, in {source}") from None


def _writer(stream: BinaryIO) -> Callable[[str], None]:
    def write(text: str) -> None:
        stream.write(text.encode())

    return write


def _record(config: ScrubConfig, masker: Masker, tally: Tally, sha256: str) -> ScrubRecord:
    return ScrubRecord(
        masker.kinds,
        config.columns,
        (config.regions or REGIONS) if "phone" in masker.kinds else (),
        0 if config.names is None else len(read_names(config.names)),
        len(config.patterns),
        tally.items,
        tally.changed,
        {column: dict(sorted(kinds.items())) for column, kinds in sorted(tally.columns.items())},
        tally.merged_spans,
        version("edge-toolchain"),
        sha256,
    )
