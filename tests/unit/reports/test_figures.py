"""Figures kept with a run."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from ratchet.contract.loop import Task
from ratchet.decisions import duel
from ratchet.reports import figures
from tests.given.clusters import days
from tests.given.rows import TASKS, fitted, rows


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Axes]:
    """What was drawn, as it was before it became a picture."""
    found: list[Axes] = []
    made = figures._png
    monkeypatch.setattr(figures, "_png", lambda axes: (found.extend(axes.figure.axes), made(axes))[1])
    return found


@pytest.mark.parametrize("task", TASKS)
def test_figures_are_pictures(task: Task) -> None:
    made, curve = fitted(task, "gradient_boosting", params={"max_iter": 5})
    table = rows(task, 100, 5)
    drawn = figures.of_holdout(
        task, made.encoder.classes, made.encoder.target_values(table), {"challenger": made.predict(table)}
    )
    assert drawn
    for picture in (*drawn.values(), figures.of_curve(curve)):
        assert picture.startswith(b"\x89PNG")


def test_names_that_look_like_formulas_are_drawn_as_they_are() -> None:
    """A class named `$\\frac{$` broke a figure, and with it its training."""
    names = ("$\\frac{$", "b", "<b>")
    said = np.full((3, 3), 1 / 3)
    drawn = figures.of_holdout("multiclass", names, np.arange(3.0), {"challenger": said})
    assert drawn["confusion"].startswith(b"\x89PNG")
    assert figures.of_importance(dict.fromkeys(names, 1.0), "$").startswith(b"\x89PNG")


def test_evidence_calibration_and_importance_are_drawn() -> None:
    compared = days([-0.01, 0.02, float("inf")])
    shown = duel.judge(compared, margin=0.0, bound=0.1, level=0.05)
    drawn = figures.of_evidence(compared, shown, "log_loss", "champion", "day")
    for picture in (drawn, figures.of_calibration([(0.1, 0.2, 5)]), figures.of_importance({"x": 2.0, "y": 1.0}, "y")):
        assert picture.startswith(b"\x89PNG")
    assert figures.of_holdout("binary", (), np.zeros(0), {}) == {}


def test_what_lies_beyond_the_bound_is_drawn_as_the_bound_and_marked(seen: list[Axes]) -> None:
    """A day without a finite loss was drawn as a day without a difference, and one far out pressed all others flat."""
    compared = days([-0.01, 0.7, float("inf"), -0.3])
    shown = duel.judge(compared, margin=0.02, bound=0.1, level=0.05)
    figures.of_evidence(compared, shown, "$ a row", "anchor v1", "day")
    above, below = seen
    assert [bar.get_height() for bar in above.patches] == [-0.01, 0.1, 0.1, -0.1]
    (marked,) = [line for line in above.lines if line.get_markerfacecolor() == "none"]
    assert [*zip(marked.get_xdata(), marked.get_ydata(), strict=True)] == [(1, 0.1), (2, 0.1), (3, -0.1)]
    assert marked.get_label() == "beyond the bound,\ncounts as the bound"
    assert "for the anchor v1" in [line.get_label() for line in below.lines]
    labels = [axes.get_xlabel() for axes in seen], [axes.get_ylabel() for axes in seen]
    assert labels == (["", "day"], ["$ a row", "capital"])


def test_evidence_is_drawn_as_the_capital_that_the_text_names(seen: list[Axes]) -> None:
    """The text said "evidence 5.73, 20 needed", and the axis had logarithms, which began at 0."""
    compared = days([-0.006, 0.004, -0.009, 0.031, -0.005, -0.012, 0.003, -0.008])
    shown = duel.judge(compared, margin=0.02, bound=0.05, level=0.05)
    figures.of_evidence(compared, shown, "log_loss", "champion", "day")
    below = seen[1]
    lines = {str(line.get_label()): np.asarray(line.get_ydata()) for line in below.lines}
    assert lines["for the challenger"][-1] == pytest.approx(22.12, abs=0.005)  # as docs/promotion.md has it
    assert lines["for the champion"][-1] == pytest.approx(0.16, abs=0.005)
    assert lines["needed: 20"] == pytest.approx([20.0, 20.0])
    assert below.get_yscale() == "log"
    assert [tick.get_text() for tick in below.get_yticklabels()] == ["0.05", "0.25", "1", "5", "20"]


@pytest.mark.parametrize(("level", "named"), [(0.2, "5"), (0.1, "10"), (0.01, "100")])
@pytest.mark.parametrize("mean", [-0.04, 0.0, 0.04])
def test_a_capital_that_is_beyond_all_measure_is_cut_off(
    seen: list[Axes], mean: float, level: float, named: str
) -> None:
    compared = days([mean] * 2000)
    shown = duel.judge(compared, margin=0.0, bound=0.05, level=level)
    figures.of_evidence(compared, shown, "log_loss", "champion", "day")
    low, high = seen[1].get_ylim()
    assert figures.SEEN[0] / 2 < low < high < figures.SEEN[1] * 2
    labels = [tick.get_text() for tick in seen[1].get_yticklabels()]
    assert {"1", named} <= {*labels}
    assert len(labels) <= 11


def test_zero_and_margin_are_two_lines_and_a_day_of_zero_is_seen(seen: list[Axes]) -> None:
    """A bar of no height is nothing, and a challenger above zero and below the margin seemed to be better."""
    compared = days([-0.01, 0.0, 0.01])
    for margin in (0.02, 0.0):
        shown = duel.judge(compared, margin=margin, bound=0.1, level=0.05)
        figures.of_evidence(compared, shown, "log_loss", "champion", "day")
    first, second = ({str(line.get_label()).replace("\n", " "): line for line in seen[i].lines} for i in (0, 2))
    zero, flat = "0: below it the challenger is better", "(nearly) no difference"
    margin_words = "margin, 0.02: below it speaks for the challenger, who may be worse by so much"
    assert [*first] == [flat, zero, margin_words]
    assert [*second] == [flat, zero]
    assert [*first[flat].get_xdata()] == [1]
    assert (first[zero].get_linestyle(), first[margin_words].get_linestyle()) == ("-", "--")
    assert seen[0].get_title() == "Challenger less champion, by day"


def test_certificates_are_drawn_night_by_night() -> None:
    nights = [(f"2013-02-{day:02d}", -0.001 * day, -0.01, 0.01) for day in range(1, 12)]
    drawn = figures.of_certificates(nights, "log_loss"), figures.of_certificates(nights[:1], "$ a row")
    assert drawn[0][:4] == drawn[1][:4] == b"\x89PNG"


def test_one_night_alone_is_seen(seen: list[Axes]) -> None:
    figures.of_certificates([("2013-02-01", -0.001, -0.01, 0.02)], "log_loss")
    (axes,) = seen
    mean, zero = axes.lines
    assert (mean.get_marker(), zero.get_linestyle(), zero.get_label()) == (
        "o",
        "-",
        "0: below it the champion is better",
    )
    (interval,) = [each for each in axes.collections if isinstance(each, LineCollection)]
    assert [[y for _, y in each] for each in interval.get_segments()] == [[-0.01, 0.02]]
    low, high = axes.get_xlim()
    assert high - low >= 2  # days


def test_nights_that_are_missing_leave_their_room(seen: list[Axes]) -> None:
    """A month without a night was a step like any other."""
    nights = [(night, -0.01, -0.02, 0.01) for night in ("2013-02-01", "2013-02-02", "2013-03-04")]
    figures.of_certificates(nights, "log_loss")
    at = seen[0].lines[0].get_xdata(orig=False)
    assert [at[1] - at[0], at[2] - at[1]] == [1, 30]
    assert (seen[0].get_xlabel(), seen[0].get_ylabel()) == ("night", "log_loss")
