"""Production as a world: what an act of it leaves in the data registry and in MLflow."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from ratchet import catalog
from ratchet.adapters import models, runs
from ratchet.adapters.data_registry import Writer
from ratchet.decisions import acts, retrain
from ratchet.decisions.entries import Won, only
from ratchet.errors import DataError, RequestError
from ratchet.lifecycle import contracts, dataset, evaluations, evidence, ledger, production
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
    run = str(runs.start_run(client, name, key, {evaluations.RECIPE: "recipe"}).run_id)
    given = training(run, differences).evaluation.model_dump()
    runs.log_files(client, run, {evaluations.FILE: json.dumps(given)})
    runs.log_metrics(client, run, {"train_seconds": 60.0})
    return run


def test_entries_are_written_once_with_their_facts_which_are_found_byte_for_byte(tracked: Path) -> None:
    loop, registry = catalog.load("wind"), dataset.registry()
    said = [entry("vetoed", key=key, reason="bad data") for key in ("a", "b")]
    with runs.connected() as client, production.held(loop, client, _rests) as world:
        world.write(said, VETO)
        found, head = world.entries(), registry.head()
        assert [each.key for each in found] == ["a", "b"]
        for each in found:
            assert each.contract == contracts.take(loop)
            text = json.dumps({"of": each.key})
            assert each.facts["night.json"] == hashlib.sha256(text.encode()).hexdigest()
            assert registry.fact("wind", each.facts["night.json"]) == text
            assert registry.fact("wind", each.facts["report.html"], ".html") == PAGE
        assert registry.git("rev-list", "--count", f"{head}~1..{head}").strip() == "1"
    asked: list[str] = []

    def others(given: Any, _: acts.Decided) -> dict[str, str]:
        asked.append(given.key)
        return {"night.json": "other"}

    with runs.connected() as client, production.held(loop, client, others) as world:
        world.write([entry("vetoed", key="a", reason="other")], VETO)
        assert (world.entries(), registry.head(), asked) == (found, head, [])


def test_a_fact_that_was_changed_since_is_refused(tracked: Path) -> None:
    loop, registry = catalog.load("wind"), dataset.registry()
    with runs.connected() as client, production.held(loop, client, _rests) as world:
        world.write([entry("vetoed", key="a")], VETO)
        (found,) = world.entries()
        digest = found.facts["night.json"]
        path = f"wind/facts/{digest[:2]}/{digest}.json"
        world.writer.write(path, '{"of": "another"}')
        world.writer.commit([path], "a lie")
    with pytest.raises(DataError, match="is not what it was in the data registry"):
        registry.fact("wind", digest)
    with pytest.raises(DataError, match="is missing in the data registry"):
        registry.fact("wind", "0" * 64)
    with pytest.raises(DataError, match="is missing in the data registry"):
        registry.fact("wind", "0" * 64, ".html")


def test_entries_whose_commit_was_killed_are_written_anew_and_none_of_them_twice(
    tracked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, said = catalog.load("wind"), [entry("vetoed", key=key) for key in ("a", "b")]

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, runs.connected() as client:
        patched.setattr(Writer, "commit", crash)
        with pytest.raises(KeyboardInterrupt), production.held(loop, client, _rests) as world:
            world.write(said, VETO)
    assert ledger.read(loop) == []
    with runs.connected() as client, production.held(loop, client, _rests) as world:
        world.write(said, VETO)
    assert [each.key for each in ledger.read(loop)] == ["a", "b"]
    assert dataset.registry().fact("wind", ledger.read(loop)[1].facts["night.json"]) == '{"of": "b"}'


def test_a_first_look_is_taken_once_and_keeps_the_days_of_its_duel(tracked: Path) -> None:
    name = rename(tracked, "wind", "wind_looked")
    loop, differences = catalog.load(name), [0.1, -0.2, 0.3]
    with runs.connected() as client:
        run = _evaluated(client, name, "first", differences)
        with production.held(loop, client) as world:
            world.write([entry("promoted", "champion", version="1")], VETO)
            first = acts.look(world, loop, run, [])
        written = ledger.read(loop)
        # Whatever is stored of it since.
        changed = training(run, [-9.0] * 3).evaluation.model_dump()
        runs.log_files(client, run, {evaluations.FILE: json.dumps(changed)})
        with production.held(loop, client) as world:
            second = acts.look(world, loop, run, [])
        assert evidence.read(client, run) == days(differences)
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
        with production.held(loop, client) as world:
            known = world.training(run)
            assert world.evidence(run) == []
            runs.log_files(client, run, {evaluations.FILE: "{}"})
            evidence.write(client, run, "1", days([0.5]))
            assert (world.training(run), world.evidence(run)) == (known, [])
            world.keep(run, days([0.7]))
            assert world.evidence(run) == evidence.read(client, run) == days([0.7])


def test_a_version_is_registered_once_and_a_turn_back_names_its_run(watched: Path) -> None:
    loop = catalog.load("wind_watched")
    (won,) = only(ledger.read(loop), Won)
    with runs.connected() as client:
        champion = models.champion(client, loop.name)
        assert champion is not None
        tags = client.tags(won.evaluated)
        with production.held(loop, client) as world:
            deployed = world.register(won)
            back = entry("rolled_back", key="back", version="1", left="2", mlflow_run="", reason="x")
            world.write([back], VETO)
            world.crown("1")
        assert models.champion(client, loop.name) == champion
    assert (deployed.version, deployed.about["mlflow_run"], deployed.about["because"]) == ("1", won.evaluated, "a test")
    assert deployed.about["data"]["train"] == tags["data.train"]
    assert deployed.about["day"] == tags["data.train"].partition("..")[2]
    assert deployed.about["minutes"] == 0  # of what was judged, the first look has told them
    assert ledger.read(loop)[-1].mlflow_run == champion.run_id


def test_what_has_no_refit_yet_is_told_how_to_get_one(second: str) -> None:
    loop = catalog.load(NAME)
    won = entry("won", "second", evaluated=second, mlflow_run=second, champion="2")
    again = f"ratchet step refit --loop {NAME} --run second"
    with runs.connected() as client, production.held(loop, client) as world, pytest.raises(RequestError, match=again):
        world.register(won)
