"""The record of a training: believed, whatever MLflow says."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.adapters import runs, writing
from ratchet.decisions.duel import Gathered
from ratchet.errors import DataError, RequestError
from ratchet.lifecycle import dataset, evaluations, evidence, pruning, records
from ratchet.lifecycle.records import Record
from ratchet.training.baseline import Baseline
from tests.given.clusters import days

RUN = "a" * 32


def test_a_record_is_found_by_its_run_and_by_its_key_and_goes_with_it(place: Path) -> None:
    loop = catalog.load("wind")
    first = Record(run=RUN, key="it:s+1~x", data={"train": "2013-01-02..2013-01-05"}, seconds=1.5)
    assert records.find(loop, RUN) is None
    assert records.of_key(loop, first.key) is None
    with pytest.raises(DataError, match="ratchet step train --loop wind --run it:s"):
        records.trained_run(loop, first.key)
    records.keep(loop, first)
    refit = Record(run="b" * 32, evaluated=RUN)
    records.keep(loop, refit)
    with writing.held(dataset.registry()) as writer:
        evidence.commit(writer, loop, RUN, "1", Gathered(tuple(days([0.1]))))
    assert records.read(loop, RUN) == records.of_key(loop, first.key) == first
    assert first.trained == ("2013-01-02", "2013-01-05")
    assert records.trained_run(loop, first.key, RUN) == RUN
    with pytest.raises(RequestError, match=f"{refit.run} is not what was trained for wind under the key"):
        records.trained_run(loop, first.key, refit.run)
    head = dataset.registry().head()
    records.keep(loop, first)  # once
    assert dataset.registry().head() == head
    assert records.amend(loop, RUN, refit=refit.run) == records.read(loop, RUN)
    pruning.forget(loop, [RUN, "never recorded"])
    assert (records.find(loop, RUN), records.of_key(loop, first.key)) == (None, None)
    assert evidence.read(loop, RUN) == Gathered()
    assert records.find(loop, refit.run) == refit
    with pytest.raises(DataError, match=f"no record of the MLflow run {RUN}: no step of wind has made it"):
        records.amend(loop, RUN, refit="")


def test_an_evaluation_is_a_fact_of_the_registry(place: Path) -> None:
    loop = catalog.load("wind")
    records.keep(loop, Record(run=RUN, key="first"))
    with pytest.raises(DataError, match=r"was not evaluated.*ratchet step evaluate --loop wind --run first"):
        evaluations.text(loop, RUN)
    evaluations.keep(loop, RUN, '{"metrics": {}}')
    assert evaluations.text(loop, RUN) == '{"metrics": {}}'


def test_a_file_that_was_changed_in_mlflow_is_refused(tracked: Path) -> None:
    loop, kept = catalog.load("wind"), {"monitor/thresholds.json": "{}"}
    with runs.connected() as client:
        run = runs.start_run(client, "wind_records", "first", {}).run_id
        runs.log_files(client, run, kept)
        records.keep(loop, Record(run=run, files=records.digests(kept)))
        assert records.file(loop, client, run, "monitor/thresholds.json") == b"{}"
        runs.log_files(client, run, {"monitor/thresholds.json": '{"thresholds": {}}', "monitor/other.json": "{}"})
        for name in ("monitor/thresholds.json", "monitor/other.json"):
            with pytest.raises(DataError, match=f"The file {name} of the MLflow run {run} is not what was stored"):
                records.file(loop, client, run, name)


def test_a_record_of_before_there_were_baselines_has_none(place: Path) -> None:
    loop = catalog.load("wind")
    plain = Baseline(kind="mean of the last week", values=(14.5,), rows=9, first="2013-01-01", until="2013-01-02")
    records.keep(loop, Record(run=RUN))
    assert records.read(loop, RUN).baseline is None
    records.keep(loop, Record(run="b" * 32, baseline=plain))
    assert records.read(loop, "b" * 32).baseline == plain
