"""End what is under way of a loop that goes: runs that Airflow still has, and open nights."""

from __future__ import annotations

from functools import partial

from ratchet import installation
from ratchet.adapters import airflow_api, writing
from ratchet.adapters.writing import Writer
from ratchet.contract.loop import Loop
from ratchet.errors import ServiceError
from ratchet.lifecycle import dataset, nights
from ratchet.settings import Settings


def runs(name: str, why: str, again: str) -> str:
    """Pause a loop's DAGs and end their runs; say what was done, or why not and what to do then.

    again: the command that does it later, where Airflow does not run now.
    """
    found = installation.read(Settings.current().var)
    if found is None:
        return (
            f"Airflow was not asked, for none is described here. Where one runs: pause the DAGs {name}.* there, and "
            "mark their runs as failed"
        )
    try:
        with airflow_api.connect(found.airflow_url, found.user, found.passwords) as airflow:
            names = [dag for dag in airflow.dags(stale=True) if dag.startswith(f"{name}.")]
            for dag in names:
                airflow.pause(dag)
            left = [(dag, run) for dag in names for run in airflow.unfinished(dag)]
            for dag, run in left:
                airflow.end(dag, run, why)
    except ServiceError as error:
        return f"No run was ended: {error}. Then: {again}"
    told = ", ".join(f"{dag} {run}" for dag, run in left)
    return f"Airflow: {len(names)} DAGs rest, {len(left)} runs were ended{f': {told}' if told else ''}"


def open_nights(name: str, why: str) -> list[str]:
    """End the open nights of a loop as given up; return them."""
    if not dataset.begun():
        return []
    return writing.change(dataset.registry(), partial(_give_up, name, why))


def _give_up(name: str, why: str, writer: Writer) -> list[str]:
    days = [night.partition for night in nights.opened(writer.registry, name)]
    if days:
        broken = Loop.model_construct(name=name)  # type: ignore[call-arg]  # as its contract may be
        nights.end(writer, broken, days, "given_up", why)
    return days
