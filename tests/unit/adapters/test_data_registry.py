"""The data registry under bad moments: two writers, damage, full disks."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ratchet import cli
from ratchet.adapters import data_registry, storage
from ratchet.errors import DataError, RegistryBusy, RegistryError
from ratchet.lifecycle import dataset
from ratchet.settings import Settings
from tests.conftest import ingest
from tests.given.entries import entry


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
    with pytest.raises(SystemExit) as ended:
        cli.main(["step", "fetch", "--loop", "wind", "--partitions", "2013-01-02"])
    assert ended.value.code == cli.RETRY


def test_a_registry_whose_making_was_killed_is_made_anew(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(Settings.current().registry)

    def crash(root: Path, remote: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(storage, "init", crash)
        with pytest.raises(KeyboardInterrupt):
            dataset.registry()
    assert dataset.registry().git("log", "--format=%s").strip() == "Begin the data registry"


def test_two_that_make_it_at_once_make_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda _: data_registry.open_registry(tmp_path / "registry", "../remote"), range(2)))
    assert made[0].head() == made[1].head()
    assert [item.name for item in tmp_path.iterdir() if item.is_dir()] == ["registry"]


def test_an_entry_is_written_once_a_key(place: Path) -> None:
    registry = dataset.registry()
    with registry.writer() as writer:
        assert writer.append("wind", entry("asked", key="a", reason="1"))
        first = writer.commit(["wind/ledger.jsonl"], "one")
        assert not writer.append("wind", entry("asked", key="a", reason="2"))
        assert writer.commit(["wind/ledger.jsonl"], "nothing") == first
        assert writer.append("wind", entry("asked", key="b", reason="3"))
        writer.commit(["wind/ledger.jsonl"], "two")
    assert [each.reason for each in registry.ledger("wind")] == ["1", "3"]
    assert [each.reason for each in registry.ledger("wind", first)] == ["1"]


def test_a_folder_with_other_things_is_not_taken(place: Path) -> None:
    folder = Settings.current().registry
    shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(RegistryError, match="neither empty nor a data registry"):
        dataset.registry()
    assert (folder / "thesis.txt").exists()
