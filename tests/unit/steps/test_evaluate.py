"""Evaluate: challenger and champion on rows that neither has seen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.adapters import models, runs
from ratchet.decisions import checks, duel
from ratchet.errors import RequestError
from ratchet.lifecycle import evaluations, ledger, records
from ratchet.settings import Settings
from tests.conftest import ingest, step, train
from tests.given.duels import NAME
from tests.given.trained import kinds, let_win

KEYS = ("first", "second")


def test_a_challenger_is_compared_on_rows_that_neither_has_seen_and_a_rollback_restores(wind: str) -> None:
    train(wind, "first")
    path = catalog.load(wind).folder / "loop.yaml"
    path.write_text(path.read_text().replace("intercept_days: 0 ", "intercept_days: 21 "))
    ingest(wind, "2013-01-15..2013-01-20")
    step("snapshot", wind, run="second")
    made = step("train", wind, run="second").mlflow_run
    judged = step("evaluate", wind, run="second", mlflow_run=made)
    assert judged.champion == "1"
    assert set(judged.champion_metrics) == set(judged.metrics)
    first, second = (evaluations.read(catalog.load(wind), records.trained_run(catalog.load(wind), run)) for run in KEYS)
    assert first.usual_loss is not None  # what its baseline lost, before the holdout
    assert first.usual_loss not in (first.baseline_loss, first.challenger_loss)
    assert second.usual_loss == first.challenger_loss != second.champion_loss
    kept = evaluations.read(catalog.load(wind), made).shifts
    assert {who: len(of) for who, of in kept.items()} == {"challenger": 3, "champion": 0, "baseline": 3, "anchor": 0}
    verdict = step("gate", wind, run="second", mlflow_run=made)
    assert verdict.days == 4
    assert verdict.low <= verdict.difference <= verdict.high
    word = {"promote": "won", "reject": "rejected", "wait": "waiting"}[verdict.verdict]
    assert kinds(wind) == ["won", "promoted", word]
    page = (Settings.current().reports / wind / "decisions" / verdict.report).read_text()
    assert "Model card" in page
    assert "<th>shift of the champion</th>" in page
    assert "http" not in page.replace("data:image", "")
    again = step("gate", wind, run="second", mlflow_run=made)
    assert (again.verdict, again.difference, again.days) == (verdict.verdict, verdict.difference, verdict.days)
    promoted = step("promote", wind, run="second", mlflow_run=made)
    assert promoted.outcome == ("done" if verdict.verdict == "promote" else "skipped")
    # However the numbers fell: let it through, and take it back.
    let_win(wind, "second", made)
    assert step("promote", wind, run="second", mlflow_run=made).version == "2"
    loop = catalog.load(wind)
    assert ledger.rollback(loop, "a test").version == "1"
    with runs.connected() as client:
        champion = models.champion(client, wind)
    assert champion is not None
    assert champion.number == "1"
    assert kinds(wind)[-1] == "rolled_back"
    with pytest.raises(RequestError, match="first champion"):
        ledger.rollback(loop, "again")


def test_vetoes_of_an_evaluation(second: str, tmp_path: Path) -> None:
    """Each veto by its own number: what was let wait is held once the bound is tighter, or the data were rejected."""

    loop = catalog.load(NAME)
    with runs.connected() as client:
        found = json.loads(runs.read_file(client, second, evaluations.FILE))
    assert all(check.passed for check in checks.every(loop.gate, found))
    assert {"origin=EWR", "origin=JFK", "origin=LGA"} == set(found["slices"])
    assert "importance" not in found, "no decision needs it: the step explain makes it when somebody looks"
    for changed, name in (
        ({"latency_ms": 1e9}, "latency_ms"),
        ({"size_mb": 1e9}, "size_mb"),
        ({"unaccepted": {"2013-01-14": "broken"}}, "data"),
        ({"behaviour": {"up": [1.0, 0.5, "higher", 0.0]}}, "up"),
        (
            {"signatures": [{"inputs": {"new": "number"}, "outputs": ["x"]}, {"inputs": {}, "outputs": ["x"]}]},
            "signature",
        ),
        ({"slices": {"origin=JFK": [["a", 9, 900.0, 0], ["b", 9, 900.0, 0]]}}, "origin=JFK"),
    ):
        broken = [check.name for check in checks.every(loop.gate, {**found, **changed}) if not check.passed]
        assert broken == [name]


def test_a_first_model_is_told_beside_its_baseline_and_with_what_is_too_few(wind: str) -> None:
    step("snapshot", wind, run="first")
    made = step("train", wind, run="first").mlflow_run
    told = step("evaluate", wind, run="first")
    found = evaluations.read(catalog.load(wind), made)
    assert found.baseline is not None
    assert set(told.baseline_metrics) == set(told.metrics)
    assert f"; baseline {found.baseline_loss:.4f}; there is no champion yet" in told.reason
    assert told.too_few == found.too_few == {}  # four days can decide at the level of this loop
    assert [each.key for each in duel.load(found.baseline)] == [*found.days]
    plain = records.read(catalog.load(wind), made).baseline
    assert plain is not None
    assert found.baseline_words == plain.words
    for day in told.daily:
        (cluster,) = (each for each in duel.load(found.baseline) if each.key == day["day"])
        assert cluster.mean == pytest.approx(day["challenger"] - day["baseline"])
    with runs.connected() as client:
        assert client.metrics(made)["baseline/loss"] == found.baseline_loss
        assert client.metrics(made)["baseline/rmse"] == told.baseline_metrics["rmse"]


def test_a_training_of_before_there_were_baselines_is_evaluated_without_one(wind: str) -> None:
    step("snapshot", wind, run="first")
    made = step("train", wind, run="first").mlflow_run
    records.amend(catalog.load(wind), made, baseline=None)
    told = step("evaluate", wind, run="first")
    assert (told.baseline_metrics, "baseline" in told.reason) == ({}, False)
    assert evaluations.read(catalog.load(wind), made).baseline is None
