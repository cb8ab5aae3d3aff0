"""What the pages and `ratchet new` give a user to keep passes the project's own style as it stands."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ratchet.layout import write
from ratchet.layout.write import Given
from tests.conftest import ROOT

RUFF = str(Path(sys.executable).parent / "ruff")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project's code, to which a user adds files."""
    for name in ("include", "plugins", "dags"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def _are_clean(project: Path, names: list[str]) -> None:
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run([RUFF, *command, *names], cwd=project, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_files_of_the_pages_are_clean(project: Path) -> None:
    text = "".join(page.read_text() for page in sorted((ROOT / "docs").glob("*.md")))
    blocks = dict(re.findall(r"^```python file=(\S+)\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE))
    assert blocks
    for name, content in blocks.items():
        assert not (project / name).exists()
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(content)
    _are_clean(project, list(blocks))


def test_the_dag_file_of_a_new_loop_is_clean(
    project: Path, observations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RATCHET_LOOPS", "RATCHET_SUITES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RATCHET_HOME", str(project))
    write.from_files("gusts", observations, Given("wind_speed"))
    _are_clean(project, ["dags/gusts.py"])
