"""Models as they were judged: every load is compared with the hash that the ledger has of them.

What was never judged, such as a challenger that is about to be, is compared with the hash that it was stored with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ratchet.adapters import models
from ratchet.contract.loop import Loop
from ratchet.decisions.entries import Judged, only
from ratchet.lifecycle import dataset

if TYPE_CHECKING:
    from ratchet.adapters.models import Version
    from ratchet.adapters.runs import Tracking
    from ratchet.training.model import Model


def run_model(loop: Loop, client: Tracking, run: str) -> Model:
    """Load the model of an MLflow run. Raises DataError where it is not what was judged."""
    return models.run_model(client, run, _judged(loop, run))


def version_model(loop: Loop, client: Tracking, version: Version) -> Model:
    """Load a registered version. Raises DataError where it is not what was judged."""
    return models.version_model(client, version, _judged(loop, version.run_id))


def sha256(loop: Loop, client: Tracking, run: str) -> str:
    """Return the hash of a run's model, once it was loaded and compared."""
    run_model(loop, client, run)
    return models.local(run)[0]


def _judged(loop: Loop, run: str) -> str:
    """Return the hash that the ledger has of a run's model; an empty string where it has none."""
    entries = only(dataset.registry().ledger(loop.name), Judged)
    return next((each.model for each in reversed(entries) if each.mlflow_run == run and each.model), "")
