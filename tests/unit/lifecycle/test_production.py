"""Production as a world: what an act of it leaves in the data registry and in MLflow."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from ratchet import catalog
from ratchet.adapters import keeping, models, runs, writing
from ratchet.adapters.data_registry import Registry
from ratchet.adapters.writing import Writer
from ratchet.decisions import acts, retrain
from ratchet.decisions.duel import Gathered
from ratchet.decisions.entries import Paused, Won, only
from ratchet.errors import DataError, RequestError
from ratchet.lifecycle import contracts, dataset, evaluations, evidence, ledger, production, records
from ratchet.lifecycle.production import Production
from ratchet.lifecycle.records import Record
from ratchet.settings import Settings
from tests.conftest import rename
from tests.given.clusters import days
from tests.given.duels import NAME
from tests.given.entries import entry
from tests.given.evaluations import training

VETO = retrain.Admission("veto", "bad data")
PAGE = "<p>\u2264 1</p>\n"


def _rests(given: Any, _: acts.Decided) -> dict[str, str]:
    return {"night.json": json.dumps({"of": given.key}), "report.html": PAGE}


def _evaluated(client: Any, name: str, key: str, differences: list[float] | None) -> str:
    """Make a run whose evaluation is stored; return it."""
    run, loop = str(runs.start_run(client, name, key, {}).run_id), catalog.load(name)
    given = training(run, differences).evaluation.model_dump()
    records.keep(loop, Record(run=run, key=key, recipe="recipe", seconds=60.0))
    evaluations.keep(loop, run, json.dumps(given))
    return run


def test_entries_are_written_once_with_their_facts_which_are_found_byte_for_byte(tracked: Path) -> None:
    loop, registry = catalog.load("wind"), dataset.registry()
    said = [entry("vetoed", key=key, reason="bad data") for key in ("a", "b")]
    begun = registry.head()

    def write(world: Production) -> tuple[list[Any], str]:
        world.write(said, VETO)
        found, head = world.entries(), registry.head()
        assert [each.key for each in found] == ["a", "b"]
        for each in found:
            assert each.contract == contracts.take(loop)
            text = json.dumps({"of": each.key})
            assert each.facts["night.json"] == hashlib.sha256(text.encode()).hexdigest()
            assert registry.fact("wind", each.facts["night.json"]) == text
            assert registry.fact("wind", each.facts["report.html"], ".html") == PAGE
        assert registry.git("rev-list", "--count", f"{begun}..{head}").strip() == "1"
        return found, head

    with runs.connected() as client:
        found, head = production.act(loop, client, write, _rests)
    asked: list[str] = []

    def others(given: Any, _: acts.Decided) -> dict[str, str]:
        asked.append(given.key)
        return {"night.json": "other"}

    def again(world: Production) -> list[Any]:
        world.write([entry("vetoed", key="a", reason="other")], VETO)
        return world.entries()

    with runs.connected() as client:
        assert production.act(loop, client, again, others) == found
    assert (registry.head(), asked) == (head, [])


def test_a_fact_that_was_changed_since_is_refused(tracked: Path) -> None:
    loop, registry = catalog.load("wind"), dataset.registry()

    def lie(world: Production) -> str:
        world.write([entry("vetoed", key="a")], VETO)
        (found,) = world.entries()
        digest: str = found.facts["night.json"]
        world.writer.write(f"wind/facts/{digest[:2]}/{digest}.json", '{"of": "another"}')
        world.writer.commit("a lie")
        return digest

    with runs.connected() as client:
        digest = production.act(loop, client, lie, _rests)
    with pytest.raises(DataError, match="is not what it was in the data registry"):
        registry.fact("wind", digest)
    with pytest.raises(DataError, match="is missing in the data registry"):
        registry.fact("wind", "0" * 64)
    with pytest.raises(DataError, match="is missing in the data registry"):
        registry.fact("wind", "0" * 64, ".html")


@pytest.mark.parametrize("moment", ["commit", "land"])
def test_entries_whose_commit_was_killed_are_written_anew_and_none_of_them_twice(
    tracked: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    loop, said = catalog.load("wind"), [entry("vetoed", key=key) for key in ("a", "b")]
    head = dataset.registry().head()

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, runs.connected() as client:
        patched.setattr(Writer, moment, crash)
        with pytest.raises(KeyboardInterrupt):
            production.act(loop, client, lambda world: world.write(said, VETO), _rests)
    assert (ledger.read(loop), dataset.registry().head()) == ([], head)
    with runs.connected() as client:
        production.act(loop, client, lambda world: world.write(said, VETO), _rests)
    assert [each.key for each in ledger.read(loop)] == ["a", "b"]
    assert dataset.registry().fact("wind", ledger.read(loop)[1].facts["night.json"]) == '{"of": "b"}'


def test_an_act_that_another_machine_was_faster_than_decides_again_on_what_that_has_written(tracked: Path) -> None:
    loop, settings = catalog.load("wind"), Settings.current()
    ledger.say(loop, Paused, "a storm")  # what lies in the Git remote
    other = Registry(tracked / "another" / "registry", settings.remote, settings.git_remote)
    keeping.restore(other, print)
    seen: list[list[str]] = []

    def decide(world: Production) -> None:
        seen.append([each.key for each in world.entries()])
        if len(seen) == 1:
            with writing.held(other) as writer:
                ledger.write(writer, loop, [entry("vetoed", key="theirs")])
        world.write([entry("vetoed", key="ours")], VETO)

    with runs.connected() as client:
        production.act(loop, client, decide, _rests)
    assert seen == [["paused:0"], ["paused:0", "theirs"]]
    assert [each.key for each in ledger.read(loop)] == ["paused:0", "theirs", "ours"]
    writing.keep_up(other)
    assert other.ledger("wind") == ledger.read(loop)


def test_a_first_look_is_taken_once_and_keeps_the_days_of_its_duel(tracked: Path) -> None:
    name = rename(tracked, "wind", "wind_looked")
    loop, differences = catalog.load(name), [0.1, -0.2, 0.3]
    with runs.connected() as client:
        run = _evaluated(client, name, "first", differences)

        def look(world: Production) -> acts.Look:
            world.write([entry("promoted", "champion", version="1")], VETO)
            return acts.look(world, loop, run, [])

        first = production.act(loop, client, look)
        written = ledger.read(loop)
        # Whatever is stored of it since.
        changed = training(run, [-9.0] * 3).evaluation.model_dump()
        evaluations.keep(loop, run, json.dumps(changed))
        second = production.act(loop, client, lambda world: acts.look(world, loop, run, []))
        assert evidence.read(loop, run) == Gathered(tuple(days(differences)))
    assert first.taken is not None
    assert second.taken is None
    assert (second.verdict, second.entry.reason) == (first.verdict, first.entry.reason)
    assert written[-1] == second.entry
    assert (second.entry.run, second.entry.evaluated, second.entry.minutes) == ("first", run, 1.0)
    assert ledger.read(loop) == written


def test_what_was_read_stays_what_it_was_throughout_an_act(tracked: Path) -> None:
    name = rename(tracked, "wind", "wind_read")
    loop = catalog.load(name)
    with runs.connected() as client:
        run = _evaluated(client, name, "first", [0.1])

        def read(world: Production) -> None:
            known = world.training(run)
            assert world.evidence(run) == Gathered()
            other = Registry(dataset.registry().root, dataset.registry().remote)
            assert other.text(f"{name}/duels/{run}.json") is None
            evidence.commit(world.writer, loop, run, "1", Gathered(tuple(days([0.5]))))
            assert (world.training(run), world.evidence(run)) == (known, Gathered())
            later = Gathered(tuple(days([0.7])))
            world.keep(run, later)
            assert world.evidence(run) == later

        production.act(loop, client, read)
        assert evidence.read(loop, run) == Gathered(tuple(days([0.7])))


def test_a_version_is_registered_once_and_a_turn_back_names_its_run(watched: Path) -> None:
    loop = catalog.load("wind_watched")
    (won,) = only(ledger.read(loop), Won)
    with runs.connected() as client:
        champion = models.champion(client, loop.name)
        assert champion is not None
        tags = client.tags(won.evaluated)

        def turn_back(world: Production) -> acts.Deployed:
            deployed = world.register(won)
            back = entry("rolled_back", key="back", version="1", left="2", mlflow_run="", reason="x")
            world.write([back], VETO)
            world.crown("1")
            return deployed

        deployed = production.act(loop, client, turn_back)
        assert models.champion(client, loop.name) == champion
    assert (deployed.version, deployed.about["mlflow_run"], deployed.about["because"]) == ("1", won.evaluated, "a test")
    assert deployed.about["model"] == models.local(won.evaluated)[0]  # what every load is compared with
    assert deployed.about["data"]["train"] == tags["data.train"]
    assert deployed.about["day"] == tags["data.train"].partition("..")[2]
    assert deployed.about["minutes"] == 0  # of what was judged, the first look has told them
    assert ledger.read(loop)[-1].mlflow_run == champion.run_id


def test_what_has_no_refit_yet_is_told_how_to_get_one(second: str) -> None:
    loop = catalog.load(NAME)
    won = entry("won", "second", evaluated=second, mlflow_run=second, champion="2")
    again = f"ratchet step refit --loop {NAME} --run second"
    with runs.connected() as client, pytest.raises(RequestError, match=again):
        production.act(loop, client, lambda world: world.register(won))
