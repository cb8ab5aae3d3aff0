"""Promote: once, in the ledger first, and where a person has to approve, after that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.adapters import models, runs
from ratchet.errors import RequestError
from ratchet.lifecycle import dataset, ledger
from tests.conftest import step, train
from tests.given.duels import NAME, NIGHT, champion_now, live_night, win, write_gate
from tests.given.duels import kinds as duel_kinds
from tests.given.trained import kinds


def test_twice_changes_nothing(wind: str) -> None:
    first = train(wind, "first")
    before = (dataset.registry().head(), kinds(wind))
    again = train(wind, "first")
    assert (again.outcome, again.version, again.mlflow_run) == ("unchanged", first.version, first.mlflow_run)
    assert (dataset.registry().head(), kinds(wind)) == before
    for name in ("snapshot", "train"):
        assert step(name, wind, run="first").outcome == "unchanged"
    with runs.connected() as client:
        assert len(client.raw.search_model_versions(f"name = '{wind}'")) == 1
        experiment = client.raw.get_experiment_by_name(wind)
        assert experiment is not None
        assert len(client.raw.search_runs([experiment.experiment_id])) == 1


@pytest.mark.parametrize("moment", ["register", "set_champion"])
def test_a_promotion_that_crashes_is_completed_by_a_retry(
    wind: str, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """After the model is registered; and between the ledger and the alias, where any next call heals the alias."""
    step("snapshot", wind, run="first")
    made = step("train", wind, run="first").mlflow_run
    for name in ("evaluate", "gate"):
        step(name, wind, run="first", mlflow_run=made)
    real = getattr(models, moment)

    def crash(*arguments: object) -> None:
        if moment == "register":
            real(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(models, moment, crash)
        with pytest.raises(KeyboardInterrupt):
            step("promote", wind, run="first", mlflow_run=made)
    assert kinds(wind) == {"register": [], "set_champion": ["promoted"]}[moment]
    with runs.connected() as client:
        assert models.champion(client, wind) is None
        healed = ledger.champion(client, catalog.load(wind))
        assert (healed and healed.number) == {"register": None, "set_champion": "1"}[moment]
    assert step("promote", wind, run="first", mlflow_run=made).version == "1"
    assert kinds(wind) == ["promoted"]
    with runs.connected() as client:
        assert len(client.raw.search_model_versions(f"name = '{wind}'")) == 1


def test_promote_wants_a_verdict(wind: str) -> None:
    step("snapshot", wind, run="first")
    made = step("train", wind, run="first").mlflow_run
    with pytest.raises(RequestError, match="has not passed the gate"):
        step("promote", wind, run="first", mlflow_run=made)


def test_a_person_has_to_approve(second: str, tmp_path: Path) -> None:
    write_gate(tmp_path / "copy", "approval: required")
    live_night()
    win(second)
    step("duel", NAME, partition=NIGHT)
    step("refit", NAME, run="second", mlflow_run=second)
    with pytest.raises(RequestError, match="nobody has answered"):
        step("promote", NAME, run="second", mlflow_run=second)
    no = json.dumps({"answer": "Reject", "by": None, "at": "2013-01-21T08:00:00"})
    held = step("promote", NAME, run="second", mlflow_run=second, approval=no)
    assert (held.outcome, held.reason) == ("skipped", "rejected: nobody answered within 24 hours")
    assert duel_kinds()[-1] == "rejected"
    assert champion_now() == "2"
    yes = json.dumps({"answer": "Approve", "by": "ada", "at": "2013-01-21T08:00:00"})
    assert step("promote", NAME, run="second", mlflow_run=second, approval=yes).outcome == "done"
    assert ledger.read(catalog.load(NAME))[-1].approval == {
        "answer": "Approve",
        "by": "ada",
        "at": "2013-01-21T08:00:00",
    }
