"""The ledger of a loop: every decision, a line each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet import catalog
from ratchet.adapters import data_registry, models, runs, writing
from ratchet.adapters.opening import open_registry
from ratchet.decisions import lifecycle, shadows
from ratchet.decisions.entries import Paused
from ratchet.errors import DataError, LedgerError, RegistryError
from ratchet.lifecycle import contracts, dataset, ledger, predictions
from ratchet.settings import Settings
from tests.conftest import step
from tests.given import duels
from tests.given.entries import entry
from tests.given.watched import NIGHT

WATCHED = "wind_watched"


def test_an_entry_is_written_once_a_key_and_signed(place: Path) -> None:
    loop, registry = catalog.load("wind"), dataset.registry()
    with writing.held(registry) as writer:
        (written,) = ledger.write(writer, loop, [entry("vetoed", key="k", reason="x")])
        head = writer.registry.head()
        assert ledger.write(writer, loop, [entry("vetoed", key="k", reason="y")]) == []
        assert writer.registry.head() == head
        challenger = shadows.Challenger("r", "m", "l", "2013-01-01", "1")
        for _ in range(2):
            ledger.write(writer, loop, [lifecycle.left(challenger, "out of time")])
    first, second = ledger.read(loop)
    assert (first.key, first.reason, second.kind, second.mlflow_run) == ("k", "x", "left", "m")
    assert (written.at, written.by, written.contract) == (first.at, first.by, first.contract)
    assert first.by
    assert first.at.endswith("+00:00")
    assert registry.git("log", "-2", "--format=%s").splitlines() == [
        "Let a challenger of wind go",
        "Veto a retraining of wind",
    ]


def test_entries_are_written_all_or_none_in_one_commit_with_what_they_rest_on(place: Path) -> None:
    loop, registry = catalog.load("wind"), dataset.registry()
    several = [entry("vetoed", key="a", reason="x"), entry("asked", key="b", reason="y"), entry("asked", key="c")]
    grounds = {"a": {"night.json": "{}", "report.html": "<p>a</p>"}, "b": {"night.json": "{}"}}
    with writing.held(registry) as writer:
        before = registry.head()
        ledger.write(writer, loop, several[1:2])
        one = writer.registry.head()
        assert len(ledger.write(writer, loop, several, grounds)) == 2
    assert registry.git("rev-list", "--count", f"{before}..HEAD").strip() == "2"
    # Beside the ledger, the second commit holds what its entries rest on, and nothing else.
    changed = registry.git("diff-tree", "-r", "--name-status", one, "HEAD").split()
    facts = [fact for each in ledger.read(loop) for fact in each.facts.items()]
    paths = [data_registry.fact_path("wind", digest, Path(name).suffix) for name, digest in facts]
    kept = {f"{path}.dvc" if path.endswith(".html") else path for path in paths}
    assert dict(zip(changed[1::2], changed[::2], strict=True)) == {"wind/ledger.jsonl": "M", **dict.fromkeys(kept, "A")}
    second, first, third = ledger.read(loop)
    assert (first.kind, second.kind, third.key) == ("vetoed", "asked", "c")
    assert registry.fact("wind", first.facts["night.json"]) == "{}"
    assert registry.fact("wind", first.facts["report.html"], ".html") == "<p>a</p>"
    assert second.facts == {}  # it was there before, and what it rests on with it
    assert {each.contract for each in (first, second, third)} == {contracts.take(loop)}
    message = registry.git("log", "-1", "--format=%B").strip()
    assert message == "Veto a retraining of wind\n\nx\n\nAsk for a retraining of wind:"


def test_a_person_is_heard_once_for_each_time(place: Path) -> None:
    loop = catalog.load("wind")
    for _ in range(2):
        ledger.say(loop, Paused, "a storm")
    assert [(each.key, each.reason) for each in ledger.read(loop)] == [("paused:0", "a storm"), ("paused:1", "a storm")]


def _changes(steps: list[bool]) -> tuple[list[Any], list[list[str]]]:
    """Promote, or roll back where one can; return the entries, and the stack of champions after each."""
    entries: list[Any] = []
    stack: list[str] = []
    stacks = []
    for promote in steps:
        if promote or len(stack) < 2:
            stack.append(str(sum(each.kind == "promoted" for each in entries) + 1))
            entries.append(entry("promoted", version=stack[-1]))
        else:
            stack.pop()
            entries.append(entry("rolled_back", version=stack[-1]))
        stacks.append(list(stack))
    return entries, stacks


@given(st.lists(st.booleans(), min_size=1))
def test_what_was_rolled_back_from_is_not_restored_by_the_next_rollback(steps: list[bool]) -> None:
    entries, stacks = _changes(steps)
    for count, stack in enumerate(stacks, 1):
        assert [*ledger.former(entries[:count], stack[-1])] == stack[-2::-1]


def test_what_is_lost_is_not_restored_and_where_nothing_is_left_there_is_no_champion() -> None:
    entries, _ = _changes([True, True, True])
    assert [*ledger.former([*entries, entry("lost", version="2")], "3")] == ["1"]
    assert ledger.champions([*entries, entry("lost", version="2")]) == entries
    gone = [*entries, *(entry("lost", version=each, vacant=each == "3") for each in ("1", "2", "3"))]
    anew = entry("promoted", version="4")
    assert (ledger.champions(gone), ledger.champions([*gone, anew])) == ([], [anew])
    assert [*ledger.former([*gone, anew], "4")] == []


@pytest.mark.parametrize("kind", ["waiting", "requested", "left"])
def test_only_promotions_and_rollbacks_change_the_champion(kind: str) -> None:
    entries, _ = _changes([True, True, False])
    assert ledger.champions([*entries, entry(kind)]) == entries


@pytest.mark.parametrize("alias", ["1", ""])
def test_an_alias_that_disagrees_with_the_ledger_is_set_right_and_told(
    second: str, caplog: pytest.LogCaptureFixture, alias: str
) -> None:
    loop = catalog.load(duels.NAME)
    with runs.connected() as client:
        if alias:
            models.set_champion(client, models.version(client, duels.NAME, alias))
        else:
            client.raw.delete_registered_model_alias(duels.NAME, models.CHAMPION)
        found = ledger.champion(client, loop)
        assert found == models.champion(client, duels.NAME) == models.version(client, duels.NAME, "2")
        (told,) = (each.getMessage() for each in caplog.records if "alias" in each.getMessage())
        said = f"v{alias}" if alias else "no version"
        assert told == f"MLflow's alias said {said}, the ledger of {duels.NAME} says v2: it was set right"
        caplog.clear()
        assert ledger.champion(client, loop) == found
        assert not caplog.records  # and once


def test_what_scores_sets_the_alias_right(second: str) -> None:
    with runs.connected() as client:
        models.set_champion(client, models.version(client, duels.NAME, "1"))
    assert step("score", duels.NAME, partition=duels.NIGHT).version == "2"
    assert duels.champion_now() == "2"


def _lose_the_registry(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this installation have another data registry, which holds nothing."""
    monkeypatch.setenv("RATCHET_REGISTRY", str(place / "other" / "registry"))
    monkeypatch.setenv("RATCHET_REMOTE", str(place / "other" / "remote"))
    settings = Settings.current()
    open_registry(settings.registry, settings.remote, settings.git_remote)


def test_an_alias_without_a_ledger_is_a_registry_that_was_lost_and_no_fresh_start(
    watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _lose_the_registry(watched, monkeypatch)
    loop, head = catalog.load(WATCHED), dataset.registry().head()
    path = predictions.live(loop, NIGHT)
    path.unlink()
    refused = pytest.raises(RegistryError, match=r"says that v1 is the champion .* ratchet registry restore")
    with runs.connected() as client:
        with refused:
            ledger.champion(client, loop)
        with refused:
            ledger.rollback(loop, "a test")
        with refused:
            step("score", WATCHED, partition=NIGHT)
        assert (champion := models.champion(client, WATCHED)) is not None
        assert champion.number == "1"  # the alias stays: it says what was lost
    assert not path.exists()
    assert (ledger.read(loop), dataset.registry().head()) == ([], head)


def test_neither_an_alias_nor_an_entry_is_a_loop_that_begins(tracked: Path) -> None:
    with runs.connected() as client:
        assert ledger.champion(client, catalog.load("wind")) is None


def test_a_version_that_is_of_another_run_than_the_ledger_says_is_refused(
    watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _lose_the_registry(watched, monkeypatch)
    loop = catalog.load(WATCHED)
    with writing.held(dataset.registry()) as writer:
        ledger.write(writer, loop, [entry("promoted", "first", version="1", mlflow_run="another", reason="x")])
    with runs.connected() as client, pytest.raises(DataError, match="its registered versions were changed"):
        ledger.champion(client, loop)


def _forge(at: int | None) -> None:
    """Change the ledger past Ratchet: an entry, or one more that follows nothing."""
    registry, path = dataset.registry(), f"{WATCHED}/ledger.jsonl"
    lines = (registry.text(path) or "").splitlines()
    if at is None:
        forged = {**json.loads(lines[-1]), "key": "promoted:forged", "version": "7", "before": "0" * 64}
        with writing.held(registry) as writer:
            writer.write(path, "\n".join([*lines, json.dumps(forged, sort_keys=True)]) + "\n")
            writer.commit("Promote v7")
        return
    lines[at] = json.dumps({**json.loads(lines[at]), "reason": "forged"}, sort_keys=True)
    content = ("\n".join(lines) + "\n").encode()
    head = registry.head()
    registry.objects.move(head, registry.objects.write(head, {path: content}, "Mend the ledger"))


@pytest.mark.parametrize("at", [None, 0], ids=["an entry more", "an entry changed"])
def test_a_ledger_that_was_changed_in_git_stops_whatever_decides_or_scores(watched: Path, at: int | None) -> None:
    loop, registry = catalog.load(WATCHED), dataset.registry()
    assert [each.kind for each in ledger.read(loop)] == ["won", "promoted"]
    path = predictions.live(loop, NIGHT)
    path.unlink()
    _forge(at)
    head = registry.head()
    told = rf"Entry {3 if at is None else 2} of {WATCHED}/ledger.jsonl in .* does not follow the one before it"
    for name, request in (
        ("score", {"partition": NIGHT}),
        ("promote", {"run": "first"}),
        ("gate", {"run": "first"}),
        ("duel", {"partition": NIGHT}),
        ("decide", {"partition": NIGHT}),
    ):
        with pytest.raises(LedgerError, match=rf"{told}.*ratchet history {WATCHED} --verify"):
            step(name, WATCHED, **request)
    with pytest.raises(LedgerError, match=told), writing.held(registry) as writer:
        ledger.write(writer, loop, [entry("asked", key="asked", reason="x")])
    with pytest.raises(LedgerError, match=told):
        ledger.rollback(loop, "a test")
    assert not path.exists()
    assert registry.head() == head
    with runs.connected() as client:
        assert (champion := models.champion(client, WATCHED)) is not None
        assert champion.number == "1"


def test_a_reason_is_one_line_of_the_ledger_and_of_its_commit(place: Path) -> None:
    loop, registry = catalog.load("wind"), dataset.registry()
    ledger.say(loop, Paused, "\x1b[2Jfine\n\nSigned-off-by: the CEO\n   2  2013-01-01  promoted  v9: forged")
    told = "\\x1b[2Jfine Signed-off-by: the CEO 2 2013-01-01 promoted v9: forged"
    assert ledger.read(loop)[-1].reason == told
    assert registry.git("log", "-1", "--format=%B").splitlines()[2:] == [told, ""]
