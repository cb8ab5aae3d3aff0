"""What a user adds is the user's: the project's own checks and tests do not count it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

CHECKS = (
    ("-m", "ruff", "check", "--no-cache", "--output-format", "concise", "."),
    ("-m", "ruff", "format", "--check", "--no-cache", "."),
    ("scripts/check_style.py",),
)


def test_a_loop_and_an_operator_of_a_users_own_turn_no_check_red(tmp_path: Path, observations: Path) -> None:
    """Copy the project, lay a loop out in it and follow docs/add_an_operator.md: what was green before stays green."""
    project = tmp_path / "project"
    for name in _git(ROOT, "ls-files").splitlines():
        if (ROOT / name).is_file():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, project / name)
    _git(project, "init", "-q")
    _git(project, "add", ".")
    before = [_python(project, *check)[1] for check in CHECKS]
    code, said = _python(
        project, "-m", "ratchet", "new", "gusts", "--sample", str(observations), "--target", "wind_speed"
    )
    assert code == 0, said
    for name, text in written(project):
        assert not (project / name).exists()
        (project / name).write_text(text)
    _git(project, "add", ".")
    assert "dags/gusts.py" in _git(project, "ls-files")
    assert [_counted(_python(project, *check)[1]) for check in CHECKS] == [_counted(each) for each in before]
    own = ("tests/airflow/test_dags.py", "tests/unit/steps/test_export.py")
    code, said = _python(project, "-m", "pytest", "-q", "-p", "no:cacheprovider", *own)
    assert code == 0, said


def written(project: Path) -> list[tuple[str, str]]:
    """Return the files of the page about adding an operator: path, text."""
    page = (project / "docs" / "add_an_operator.md").read_text()
    found = re.findall(r"```python file=(\S+)\n(.*?)```", page, flags=re.DOTALL)
    assert len(found) == 4
    return found


def _counted(said: str) -> str:
    """Return what a check said, less how many files it has looked at."""
    return re.sub(r"\d+ files? (already|would)", r"files \1", said)


def _python(project: Path, *arguments: str) -> tuple[int, str]:
    """Run Python in the project; return its exit code, and what it said."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("RATCHET_", "PYTEST_", "AIRFLOW"))
    }
    environment = {**kept, "PYTHONPATH": os.pathsep.join(str(project / part) for part in ("include", "plugins", "."))}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True).stdout
