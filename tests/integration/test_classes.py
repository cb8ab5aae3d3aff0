"""Three classes through the whole loop."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.adapters import models, runs
from ratchet.decisions.entries import Promoted, only
from ratchet.lifecycle import evaluations, evidence, explanations, ledger, predictions
from ratchet.settings import Settings
from tests.conftest import ingest, rename, step, train

COSTS = """  value:
    unit: minutes of waiting
    costs:
      late: {on time: 60, early: 70}
      on time: {late: 15}
      early: {late: 15}
"""


@pytest.mark.parametrize(
    "trainer", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in ("gradient_boosting", "torch_mlp")]
)
def test_three_classes_through_the_whole_loop(tracked: Path, trainer: str) -> None:
    name = rename(tracked, "flight_classes", f"flight_classes_{trainer}")
    path = tracked / "loops" / name / "loop.yaml"
    text = path.read_text().replace("holdout_days: 7", "holdout_days: 3")
    head, _, tail = text.partition("  trainer: gradient_boosting")
    rest = tail[tail.index("\ngate:") :].replace(
        "deploy: refit", "deploy: refit\n  refit_distance: 2\n  level: 0.4"
    )  # three days beside six
    rest = rest.replace("margin: 0.02", "margin: 0.2").replace("bound: 0.05", "bound: 0.5")  # of a baseline too
    rest = rest.replace("  loss: log_loss", f"  loss: log_loss\n{COSTS}")
    if trainer == "gradient_boosting":  # the other is told in minutes, and duels by its log loss
        rest = rest.replace("loss: log_loss", "loss: value").replace("margin: 0.2", "margin: 8")
        rest = rest.replace("bound: 0.5", "bound: 20").replace("    margin: 0.05", "    margin: 5")
    params = {"gradient_boosting": "{max_iter: 20}", "torch_mlp": "{max_epochs: 3}"}[trainer]
    path.write_text(f"{head}  trainer: {trainer}\n  window: expanding\n  holdout_days: 3\n  params: {params}\n{rest}")
    ingest(name, "2013-01-02..2013-01-08")
    assert train(name, "first", until="2013-01-07").outcome == "done"
    assert step("score", name, partition="2013-01-08").rows > 500
    ingest(name, "2013-01-09")
    assert step("drift", name, partition="2013-01-09").days == 7
    measured = step("performance", name, partition="2013-01-09")
    assert measured.days["2013-01-08"]["2"]["accuracy"] > 0.3
    assert step("decide", name, partition="2013-01-09").verdict in ("retrain", "wait")
    assert Settings.current().predictions.is_dir()
    loop = catalog.load(name)
    told = predictions.told(loop, "2013-01-08")
    assert told is not None
    assert {"late"} < {*told.column("decision").to_pylist()} <= {"early", "on time", "late"}
    assert told.column("decision") != told.column("prediction")
    (promoted,) = only(ledger.read(loop), Promoted)
    assert promoted.worth is not None
    assert (promoted.worth["unit"], promoted.worth["against"]) == ("minutes of waiting", "baseline")
    assert "minutes of waiting a week against the baseline" in promoted.reason
    live = measured.days["2013-01-08"]["2"]
    assert (live["loss"] == live["log_loss"]) == (loop.loss == "log_loss")
    _what_an_alarm_is_explained_by_is_what_was_measured(name, live["loss"])


def _what_an_alarm_is_explained_by_is_what_was_measured(name: str, live: float) -> None:
    loop = catalog.load(name)
    with runs.connected() as client:
        (held, _), (now, rows) = explanations.sides(loop, client, "2013-01-09", "2", ["2013-01-08"])
        run = evidence.judged_run(loop, models.version(client, name, "2"))
    judged = evaluations.read(loop, run).days
    assert {day: held.losses[held.days == day].mean() for day in judged} == pytest.approx(
        {day: told["challenger"] for day, told in judged.items()}
    )
    assert now.losses.mean() == pytest.approx(live)
    assert "carrier" in rows.column_names
