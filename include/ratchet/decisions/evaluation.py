"""A challenger's evaluation, as it is stored: what its first look is taken at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from ratchet.errors import DataError, misfit

Dumped = tuple[tuple[str, int, float, int], ...]  # clusters, as duel.dump writes them


class Evaluation(BaseModel):
    """What was measured on the holdout. Fields beside these are kept: for its page, and for checks of a loop's own."""

    model_config = ConfigDict(frozen=True, extra="allow")

    model: str = ""  # SHA-256 of the model that was evaluated; one of 0.1 has none
    champion: str | None  # the version that it was compared with; None where there was none
    # Day -> rows, mean loss of `challenger` and, where it has not seen it, `champion`.
    days: dict[str, dict[str, float]]
    metrics: dict[str, dict[str, float | None]]  # of `challenger` on all rows, of `champion` on those that are compared
    compared: Dumped | None  # the days of the duel; None where there was no champion
    challenger_loss: float  # mean, on all rows
    champion_loss: float | None  # mean, on those that are compared; None where there are none
    slices: dict[str, Dumped]  # slice -> the days of its duel
    fairness: dict[str, Any]
    behaviour: dict[str, Any]
    latency_ms: float
    size_mb: float
    signatures: tuple[dict[str, Any], ...]  # the challenger's and, where there is one, the champion's
    unaccepted: dict[str, str]  # days of training and holdout whose newest delivery was refused -> why
    # What looks too good to be true: names of features, whether it is the model's, words. None: nobody has looked.
    too_good: tuple[dict[str, Any], ...] | None = None
    champion_too_good: tuple[dict[str, Any], ...] | None = None  # the same of the champion's own evaluation
    first: dict[str, Any] | None  # what the first look teaches of staleness


def parse(stored: Mapping[str, Any], run: str) -> Evaluation:
    """Read a stored evaluation. Raises DataError, which names the run and the field, where it does not fit."""
    try:
        return Evaluation.model_validate(stored)
    except ValidationError as error:
        raise DataError(
            f"The evaluation of the run {run} is none that can be judged: {misfit(error)}. "
            "Evaluate it again: ratchet step evaluate"
        ) from None
