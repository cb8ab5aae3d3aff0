"""Figures kept with a run."""

from __future__ import annotations

import numpy as np
import pytest

from ratchet.contract.loop import Task
from ratchet.decisions import duel
from ratchet.reports import figures
from tests.given.clusters import days
from tests.given.rows import TASKS, fitted, rows


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
    assert figures.of_importance(dict.fromkeys(names, 1.0)).startswith(b"\x89PNG")


def test_evidence_calibration_and_importance_are_drawn() -> None:
    compared = days([-0.01, 0.02, float("inf")])
    drawn = figures.of_evidence(compared, duel.curve(compared, margin=0.0, bound=0.1), 3.0, 0.0)
    for picture in (drawn, figures.of_calibration([(0.1, 0.2, 5)]), figures.of_importance({"x": 2.0, "y": 1.0})):
        assert picture.startswith(b"\x89PNG")
    assert figures.of_holdout("binary", (), np.zeros(0), {}) == {}


def test_certificates_are_drawn_night_by_night() -> None:
    nights = [(f"2013-02-{day:02d}", -0.001 * day, -0.01, 0.01) for day in range(1, 12)]
    assert figures.of_certificates(nights)[:4] == figures.of_certificates(nights[:1])[:4] == b"\x89PNG"
