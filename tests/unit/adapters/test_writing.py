"""Writers of the data registry: each decides on the newest state, lands whole or not at all, and loses to no one."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest

from ratchet.adapters import git_remote, keeping, writing
from ratchet.adapters.data_registry import Registry
from ratchet.adapters.git_objects import BRANCH, Lost
from ratchet.adapters.writing import Writer
from ratchet.decisions import chain
from ratchet.errors import LedgerError, RegistryBusy, RegistryError
from ratchet.lifecycle import dataset
from ratchet.settings import Settings
from tests.conftest import free_port
from tests.given.entries import entry

FORKS = multiprocessing.get_context("fork")


def _write(registry: Registry, path: str, text: str = "x") -> str:
    """Write one file in a commit of its own; return the revision."""

    def act(writer: Writer) -> str:
        writer.write(path, text)
        return writer.commit(f"Write {path}")

    return writing.change(registry, act)


def _ask(registry: Registry, key: str) -> None:
    """Append an entry to the ledger of `wind`."""

    def act(writer: Writer) -> None:
        writer.append("wind", [entry("asked", key=key, reason=key)])
        writer.commit(f"Ask {key}")

    writing.change(registry, act)


@pytest.fixture
def registry(place: Path) -> Registry:
    return dataset.registry()


@pytest.fixture
def clones(registry: Registry) -> tuple[Registry, Registry]:
    """Two registries of one Git remote, as two machines have them."""
    _write(registry, "begun")
    other = Registry(registry.root.with_name("second"), registry.remote, registry.git_remote)
    keeping.restore(other, lambda _: None)
    return registry, other


def test_a_commit_holds_what_was_written_and_nothing_else(registry: Registry) -> None:
    before = registry.objects.files(registry.head(), "")
    with writing.held(registry) as writer:
        writer.write("wind/a.json", "{}")
        writer.write("wind/b.json", "ü")
        writer.remove("wind/never.json")
        first = writer.commit("one")
        writer.remove("wind/a.json")
        writer.write("wind/b.json", "b")
        assert (writer.text("wind/a.json"), writer.text("wind/b.json"), writer.text("wind/c")) == (None, "b", None)
        second = writer.commit("two")
        assert writer.commit("nothing") == second
    assert registry.objects.files(first, "") == {**before, "wind/a.json": b"{}", "wind/b.json": "ü".encode()}
    assert registry.objects.files(second, "") == {**before, "wind/b.json": b"b"}
    assert registry.git("log", "--format=%s", "main").split("\n")[:2] == ["two", "one"]
    assert registry.head() == git_remote.head(registry.root, registry.git_remote) == second


def test_what_was_committed_is_read_by_its_writer_at_once_and_by_others_when_it_has_landed(registry: Registry) -> None:
    old = registry.head()
    with writing.held(registry) as writer:
        writer.append("wind", [entry("asked", key="a", reason="1")])
        aside = writer.commit("one")
        inside, outside = writer.registry, dataset.registry()
        assert inside.head() == aside
        assert [each.reason for each in inside.ledger("wind")] == ["1"]
        assert inside.exists("wind/ledger.jsonl")
        assert (registry.head(), outside.head()) == (old, old)
        assert not outside.exists("wind/ledger.jsonl")
        assert outside.ledger("wind") == []
        landed = writer.land()
        assert landed == registry.head() == outside.head() == aside
        assert [each.reason for each in outside.ledger("wind")] == ["1"]
    assert registry.head() == aside


def test_a_writer_that_raises_leaves_everything_where_it_was(registry: Registry) -> None:
    head = _write(registry, "begun")
    with pytest.raises(ZeroDivisionError), writing.held(registry) as writer:
        writer.write("half", "done")
        writer.commit("half")
        raise ZeroDivisionError
    assert registry.head() == git_remote.head(registry.root, registry.git_remote) == head
    assert registry.text("half") is None
    _write(registry, "whole")
    assert registry.names("") == sorted([*registry.names("", head), "whole"])


def test_what_was_not_committed_is_not_written(registry: Registry) -> None:
    head = registry.head()
    with writing.held(registry) as writer:
        writer.write("forgotten", "x")
    assert registry.head() == head


def test_what_a_dead_writer_has_locked_is_cleared(registry: Registry) -> None:
    left = [registry.root / ".git" / name for name in (f"{BRANCH}.lock", "HEAD.lock", "packed-refs.lock", "index.lock")]
    for lock in left:
        lock.touch()
    with writing.held(registry) as writer:
        assert not [lock for lock in left if lock.exists()]
        writer.write("x", "x")
        tip = writer.commit("x")
    assert registry.head() == tip


def test_a_writer_that_is_killed_leaves_nothing_and_holds_no_one_up(registry: Registry) -> None:
    head = _write(registry, "begun")
    held = FORKS.Event()

    def hold() -> None:
        with writing.held(registry) as writer:
            writer.write("half", "x")
            writer.commit("half")
            (registry.root / ".git" / f"{BRANCH}.lock").touch()
            held.set()
            time.sleep(60)

    child = FORKS.Process(target=hold)
    child.start()
    assert held.wait(20)
    assert child.pid
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    assert registry.head() == head
    begun = time.monotonic()
    _write(registry, "after")
    assert time.monotonic() - begun < 5
    assert registry.text("half") is None


def test_what_the_remote_took_before_its_writer_died_has_landed(registry: Registry) -> None:
    _write(registry, "begun")
    with pytest.raises(ZeroDivisionError), writing.held(registry) as writer:
        writer.write("taken", "x")
        tip = writer.commit("taken")
        base = registry.head()
        git_remote.push(registry.objects, registry.git_remote, base, tip, writer._lock)
        raise ZeroDivisionError
    assert registry.head() == base
    assert dataset.registry().head() == tip


def test_a_writer_that_waits_too_long_says_so(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "_PATIENCE", 0.2)
    caught: list[Exception] = []

    def second() -> None:
        try:
            _write(registry, "second")
        except RegistryBusy as error:
            caught.append(error)

    with writing.held(registry):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert "Another writer has held" in str(caught[0])
    assert caught[0].retriable  # type: ignore[attr-defined]


def test_who_was_slower_decides_again_on_what_the_other_has_written(clones: tuple[Registry, Registry]) -> None:
    one, other = clones
    _ask(one, "first")
    seen: list[list[str]] = []

    def act(writer: Writer) -> str:
        known = [each.key for each in writer.registry.ledger("wind")]
        seen.append(known)
        if len(seen) == 1:
            _ask(other, "theirs")
        writer.append("wind", [entry("asked", key=f"after {known[-1]}", reason="ours")])
        writer.write(f"tries/{len(seen)}", "x")
        return writer.commit("ours")

    tip = writing.change(one, act)
    assert seen == [["first"], ["first", "theirs"]]
    assert [each.key for each in one.ledger("wind")] == ["first", "theirs", "after theirs"]
    assert one.names("tries/") == ["tries/2"]
    lines = one.ledger_lines("wind")
    assert [each["before"] for each in lines] == [None, *(chain.digest(each) for each in lines[:2])]
    writing.keep_up(other)
    assert other.head() == one.head() == tip
    assert one.git("log", "--format=%s", "main").splitlines()[:3] == ["ours", "Ask theirs", "Ask first"]


def test_who_keeps_being_slower_says_so_in_the_end(
    clones: tuple[Registry, Registry], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = clones
    monkeypatch.setattr(writing, "_PATIENCE", 0.3)
    tries: list[int] = []

    def act(writer: Writer) -> None:
        tries.append(len(tries))
        _write(other, f"faster/{len(tries)}")
        writer.write("slower", "x")
        writer.commit("slower")

    with pytest.raises(Lost, match="Another writer has moved"):
        writing.change(one, act)
    assert len(tries) > 1
    assert git_remote.head(one.root, one.git_remote) == other.head()
    assert other.text("slower") is None


def test_two_processes_with_a_clone_each_lose_no_commit(clones: tuple[Registry, Registry]) -> None:
    count, start = 50, FORKS.Event()

    def publish(registry: Registry, name: str) -> None:
        start.wait(20)
        for number in range(count):
            _ask(registry, f"{name}:{number}")

    writers = [FORKS.Process(target=publish, args=(each, each.root.name)) for each in clones]
    for process in writers:
        process.start()
    start.set()
    for process in writers:
        process.join(120)
    assert [process.exitcode for process in writers] == [0, 0]
    for each in clones:
        writing.keep_up(each)
    one, other = clones
    assert one.head() == other.head()
    keys = [each.key for each in one.ledger("wind")]
    for each in clones:  # each in its order, and the chain was proved by reading
        assert [key for key in keys if key.startswith(f"{each.root.name}:")] == [
            f"{each.root.name}:{number}" for number in range(count)
        ]
    assert len(keys) == 2 * count
    assert one.git("rev-list", "--count", "main").strip() == str(2 * count + 2)
    assert one.git("rev-list", "--min-parents=2", "main") == ""


def test_what_another_machine_has_written_is_brought(clones: tuple[Registry, Registry]) -> None:
    one, other = clones
    tip = _write(other, "theirs", "text")
    assert one.text("theirs") is None
    with writing.held(one) as writer:
        assert writer.text("theirs") == "text"
        writing.keep_up(one)  # who holds it has kept up, and does not wait for itself
    later = _write(other, "later")
    writing.keep_up(one)
    assert (one.head(), one.text("theirs", tip)) == (later, "text")
    assert dataset.registry().head() == later


def test_a_host_is_asked_now_and_then_and_by_every_writer(
    clones: tuple[Registry, Registry], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (Registry(each.root, each.remote, f"file://{each.git_remote}") for each in clones)
    monkeypatch.setattr(writing, "_ASKED", {})
    monkeypatch.setattr(writing, "_FRESH", 60.0)
    writing.keep_up(one)
    tip = _write(other, "theirs")
    writing.keep_up(one)
    assert one.head() != tip  # it has asked just now
    monkeypatch.setattr(writing, "_FRESH", 0.0)
    writing.keep_up(one)
    assert one.head() == tip
    monkeypatch.setattr(writing, "_FRESH", 60.0)
    later = _write(other, "later")
    _write(one, "ours")
    assert one.objects.descends(one.head(), later)


def test_a_remote_that_is_away_holds_writers_and_readers_up_until_it_answers(
    clones: tuple[Registry, Registry], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = clones
    head = one.head()
    monkeypatch.setattr(writing, "_ASKED", {})
    away = Registry(one.root, one.remote, f"http://127.0.0.1:{free_port()}/registry.git")
    for call in (lambda: writing.keep_up(away), lambda: _write(away, "x")):
        with pytest.raises(RegistryBusy, match="has to answer"):
            call()
    assert one.head() == head
    assert one.text("begun") == "x"  # what is here is read by revision, remote or not


def test_without_a_remote_the_registry_is_all_there_is(registry: Registry) -> None:
    alone = Registry(registry.root, registry.remote)
    tip = _write(alone, "x")
    writing.keep_up(alone)
    assert alone.head() == tip
    assert not Path(Settings.current().git_remote).exists()


def test_entries_are_appended_each_with_the_hash_of_the_one_before(registry: Registry) -> None:
    with writing.held(registry) as writer:
        writer.append("wind", [entry("asked", key="a", reason="1")])
        first = writer.commit("one")
        assert writer.commit("nothing") == first
        writer.append("wind", [entry("asked", key="b", reason="2"), entry("asked", key="c", reason="3")])
        writer.append("wind", [entry("asked", key="d", reason="4")])
        writer.commit("two")
    assert [each.reason for each in registry.ledger("wind")] == ["1", "2", "3", "4"]
    assert [each.reason for each in registry.ledger("wind", first)] == ["1"]
    lines = registry.ledger_lines("wind")
    assert [each["before"] for each in lines] == [None, *(chain.digest(each) for each in lines[:3])]
    assert {(each["format"], each["signature"]) for each in lines} == {(chain.FORMAT, None)}


@pytest.mark.parametrize("how", ["shortened", "changed", "emptied", "removed"])
def test_a_ledger_can_only_be_lengthened(registry: Registry, how: str) -> None:
    for key in ("a", "b"):
        _ask(registry, key)
    path, head = "wind/ledger.jsonl", registry.head()
    text = registry.text(path) or ""
    lines = text.splitlines(keepends=True)
    left = {"shortened": lines[0], "changed": text.replace('"reason": "a"', '"reason": "z"'), "emptied": ""}
    said = f"{path} in {registry.root} would lose entries. Nothing was written"
    with pytest.raises(LedgerError, match=said), writing.held(registry) as writer:
        writer.write("besides", "x")
        writer.remove(path) if how == "removed" else writer.write(path, left[how])
        writer.commit("a lie")
    assert registry.head() == head
    assert registry.text(path) == text


def test_nothing_follows_a_ledger_that_was_changed(registry: Registry) -> None:
    for key in ("a", "b"):
        _ask(registry, key)
    text = (registry.text("wind/ledger.jsonl") or "").replace('"reason": "a"', '"reason": "z"')
    objects, head = registry.objects, registry.head()
    objects.move(head, objects.write(head, {"wind/ledger.jsonl": text.encode()}, "past every writer"))
    with pytest.raises(LedgerError, match=r"Entry 2 of wind/ledger.jsonl in .* does not follow the one before it"):
        _ask(registry, "c")
    assert registry.text("wind/ledger.jsonl") == text


@pytest.mark.parametrize("suffix", [".json", ".html"])
def test_a_fact_is_kept_by_its_hash_and_once(registry: Registry, suffix: str) -> None:
    text = "\u2264 what a decision rests on\n"
    with writing.held(registry) as writer:
        digest = writer.keep("wind", suffix, text)
        first = writer.commit("a fact")
        assert writer.keep("wind", suffix, text) == digest
        assert writer.commit("the same") == first
    assert digest == hashlib.sha256(text.encode()).hexdigest()
    assert registry.fact("wind", digest, suffix) == text
    kept = f"wind/facts/{digest[:2]}/{digest}{suffix}"
    assert registry.names(f"wind/facts/{digest[:2]}/") == [kept if suffix == ".json" else f"{kept}.dvc"]
    assert not [*(registry.root / ".dvc").glob("tmp/*")]


def test_a_registry_that_was_taken_away_is_not_made_by_a_writer(registry: Registry) -> None:
    shutil.rmtree(registry.root / ".git" / "refs")
    (registry.root / ".git" / "refs").mkdir()
    with pytest.raises(RegistryError, match=r"has no commit. Bring it back: ratchet registry restore"):
        _write(registry, "x")


def test_a_ledger_may_be_moved_whole_and_not_otherwise(place: Path) -> None:
    registry = dataset.registry()
    with writing.held(registry) as writer:
        writer.append("wind", [entry("asked", key="a", reason="now")])
        writer.commit("Ask")
    text = registry.text("wind/ledger.jsonl") or ""
    for moved in ("", text[:-1]):
        with pytest.raises(LedgerError, match="would lose entries"), writing.held(registry) as writer:
            writer.write("gale/ledger.jsonl", moved)
            writer.remove("wind/ledger.jsonl")
            writer.commit("Move it")
    with writing.held(registry) as writer:
        writer.write("gale/ledger.jsonl", text)
        writer.remove("wind/ledger.jsonl")
        writer.commit("Move it")
    assert [each.key for each in registry.ledger("gale")] == ["a"]
