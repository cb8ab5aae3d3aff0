"""Drift: a night beside the champion's own data."""

from __future__ import annotations

from pathlib import Path

from ratchet import catalog
from ratchet.adapters import runs
from ratchet.lifecycle import dataset, ledger
from tests.conftest import ingest, step
from tests.given.watched import NIGHT, replace


def test_a_night(watched: Path) -> None:
    found = step("drift", "wind_watched", partition=NIGHT)
    assert found.days == 3
    page = Path(found.report)
    assert page.stat().st_size > 1_000_000
    with runs.connected() as client:
        assert f"drift/{NIGHT}.html" in [item.path for item in client.raw.list_artifacts(found.mlflow_run, "drift")]
    measured = step("performance", "wind_watched", partition=NIGHT)
    assert list(measured.days) == ["2013-01-15"]  # the labels of the 16th come a day later
    assert measured.days["2013-01-15"]["1"]["mae"] > 0
    decided = step("decide", "wind_watched", partition=NIGHT)
    before = dataset.registry().head()
    again = [step(part, "wind_watched", partition=NIGHT) for part in ("drift", "performance", "decide")]
    assert again[0].outcome == "unchanged"
    assert again[0].drifted == found.drifted
    assert again[1].days == measured.days
    assert (again[2].verdict, again[2].key) == (decided.verdict, decided.key)
    assert dataset.registry().head() == before


def test_a_broken_sensor_is_drift_and_asks_once(watched: Path) -> None:
    """All temperatures missing: the feature that says so drifts, however the others look."""
    replace(watched, "SELECT * FROM", "SELECT * REPLACE (CAST(NULL AS DOUBLE) AS temp) FROM")
    ingest("wind_watched", f"2013-01-13..{NIGHT}", "broken-sensor")
    found = step("drift", "wind_watched", partition=NIGHT)
    assert "temp_now is" in found.drifted
    step("performance", "wind_watched", partition=NIGHT)
    decided = step("decide", "wind_watched", partition=NIGHT)
    assert decided.verdict == "retrain"
    assert decided.key == f"drift__v1__{NIGHT}"
    assert step("decide", "wind_watched", partition=NIGHT).key == decided.key
    requests = [entry for entry in ledger.read(catalog.load("wind_watched")) if entry.kind == "requested"]
    assert [entry.partition for entry in requests] == [NIGHT]
