"""What memory a training of many rows takes: rows that stay on the disk, and a trainer that holds them all.

    make bench-memory

Rows of 20 numbers and 2 categories, in days of 100 thousand, are laid out as a training lays them out and fitted apart,
in a process of its own that has fitted a few before. Memory is the most that the process held beyond that: of its own
(anonymous), for what it has read of files the system takes back when others need it. The tree trainer says before what
it will need; the table in Arrow is what a program would hold at least that reads everything.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.table import Table

ROWS = tuple(map(int, os.environ.get("ROWS", "1000000,5000000").split(",")))
DAY, SMALL = 100_000, 2_000
NUMBERS, CATEGORIES = [f"n{i}" for i in range(20)], ["kind", "shop"]
PARAMS = {"torch_mlp": {"max_epochs": 1, "batch_size": 8192}, "gradient_boosting": {"max_iter": 5}}


def main() -> None:
    """Measure, print the table, write benchmarks/results/memory.json."""
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(dir=os.environ.get("RATCHET_VAR")) as folder:
        for trainer in PARAMS:
            for rows in ROWS:
                command = [sys.executable, "-m", "benchmarks.memory", trainer, str(rows), folder]
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                assert done.returncode == 0, done.stderr[-3000:]
                found[f"{trainer}, {rows:,} rows"] = json.loads(done.stdout.splitlines()[-1])
    table = Table("what", "seconds", "table, MB", "memory, MB", "bytes a row", "said before, MB")
    for what, each in found.items():
        sizes = (
            f"{each['table'] / 2**20:.0f}",
            f"{each['memory'] / 2**20:.0f}",
            f"{each['memory'] / each['rows']:.0f}",
        )
        table.add_row(what, f"{each['seconds']:.1f}", *sizes, f"{each['said'] / 2**20:.0f}" if each["said"] else "")
    Console(width=110).print(table)
    result = Path(__file__).parent / "results" / "memory.json"
    result.parent.mkdir(exist_ok=True)
    result.write_text(json.dumps({"cores": os.cpu_count(), "found": found}, indent=1) + "\n", encoding="utf-8")


def _measure(trainer: str, rows: int, folder: Path) -> dict[str, float]:
    from ratchet.training import fit, trainers
    from ratchet.training import model as models

    sizes = []
    for name, count in (("small", SMALL), ("large", rows)):
        sizes.append(_lay_out(folder / f"{trainer}-{rows}-{name}", trainer, count))
    source = folder / f"{trainer}-{rows}"
    fit.apart(source.with_name(f"{source.name}-small"), source.with_name(f"{source.name}-warm"))
    with _Held() as held:
        _, _, seconds = fit.apart(source.with_name(f"{source.name}-large"), source.with_name(f"{source.name}-made"))
    code: trainers.TrainerModule = models.trainer(trainer, source)
    needs = getattr(code, "needs", None)
    features = len(NUMBERS) + len(CATEGORIES)
    said = needs(code.Params.model_validate(PARAMS[trainer]), rows, features, 1) if needs else 0
    return {"rows": rows, "seconds": seconds, "memory": held.most, "table": sizes[1], "said": said}


class _Held:
    """The most memory of its own that this process holds meanwhile, beyond what it held."""

    def __enter__(self) -> _Held:
        self.most, self._before, self._over = 0, _anonymous(), threading.Event()
        self._watcher = threading.Thread(target=self._watch)
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watcher.join()

    def _watch(self) -> None:
        while not self._over.wait(0.002):
            self.most = max(self.most, _anonymous() - self._before)


def _anonymous() -> int:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


def _lay_out(folder: Path, trainer: str, rows: int) -> int:
    """Lay a fit out, a day at a time; return the bytes of its table in Arrow."""
    from ratchet.training import manifest

    texts, numbers = ["_ratchet_partition", *CATEGORIES], [*NUMBERS, "y"]
    schema = pa.schema([*((name, pa.string()) for name in texts), *((name, pa.float64()) for name in numbers)])
    size = 0

    def days() -> Iterator[pa.RecordBatch]:
        nonlocal size
        rng = np.random.default_rng(0)
        for start in range(0, rows, DAY):
            count, day = min(DAY, rows - start), str(np.datetime64("2024-01-01") + start // DAY)
            numbers = {name: rng.normal(size=count) for name in NUMBERS}
            held: dict[str, Any] = {"_ratchet_partition": [day] * count, **numbers}
            for name in CATEGORIES:
                held[name] = np.array([f"{name} {n}" for n in range(20)])[rng.integers(0, 20, count)]
            held["y"] = (numbers["n0"] + rng.normal(size=count) > 0).astype(float)
            batch = pa.RecordBatch.from_pydict({name: held[name] for name in schema.names}, schema)
            size += batch.nbytes
            yield batch

    about = manifest.Manifest(
        task="binary",
        target="y",
        categorical=tuple(CATEGORIES),
        numeric=tuple(NUMBERS),
        trainer=trainer,
        params=PARAMS[trainer],
        seed=1,
        device="cpu",
    )
    manifest.write(folder, about, pa.RecordBatchReader.from_batches(schema, days()))
    return size


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(_measure(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))))
    else:
        main()
