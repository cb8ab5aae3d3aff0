"""Who has fought: how the page about a decision names its sides, and says when and by which look it was decided."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from ratchet.decisions import anchors, shadows
from ratchet.decisions.duel import Gathered
from ratchet.decisions.evaluation import Evaluation


class About(Protocol):
    """What the page says of a model: what its record has of it."""

    @property
    def run(self) -> str:
        """Return its MLflow run."""

    @property
    def key(self) -> str:
        """Return the key of its training; empty for a refit."""

    @property
    def data(self) -> Mapping[str, str]:
        """Return its days: train, holdout; and their revision."""

    @property
    def reason(self) -> str:
        """Return why it was trained."""

    @property
    def code(self) -> str:
        """Return the revision of the project."""


@dataclass(frozen=True)
class Back:
    """Who is champion again: judged in the place of a challenger, which has an evaluation."""

    who: Literal["predecessor", "anchor"]
    version: str
    left: str  # the version that was champion


def who(judged: Evaluation | Back) -> str:
    """Say what the side is that is judged."""
    return judged.who if isinstance(judged, Back) else "challenger"


def against(held: Gathered) -> str:
    """Say what the anchor is that a challenger has met: a model, or a baseline in its place."""
    return "baseline" if shadows.trained_with(held.anchor) else "anchor"


def title(about: About, judged: Evaluation | Back) -> str:
    """Name both sides."""
    if isinstance(judged, Back):
        return f"{judged.who} v{judged.version} against the champion v{judged.left}"
    champion = f"champion v{judged.champion}" if judged.champion else "baseline"
    return f"challenger {about.key or about.run[:10]} against the {champion}"


def words(about: About, judged: Evaluation | Back, held: Gathered, when: str, anchored: bool) -> str:
    """Say in a sentence or two who has fought, and when and by which look it is decided: now.

    held: the days. when: which look. anchored: whether the anchor was met beside the champion.
    """
    alone = not isinstance(judged, Back) and not judged.champion
    known = ", which knows no more than what is usual" if alone else ", the model in use"
    beside = f", and against the anchor, {anchors.shown(held.anchor)}" if anchored and not alone else ""
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
    by = ": " if isinstance(judged, Back) else ", by the "
    return f"The {title(about, judged)}{known}{beside}. Decided on {now}{by}{when}"
