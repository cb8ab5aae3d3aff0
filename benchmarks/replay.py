"""What a retraining policy is worth: make bench-replay. The flights of 2013, every night from March to December.

1. Policies side by side, from the production code: `ratchet.replay`. Beside them what the choice of dates can do at all
   (`replay_dates.py`).
2. The same again, from the cache.

The physical limit of 1 is hindsight: the best choice of models that as many retrainings could have made.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks import flights, replay_dates
from ratchet import catalog
from ratchet.replay import history, score
from ratchet.replay import run as replays
from ratchet.replay import table as tables
from ratchet.replay.fits import Fits
from ratchet.replay.run import Case
from ratchet.reports import replay as report

FIRST, LAST = "2013-03-01", "2013-12-31"
COUNTS = (8, 12, 17, 24, 43)  # retrainings for which it is told what dates can do
COSTS = (0.02, 0.04, 0.06, 0.1, 0.15)
CALENDARS = ("never", *(f"calendar:days={days},cooldown_days=0" for days in (1, 7, 14, 25, 30, 91)))
DAILY = "calendar:days=1,cooldown_days=0"
POLICIES = (
    *CALENDARS,
    "drift",
    "degradation",
    *(f"cost_aware:cost={cost},cooldown_days=0" for cost in COSTS),
    "contract",
)


def main() -> None:
    """Measure, print the tables, write benchmarks/results/replay.json, .png, and .md for docs/replay.md."""
    console = Console(width=190)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), console)
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    (results / "replay.png").write_bytes(found.pop("figure"))
    (results / "replay.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (results / "replay.md").write_text(markdown(found), encoding="utf-8")
    show(found, console)


def measure(cache: Path, console: Console) -> dict[str, Any]:
    """Replay everything, from nothing, in an empty folder."""
    loop = catalog.load(flights.LOOP)
    begun = time.perf_counter()
    past = history.of_rows(loop, flights.year().rows, cache)
    seconds = {"features": time.perf_counter() - begun}
    cases = [Case(policy) for policy in POLICIES]
    outcomes = _run(past, cases, cache, console)
    seconds["policies"] = time.perf_counter() - begun
    again = time.perf_counter()
    _run(past, cases, cache, console)
    fits = Fits(loop, cache)
    best = tables.hindsight(past, outcomes, fits)
    table = tables.rows(outcomes, best)
    figure = report.figure(table, best, f"{loop.name}, {FIRST} to {LAST}")
    seconds["again"] = time.perf_counter() - again
    ours = [each for each in outcomes if "cost_aware" in each.policy]
    dates = replay_dates.of_year(past, next(each for each in outcomes if each.policy == DAILY), fits)
    chance = {count: dates.by_chance(count) for count in {each.retrainings for each in ours}}
    return {
        "cores": os.cpu_count(),
        "seconds": seconds,
        "models": len(list(fits.folder.glob("*/about.json"))),
        "figure": figure,
        "policies": [row.__dict__ | {"gap": list(row.gap)} for row in table],
        "hindsight": best,
        "dates": replay_dates.measure(dates, COUNTS),
        "ours": [_against(each, outcomes, chance[each.retrainings]) for each in ours],
    }


def _run(past: history.History, cases: list[Case], cache: Path, console: Console) -> list[score.Outcome]:
    with Progress(console=console, transient=True) as bars:
        tasks: dict[str, Any] = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        return replays.run(past, cases, FIRST, LAST, cache, progress)


def _against(ours: score.Outcome, outcomes: list[score.Outcome], chance: replay_dates.Vector) -> dict[str, Any]:
    """Compare a policy with chance, and with the calendar that retrains as often.

    Where none does, with the next that does so more.
    """
    calendars = [each for each in outcomes if each.policy.startswith("calendar")]
    rival = min((each for each in calendars if each.retrainings >= ours.retrainings), key=lambda each: each.retrainings)
    fewer = max(
        (each for each in calendars if each.retrainings <= ours.retrainings),
        key=lambda each: each.retrainings,
        default=rival,
    )
    return {
        "policy": ours.policy,
        "loss": ours.loss,
        "retrainings": ours.retrainings,
        "calendar": {each.policy: [each.retrainings, *score.difference(ours, each)] for each in (fewer, rival)},
        "chance": {
            "mean": float(np.mean(chance)) if len(chance) else None,
            "5th percentile": float(np.quantile(chance, 0.05)) if len(chance) else None,
            "draws": len(chance),
        },
    }


def markdown(found: dict[str, Any]) -> str:
    """Write the tables as docs/replay.md shows them."""
    seconds = found["seconds"]
    told = f"From nothing in {seconds['policies']:.0f} s on {found['cores']} cores ({found['models']} models; "
    lines = [f"{told}features {seconds['features']:.0f} s), {seconds['again']:.0f} s the second time.", ""]
    head = ("policy", "live loss", "retrainings", "promotions", "CPU minutes", "worst week")
    lines += _head(*head, "above hindsight's best with as many")
    for row in found["policies"]:
        counts = (f"{row['retrainings']}", f"{row['promotions']}", f"{row['minutes']:.1f}")
        lines.append(
            _line(row["name"], f"{row['loss']:.5f}", *counts, f"{row['worst_week']:.4f}", f"{row['regret']:+.5f}")
        )
    lines += [
        "",
        *_head(
            "policy",
            "retrainings",
            "live loss",
            "random dates: mean, 5th percentile",
            "against a calendar, 95% over nights",
        ),
    ]
    for each in found["ours"]:
        chance = _chance(each["chance"])
        rivals = [
            f"{name} ({n}): {mean:+.5f} [{low:+.5f}, {high:+.5f}]"
            for name, (n, mean, low, high) in each["calendar"].items()
        ]
        lines.append(_line(each["policy"], f"{each['retrainings']}", f"{each['loss']:.5f}", chance, "; ".join(rivals)))
    titles, *rows = replay_dates.lines(found["dates"], found["hindsight"])
    lines += ["", *_head(*titles), *(_line(*row) for row in rows)]
    return "\n".join(lines).replace(",cooldown_days=0", "") + "\n"


def _chance(told: dict[str, Any]) -> str:
    return f"{told['mean']:.5f}, {told['5th percentile']:.5f}" if told["draws"] else "none without a longer gap"


def _head(*titles: str) -> list[str]:
    return [_line(*titles), _line(*("---" for _ in titles))]


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def show(found: dict[str, Any], console: Console) -> None:
    """Print the tables."""
    table = Table(*report.HEAD, title=f"1. {FIRST} to {LAST}; compared with never", title_justify="left")
    for row in found["policies"]:
        table.add_row(*report.Row(**{**row, "gap": tuple(row["gap"])}).cells())
    console.print(table)
    table = Table(
        "policy",
        "retrainings",
        "live loss",
        "random dates, 5th percentile",
        "below it",
        "a calendar",
        "against it, 95% over nights",
        title="as often, or nearly",
        title_justify="left",
    )
    for each in found["ours"]:
        low = each["chance"]["5th percentile"] or float("nan")
        for name, (count, mean, lower, upper) in each["calendar"].items():
            table.add_row(
                each["policy"],
                str(each["retrainings"]),
                f"{each['loss']:.5f}",
                f"{low:.5f}",
                "yes" if each["loss"] < low else "no",
                f"{name} ({count})",
                f"{mean:+.5f} [{lower:+.5f}, {upper:+.5f}]",
            )
    console.print(table)
    titles, *rows = replay_dates.lines(found["dates"], found["hindsight"])
    table = Table(*titles, title="what dates can do", title_justify="left")
    for row in rows:
        table.add_row(*row)
    console.print(table)
    console.print(
        ", ".join(f"{name} {seconds:.0f} s" for name, seconds in found["seconds"].items()), f"on {found['cores']} cores"
    )


if __name__ == "__main__":
    main()
