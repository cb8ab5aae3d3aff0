"""A challenger's evaluation, as it is stored: what its first look is taken at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ratchet.errors import DataError, misfit

Dumped = tuple[tuple[str, int, float, int], ...]  # clusters, as duel.dump writes them


class Evaluation(BaseModel):
    """What was measured on the holdout. Fields beside these are kept: for its page, and for checks of a loop's own."""

    model_config = ConfigDict(frozen=True, extra="allow")

    model: str = ""  # SHA-256 of the model that was evaluated; one of 0.1 has none
    loss: str = ""  # the contract's, which all losses here are in; nothing of an evaluation that does not say
    champion: str | None  # the version that it was compared with; None where there was none
    # Day -> rows, mean loss of `challenger`, of `baseline` where it has one and, where it has not seen it, `champion`.
    days: dict[str, dict[str, float]]
    # Whose answers of which day were shifted by how much (`training/intercept.py`): `challenger`, `champion`,
    # `baseline` and, where that is none of these, `anchor`. Nothing where none was, or it was not kept.
    shifts: dict[str, dict[str, tuple[float, ...]]] = Field(default_factory=dict)
    # Of `challenger` and `baseline` on all rows, of `champion` on those that are compared.
    metrics: dict[str, dict[str, float | None]]
    compared: Dumped | None  # the days of the duel; None where there was no champion
    # The anchor that it was compared with beside: a version, or a baseline, its own where there was no champion yet.
    anchor: str = ""
    anchored: Dumped | None = None  # the days of its duel with that
    challenger_loss: float  # mean, on all rows
    champion_loss: float | None  # mean, on those that are compared; None where there are none
    # What was lost before the days of the holdout: by the champion at its own first look, else by the baseline, week by
    # week of the training window. None where neither is known in this loss, and of an older evaluation.
    usual_loss: float | None = None
    # Of the baseline that was trained with the challenger; None, and nothing, of an evaluation that is older than they.
    baseline: Dumped | None = None  # the days of the challenger's duel with it: challenger's less baseline's loss
    baseline_loss: float | None = None  # mean, on all rows
    baseline_words: str = ""  # what it says, and what it was learnt from
    # What a row costs in the contract's own `unit`: means by `challenger`, `champion` and `baseline`, of the rows that
    # their losses are of; and the `days`, the challenger's less those of whom it is `against`: the champion, or the
    # baseline where there is none; and by day, `daily`, what its rows cost in all by either. None where the contract
    # has no value.
    value: dict[str, Any] | None = None
    # What the holdout has too few of for anything to be said yet, `rows` or `clusters` -> in words.
    too_few: dict[str, str] = Field(default_factory=dict)
    slices: dict[str, Dumped]  # slice -> the days of its duel
    # Column -> its levels of too few rows, and how many; None where no slice was measured, or they were not kept.
    small_slices: dict[str, dict[str, int]] | None = None
    fairness: dict[str, Any]
    behaviour: dict[str, Any]
    latency_ms: float  # of one row, on a machine on which the reference takes one; the best that was measured
    latency_wall_ms: float | None = None  # that went by on the machine that has measured it; None: it was not kept
    timings: dict[str, float] = Field(default_factory=dict)  # night that has measured the latency again -> what it was
    size_mb: float
    signatures: tuple[dict[str, Any], ...]  # the challenger's and, where there is one, the champion's
    unaccepted: dict[str, str]  # days of training and holdout whose newest delivery was refused -> why
    # What looks too good to be true: names of features, whether it is the model's, words. None: nobody has looked.
    too_good: tuple[dict[str, Any], ...] | None = None
    champion_too_good: tuple[dict[str, Any], ...] | None = None  # the same of the champion's own evaluation
    first: dict[str, Any] | None  # what the first look teaches of staleness

    @property
    def scale(self) -> float:
        """Return what the default bound is a share of: what is known before the holdout, or else its losses."""
        return self.usual_loss or self.champion_loss or self.baseline_loss or self.challenger_loss


def parse(stored: Mapping[str, Any], run: str) -> Evaluation:
    """Read a stored evaluation. Raises DataError, which names the run and the field, where it does not fit."""
    try:
        return Evaluation.model_validate(stored)
    except ValidationError as error:
        raise DataError(
            f"The evaluation of the run {run} is none that can be judged: {misfit(error)}. "
            "Evaluate it again: ratchet step evaluate"
        ) from None
