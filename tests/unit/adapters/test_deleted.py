"""What MLflow has in its bin, or no longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet.adapters import deleted, runs
from ratchet.errors import TrackingError

GONE = "0" * 32


def test_an_experiment_and_its_runs_come_back_from_the_bin(tracked: Path) -> None:
    with runs.connected() as client:
        run = runs.start_run(client, "wind_binned", "first", {}).run_id
        assert deleted.restore(client, "wind_binned", [run, GONE]) == []
        experiment = client.raw.get_experiment_by_name("wind_binned")
        assert experiment is not None
        client.raw.delete_experiment(experiment.experiment_id)
        with pytest.raises(
            TrackingError, match=r"The experiment wind_binned is in the bin of MLflow.*recover wind_binned"
        ):
            runs.start_run(client, "wind_binned", "second", {})
        assert "the experiment wind_binned" in deleted.restore(client, "wind_binned", [run, GONE])
        client.raw.delete_run(run)
        assert deleted.restore(client, "wind_binned", [run, GONE]) == [f"the run {run}"]
        assert (deleted.there(client, run), deleted.there(client, GONE)) == (True, False)


def test_a_copy_for_people_is_passed_over_where_its_run_is_gone(
    tracked: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with runs.connected() as client:
        run = runs.start_run(client, "wind_copied", "first", {}).run_id
        client.raw.delete_run(run)
        for each in (run, GONE):
            with deleted.copying(each):
                runs.log_metrics(client, each, {"loss": 1.0})
            with deleted.copying(each):
                client.set_tag(each, "verdict", "promote")
        told = [record.getMessage() for record in caplog.records if "bin" in record.getMessage()]
        assert len(told) == 4
        with deleted.copying(client.raw.create_run("0").info.run_id), pytest.raises(ZeroDivisionError):
            raise ZeroDivisionError
