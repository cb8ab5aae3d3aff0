"""What MLflow has in its bin, or no longer: experiments and runs that people have deleted."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from ratchet.adapters.runs import BIN, Tracking

_log = logging.getLogger("ratchet")


@contextmanager
def copying(run: str) -> Iterator[None]:
    """Leave a copy with a run, for people: nothing is decided by it, and one that is gone is told and passed over."""
    from mlflow import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise
        _log.warning("the MLflow run %s is gone or in MLflow's bin: what people would read there is not kept", run)


def there(client: Tracking, run: str) -> bool:
    """Say whether MLflow has a run, in its bin or out of it."""
    from mlflow import MlflowException

    try:
        client.raw.get_run(run)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return False
    return True


def restore(client: Tracking, loop: str, needed: Collection[str]) -> list[str]:
    """Bring a loop's experiment, and the runs that it needs, back from MLflow's bin; say what came."""
    experiment, found = client.raw.get_experiment_by_name(loop), list[str]()
    if experiment is not None and experiment.lifecycle_stage == BIN:
        client.raw.restore_experiment(experiment.experiment_id)
        found.append(f"the experiment {loop}")
    for run in needed:
        if there(client, run) and client.raw.get_run(run).info.lifecycle_stage == BIN:
            client.raw.restore_run(run)
            found.append(f"the run {run}")
    return found
