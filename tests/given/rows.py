"""Small tables with a signal in them, and models fitted on them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa

from ratchet import extensions, partitions
from ratchet.contract.loop import Loop, Task
from ratchet.data.features import EVENT_TIME, PARTITION
from ratchet.training import encoding, model, trainers
from ratchet.training.fit import fit

CPU = "cpu"
TASKS: tuple[Task, ...] = ("binary", "multiclass", "regression")


def rows(task: Task, count: int = 600, seed: int = 0) -> pa.Table:
    """Make rows whose category and number decide the target; some numbers and categories are missing."""
    rng = np.random.default_rng(seed)
    category = rng.integers(0, 4, count)
    number = rng.normal(size=count)
    signal = category + 2 * number + 0.3 * rng.normal(size=count)
    target = {
        "binary": (signal > 1).astype(float),
        "regression": signal * 10 + 100,
        "multiclass": np.array(["low", "mid", "top"])[np.digitize(signal, [0, 3])],
    }[task]
    names = np.array(["a", "b", "c", "d"], dtype=object)[category]
    names[::50] = None
    number[::40] = np.nan
    return pa.table({"kind": pa.array(names, pa.string()), "x": number, "y": pa.array(target.tolist())})


def fitted(
    task: Task,
    trainer: str,
    seed: int = 1,
    params: dict[str, object] | None = None,
    device: str = CPU,
    train: pa.Table | None = None,
) -> tuple[model.Model, trainers.Curve]:
    """Fit a trainer on such rows."""
    train, late = rows(task) if train is None else train, rows(task, 200, 1)
    encoder = encoding.learn(task, "y", ["kind"], ["x"], train)
    module = extensions.find("trainers", trainer, Path())
    job = trainers.Job(task, max(2, len(encoder.classes)), encoder.cardinalities, seed, device)
    made, curve = module.fit(
        module.Params.model_validate(params or {}), job, encoder.arrays(train), encoder.arrays(late)
    )
    return model.Model(trainer, encoder, made, module), curve


def wind(days: str = "2013-01-02..2013-01-09", seed: int = 0) -> pa.Table:
    """Make feature rows of the loop `wind`: the wind in three hours is near the wind of now, stronger at JFK."""
    rng, found = np.random.default_rng(seed), []
    for day in partitions.parse(days):
        for hour in range(8):
            for origin in ("EWR", "JFK", "LGA"):
                now, moment = rng.uniform(2, 25), dt.datetime.fromisoformat(day) + dt.timedelta(hours=3 * hour)
                found.append(
                    {
                        "observed_at": moment,
                        PARTITION: day,
                        EVENT_TIME: moment,
                        "origin": origin,
                        "wind_now": now,
                        "temp_now": rng.normal(40, 5),
                        "wind": now + 6 * (origin == "JFK") + rng.normal(0, 0.5),
                    }
                )
    return pa.Table.from_pylist(found)


def breeze(loop: Loop, days: str = "2013-01-02..2013-01-09", seed: int = 0) -> model.Model:
    """Fit the loop `wind` on such rows."""
    return fit(loop, wind(days, seed))[0]
