"""A champion that gets worse in one slice: the night that asks for a retraining says where, in step, facts and page."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ratchet import catalog
from ratchet.adapters import models, runs
from ratchet.lifecycle import dataset, evaluations, explanations, ledger, looks, predictions, records
from ratchet.partitions import shift
from ratchet.reports import explanation
from tests.conftest import ingest, lay, rename, step, train

NAME = "wind_worse"
FIRST, NIGHTS = "2013-01-15", 8
GUSTS = "wind_speed + CASE WHEN origin = 'EWR' THEN 30 * (hour(observed_at) // 3 % 2) ELSE 0 END"


def _night(day: str) -> Any:
    for name in ("score", "drift", "performance"):
        step(name, NAME, partition=day)
    return step("decide", NAME, partition=day)


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory, loops_folder: Any, mlflow_server: Any) -> Any:
    """A champion, and its nights since: from the first on, the anemometer of one airport jumps every three hours."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("worse")
        lay(folder / "var", loops_folder, folder, patch.setenv)
        patch.setenv("MLFLOW_TRACKING_URI", mlflow_server.url)
        rename(folder, "wind", NAME)
        contract = folder / "loops" / NAME / "loop.yaml"
        text = contract.read_text().replace("drift: {columns: 1}", "").replace("calendar: {days: 3}", "")
        contract.write_text(text.replace("degradation: {margin: 0.1}", "degradation: {margin: 0.1, level: 0.4}"))
        ingest(NAME, "2013-01-02..2013-01-14")
        assert train(NAME, "first").version == "1"
        contract.write_text(
            contract.read_text().replace("SELECT * FROM", f"SELECT * REPLACE ({GUSTS} AS wind_speed) FROM")
        )
        ingest(NAME, f"{FIRST}..{shift(FIRST, NIGHTS - 1)}")
        yield {day: _night(day) for day in (shift(FIRST, n) for n in range(NIGHTS))}


def test_a_quiet_night_explains_nothing(nights: dict[str, Any]) -> None:
    quiet = nights[FIRST]
    assert (quiet.verdict, quiet.worse, quiet.explanation) == ("wait", "", False)
    assert not list(looks.folder(catalog.load(NAME), FIRST).glob("explanation*"))


def test_the_night_that_alarms_names_the_slice(nights: dict[str, Any]) -> None:
    loop, asked = catalog.load(NAME), [night for night in nights.values() if night.verdict == "retrain"]
    assert asked
    for night in asked:
        assert "degradation: live loss" in night.reason
        assert "origin" not in night.reason
    last = asked[-1]
    assert last.worse.startswith("worst where origin=EWR: +")
    assert " of the rise" in last.worse
    assert last.explanation
    page = looks.read(loop, last.partition, explanation.PAGE) or ""
    assert page.index("Worst where origin=EWR") < page.index("<table>")
    for night in (entry for entry in ledger.read(loop) if entry.kind == "requested"):
        registry = dataset.registry()
        facts = json.loads(registry.fact(NAME, night.facts[explanation.NUMBERS]))
        assert facts["version"] == "1"
        assert facts["sentence"] == nights[night.partition].worse
        assert "<h1>" in registry.fact(NAME, night.facts[explanation.PAGE], ".html")
    again = step("decide", NAME, partition=last.partition)
    assert (again.outcome, again.worse, again.explanation) == ("unchanged", last.worse, True)


def test_what_is_explained_is_what_has_alarmed(nights: dict[str, Any]) -> None:
    """The holdout's mean is that of the evaluation, the latest days' that of what performance has measured."""
    loop, last = catalog.load(NAME), shift(FIRST, NIGHTS - 1)
    with runs.connected() as client:
        run = models.version(client, NAME, "1").run_id
        live = [shift(FIRST, n) for n in range(NIGHTS - 1)]
        found = explanations.of_champion(loop, client, last, "1", live)
    judged = evaluations.read(loop, records.read(loop, run).evaluated or run)
    held = [each["challenger"] for each in judged.days.values()]
    assert found.losses[0] == pytest.approx(sum(held) / len(held))
    measured = dict[str, float]()
    for day in nights:
        look = json.loads(looks.read(loop, day, "performance.json") or "{}")
        measured |= {each: told["1"]["loss"] for each, told in look["days"].items() if "1" in told}
    assert found.losses[1] == pytest.approx(sum(measured[day] for day in live) / len(live))
    assert {each.column for each in found.slices} >= {"origin", "hour_of_day", "wind_now"}


def test_what_is_gone_fails_no_night(nights: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    loop, last = catalog.load(NAME), shift(FIRST, NIGHTS - 1)
    with runs.connected() as client:
        monkeypatch.setattr(predictions, "told", lambda *_: None)  # as after a disk that was lost
        said = explanation.of_night(
            loop, "2013-03-01", "1", lambda: explanations.of_champion(loop, client, last, "1", [last])
        )
    assert said.startswith("where it got worse cannot be said: ")
    assert not explanation.there(loop, "2013-03-01")
    assert explanation.told(loop, "2013-03-01") == said
