"""Where a state lies: paths with any letter and of any length, moved, read-only and full disks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ratchet.adapters import opening
from ratchet.lifecycle import dataset
from ratchet.settings import Settings
from tests.conftest import ROOT, ingest, lay
from tests.given import deliveries, whole

DAY = deliveries.DAY
NAMES = ["Müller & Söhne", "100 %(x)s", "a 'quoted' \"name\"", "日本語", "x" * 130, "#!$(touch hacked); é"]


@pytest.mark.parametrize("name", NAMES, ids=["umlaut", "percent", "quotes", "japanese", "long", "shell"])
def test_a_path_with_any_letter(
    tmp_path: Path, loops_folder: tuple[Path, Path], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A night, a clone in which DVC's own commands work, and a restore from the remotes."""
    place = lay(tmp_path / name / "var", loops_folder, tmp_path / name, monkeypatch.setenv)
    deliveries.deliver(place, deliveries.rows_of_day())
    ingest("wind", DAY)
    whole.check("wind")
    clone = place / "var" / "clone"
    subprocess.run(["git", "clone", "--quiet", str(dataset.registry().root), str(clone)], check=True)
    dvc = subprocess.run([sys.executable, "-m", "dvc", "pull"], cwd=clone, capture_output=True, text=True)
    assert dvc.returncode == 0, dvc.stderr
    assert (clone / "wind" / "data" / "weather" / f"{DAY}.parquet").exists()
    shutil.rmtree(dataset.registry().root)
    said = _ratchet("registry", "restore")
    assert said.returncode == 0, said.stderr
    assert deliveries.published().num_rows == 60
    assert not [*tmp_path.rglob("hacked")]
    assert not Path("hacked").exists()


def test_a_state_that_was_moved_goes_on_where_it_is(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written where it was: not into the old remote either."""
    deliveries.deliver(place, deliveries.rows_of_day())
    ingest("wind", DAY)
    old = Settings.current().var
    new = tmp_path / "moved"
    old.rename(new)
    monkeypatch.setenv("RATCHET_VAR", str(new))
    monkeypatch.setattr(opening, "_CHECKED", set())
    ingest("wind", "2013-01-06")
    whole.check("wind")
    assert deliveries.published().num_rows == 60
    assert not old.exists()


def test_a_full_disk_stops_a_step_and_loses_nothing(place: Path) -> None:
    """Publish on a disk that is full at every amount of room, in turn; then with room."""
    deliveries.deliver(place, deliveries.rows_of_day())
    for name in ("fetch", "validate"):
        said = _ratchet("step", name, "--loop", "wind", "--partitions", DAY)
        assert said.returncode == 0, said.stderr
    disk, kept = place / "disk", place / "kept"
    disk.mkdir()
    Settings.current().var.rename(kept)
    script = f"""
        set -e
        mount -t tmpfs -o size=12m tmpfs '{disk}'
        cp -r '{kept}/.' '{disk}/'
        export RATCHET_VAR='{disk}'
        codes=
        for room in 0 4 16 32 64; do
            free=$(df --output=avail -k '{disk}' | tail -1)
            head -c $(( (free - room) * 1024 )) /dev/zero > '{disk}/ballast' || true
            code=0; {_command("step", "publish", "--loop", "wind", "--partitions", DAY)} || code=$?
            codes="$codes $code"
            rm '{disk}/ballast'
        done
        {_command("step", "publish", "--loop", "wind", "--partitions", DAY)}
        rm -rf '{kept}'; cp -r '{disk}/.' '{kept}/'
        echo codes: $codes
    """
    done = _apart(script)
    assert done.returncode == 0, done.stdout + done.stderr
    codes = done.stdout.rpartition("codes: ")[2].split()
    assert codes[0] == "75", done.stderr  # a retry may help
    assert {*codes} <= {"75", "0"}, done.stderr
    assert "Traceback" not in done.stderr
    kept.rename(Settings.current().var)
    whole.check("wind")
    assert deliveries.published().num_rows == 60


def test_a_checkout_that_cannot_be_written(place: Path) -> None:
    """The code is on a read-only disk, the state is not: a night is lived, and nothing is said about it."""
    deliveries.deliver(place, deliveries.rows_of_day())
    steps = [_command("step", name, "--loop", "wind", "--partitions", DAY) for name in ("fetch", "validate", "publish")]
    script = f"""
        set -e
        mount --bind '{ROOT}' '{ROOT}'
        mount -o remount,bind,ro '{ROOT}'
        ! touch '{ROOT}/x' 2>/dev/null
        {"; ".join(steps)}
    """
    done = _apart(script)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    whole.check("wind")


def _ratchet(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "ratchet", *arguments], env=_env(), capture_output=True, text=True)


def _command(*arguments: str) -> str:
    return " ".join(f"'{word}'" for word in (sys.executable, "-m", "ratchet", *arguments))


def _apart(script: str) -> subprocess.CompletedProcess[str]:
    """Run a script that may mount, where nobody else sees it."""
    command = ["unshare", *(["-m"] if os.geteuid() == 0 else ["-rm"]), "sh", "-c", script]
    return subprocess.run(command, env=_env(), capture_output=True, text=True)


def _env() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "include")}
