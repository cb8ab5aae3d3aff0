"""The rows that a training of a replay has held out, and what fits say of them, as they would have that day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ratchet.contract.loop import Loop
from ratchet.replay.data import DataVersion
from ratchet.replay.fits import Fitted, labelled
from ratchet.replay.measures import standing
from ratchet.training import evaluation
from ratchet.training.evaluation import Side

if TYPE_CHECKING:
    import pyarrow as pa


class Holdout:
    """The labelled rows of days that a fit was not shown."""

    def __init__(self, loop: Loop, data: DataVersion, days: Sequence[str], fit: Fitted) -> None:
        """Let the fit predict them. days: published ones, in order."""
        side = _joined([fit.side(data, day) for day in days])
        self.loop, self.data, self.days, self.fit = loop, data, days, fit
        self.labelled = side.rows  # which rows of all its days have a label
        self.rows: pa.Table = labelled(data, days[0], days[-1], self.labelled)
        self.ours = _whole(side)

    def compared(self, stands: Sequence[Fitted] | None, before: float | None = None) -> dict[str, Any]:
        """Compare with the champion, and with the baseline: `evaluation.compare`.

        stands: for the champion; None where there is none. before: its loss at its own first look.
        """
        plain = self.fit.plain
        shifts = {day: shift for day in self.days if plain and (shift := plain.shift(self.data, day))}
        theirs = self._said(stands) if stands is not None else None
        return evaluation.compare(self.loop, self.rows, self.ours, theirs, self.fit.baseline, shifts, before)

    def against(self, stands: Sequence[Fitted]) -> list[list[Any]]:
        """Compare with what stands for another alone: the days of their duel, as they are stored."""
        return evaluation.against(self.loop, self.rows, self.ours, self._said(stands))

    def _said(self, stands: Sequence[Fitted]) -> Side:
        """Return what fits say of the days that they have not seen; the side's rows are among the labelled ones."""
        sides = []
        for day in self.days:
            fit, (begin, end) = standing(stands, day), self.data.bounds(day, day)
            unseen = Side(np.zeros(end - begin, dtype=bool), np.zeros(0), np.zeros(0))
            sides.append(fit.side(self.data, day) if fit else unseen)
        said = _joined(sides)
        return replace(said, rows=said.rows[self.labelled])


def of_refit(
    loop: Loop, data: DataVersion, days: Sequence[str], refit: Fitted, evaluated: Fitted
) -> tuple[dict[str, Any], pa.Table]:
    """Measure a refit beside what was evaluated, both as they were fitted; return what was found, and the rows."""
    side, other = (_joined([fit.side(data, day, fitted=True) for day in days]) for fit in (refit, evaluated))
    rows = labelled(data, days[0], days[-1], side.rows)
    return evaluation.of_refit(loop, rows, _whole(side), _whole(other)), rows


def _whole(side: Side) -> Side:
    """Return a side of all rows that there are."""
    return replace(side, rows=np.ones(len(side.target), dtype=bool))


def _joined(sides: Sequence[Side]) -> Side:
    rows = np.concatenate([side.rows for side in sides])
    kept = [(side.target, side.prediction, side.classes) for side in sides if len(side.target)]
    return Side(rows, *evaluation.together(kept)) if kept else Side(rows, np.zeros(0), np.zeros(0))
