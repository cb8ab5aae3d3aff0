"""The evidence of a duel, day by day."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from ratchet import catalog
from ratchet.adapters import runs, writing
from ratchet.decisions import hypothesis
from ratchet.decisions.duel import Gathered
from ratchet.lifecycle import dataset, evidence, ledger
from tests.given import rows
from tests.given.clusters import days
from tests.given.entries import entry

DAY = "2013-01-02"


def _told(table: pa.Table, error: float) -> pa.Table:
    target = table.column("wind").to_pylist()
    said = pa.array([value + error if value is not None else 0.0 for value in target])
    return table.select(["observed_at", "origin"]).append_column("prediction", said)


def test_a_day_is_compared_over_the_labelled_rows_that_both_have_predicted(place: Path) -> None:
    loop, table = catalog.load("wind"), rows.wind(DAY)
    labels = pa.array([None if i < 5 else value for i, value in enumerate(table.column("wind").to_pylist())])
    table = table.set_column(table.column_names.index("wind"), "wind", labels)
    rival, champion = _told(table, 3.0), _told(table, 1.0).slice(7)
    (found,) = evidence.compare(loop, DAY, table, rival, champion)
    assert (found.key, found.rows) == (DAY, table.num_rows - 7)
    assert found.mean == pytest.approx(9 - 1)  # of squared errors
    assert evidence.compare(loop, DAY, table, rival, champion.slice(0, 0)) == []


def test_evidence_is_kept_with_its_run(tracked: Path) -> None:
    loop = catalog.load("wind")
    gathered = Gathered(tuple(days([0.1, -0.2])), "baseline:x", tuple(days([-3.0])))
    with runs.connected() as client:
        run = runs.start_run(client, "wind_evidence", "first", {}).run_id
        assert evidence.read(loop, run) == Gathered()
        evidence.write(loop, client, run, "1", gathered)
        assert evidence.read(loop, run) == gathered
        # The copy with the run is for people: what is changed there changes nothing.
        runs.log_files(client, run, {evidence.FILE: evidence.text("1", Gathered(tuple(days([-9.0]))))})
        head = dataset.registry().head()
        evidence.write(loop, client, run, "1", gathered)
        assert dataset.registry().head() == head
        assert evidence.read(loop, run) == gathered


def test_past_duels_are_those_in_the_loss_of_now_each_once(tracked: Path) -> None:
    loop = catalog.load("wind")
    by = hypothesis.of_now(loop, 1.0)
    other = by.model_copy(update={"loss": "absolute_error"})
    told = [("waiting", "a", by), ("rejected", "a", by), ("rejected", "b", other), ("rejected", "c", None)]
    with writing.held(dataset.registry()) as writer:
        for run in "abc":
            evidence.commit(writer, loop, run, "1", Gathered(tuple(days([0.1, -0.2]))))
        ledger.write(writer, loop, [entry(kind, run, terms=terms) for kind, run, terms in told])
    assert evidence.past(loop, dataset.registry()) == {"a": evidence.read(loop, "a")}
    assert evidence.read(loop, "a").days
