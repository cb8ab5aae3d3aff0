"""Models as they were judged: every load is compared with the hash that the ledger has of them.

What was not judged yet is compared with the hash that its record has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ratchet.adapters import models
from ratchet.contract.loop import Loop
from ratchet.decisions.entries import Judged, only
from ratchet.lifecycle import dataset, records

if TYPE_CHECKING:
    from ratchet.adapters.models import Version
    from ratchet.training.model import Model


def run_model(loop: Loop, run: str) -> Model:
    """Load the model of an MLflow run. Raises DataError where it is not what was made, or judged."""
    return models.run_model(loop.name, records.read(loop, run).uri, run, _expected(loop, run))


def version_model(loop: Loop, version: Version) -> Model:
    """Load a registered version. Raises DataError where it is not what was judged."""
    return models.version_model(version, _expected(loop, version.run_id))


def answering(loop: Loop, asked: str | Version) -> Model:
    """Load what answers for an MLflow run or a registered version: its model, as the trainer has made it.

    What is judged is what answers: whoever judges, and whoever lets it answer, to the world or in shadow, asks here.
    """
    return run_model(loop, asked) if isinstance(asked, str) else version_model(loop, asked)


def sha256(loop: Loop, run: str) -> str:
    """Return the hash of a run's model, once it was loaded and compared."""
    run_model(loop, run)
    return models.local(run)[0]


def _expected(loop: Loop, run: str) -> str:
    """Return the hash that the ledger has of a run's model, or else its record."""
    entries = only(dataset.registry().ledger(loop.name), Judged)
    judged = (each.model for each in reversed(entries) if each.mlflow_run == run and each.model)
    return next(judged, "") or records.read(loop, run).model
