"""What the drift check sees and what it costs: make bench-drift.

1. False alarms a year by age of the history and by window, on drawn lives in which nothing changes: twelve numbers
   whose days have means of their own, three categories, a missing-flag each; days that know nothing of each other, and
   days that each have half of the day before. Beside them Evidently's defaults (0.1 a column).
2. Nights until a planted drift is seen: a number moves by one standard deviation, a new level takes a fifth of a
   category, a twentieth of a number's values go missing.
3. Seconds of a verdict on fifteen columns of a million rows a side, beside Evidently's report, and how wide the bounds
   are that counts give.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.progress import track
from rich.table import Table

from ratchet.adapters import drift_report
from ratchet.monitoring import distances, histograms, thresholds, watched
from ratchet.monitoring.histograms import Cells, Levels
from tests.given import counted

AGES, WINDOWS, ALIKE = (30, 365, 1095), (7, 14), (0.0, 0.5)
LIVES, PLANTED = 20, 12  # lives a cell of the first table, and of the second
ROWS, SPREAD = 60, 0.5  # rows a day; of days' means, in their rows' deviations
NUMBERS, CATEGORIES = 12, (5, 20, 100)  # columns; levels of each
ASKED = 2  # false alarms a year
AFTER, WITHIN = 60, 60  # nights after which a drift is planted, and for which it is waited for
KINDS = ("a number moves by one deviation", "a new level takes a fifth", "a twentieth goes missing")
ROWS_A_SIDE, EVIDENTLY = 1_000_000, 0.1

Counts = dict[str, Cells | Levels]


def main() -> None:
    """Measure, print the tables, write benchmarks/results/drift.json."""
    console = Console(width=150)
    found = {"alarms": alarms(), "delays": delays(), "seconds": seconds()}
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    (results / "drift.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    show(found, console)


def alarms() -> list[dict[str, Any]]:
    """Count nights with an alarm in unchanged years."""
    found = []
    cases = [(age, window, alike) for alike in ALIKE for window in WINDOWS for age in AGES]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for age, window, alike in track(cases, "false alarms", transient=True):
            lives = [*pool.map(_nights, *zip(*((age, window, alike, seed) for seed in range(LIVES)), strict=True))]
            found.append({"age": age, "window": window, "alike": alike, **_means(lives)})
    return found


def delays() -> list[dict[str, Any]]:
    """Count nights from a planted drift to its first alarm, those of the nights before left out."""
    found = []
    cases = [(age, kind) for age in AGES for kind in KINDS]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for age, kind in track(cases, "delays", transient=True):
            lives = [*pool.map(_until, *zip(*((age, kind, seed) for seed in range(PLANTED)), strict=True))]
            seen: dict[str, Any] = {}
            for rule in ("calibrated", "evidently, dataset"):
                nights = [each[rule] for each in lives]
                middle = float(np.median(nights))
                seen[rule] = {
                    "median": middle if np.isfinite(middle) else None,
                    "seen": float(np.mean(np.isfinite(nights))),
                }
            found.append({"age": age, "kind": kind, **seen})
    return found


def _until(age: int, kind: str, seed: int) -> dict[str, float]:
    """Return by rule the nights until a planted drift was seen, infinite where it was not."""
    found = {}
    for rule, nights in _beyond(life(age, 7, 0.0, seed, kind), age, 7).items():
        since = np.flatnonzero(nights[AFTER : AFTER + WITHIN])
        found[rule] = float(since[0] + 1) if len(since) else np.inf
    return found


def life(age: int, window: int, alike: float, seed: int, kind: str = "") -> Counts:
    """Draw a life's counts: the days of its training, and a year of nights; with a drift planted, or none."""
    rng, days = np.random.default_rng(seed), age + window + 364
    planted = np.arange(days) >= age + window - 1 + AFTER if kind else np.zeros(days, dtype=bool)
    means = rng.normal(size=(days, NUMBERS + len(CATEGORIES)))
    for day in range(1, days):
        means[day] = alike * means[day - 1] + np.sqrt(1 - alike**2) * means[day]
    found: Counts = {}
    for n in range(NUMBERS):
        values = rng.normal(size=(days, ROWS)) + SPREAD * means[:, [n]]
        gone = np.zeros((days, ROWS), dtype=bool)
        if n == 0 and kind == KINDS[0]:
            values[planted] += np.sqrt(1 + SPREAD**2)
        if n == 0 and kind == KINDS[2]:
            gone[planted] = rng.random((int(planted.sum()), ROWS)) < 0.05
        cuts = histograms.cuts(values[:age].ravel())
        table = [pa.table({"x": pa.array(np.where(lost, np.nan, day))}) for day, lost in zip(values, gone, strict=True)]
        found[f"x{n}"] = histograms.count(table, {"x": cuts})["x"]
        missing = gone.sum(axis=1)
        found[f"x{n} is"] = Levels(("missing", "there"), np.stack([missing, ROWS - missing], axis=1).astype(float))
    for n, levels in enumerate(CATEGORIES):
        weights = rng.normal(size=levels) + 0.3 * means[:, [NUMBERS + n]] * rng.normal(size=levels)
        shares = np.exp(weights) / np.exp(weights).sum(axis=1, keepdims=True)
        shares = np.concatenate([shares, np.zeros((days, 1))], axis=1)
        if n == 0 and kind == KINDS[1]:
            shares[planted] = 0.8 * shares[planted] + 0.2 * (np.arange(levels + 1) == levels)
        rows = np.array([rng.multinomial(ROWS, share) for share in shares], dtype=float)
        found[f"c{n}"] = Levels(tuple(map(str, range(levels + 1))), rows)
    return found


def _beyond(counts: Counts, age: int, window: int) -> dict[str, np.ndarray]:
    """Return on which of a year's nights each rule alarms: (365,)."""
    limits = thresholds.calibrate(counted.part(counts, 0, age), window, ASKED, 0).thresholds
    days = age + window + 364
    past, windows = np.zeros((1, days)), np.zeros((365, days))
    past[0, :age] = 1
    for night in range(365):
        windows[night, age + night : age + night + window] = 1
    seen = {name: thresholds.profile_of(each).between(windows, past) for name, each in counts.items()}
    fixed = np.mean([each >= EVIDENTLY for each in seen.values()], axis=0)
    return {
        "calibrated": np.any([seen[name] >= limit for name, limit in limits.items()], axis=0),
        "evidently, any column": fixed > 0,
        "evidently, dataset": fixed >= 0.5,
    }


def _nights(age: int, window: int, alike: float, seed: int) -> dict[str, float]:
    beyond = _beyond(life(age, window, alike, seed), age, window)
    return {rule: float(nights.sum()) for rule, nights in beyond.items()}


def _means(nights: list[dict[str, float]]) -> dict[str, float]:
    return {rule: float(np.mean([each[rule] for each in nights])) for rule in nights[0]}


def seconds() -> dict[str, Any]:
    """Time a verdict from rows, and Evidently's report on the same, in CPU seconds of one core."""
    rng = np.random.default_rng(0)
    past, current = (_side(rng, shift) for shift in (0.0, 0.02))
    numbers, categories = watched.kinds(past)
    begun = time.process_time()
    cuts = {name: histograms.cuts(past.column(name).to_numpy()[:20_000]) for name in numbers}
    reference = histograms.count([past], cuts)
    learnt = time.process_time()
    ours = histograms.count([current], cuts)
    bounds = {name: distances.between(ours[name], reference[name]) or (0.0, 0.0) for name in ours}
    told = time.process_time()
    drift_report.make(
        *(watched.plain(side).to_pandas() for side in (current, past)),
        numbers,
        categories,
        dict.fromkeys(past.column_names, EVIDENTLY),
    )
    return {
        "rows a side": ROWS_A_SIDE,
        "columns": len(bounds),
        "counting the reference, once a training": learnt - begun,
        "a night's verdict": told - learnt,
        "both sides": told - begun,
        "evidently's report": time.process_time() - told,
        "widest bound": max(most - least for least, most in bounds.values()),
    }


def _side(rng: np.random.Generator, shift: float) -> pa.Table:
    drawn: Mapping[str, np.ndarray] = {
        **{f"normal{n}": rng.normal(shift, 1, ROWS_A_SIDE) for n in range(5)},
        **{f"lognormal{n}": rng.lognormal(shift, 1, ROWS_A_SIDE) for n in range(2)},
        **{f"minute{n}": rng.integers(0, 1440, ROWS_A_SIDE).astype(float) for n in range(2)},
    }
    found: dict[str, pa.Array] = {name: pa.array(values) for name, values in drawn.items()}
    for n, levels in enumerate((3, 5, 16, 100, 105, 500)):
        codes = pa.array(rng.integers(0, levels, ROWS_A_SIDE), pa.int32())
        found[f"category{n}"] = pa.DictionaryArray.from_arrays(codes, pa.array([f"level {i}" for i in range(levels)]))
    return pa.table(found)


def show(found: dict[str, Any], console: Console) -> None:
    """Print the tables."""
    table = Table(
        "days of history",
        "window",
        "each day has of the day before",
        "calibrated",
        "evidently, any column",
        "evidently, dataset",
        title=f"1. Nights with a false alarm a year; {ASKED} were asked for",
    )
    for row in found["alarms"]:
        table.add_row(
            str(row["age"]),
            str(row["window"]),
            f"{row['alike']:.0%}",
            f"{row['calibrated']:.1f}",
            f"{row['evidently, any column']:.0f}",
            f"{row['evidently, dataset']:.1f}",
        )
    console.print(table)
    table = Table(
        "days of history",
        "what happens",
        "calibrated",
        "evidently, dataset",
        title=f"2. Nights until it is seen, median; and in how many of {PLANTED} lives within {WITHIN}",
    )
    for row in found["delays"]:
        rules = (row["calibrated"], row["evidently, dataset"])
        table.add_row(
            str(row["age"]), row["kind"], *(f"{each['median'] or '–'} ({each['seen']:.0%})" for each in rules)
        )
    console.print(table)
    for name, value in found["seconds"].items():
        console.print(f"{name}: {value:,.3g}" if isinstance(value, float) else f"{name}: {value:,}")


if __name__ == "__main__":
    main()
