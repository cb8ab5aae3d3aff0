"""What the pages and `ratchet new` give a user to keep passes the project's own style as it stands."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ratchet.cli import new
from tests.conftest import ROOT

RUFF = str(Path(sys.executable).parent / "ruff")


def _is_clean(folder: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", folder)
    for command in (["check", "."], ["format", "--check", "."]):
        done = subprocess.run([RUFF, *command], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_the_files_of_a_page_are_clean(page: Path, tmp_path: Path) -> None:
    for name, text in re.findall(r"^```python file=(\S+)\n(.*?)^```", page.read_text(), flags=re.DOTALL | re.MULTILINE):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    _is_clean(tmp_path)


def test_the_dag_file_of_a_new_loop_is_clean(place: Path, observations: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATCHET_HOME", str(place))
    new.lay_out("gusts", observations, None, "wind_speed", (), None)
    assert (place / "dags" / "gusts.py").exists()
    (place / "suites").rename(place / "great_expectations")
    _is_clean(place)
