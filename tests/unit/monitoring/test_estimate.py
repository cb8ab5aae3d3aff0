"""Losses without labels."""

from __future__ import annotations

import numpy as np
import pytest

from ratchet import catalog
from ratchet.contract.rules import Gate


def test_an_estimate_without_labels_is_near_the_truth() -> None:
    """Of calibrated predictions the expected loss is the loss; of a regression nothing is said."""
    from ratchet.monitoring import estimate
    from ratchet.training.metrics import row_losses

    rng = np.random.default_rng(0)
    p = rng.uniform(0.05, 0.95, 20_000)
    target = (rng.random(20_000) < p**2).astype(float)  # predictions are too high: calibration has to see it
    knots = estimate.calibrate("binary", target[:10_000], p[:10_000])
    for loss in ("log_loss", "brier"):
        truth = row_losses(loss, target[10_000:], p[10_000:]).mean()  # type: ignore[arg-type]
        estimated = estimate.losses(loss, knots, p[10_000:]).mean()  # type: ignore[arg-type]
        assert estimated == pytest.approx(truth, rel=0.03)
    three = rng.dirichlet([1, 1, 1], 20_000)
    drawn = (rng.random((20_000, 1)) > three.cumsum(axis=1)).sum(axis=1).astype(float)
    knots = estimate.calibrate("multiclass", drawn[:10_000], three[:10_000])
    truth = row_losses("log_loss", drawn[10_000:], three[10_000:]).mean()
    assert estimate.losses("log_loss", knots, three[10_000:]).mean() == pytest.approx(truth, rel=0.03)
    assert estimate.calibrate("regression", target, p) == {}


def test_of_a_value_nothing_is_estimated() -> None:
    from ratchet.monitoring import estimate

    loop, knots = catalog.load("flight_delays"), {"0": [[0.0], [0.0]]}
    told = {"loss": "value", "bound": 1, "value": {"unit": "hours", "sql": "prediction"}}
    value = loop.model_copy(update={"gate": Gate.model_validate(told)})
    assert [estimate.told(*each) for each in ((loop, knots), (loop, {}), (value, knots))] == [True, False, False]
