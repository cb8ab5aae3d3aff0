"""Days of a duel, made of their mean differences."""

from __future__ import annotations

from collections.abc import Sequence

from ratchet.decisions.duel import Cluster
from ratchet.partitions import shift


def days(values: Sequence[float]) -> list[Cluster]:
    """Return a day of ten rows for each mean difference, from the first of January on."""
    return [Cluster(shift("2013-01-01", i), 10, 10 * value) for i, value in enumerate(values)]
