"""A metric: the largest error."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def measure(target: NDArray[np.float64], prediction: NDArray[np.float64]) -> float:
    """Return the largest absolute error, in the target's units."""
    return float(abs(target - prediction).max())
