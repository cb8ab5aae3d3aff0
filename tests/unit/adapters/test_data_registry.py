"""The data registry: what it answers, where it is made, and what it says when something is gone, moved or damaged."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import pytest

from ratchet import cli
from ratchet.adapters import data_registry, storage, writing
from ratchet.adapters.data_registry import Registry
from ratchet.adapters.writing import Writer
from ratchet.errors import DataError, RegistryError
from ratchet.lifecycle import dataset
from tests.conftest import ingest
from tests.given.entries import entry

FORKS = multiprocessing.get_context("fork")
DAY = "2013-01-02"
PATH = f"wind/data/weather/{DAY}.parquet"


def _write(registry: Registry, **texts: str | None) -> str:
    """Commit small files of the folder `notes`, or their absence; return the revision."""

    def act(writer: Writer) -> str:
        for name, text in texts.items():
            writer.remove(f"notes/{name}") if text is None else writer.write(f"notes/{name}", text)
        return writer.commit("Notes")

    return writing.change(registry, act)


def rows(registry: Registry, revision: str = "HEAD") -> int:
    return int(registry.read([PATH], registry.resolve(revision))[PATH].num_rows)


def places(registry: Registry) -> list[Path]:
    """List where the bytes of the day lie: the cache, and the remote."""
    digest, _ = storage.parse(registry.text(f"{PATH}.dvc") or "", PATH)
    folders = (registry.root / ".dvc" / "cache", Path(registry.remote))
    return [folder / "files" / "md5" / digest[:2] / digest[2:] for folder in folders]


def spoil(file: Path) -> None:
    content, mode = file.read_bytes()[:-20], file.stat().st_mode
    file.unlink()
    file.write_bytes(content)
    file.chmod(mode)


def test_what_was_ingested_is_answered_by_revision(place: Path) -> None:
    first = ingest("wind", DAY).revision
    second = ingest("wind", "2013-01-03").revision
    registry = dataset.registry()
    assert registry.head() == registry.resolve("HEAD") == registry.resolve("main") == second
    assert registry.partitions("wind", "weather", "HEAD") == [DAY, "2013-01-03"]
    assert registry.partitions("wind", "weather", first) == [DAY]
    assert registry.partitions("wind", "never", "HEAD") == registry.partitions("never", "weather", "HEAD") == []
    assert list(registry.verdicts("wind")) == [DAY, "2013-01-03"]
    assert list(registry.verdicts("wind", first)) == [DAY]
    assert registry.verdict("wind", DAY, first) == registry.verdicts("wind")[DAY]
    assert registry.verdict("wind", "2013-01-03", first) is None
    assert registry.folders() == [".dvc", "wind"]
    assert (rows(registry), rows(registry, first)) == (72, 72)
    assert list(registry.texts_below("wind/verdicts")) == [f"wind/verdicts/{day}.json" for day in (DAY, "2013-01-03")]
    assert f"{PATH}.dvc" in registry.texts_below("")


def test_small_files_are_answered_by_revision(place: Path) -> None:
    registry = dataset.registry()
    first = _write(registry, a="1", b="ü")
    second = _write(registry, a="2", b=None)
    assert registry.texts("notes/") == {"notes/a": "2"}
    assert registry.texts("notes/", first) == registry.texts_below("notes/", first) == {"notes/a": "1", "notes/b": "ü"}
    assert registry.names("notes/", first) == ["notes/a", "notes/b"]
    assert registry.names("never/") == []
    assert registry.texts_of(["notes/b", "notes/a", "never"], first) == {"notes/b": "ü", "notes/a": "1"}
    assert (registry.text("notes/b"), registry.text("notes/b", first)) == (None, "ü")
    assert (registry.exists("notes/b"), registry.exists("notes/b", first)) == (False, True)
    assert registry.content_id("notes", first) != registry.content_id("notes") != registry.content_id("never") == ""
    assert registry.texts_at([(first, "notes/a"), (second, "notes/a")]) == {
        (first, "notes/a"): "1",
        (second, "notes/a"): "2",
    }
    with pytest.raises(RegistryError, match=f"has lost notes/b at {second[:10]}"):
        registry.texts_at([(first, "notes/b"), (second, "notes/b")])


def test_what_was_replaced_or_removed_is_told_with_its_time(place: Path) -> None:
    registry = dataset.registry()
    pointers = {n: storage.pointer("day", str(n) * 32, n) for n in (1, 2)}
    for text in (pointers[1], pointers[2], None):
        _write(registry, **{"day.dvc": text, "day.json": text})
    told = list(registry.replaced("notes"))
    assert [(path, text) for path, text, _ in told] == [("notes/day", pointers[2]), ("notes/day", pointers[1])]
    assert all(abs(when - time.time()) < 60 for _, _, when in told)
    assert list(registry.replaced("wind")) == []


def test_a_ledger_is_read_anew_when_it_was_lengthened(place: Path) -> None:
    registry = dataset.registry()
    for count in (1, 2, 3):
        with writing.held(registry) as writer:
            writer.append("wind", [entry("asked", key=str(count), reason="x")])
            writer.commit("one more")
        found = registry.ledger("wind")
        assert [each.key for each in found] == [str(n + 1) for n in range(count)]
        found.clear()  # what was returned is the caller's
    assert registry.ledger("tides") == []
    assert len(registry.ledger("wind")) == 3


def test_a_partition_that_is_damaged_here_and_there_is_named(place: Path) -> None:
    ingest("wind", DAY)
    registry = dataset.registry()
    cached, remote = places(registry)
    spoil(cached)
    assert rows(registry) == 72  # it was taken from the remote
    spoil(cached)
    spoil(remote)
    with pytest.raises(DataError, match=f"{PATH} are damaged or gone in the data registry {registry.root}"):
        rows(registry)
    with pytest.raises(DataError, match=f"{PATH.replace('02.', '03.')} is not in the data registry at "):
        registry.read([PATH.replace("02.", "03.")], registry.head())


def test_a_file_that_is_no_table_is_named(place: Path) -> None:
    registry = dataset.registry()
    (place / "text").write_text("not Parquet")
    with writing.held(registry) as writer:
        writer.add({PATH: place / "text"})
        writer.commit("Add")
    with pytest.raises(DataError, match=rf"{PATH} at {registry.head()[:10]} is damaged: .* Ingest that day again"):
        rows(registry)


def test_a_revision_that_is_not(place: Path) -> None:
    with pytest.raises(RegistryError, match="there is no revision 'never'"):
        dataset.registry().resolve("never")


def test_a_disk_that_cannot_be_written(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATCHET_VAR", "/proc/ratchet")
    with pytest.raises(SystemExit) as ended:
        cli.main(["step", "fetch", "--loop", "wind", "--partitions", DAY])
    assert ended.value.code == cli.RETRY


def test_a_fact_that_was_changed_or_lost_is_refused(place: Path) -> None:
    registry = dataset.registry()
    with writing.held(registry) as writer:
        digest = writer.keep("wind", ".json", "{}")
        writer.commit("a fact")
        writer.write(data_registry.fact_path("wind", digest, ".json"), "{ }")
        writer.commit("another")
    with pytest.raises(DataError, match="is not what it was in the data registry"):
        registry.fact("wind", digest)
    for suffix in (".json", ".html"):
        with pytest.raises(DataError, match="is missing in the data registry"):
            registry.fact("wind", "0" * 64, suffix)


def test_a_registry_that_has_lost_its_branch_says_how_it_is_brought_back(place: Path) -> None:
    registry = dataset.registry()
    (registry.root / ".git" / "refs" / "heads" / "main").unlink()
    with pytest.raises(RegistryError, match=r"has no commit. Bring it back: ratchet registry restore"):
        registry.head()
