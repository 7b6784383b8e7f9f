"""The privacy page's commands and code run as they are pasted, and print what the page says they print."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parent.parent.parent / "docs" / "privacy.md"


def test_the_page_runs_from_top_to_bottom(tmp_path):
    if os.name != "posix":
        pytest.skip("the page's commands are for a POSIX shell")
    blocks = re.findall(r"^```(\w+)\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    printed, shown = "", []
    for language, code in blocks:
        if language == "text":
            shown.append(code)
        elif not code.startswith("pip install"):
            command = ["sh", "-ec", code] if language == "sh" else [sys.executable, "-c", code]
            result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
            assert result.returncode == 0, result.stderr
            printed += result.stdout
    copy = (tmp_path / "clean.csv").read_text(encoding="utf-8")
    assert [block for block in shown if block != copy] == re.findall(r"(?:.+\n){2}", printed)
    assert copy in shown
