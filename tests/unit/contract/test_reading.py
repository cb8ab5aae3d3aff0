"""A contract that is wrong: said with file, line and the nearest right spelling."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.contract import reading
from ratchet.contract.loop import Loop
from ratchet.errors import ContractError
from tests.given.contracts import broken, refused


def _line(message: str) -> int:
    return int(message.split(":")[1])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("holdout_days: 7", "holdot_days: 7", ("training.holdot_days", "did you mean 'holdout_days'?")),
        ("task: binary", "task: binry", ("task is 'binry'", "did you mean 'binary'?")),
        ("holdout_days: 7", "holdout_days: soon", ("training.holdout_days", "integer", "'soon'", "str")),
        ("suite: weather", "suite: wether", ("unknown expectation suite 'wether'", "did you mean 'weather'?")),
        (
            "trainer: gradient_boosting",
            "trainer: gradient_bosting",
            ("unknown trainer", "did you mean 'gradient_boosting'?"),
        ),
        ("kind: nycflights", "kind: nycflight", ("unknown source", "did you mean 'nycflights'?")),
        ("    max_iter: 300", "    max_iters: 300", ("training.params.max_iters", "did you mean 'max_iter'?")),
        ("window: expanding", "window: 5", ("a window of 5 days", "at least 8")),
        ("key: [observed_at, origin]", "key: [observed_at, origni]", ("'origni'", "not under columns")),
        ("    time: sched_dep", "    time: carrier", ("must be a timestamp",)),
        ("roc_auc: {min: 0.6}", "mae: {min: 0.6}", ("'mae'", "not a metric of binary")),
        ("loss: log_loss", "loss: squared_error", ("not a loss of binary",)),
        ("sql: features.sql", "sql: feature.sql", ("there is no file 'feature.sql'",)),
        ("name: flight_delays", "name: flights", ("the folder is 'flight_delays'",)),
        ("owner: operations\n", "owner: operations\nownr: x\n", ("unknown key 'ownr'", "did you mean 'owner'?")),
    ],
)
def test_a_mistake_is_explained(place: Path, old: str, new: str, words: tuple[str, ...]) -> None:
    message = broken(place, old, new)
    for word in words:
        assert word in message


def test_the_line_is_the_mistakes_own(place: Path) -> None:
    path = place / "loops" / "flight_delays" / "loop.yaml"
    expected = next(n for n, line in enumerate(path.read_text().splitlines(), 1) if "holdout_days" in line)
    assert _line(broken(place, "holdout_days: 7", "holdot_days: 7")) == expected


def test_all_that_is_wrong_with_a_value_is_told_at_once_each_at_its_line(place: Path) -> None:
    new = "  value:\n    unit: ''\n    costs:\n      false_negative: 60\n      fals_positive: 3\n      dear: 1\n"
    _, message = refused(place, "  floors:", f"{new}  floors:")
    told = message.splitlines()
    first = _line(told[0])
    assert "gate.value.unit: name a unit" in told[0]
    assert "'fals_positive' is no outcome of a binary task; did you mean 'false_positive'? There is: " in told[1]
    assert "'dear' is no outcome of a binary task; there is: false_negative, " in told[2]
    assert [_line(each) - first for each in told] == [0, 3, 4]


def test_a_sentence_of_what_there_is_begins_small_after_a_semicolon() -> None:
    assert reading.nearest("x", ["late", "early"]) == "there is: early, late"
    assert reading.nearest("x", []) == "there is: nothing yet"


def test_not_yaml(place: Path) -> None:
    assert "not YAML" in broken(place, "task: binary", "task: [binary")


@given(word=st.sampled_from(sorted(Loop.model_fields)), at=st.integers(0, 30))
def test_a_letter_dropped_finds_its_word_again(word: str, at: int) -> None:
    misspelt = word[: at % len(word)] + word[at % len(word) + 1 :]
    if len(misspelt) > 3 and misspelt not in Loop.model_fields:
        assert f"did you mean {word!r}" in reading.nearest(misspelt, list(Loop.model_fields))


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


MOST_CALLS = 2_000_000  # in Python, with their returns, while one is read: the contract of flight_delays takes 300,000


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (BOMB.encode(), "values, its aliases written out"),
        (b"a: &a [*a]\n", ""),
        (b"[" * 2_000, ":1: 2,000 brackets open"),
        (b"[" * 20_000, ":1: 20,000 brackets open"),
        (b"a: 1\n" + b"[[]," * 1_000, ":2: 2,000 brackets open"),
        (b"{a: " * 20_000, ":1: 20,000 brackets open"),
        ((b"[" * 90 + b"\n") * 100, "not YAML"),
        (b"- " * 20_000, "not YAML"),
        (b"- " * 800, "not YAML"),
        (b"name: wind\0\n", "not YAML"),
        ("name: wünd\n".encode("latin-1"), "not UTF-8 at byte 7"),
        (b"#" * 300_000, "300,000 bytes are no contract"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"name: !!python/object/apply:os.system [id]\n", ""),
        (b"training: {seed: 1e999}\n", ""),
    ],
    ids=lambda each: None if isinstance(each, bytes) else each[:20],
)
def test_a_hostile_contract_is_one_sentence_and_costs_nothing(tmp_path: Path, content: bytes, words: str) -> None:
    """One of 300 bytes ate the DAG processor, and with it every other loop's DAGs."""
    path = tmp_path / "wind" / "loop.yaml"
    path.parent.mkdir()
    path.write_bytes(content)
    calls = itertools.count()
    sys.setprofile(lambda *_: next(calls) and None)
    try:
        with pytest.raises(ContractError, match=words) as caught:
            reading.read(path)
    finally:
        sys.setprofile(None)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 4000
    assert next(calls) < MOST_CALLS
