"""The runtime's wheel: its size, what it needs, its types, and its hook for PyInstaller."""

import ast
import re
import runpy
import subprocess
import zipfile
from email import message_from_bytes
from pathlib import Path

import edge_runtime

MOST_BYTES = 60_000


def test_it_is_small(wheel):
    assert wheel.stat().st_size <= MOST_BYTES


def test_what_is_left_out_is_what_nobody_runs(wheel):
    """Every module does the same as its source, line by line, and what is public is documented."""
    source = Path(edge_runtime.__file__).parent
    with zipfile.ZipFile(wheel) as archive:
        packed = {name: archive.read(name).decode() for name in archive.namelist() if name.endswith(".py")}
    assert set(packed) == {str(file.relative_to(source.parent)) for file in source.rglob("*.py")}
    for name, text in packed.items():
        original = (source.parent / name).read_text()
        assert text.count("\n") == original.count("\n"), name
        assert "#" not in "".join(line for line in text.splitlines() if line.lstrip().startswith("#"))
        here, there = (_calls(one) for one in (text, original))
        assert here == there, name
    load = _named(packed["edge_runtime/loading.py"], "load")
    documented = ast.get_docstring(load)
    assert documented and "Raises:" in documented
    assert load.returns is not None and all(argument.annotation for argument in load.args.kwonlyargs)


def _calls(source: str) -> list[tuple[int, str]]:
    """Every name that a module reads or writes when it runs, with its line; not names of types."""
    tree = ast.parse(source)
    tree.body = [one for one in tree.body if not re.search(r"= TypeVar|: TypeAlias", ast.unparse(one))]
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
        elif isinstance(node, ast.FunctionDef):
            node.returns = None
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return [(name.lineno, name.id) for name in names if name.id not in ("TYPE_CHECKING", "__all__")]


def _named(source: str, name: str) -> ast.FunctionDef:
    found = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and node.name == name]
    return found[-1]


def test_it_needs_numpy_alone(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = message_from_bytes(archive.read(name))
        assert "edge_runtime/py.typed" in archive.namelist()
    required = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert [line.split(">")[0] for line in required] == ["numpy"]
    assert metadata["Requires-Python"] == ">=3.10"


def test_pyinstaller_is_told_of_every_part_that_is_imported_by_name(bare_python: Path):
    """As PyInstaller asks: through the entry point, in an environment that has the wheel."""
    code = (
        "from importlib.metadata import entry_points;"
        "(entry,) = entry_points(group='pyinstaller40', name='hook-dirs');"
        "print(*entry.load()())"
    )
    folder = subprocess.run([bare_python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    hook = runpy.run_path(str(Path(folder) / "hook-edge_runtime.py"))
    modules = {getattr(getattr(edge_runtime, name), "__module__", "") for name in edge_runtime.__all__}
    assert "edge_runtime.model" in modules
    assert modules - {"", "edge_runtime.errors"} <= set(hook["hiddenimports"])
