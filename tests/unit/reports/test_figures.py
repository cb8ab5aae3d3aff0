"""Figures kept with a run."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes

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
    drawn = figures.of_evidence(compared, shown, "log_loss", "the champion", "day")
    for picture in (drawn, figures.of_calibration([(0.1, 0.2, 5)]), figures.of_importance({"x": 2.0, "y": 1.0}, "y")):
        assert picture.startswith(b"\x89PNG")
    assert figures.of_holdout("binary", (), np.zeros(0), {}) == {}


def test_what_lies_beyond_the_bound_is_drawn_as_the_bound_and_marked(seen: list[Axes]) -> None:
    """A day without a finite loss was drawn as a day without a difference, and one far out pressed all others flat."""
    compared = days([-0.01, 0.7, float("inf"), -0.3])
    shown = duel.judge(compared, margin=0.02, bound=0.1, level=0.05)
    figures.of_evidence(compared, shown, "$ a row", "the anchor v1", "day")
    above, below = seen
    assert [bar.get_height() for bar in above.patches] == [-0.01, 0.1, 0.1, -0.1]
    (marked,) = [line for line in above.lines if line.get_markerfacecolor() == "none"]
    assert [*zip(marked.get_xdata(), marked.get_ydata(), strict=True)] == [(1, 0.1), (2, 0.1), (3, -0.1)]
    assert marked.get_label() == "beyond the bound,\ncounts as the bound"
    assert "for the anchor v1" in [line.get_label() for line in below.lines]
    labels = [axes.get_xlabel() for axes in seen], [axes.get_ylabel() for axes in seen]
    assert labels == (["", "day"], ["$ a row", "logarithm of the capital"])


def test_certificates_are_drawn_night_by_night() -> None:
    nights = [(f"2013-02-{day:02d}", -0.001 * day, -0.01, 0.01) for day in range(1, 12)]
    drawn = figures.of_certificates(nights, "log_loss"), figures.of_certificates(nights[:1], "$ a row")
    assert drawn[0][:4] == drawn[1][:4] == b"\x89PNG"


def test_nights_that_are_missing_leave_their_room(seen: list[Axes]) -> None:
    """A month without a night was a step like any other."""
    nights = [(night, -0.01, -0.02, 0.01) for night in ("2013-02-01", "2013-02-02", "2013-03-04")]
    figures.of_certificates(nights, "log_loss")
    at = seen[0].lines[0].get_xdata(orig=False)
    assert [at[1] - at[0], at[2] - at[1]] == [1, 30]
    assert (seen[0].get_xlabel(), seen[0].get_ylabel()) == ("night", "log_loss")
