"""The baseline of a training: what its targets alone teach."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet import catalog
from ratchet.contract.loop import Loop
from ratchet.errors import DataError
from ratchet.partitions import shift
from ratchet.training import baseline, encoding
from ratchet.training.baseline import POINTS, WEEK, WINDOW, Baseline
from ratchet.training.metrics import row_losses

FIRST = "2024-03-01"
LOSSES = [
    ("binary", "log_loss"),
    ("binary", "brier"),
    ("multiclass", "log_loss"),
    ("regression", "absolute_error"),
    ("regression", "squared_error"),
]
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "binary": st.sampled_from([0.0, 1.0]),
    "multiclass": st.sampled_from(["a", "b", "c", "d"]),
    "regression": st.floats(-1e6, 1e6),
}
Days = list[list[Any]]
cases = st.sampled_from(LOSSES).flatmap(
    lambda case: st.tuples(
        st.just(case), st.lists(st.lists(st.none() | VALUES[case[0]], max_size=5), min_size=1, max_size=30)
    )
)


def _loop(task: str, loss: str) -> Loop:
    loop = catalog.load("flight_delays")
    return loop.model_copy(update={"task": task, "gate": loop.gate.model_copy(update={"loss": loss})})


def _columns(task: str, days: Days) -> list[tuple[str, pa.ChunkedArray]]:
    kind = pa.string() if task == "multiclass" else pa.float64()
    return [(shift(FIRST, n), pa.chunked_array([pa.array(values, kind)])) for n, values in enumerate(days)]


def _learn(task: str, loss: str, days: Days) -> Baseline | None:
    return baseline.learn(_loop(task, loss), _columns(task, days))


def _known(days: Days) -> list[tuple[str, list[Any]]]:
    found = [(shift(FIRST, n), [value for value in values if value is not None]) for n, values in enumerate(days)]
    return [(day, values) for day, values in found if values]


def _plain(task: str, loss: str, days: list[tuple[str, list[Any]]], last: int | None) -> np.ndarray:
    """Answer as the docstring says, all targets in memory. last: of so many days alone."""
    taught = [v for day, values in days if last is None or day > shift(days[-1][0], -last) for v in values]
    if task == "regression":
        return np.array([np.median(taught) if loss == "absolute_error" else np.mean(taught)])
    classes = [0.0, 1.0] if task == "binary" else sorted({v for _, values in days for v in values})
    seen = np.array([taught.count(each) for each in classes])
    shares = (seen + 0.5) / (len(taught) + len(classes) / 2)
    return shares[1:] if task == "binary" else shares


@given(cases)
def test_it_is_the_choice_that_has_answered_each_week_better_by_what_was_known_before_it(
    case: tuple[tuple[str, str], Days],
) -> None:
    (task, loss), days = case
    found, known = _learn(task, loss, days), _known(days)
    if not known:
        assert found is None
        return
    assert found is not None
    begin = known[0][0]
    lost: dict[str, list[float]] = {WINDOW: [], WEEK: []}
    for start in (shift(begin, 7 * n) for n in range(1, 6)):
        before = [each for each in known if each[0] < start]
        for span, last in ((WINDOW, None), (WEEK, 7)):
            said = _plain(task, loss, before, last)
            for value in (v for day, values in known if start <= day < shift(start, 7) for v in values):
                classes = sorted({v for _, values in before for v in values})
                code = float(classes.index(value) if value in classes else -1) if task == "multiclass" else value
                prediction = said[None, :] if task == "multiclass" else said
                lost[span].append(float(row_losses(loss, np.array([code]), prediction)[0]))
    if lost[WINDOW]:
        assert found.losses == pytest.approx({span: np.mean(each) for span, each in lost.items()}, rel=1e-9, abs=1e-9)
        chosen = WEEK if found.losses[WEEK] < found.losses[WINDOW] else WINDOW
    else:
        assert (found.losses, "nothing to choose by" in found.note) == ({}, True)
        chosen = WINDOW
    assert found.kind.endswith(f" of the {chosen}")
    assert found.values == pytest.approx(tuple(_plain(task, loss, known, 7 if chosen == WEEK else None)))
    taught = [each for each in known if chosen == WINDOW or each[0] > shift(known[-1][0], -7)]
    assert (found.first, found.until) == (taught[0][0], known[-1][0])
    assert found.rows == sum(len(values) for _, values in taught)


@given(cases, st.integers(0, 4))
def test_it_predicts_in_the_form_of_a_model_and_its_record_is_the_same_read_again(
    case: tuple[tuple[str, str], Days], count: int
) -> None:
    (task, loss), days = case
    found = _learn(task, loss, days)
    if found is None:
        return
    assert found == _learn(task, loss, days)
    assert Baseline.model_validate_json(found.model_dump_json(exclude_defaults=True)) == found
    said = found.predict(count)
    if task == "multiclass":
        table = pa.table({"y": pa.array([v for _, values in _known(days) for v in values], pa.string())})
        assert found.classes == encoding.learn("multiclass", "y", [], [], table).classes
        assert said.shape == (count, len(found.classes))
        assert said.sum(axis=1) == pytest.approx(np.ones(count))
    else:
        assert said.shape == (count,)
    assert np.isfinite(row_losses(loss, np.zeros(count), said)).all()


@pytest.mark.parametrize(
    ("task", "loss", "days", "note", "kind"),
    [
        ("regression", "squared_error", [[1.0, 2.0]], "one week of targets: nothing to choose by", "mean"),
        ("binary", "log_loss", [[0]] * 3, "nothing to choose by; 1 of 2 classes have no row there", "class shares"),
        ("multiclass", "log_loss", [["a"]] * 9, "one class alone has been seen", "class shares"),
        ("multiclass", "log_loss", [["a"]] + [["b"]] * 30, "1 of 2 classes have no row there", "class shares"),
    ],
)
def test_too_little_to_learn_from_is_said(task: str, loss: str, days: Days, note: str, kind: str) -> None:
    found = _learn(task, loss, days)
    assert found is not None
    assert found.note.endswith(note)
    assert found.words.startswith(f"{kind} of the ")
    assert note in found.words
    assert np.isfinite(found.values).all()


def test_a_world_that_has_turned_is_answered_by_its_last_week_and_one_that_stays_by_all_of_it() -> None:
    turned = _learn("binary", "log_loss", [[0, 0, 0, 1]] * 28 + [[1, 1, 1, 0]] * 28)
    assert turned is not None
    assert (turned.kind, turned.first) == ("class shares of the last week", shift(FIRST, 49))
    assert turned.values[0] == pytest.approx(21.5 / 29)
    stays = _learn("regression", "squared_error", [[float((-1) ** (n // 7))] for n in range(56)])
    assert stays is not None
    assert stays.kind == "mean of the training window"
    assert "week by week: training window " in stays.words


def test_the_median_of_more_rows_than_are_kept_is_near_the_median() -> None:
    random = np.random.default_rng(0)
    days = [random.normal(n, 1, 20 * POINTS).tolist() for n in range(5)]
    found = _learn("regression", "absolute_error", days)
    assert found is not None
    every = np.concatenate(days)
    assert abs((every < found.values[0]).mean() - 0.5) < 1 / POINTS


def test_a_target_that_the_encoder_refuses_is_refused() -> None:
    with pytest.raises(DataError, match="must give 0, 1"):
        _learn("binary", "log_loss", [[0.5]])
