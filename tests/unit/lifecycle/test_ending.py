"""What is under way of a loop that goes; with a fake of Airflow, in tests/unit/cli/test_remove.py."""

from __future__ import annotations

from pathlib import Path

from ratchet import catalog
from ratchet.adapters import writing
from ratchet.lifecycle import dataset, ending, nights


def test_where_no_airflow_is_described_it_is_said_what_to_do(place: Path) -> None:
    assert "pause the DAGs wind.* there" in ending.runs("wind", "it goes", "ratchet remove wind --yes")


def test_open_nights_are_given_up_once(place: Path) -> None:
    assert ending.open_nights("wind", "it goes") == []
    days = {"2013-01-05": "one", "2013-01-06": "two"}
    writing.change(dataset.registry(), lambda writer: nights.begin(writer, catalog.load("wind"), days))
    assert ending.open_nights("wind", "it goes") == ["2013-01-05", "2013-01-06"]
    head = dataset.registry().head()
    assert ending.open_nights("wind", "it goes") == []
    assert dataset.registry().head() == head
