"""Answer: once, by who may, and never by who has asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.adapters import writing
from ratchet.contract.loop import Loop
from ratchet.errors import RequestError
from ratchet.lifecycle import approval, dataset, ledger, records
from ratchet.lifecycle.records import Record
from tests.given.entries import entry

RUN = "a" * 32


@pytest.fixture
def asked(place: Path) -> Loop:
    """A loop whose challenger has won, and waits for ada or bob."""
    contract = place / "loops" / "wind" / "loop.yaml"
    contract.write_text(contract.read_text().replace("gate:\n", "gate:\n  approval: [ada, bob]\n"))
    loop = catalog.load("wind")
    won = entry("won", "first", key=f"won:{RUN}", evaluated=RUN, mlflow_run=RUN, reason="it won")
    question = entry("approval_asked", "first", key=f"approval_asked:{RUN}", mlflow_run=RUN)
    with writing.held(dataset.registry()) as writer:
        ledger.write(writer, loop, [won, question])
    records.keep(loop, Record(run=RUN, key="first", asked_by="bob"))
    return loop


def _last(loop: Loop) -> tuple[str, str, str, str]:
    found = ledger.read(loop)[-1]
    assert found.kind == "answered"
    return found.answer, found.responder, found.known, found.reason


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (approval.Said("Approve", "ada", "airflow"), ("Approve", "ada", "airflow", "approved by ada")),
        (approval.Said("Reject", "bob", "airflow"), ("Reject", "bob", "airflow", "rejected by bob")),
        (approval.Said("Approve"), ("Reject", "", "", "nobody answered in time")),
        (
            approval.Said("Approve", "bob", "airflow"),
            ("Reject", "bob", "airflow", "bob has asked for the training, and may not approve it"),
        ),
        (
            approval.Said("Approve", "eve", "airflow"),
            ("Reject", "eve", "airflow", "eve has answered, whom gate.approval does not name"),
        ),
    ],
)
def test_only_a_yes_of_who_may_say_it_is_one(asked: Loop, said: approval.Said, told: tuple[str, str, str, str]) -> None:
    assert approval.record(asked, "first", said)[1]
    assert _last(asked) == told
    assert ledger.read(asked)[-1].asked_by == "bob"


def test_the_first_answer_stays(asked: Loop) -> None:
    approval.record(asked, "first", approval.Said("Reject", "ada", "airflow"))
    before = ledger.read(asked)
    for said in (
        approval.Said("Approve", "bob", "airflow"),
        approval.Said("Approve", "ada", "airflow"),
        approval.Said("Reject"),
    ):
        found, new = approval.record(asked, "first", said)
        assert (new, found.answer, found.responder) == (False, "Reject", "ada")
    assert ledger.read(asked) == before


def test_where_nothing_is_asked_nothing_is_answered(asked: Loop) -> None:
    with pytest.raises(RequestError, match="Nothing of wind was judged under the key 'second'"):
        approval.record(asked, "second", approval.Said("Approve", "ada", "airflow"))
    rejected = entry(
        "rejected", "first", key=f"rejected:{RUN}", evaluated=RUN, mlflow_run=RUN, reason="its refit diverged"
    )
    with writing.held(dataset.registry()) as writer:
        ledger.write(writer, asked, [rejected])
    with pytest.raises(RequestError, match="There is no question about first of wind: its refit diverged"):
        approval.record(asked, "first", approval.Said("Approve", "ada", "airflow"))
