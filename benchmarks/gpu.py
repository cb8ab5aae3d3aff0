"""What a GPU is worth to the torch trainer: the flights of 2013 fitted on each device that there is.

    make bench-gpu

Trained on January to November as the step `train` does it (`ratchet.training.fit`: search, then the whole), tested on
December. The features are computed once and kept in build/gpu, so that a machine with a GPU and without the rest of
Ratchet's environment can run it: python3 -m benchmarks.gpu needs numpy, pyarrow, torch, safetensors, pydantic, ruamel.

Steps of the optimiser are timed apart: a small perceptron is bound by the launches of its kernels, not by arithmetic.
"""

from __future__ import annotations

import itertools
import json
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ratchet import extensions
from ratchet.data.features import PARTITION
from ratchet.training import fit, manifest, metrics, trainers
from ratchet.training.manifest import Manifest

KEPT = Path("build/gpu")  # rows.parquet, about.json: what a machine with a GPU is given
RESULTS = Path("benchmarks/results/gpu.json")
TEST = "2013-12-01"
SHAPES: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "batches of 16,384": {"batch_size": 16384, "learning_rate": 8e-3},
}
BATCHES = (1024, 16384)
ROUNDS = 10  # epochs, where the speed of the steps alone is measured


def main() -> None:
    """Measure, print the table, write benchmarks/results/gpu.json."""
    import torch

    about, rows = _flights()
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    card = torch.cuda.get_device_name() if "cuda" in devices else None
    found: dict[str, Any] = {"card": card, "torch": torch.__version__, "threads": torch.get_num_threads()}
    print(f"{card or 'no GPU'}; {platform.machine()}, {torch.get_num_threads()} threads; torch {torch.__version__}")
    early, late = (rows.filter(condition(rows.column(PARTITION), TEST)) for condition in (pc.less, pc.greater_equal))
    print(f"{early.num_rows:,} flights to learn from, {late.num_rows:,} to test on")
    print(f"{'':28}{'device':8}{'seconds':>9}{'epochs':>8}{'log loss':>10}{'ROC AUC':>9}{'same bits':>11}")
    for (name, params), device in itertools.product(SHAPES.items(), devices):
        told = _training(about.model_copy(update={"params": params, "device": device}), early, late)
        found[f"{name}: {device}"] = told
        _write(found)
        print(
            f"{name:28}{device:8}{told['seconds']:9.1f}{told['epochs']:8}{told['log_loss']:10.4f}"
            f"{told['roc_auc']:9.4f}{told['same_bits']!s:>11}"
        )
    print(f"\n{'steps of the optimiser':28}{'device':8}{'rows/s':>12}{'µs a step':>11}")
    for size, device in itertools.product(BATCHES, devices):
        told = _steps(about.model_copy(update={"params": {"batch_size": size}, "device": device}), early)
        name = f"batches of {size:,}"
        found[f"steps, {name}: {device}"] = told
        _write(found)
        print(f"{name:28}{device:8}{told['rows_per_s']:12,.0f}{told['step_us']:11,.0f}")
    print(f"\nWritten to {RESULTS}")


def _write(found: dict[str, Any]) -> None:
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _flights() -> tuple[Manifest, pa.Table]:
    """Return how the loop's model is fitted by the torch trainer, and a year of its feature rows."""
    if not (KEPT / "about.json").exists():
        from benchmarks import flights
        from ratchet import catalog
        from ratchet.data import features

        rows, loop = flights.year().rows, catalog.load(flights.LOOP)
        about = manifest.describe(loop, *features.names(loop, rows.column_names))
        KEPT.mkdir(parents=True, exist_ok=True)
        pq.write_table(rows, KEPT / "rows.parquet", compression="zstd")
        chosen = about.model_copy(update={"trainer": "torch_mlp", "params": {}})
        (KEPT / "about.json").write_text(chosen.model_dump_json(), encoding="utf-8")
    about = Manifest.model_validate_json((KEPT / "about.json").read_text(encoding="utf-8"))
    return about, pq.read_table(KEPT / "rows.parquet")


def _training(about: Manifest, early: pa.Table, late: pa.Table) -> dict[str, Any]:
    """Fit twice as the step does; return seconds of the second, epochs, losses on the test, and whether both agree."""
    predicted, seconds, curve = [], 0.0, None
    with tempfile.TemporaryDirectory() as name:
        for i in range(2):
            source = Path(name) / f"source-{i}"
            manifest.write(source, about, early.to_reader())
            model, curve, seconds = fit.apart(source, Path(name) / f"target-{i}")
            predicted.append(model.predict(late))
    measured = metrics.measure(about.task, model.encoder.target_values(late), predicted[1])
    return {
        "seconds": seconds,
        "epochs": fit.best(curve),
        "log_loss": measured["log_loss"],
        "roc_auc": measured["roc_auc"],
        "same_bits": bool(np.array_equal(*predicted)),
    }


def _steps(about: Manifest, rows: pa.Table) -> dict[str, float]:
    """Time the steps of the optimiser alone: epochs after the first."""
    from ratchet.training import encoding

    encoder = encoding.learn(about.task, about.target, [*about.categorical], [*about.numeric], rows)
    arrays = encoder.arrays(rows)
    trainer: Any = extensions.find("trainers", about.trainer, Path())
    params = trainer.Params.model_validate(about.params)
    taken = []
    for rounds in (1, 1 + ROUNDS):
        job = trainers.Job(about.task, 2, encoder.cardinalities, about.seed, about.device, rounds)
        started = time.perf_counter()
        trainer.fit(params, job, arrays, None)
        taken.append(time.perf_counter() - started)
    epoch = (taken[1] - taken[0]) / ROUNDS
    return {"rows_per_s": rows.num_rows / epoch, "step_us": epoch / -(-rows.num_rows // params.batch_size) * 1e6}


if __name__ == "__main__":
    sys.exit(main())
