"""Fuzz: `python tests/fuzz TARGET|all SECONDS [FOLDER]`; replay what was found before: `python tests/fuzz replay`.

An input that shows a defect lands in FOLDER (by default the working directory) as `crash-...`. Mend the code and move
the input to `tests/fuzz/corpus/TARGET/`, where every test run replays it. For `all`, its first byte is the target.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
MAX_BYTES = 1 << 15


def replay() -> int:
    """Run every seed and every stored input through its target; returns how many there were."""
    from seeds import seeds
    from targets import TARGETS

    count = 0
    for name, target in TARGETS.items():
        stored = {path.name: path.read_bytes() for path in sorted((CORPUS / name).glob("*"))}
        for origin, data in (seeds(name) | stored).items():
            try:
                target(data)
            except BaseException as error:
                raise AssertionError(f"{name}, {origin}: {type(error).__name__}: {error}") from error
            count += 1
    return count


def fuzz(name: str, seconds: int, folder: Path) -> None:
    """Run libFuzzer on one target, guided by the coverage of `edge_runtime`; it ends the process."""
    import atheris

    with atheris.instrument_imports(include=["edge_runtime"]):
        from mutation import custom_mutator
        from seeds import seeds
        from targets import TARGETS, each

    begin = Path(tempfile.mkdtemp(prefix="edge-fuzz-"))
    if name == "all":
        first = [bytes([at]) + data for at, one in enumerate(TARGETS) for data in seeds(one).values()]
    else:
        first = list(seeds(name).values())
    for at, data in enumerate(first):
        (begin / f"seed-{at}").write_bytes(data)
    stored = [str(path) for path in [CORPUS / name] if path.is_dir()]
    options = [f"-max_total_time={seconds}", f"-max_len={MAX_BYTES}", "-timeout=20", "-rss_limit_mb=3000"]
    arguments = [sys.argv[0], *options, f"-artifact_prefix={folder}/", "-print_final_stats=1", str(begin), *stored]

    def raw(data: bytes, size: int) -> bytes:
        return atheris.Mutate(data, size)  # looked up late: `Setup` replaces it

    by_value = name not in ("archive", "directory", "image")
    mutator = {"custom_mutator": custom_mutator(raw, kept=name == "all")} if by_value else {}
    atheris.Setup(arguments, each if name == "all" else TARGETS[name], **mutator)
    atheris.Fuzz()


def main(arguments: list[str]) -> None:
    """Do what the arguments say."""
    if arguments == ["replay"]:
        print(f"{replay()} inputs")
    elif len(arguments) in (2, 3):
        fuzz(arguments[0], int(arguments[1]), Path(arguments[2] if len(arguments) == 3 else "."))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
