"""The data registry under bad moments: kills, two writers, damage, full disks."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pyarrow as pa
import pytest

from ratchet import cli
from ratchet.adapters import data_registry
from ratchet.data import tables
from ratchet.errors import DataError, RegistryBusy, RegistryError, StorageError, storage_errors
from ratchet.files import atomic
from ratchet.lifecycle import dataset
from ratchet.settings import Settings
from tests.conftest import ingest, step


def _command(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "ratchet", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def _titles() -> list[str]:
    return dataset.registry().git("log", "--format=%s").splitlines()


def test_a_publish_killed_at_any_moment_is_completed_by_a_retry(place: Path) -> None:
    days = "2013-01-02..2013-01-05"
    for name in ("fetch", "validate"):
        step(name, "wind", partitions=days)
    dataset.registry()
    moments = random.Random(11)
    for _ in range(6):
        process = _command("step", "publish", "--loop", "wind", "--partitions", days)
        try:
            process.wait(timeout=moments.uniform(0.2, 2.4))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for day in dataset.registry().partitions("wind", "weather", "HEAD"):
            path = f"wind/data/weather/{day}.parquet"
            assert dataset.registry().read([path], dataset.registry().head())[path].num_rows == 72
    result = step("publish", "wind", partitions=days)
    assert result.published == [f"2013-01-0{n}" for n in range(2, 6)]
    published = [title for title in _titles() if title.startswith("Publish")]
    assert sorted(published) == sorted(set(published))
    assert len(published) == 4
    assert not dataset.registry().git("status", "--porcelain").strip()


def test_two_writers_at_once(place: Path) -> None:
    for day in ("2013-01-02", "2013-01-03"):
        for name in ("fetch", "validate"):
            step(name, "wind", partitions=day)
    both = [_command("step", "publish", "--loop", "wind", "--partitions", day) for day in ("2013-01-02", "2013-01-03")]
    for process in both:
        assert process.wait(timeout=60) == 0, process.stdout and process.stdout.read()
    assert dataset.registry().partitions("wind", "weather", "HEAD") == ["2013-01-02", "2013-01-03"]
    assert len([title for title in _titles() if title.startswith("Publish")]) == 2


def test_a_writer_that_waits_too_long_says_so(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_registry, "_PATIENCE", 0.2)
    held = dataset.registry()
    caught: list[Exception] = []

    def second() -> None:
        try:
            with held.writer():
                pass
        except RegistryBusy as error:
            caught.append(error)

    with held.writer():
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert "Another writer" in str(caught[0])


def test_a_lock_that_a_killed_git_left_is_no_obstacle(place: Path) -> None:
    for name in ("fetch", "validate"):
        step(name, "wind", partitions="2013-01-02")
    (dataset.registry().root / ".git" / "index.lock").touch()
    assert step("publish", "wind", partitions="2013-01-02").outcome == "done"


def test_a_damaged_partition_is_named(place: Path) -> None:
    ingest("wind", "2013-01-02")
    for cached in (Settings.current().registry / ".dvc" / "cache").rglob("*"):
        if cached.is_file():
            cached.chmod(0o644)
            cached.write_bytes(cached.read_bytes()[:-20])
    path = "wind/data/weather/2013-01-02.parquet"
    with pytest.raises(DataError, match="is damaged"):
        dataset.registry().read([path], dataset.registry().head())
    with pytest.raises(DataError, match="is not in the data registry"):
        dataset.registry().read([path.replace("02.", "03.")], dataset.registry().head())


def test_a_revision_that_is_not(place: Path) -> None:
    with pytest.raises(RegistryError, match="there is no revision 'never'"):
        dataset.registry().resolve("never")


def test_a_disk_that_cannot_be_written(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATCHET_VAR", "/proc/ratchet")
    code = _command("step", "fetch", "--loop", "wind", "--partitions", "2013-01-02").wait(timeout=60)
    assert code == cli.RETRY


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, number: int) -> None:
    path = tmp_path / "x.parquet"
    tables.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(StorageError, match=r"x\.parquet.*retry"), atomic(path) as temporary:
        temporary.write_bytes(b"half")
        raise OSError(number, os.strerror(number), str(path))
    assert tables.read_table(path).num_rows == 1
    assert [file.name for file in tmp_path.iterdir()] == ["x.parquet"]


def test_other_errors_of_the_system_are_not_hidden(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError), storage_errors(tmp_path):
        raise IsADirectoryError(errno.EISDIR, "a directory")


def test_log_diff_and_checkout(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ingest("wind", "2013-01-02")
    first = dataset.registry().head()
    ingest("wind", "2013-01-03")

    def said(*arguments: str) -> str:
        cli.ratchet.main(list(arguments), standalone_mode=False)
        return capsys.readouterr().out

    assert "Publish wind 2013-01-03" in said("data", "log", "wind").splitlines()[0]
    assert said("data", "diff", first).split() == [
        "added",
        "wind/data/weather/2013-01-03.parquet",
        "-",
        "->",
        "72",
        "rows",
    ]
    assert "No partition differs" in said("data", "diff", "HEAD")
    assert "wrote 1 partitions" in said("data", "checkout", "wind", str(place / "out"), "--revision", first)
    assert tables.read_table(place / "out" / "weather" / "2013-01-02.parquet").num_rows == 72


def test_a_registry_whose_making_was_killed_is_made_anew(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = data_registry._run

    def crash(command: list[str], *rest: object) -> str:
        if "init" in command and "dvc" in command:
            raise KeyboardInterrupt
        return real(command, *rest)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(data_registry, "_run", crash)
        with pytest.raises(KeyboardInterrupt):
            dataset.registry()
    assert dataset.registry().git("log", "--format=%s").strip() == "Begin the data registry"


def test_a_folder_with_other_things_is_not_taken(place: Path) -> None:
    folder = Settings.current().registry
    folder.mkdir(parents=True)
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(RegistryError, match="neither empty nor a data registry"):
        dataset.registry()
    assert (folder / "thesis.txt").exists()
