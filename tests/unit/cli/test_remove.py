"""`ratchet remove`."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.adapters import writing
from ratchet.lifecycle import dataset, nights
from ratchet.settings import Settings
from tests.unit.cli.conftest import FakeAirflow, Ratchet


@pytest.fixture
def home(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place as a project of its own, with the DAG file and some work of the loop wind."""
    monkeypatch.setenv("RATCHET_HOME", str(place))
    (place / "dags").mkdir()
    (place / "dags" / "wind.py").write_text('globals().update(dags_of("wind"))\n')
    for folder in (Settings.current().staging, Settings.current().reports):
        (folder / "wind" / "2013-01-05").mkdir(parents=True)
    return place


def test_what_goes_and_what_stays_is_said_and_nothing_is_done_unasked(home: Path, ratchet: Ratchet) -> None:
    code, said, wrong = ratchet("remove", "wind")
    assert code == 2
    goes, stays = said.split("Stays:")
    for path in ("loops/wind", "dags/wind.py", "expectations/wind.json", "staging/wind", "reports/wind"):
        assert f"{path}\n" in goes
    assert "MLflow" in stays
    assert "ratchet remove wind --yes" in wrong
    assert (home / "loops" / "wind" / "loop.yaml").exists()


def test_a_loop_goes_with_its_files_runs_and_open_nights(
    home: Path, airflow: FakeAirflow, ratchet: Ratchet, monkeypatch: pytest.MonkeyPatch
) -> None:
    airflow.dags = {"wind.ingest": False, "wind.train": False, "windy.ingest": False}
    airflow.left = {"wind.ingest": ["night__2013-01-05"], "windy.ingest": ["another"]}
    loop = catalog.load("wind")
    writing.change(dataset.registry(), lambda writer: nights.begin(writer, loop, {"2013-01-05": "night__2013-01-05"}))
    code, said, wrong = ratchet("remove", "wind", "--yes")
    assert code == 0, wrong
    assert airflow.dags == {"wind.ingest": True, "wind.train": True, "windy.ingest": False}
    assert airflow.ended == {"night__2013-01-05": "the loop was removed"}
    assert "1 runs were ended: wind.ingest night__2013-01-05" in said
    registry = dataset.registry()
    assert nights.opened(registry, "wind") == []
    ended = nights.ended(registry, "wind", "2013-01-05")
    assert ended is not None
    assert (ended["state"], ended["reason"]) == ("given_up", "the loop was removed")
    assert not [path for path in home.rglob("wind*") if "registry" not in path.parts and "remote" not in path.parts]
    assert "wind" not in catalog.names()
    assert ratchet("lint", "flight_delays")[0] == 0


def test_suites_that_another_loop_names_stay(home: Path, ratchet: Ratchet) -> None:
    said = ratchet("remove", "flight_delays", "--yes")[1]
    assert (home / "suites" / "expectations" / "flights.json").exists()
    assert "flights.json: another loop names it too" in said


def test_a_loop_whose_contract_is_broken_goes_too(home: Path, ratchet: Ratchet) -> None:
    (home / "loops" / "wind" / "loop.yaml").write_text("tables: [")
    assert ratchet("remove", "wind", "--yes")[0] == 0
    assert not (home / "loops" / "wind").exists()


def test_where_airflow_does_not_run_it_is_said_how_runs_end(
    home: Path, ratchet: Ratchet, monkeypatch: pytest.MonkeyPatch, airflow: FakeAirflow
) -> None:
    airflow.shutdown()
    airflow.server_close()
    code, said, _ = ratchet("remove", "wind", "--yes")
    assert code == 0
    assert "No run was ended" in said
    assert "Then: ratchet remove wind --yes" in said


def test_a_loop_that_is_none_is_told_with_the_nearest(home: Path, ratchet: Ratchet) -> None:
    code, _, wrong = ratchet("remove", "wnid")
    assert code == 2
    assert "There is no loop 'wnid'" in wrong
