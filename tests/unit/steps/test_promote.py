"""Promote: once, in the ledger first, and where a person has to approve, after that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ratchet import catalog
from ratchet.adapters import models, runs
from ratchet.errors import RequestError
from ratchet.lifecycle import approval, dataset, evaluations, evidence, ledger
from ratchet.partitions import shift
from ratchet.reports import decision as report
from ratchet.settings import Settings
from ratchet.steps import gate
from tests.conftest import ingest, step, train
from tests.given.duels import NAME, NIGHT, ask, champion_now, renew
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


def _left(name: str, run: str) -> dict[str, bytes]:
    """Return all that is kept of a loop's decisions: the tree of the data registry, the pages, the files of a run."""
    registry, reports = dataset.registry(), Settings.current().reports
    kept = {path: text.encode() for path, text in registry.texts_below(name).items()}
    kept |= {str(path): path.read_bytes() for path in (reports / name).rglob("*") if path.is_file()}
    with runs.connected() as client:
        for file in (evaluations.FILE, evidence.FILE, "report/first-look.html"):
            kept[file] = runs.read_file(client, run, file)
    return {**kept, "revision": registry.head().encode()}


def test_a_run_that_was_promoted_is_judged_no_second_time(wind: str) -> None:
    first = train(wind, "first")
    ingest(wind, "2013-01-15..2013-01-16")
    before = _left(wind, first.mlflow_run)
    assert sum("/facts/" in path for path in before) >= 3
    assert any(path.endswith(f"decisions/{report.path(first.mlflow_run, gate.LOOK)}") for path in before)
    for name in ("evaluate", "gate", "promote", "evaluate", "gate", "refit", "promote"):
        again = step(name, wind, run="first", mlflow_run=first.mlflow_run)
        assert again.outcome == "unchanged", name
        assert _left(wind, first.mlflow_run) == before, name
    assert again.version == "1"
    seen = step("evaluate", wind, run="first")
    assert seen.champion is None  # it is champion by now, and was judged when there was none
    assert seen.metrics["mae"] > 0


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
    assert kinds(wind) == {"register": ["won"], "set_champion": ["won", "promoted"]}[moment]
    with runs.connected() as client:
        assert models.champion(client, wind) is None
        healed = ledger.champion(client, catalog.load(wind))
        assert (healed and healed.number) == {"register": None, "set_champion": "1"}[moment]
    assert step("promote", wind, run="first", mlflow_run=made).version == "1"
    assert kinds(wind) == ["won", "promoted"]
    with runs.connected() as client:
        assert len(client.raw.search_model_versions(f"name = '{wind}'")) == 1


def test_promote_wants_a_verdict(wind: str) -> None:
    step("snapshot", wind, run="first")
    made = step("train", wind, run="first").mlflow_run
    with pytest.raises(RequestError, match="was judged under the key"):
        step("promote", wind, run="first", mlflow_run=made)


def _asked(second: str, tmp_path: Path) -> None:
    """Let a challenger have won that a person has to approve."""
    ask(second, tmp_path / "copy")
    assert duel_kinds()[-2:] == ["won", "approval_asked"]
    step("refit", NAME, run="second", mlflow_run=second)
    with pytest.raises(RequestError, match="nobody has answered"):
        step("promote", NAME, run="second", mlflow_run=second)


def record(run: str, said: Any, by: str | None) -> None:
    """Answer as the operator does."""
    approval.record(catalog.load(NAME), run, approval.Said(said, by or "", "airflow" if by else ""))


def _answer(second: str, said: str, by: str | None) -> Any:
    record("second", said, by)
    return step("promote", NAME, run="second", mlflow_run=second)


def test_a_person_has_to_approve(second: str, tmp_path: Path) -> None:
    _asked(second, tmp_path)
    done = _answer(second, "Approve", "ada")
    assert done.outcome == "done"
    assert champion_now() == done.version
    written = ledger.read(catalog.load(NAME))
    assert [each.kind for each in written[-2:]] == ["answered", "promoted"]
    assert written[-1].approval == {
        "answer": "Approve",
        "by": "ada",
        "known": "airflow",
        "at": written[-2].at,
        "night": shift(NIGHT, 1),  # which is the first to hear it
        "why": "approved by ada",
    }
    late = _answer(second, "Reject", "bob")
    assert (late.outcome, late.version) == ("unchanged", done.version)
    assert ledger.read(catalog.load(NAME)) == written
    assert champion_now() == done.version


def test_who_was_asked_has_to_answer_whatever_the_contract_says_since(second: str, tmp_path: Path) -> None:
    """An edit of the contract between question and answer neither answers nor forgets the question."""
    _asked(second, tmp_path)
    path = tmp_path / "copy" / "loops" / NAME / "loop.yaml"
    path.write_text(path.read_text().replace("  approval: [ada, bob]\n", ""))
    renew("second")
    with pytest.raises(RequestError, match="nobody has answered"):
        step("promote", NAME, run="second", mlflow_run=second)
    assert _answer(second, "Reject", "ada").reason == "rejected by ada"
    assert champion_now() == "2"


def test_who_is_refused_stays_so_whatever_is_answered_later(second: str, tmp_path: Path) -> None:
    _asked(second, tmp_path)
    held = _answer(second, "Reject", None)
    assert (held.outcome, held.reason) == ("skipped", "rejected: nobody answered within 24 hours")
    written = ledger.read(catalog.load(NAME))
    assert written[-1].kind == "rejected"
    late = _answer(second, "Approve", "ada")
    assert (late.outcome, late.reason) == (held.outcome, held.reason)
    assert ledger.read(catalog.load(NAME)) == written
    assert champion_now() == "2"
