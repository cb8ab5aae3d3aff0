"""Take a loop away: its runs end, its files go, and what was decided stays."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from ratchet import catalog
from ratchet.contract.reading import nearest
from ratchet.errors import RequestError, storage_errors
from ratchet.lifecycle import belongings, dataset, ending
from ratchet.settings import Settings

_WHY = "the loop was removed"


def plan(name: str) -> tuple[list[str], list[str]]:
    """Say what of a loop goes and what stays, a line each. Raises RequestError where there is no such loop."""
    found, kept = belongings.find(name), _in_registry(name)
    if not found.all and not kept:
        raise RequestError(f"There is no loop {name!r}; {nearest(name, catalog.names())}")
    goes = [*map(str, found.all)]
    stays = [f"{path}: another loop names it too" for path in found.shared]
    settings = Settings.current()
    if kept:
        stays.append(
            f"data, verdicts and ledger, in {settings.registry}: git -C {settings.registry} log main -- {name}; a new "
            "loop of that name goes on with them"
        )
    stays += [
        f"its registered model and its runs, in MLflow at {settings.tracking_uri}: the model and the experiment {name}",
        f"its runs in Airflow, ended: ratchet airflow dags delete {name}.ingest takes one DAG's away",
    ]
    return goes, stays


def remove(name: str, say: Callable[[str], None]) -> None:
    """Take a loop away. What was interrupted is taken up by the same command."""
    say(ending.runs(name, _WHY, f"ratchet remove {name} --yes"))
    if days := ending.open_nights(name, _WHY):
        say(f"Given up: the nights {', '.join(days)}")
    for path in belongings.find(name).all:
        with storage_errors(path):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        say(f"Removed {path}")


def _in_registry(name: str) -> bool:
    return dataset.begun() and name in dataset.registry().folders()
