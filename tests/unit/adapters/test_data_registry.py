"""The data registry under bad moments: two writers, damage, full disks."""

from __future__ import annotations

import hashlib
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ratchet import cli
from ratchet.adapters import data_registry, storage
from ratchet.decisions import chain
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


def test_entries_are_appended_each_with_the_hash_of_the_one_before(place: Path) -> None:
    registry = dataset.registry()
    with registry.writer() as writer:
        writer.append("wind", [entry("asked", key="a", reason="1")])
        first = writer.commit(["wind/ledger.jsonl"], "one")
        assert writer.commit(["wind/ledger.jsonl"], "nothing") == first
        writer.append("wind", [entry("asked", key="b", reason="2"), entry("asked", key="c", reason="3")])
        writer.commit(["wind/ledger.jsonl"], "two")
    assert [each.reason for each in registry.ledger("wind")] == ["1", "2", "3"]
    assert [each.reason for each in registry.ledger("wind", first)] == ["1"]
    lines = registry.ledger_lines("wind")
    assert chain.broken(lines) is None
    assert [each["before"] for each in lines] == [None, *(chain.digest(each) for each in lines[:2])]


@pytest.mark.parametrize("suffix", [".json", ".html"])
def test_a_fact_is_kept_by_its_hash_and_returned_byte_for_byte(place: Path, suffix: str) -> None:
    registry, text = dataset.registry(), "\u2264 what a decision rests on\n"
    with registry.writer() as writer:
        digest, path = writer.keep("wind", suffix, text)
        first = writer.commit([path], "a fact")
        assert writer.keep("wind", suffix, text) == (digest, path)
        assert writer.commit([path], "the same") == first
    assert digest == hashlib.sha256(text.encode()).hexdigest()
    assert path.startswith(f"wind/facts/{digest[:2]}/{digest}{suffix}")
    assert registry.fact("wind", digest, suffix) == text
    with pytest.raises(DataError, match="is missing in the data registry"):
        registry.fact("wind", "0" * 64, suffix)


def test_a_fact_that_was_changed_is_refused(place: Path) -> None:
    registry = dataset.registry()
    with registry.writer() as writer:
        digest, path = writer.keep("wind", ".json", "{}")
        writer.commit([path], "a fact")
        writer.write(path, "{ }")
        writer.commit([path], "another")
    with pytest.raises(DataError, match="is not what it was in the data registry"):
        registry.fact("wind", digest)


def test_a_folder_with_other_things_is_not_taken(place: Path) -> None:
    folder = Settings.current().registry
    shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(RegistryError, match="neither empty nor a data registry"):
        dataset.registry()
    assert (folder / "thesis.txt").exists()
