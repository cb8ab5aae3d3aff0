"""What the duel is worth, beside other gates: make bench-gate. Models, losses and days are real flights of 2013.

1. Equal models (two seeds of one recipe), years made by drawing whole days: how often does a gate fire, looked at every
   night?
2. Power: days until a rival that is better by so much is promoted.
3. The year 2013 with a challenger every night, each gate deciding; as it was, and with damaged trainings among them.
4. A bad model that slips in: days until it is rolled back.

Parts 5 to 8 are drawn, without a model, thousands of lives at once: recipes that turn worse (gate_lines), skewed
differences (gate_skewed), chains of small losses (gate_creep), days until a difference is seen (gate_days).

The physical limit of 3 is the best sequence in hindsight; the gap to it is what nobody can know in advance.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import flights, gate_creep, gate_days, gate_lines, gate_skewed
from benchmarks.flights import Fit
from benchmarks.gate_drawn import MONTHS, equal, power
from benchmarks.gate_year import BAD, BEGIN, DELAY, END, FAULTS, FIRST, HOLDOUT, bad_model, year_2013

DRAWN = (
    ("lines", gate_lines.lines, gate_lines.show),
    ("skewed", gate_skewed.skewed, gate_skewed.show),
    ("creep", gate_creep.creep, gate_creep.show),
    ("days", gate_days.days, gate_days.show),
)


def main() -> None:
    """Measure, print the tables, write benchmarks/results/gate.json and gate.png."""
    console, begun = Console(width=150), time.perf_counter()
    year = flights.year()
    nights = [Fit(day) for day in range(FIRST, END - DELAY)]
    damaged = {
        Fit(t - back, damaged=True) for f in FAULTS for t in range(f, f + 5) for back in (DELAY, DELAY + HOLDOUT)
    }
    damaged |= {Fit(day, damaged=True) for day in BAD}
    seeds = [Fit(day, seed=seed) for day in MONTHS for seed in (1, 2)]
    with console.status("fitting a model a night"):
        flights.train(year, [*nights, *damaged])
    with console.status("fitting pairs of seeds"):
        flights.train(year, seeds, {"max_features": 0.5, "max_iter": 120})
    found: dict[str, Any] = {
        "cores": os.cpu_count(),
        "models": len(year.models),
        "seconds": {"models": time.perf_counter() - begun},
    }
    for name, part in (("equal", equal), ("power", power), ("year", year_2013), ("bad", bad_model)):
        started = time.perf_counter()
        with console.status(name):
            found[name] = part(year)
        found["seconds"][name] = time.perf_counter() - started
    for name, drawn, _ in DRAWN:
        started = time.perf_counter()
        with console.status(name):
            found[name] = drawn()
        found["seconds"][name] = time.perf_counter() - started
    found["seconds"]["all"] = time.perf_counter() - begun
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    curves = found["year"].pop("curves")
    (folder / "gate.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    _figure(curves, folder / "gate.png")
    show(found, console)


def show(found: dict[str, Any], console: Console) -> None:
    """Print the tables."""
    one = found["equal"]
    table = Table(
        "gate",
        "years with any promotion",
        "false among promotions",
        "promotions a year",
        "better ones promoted",
        title=f"1. Equal models, and in a stream one in three better by {one['better ones, by']:.4f}",
    )
    for name, share in one["years with a promotion"].items():
        stream = one["stream"][name]
        table.add_row(
            name,
            f"{share:.1%}",
            f"{stream['false share']:.1%}",
            f"{stream['promotions a year']:.1f}",
            f"{stream['of better ones promoted']:.0%}",
        )
    console.print(table)
    table = Table(
        "better by", "days, median", "nine in ten", "within a year", "sd of a day", title="2. Power (aim superior)"
    )
    for effect, row in found["power"].items():
        table.add_row(
            effect,
            *(f"{row[each]:.0f}" if row[each] <= 365 else "over a year" for each in ("median", "nine in ten")),
            f"{row['within the year']:.0%}",
            f"{row['sd of days']:.4f}",
        )
    console.print(table)
    for stream in ("as it was", "with 15 damaged trainings"):
        table = Table(
            "gate",
            "loss",
            "March–Dec.",
            "above always refit",
            "worst week",
            "promotions",
            "rollbacks",
            title=f"3. 2013, {stream}",
        )
        for name, row in sorted(found["year"][stream].items(), key=lambda item: item[1]["loss"]):
            table.add_row(
                name,
                f"{row['loss']:.5f}",
                f"{row['March to December']:.5f}",
                f"{row['above always refit']:+.5f}",
                f"{row['worst week']:.4f}",
                *(str(row[each]) if row[each] is not None else "" for each in ("promotions", "rollbacks")),
            )
        console.print(table)
    table = Table(
        "slipped in on",
        "days until rollback",
        "excess a day",
        "excess in 45 days, with",
        "without",
        title="4. A bad model",
    )
    for day, row in found["bad"].items():
        table.add_row(
            f"day {day}",
            str(row["days until rollback"] or "none"),
            f"{row['excess a day']:.4f}",
            f"{row['excess in 45 days, with']:.2f}",
            f"{row['without']:.2f}",
        )
    console.print(table)
    for name, _, shown in DRAWN:
        shown(found[name], console)
    console.print(
        ", ".join(f"{name} {seconds:.0f} s" for name, seconds in found["seconds"].items()), f"on {found['cores']} cores"
    )


def _figure(curves: dict[str, list[float]], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5.5), layout="constrained")
    for axes, stream in zip(
        figure.subplots(1, 2, sharey=True), ("as it was", "with 15 damaged trainings"), strict=True
    ):
        for name, values in curves.items():
            if name.endswith(f"({stream})") and not name.startswith(("never", "always, the refit")):
                label = name.removesuffix(f" ({stream})")
                style: dict[str, Any] = (
                    {"linewidth": 2.5, "color": "black"} if label == "the duel" else {"linewidth": 1}
                )
                axes.plot(np.arange(BEGIN, END), values, label=label, **style)
        axes.axhline(0, color="0.5", linewidth=1)
        axes.set(title=f"2013, {stream}", xlabel="day of the year")
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("log loss above always deploying the refit, so far")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False, fontsize="small")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
