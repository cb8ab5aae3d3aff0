"""What a night costs at 30, 365 and 1,095 days of age, alone and beside ten loops: make bench-growth.

A loop of two tables of 1,000 rows a day lives thirty days by its steps. Its older ages are written from those
(`aging.py`), and checked against them; then nights are lived again, each step in a fork of a process that has imported
the libraries, as in production. CPU seconds and peak memory are the forks' own; bytes are what a night leaves on the
disk beyond its rows, once the upkeep has run, with Airflow's and MLflow's databases, which nights through Airflow fill.
The limit is the night at 30 days alone: nothing of a night is about what is older than its windows.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks import aging
from benchmarks.living import LOOP, TRAINING, Cost, deliver, lay_out, mlflow, night, step, use, warm
from ratchet.partitions import parse, shift

HERE = Path(__file__).parent
FIRST = "2020-01-01"
LIVED, TRAINED = 30, 26  # days that are lived; those before the champion's training
AGES, NEIGHBOURS, NIGHTS = (30, 365, 1095), (0, 10), 3
AGAIN = 9  # nights before an age that are lived again: their rows are read by the nights that are measured


def main() -> None:
    """Measure, print the table, write benchmarks/results/growth.json and .png."""
    warm()
    console, results = Console(), list[dict[str, Any]]()
    with tempfile.TemporaryDirectory(prefix="growth-") as folder:
        base = Path(folder) / "base"
        lay_out(base)
        with mlflow(base):
            trained = _live_thirty(base)
        trained |= _train_again(base, Path(folder) / "again")
        for neighbours in NEIGHBOURS:
            for age in AGES:
                place = Path(folder) / f"{age}-{neighbours}"
                shutil.copytree(base, place, symlinks=True)
                found = _measure(place, age, neighbours)
                results.append({"age": age, "neighbours": neighbours, **found})
                console.print(results[-1])
                shutil.rmtree(place)
        airflow = _through_airflow(Path(folder) / "airflow")
    _show(console, results, trained, airflow)


def _measure(place: Path, age: int, neighbours: int) -> dict[str, Any]:
    """Let a state be as old, and live nights of it."""
    with mlflow(place) as server:
        _age(place, age, neighbours)
        days = [shift(FIRST, age + n) for n in range(NIGHTS)]
        again = [shift(FIRST, n) for n in range(max(LIVED, age - 2 * AGAIN), age)]
        for day in [*again, *days]:
            deliver(place, day)
        if again:  # half of them as history, whose rows the nights of the other half read
            for name in ("fetch", "validate", "publish"):
                step(name, partitions=f"{again[0]}..{again[AGAIN - 1]}")
        for day in again[AGAIN:]:
            night(day)
        step("prune")
        before, served = _bytes(place), _cpu(server)
        total, parts = Cost(), dict[str, float]()
        for day in days:
            for name, cost in night(day).items():
                total.add(cost)
                parts[name] = parts.get(name, 0.0) + cost.cpu / NIGHTS
        served = (_cpu(server) - served) / NIGHTS
        upkeep = step("prune")
        after = _bytes(place)
    grown = {name: (after[name] - before[name]) / NIGHTS for name in after}
    return {
        "cpu": total.cpu / NIGHTS,
        "memory": total.memory,
        "seconds": total.seconds / NIGHTS,
        "mlflow_cpu": served,
        "upkeep_cpu": upkeep.cpu,
        "steps": parts,
        "bytes": grown,
    }


def _live_thirty(place: Path) -> dict[str, dict[str, float]]:
    """Live the first thirty days by the steps; return what the training has cost, and its snapshot alone."""
    use(place)
    for n in range(LIVED):
        deliver(place, shift(FIRST, n))
    history = f"{FIRST}..{shift(FIRST, TRAINED - 1)}"
    for name in ("fetch", "validate", "publish"):
        step(name, partitions=history)
    first = _train("first", until=shift(FIRST, TRAINED - 1))
    for n in range(TRAINED, LIVED):
        night(shift(FIRST, n))
    return first


def _train_again(base: Path, place: Path) -> dict[str, dict[str, float]]:
    """Train once more, after the nights, in a copy: the features of the window are kept by then."""
    shutil.copytree(base, place, symlinks=True)
    with mlflow(place):
        return _train("again")


def _train(run: str, **request: str) -> dict[str, dict[str, float]]:
    total = step("snapshot", run=run, **request)
    found = {f"{run}: snapshot": {**vars(total)}}
    for name in TRAINING[1:]:
        total.add(step(name, run=run))
    return found | {run: vars(total)}


def _age(place: Path, age: int, neighbours: int) -> None:
    """Write the days between what was lived and an age, and the neighbours' of all that time."""
    from ratchet import catalog
    from ratchet.adapters import models, runs
    from ratchet.lifecycle import dataset

    use(place)
    registry, lived = dataset.registry(), shift(FIRST, LIVED - 1)
    commits = aging.template(registry, LOOP, lived)
    days = [shift(FIRST, n) for n in range(LIVED, age - 2 * AGAIN)]
    aging.write(registry, {LOOP: commits}, lived, days)
    others = {f"{LOOP}_{n}": aging.renamed(commits, LOOP, f"{LOOP}_{n}") for n in range(neighbours)}
    if others:
        aging.write(registry, others, lived, [shift(FIRST, n) for n in range(age)])
    aging.copy_looks(place / "var", LOOP, lived, days)
    with runs.connected() as client:
        champion = models.champion(client, LOOP)
    assert champion
    aging.copy_metrics(place / "var" / "mlflow" / "mlflow.db", champion.run_id, days)
    if days:  # what was written is like what was lived
        assert {*aging.titles(registry, LOOP, days[-1])} == {*aging.titles(registry, LOOP, lived)}
        assert aging.paths(registry, LOOP, days[-1:]) == aging.paths(registry, LOOP, [lived])
    assert len(registry.partitions(LOOP, catalog.load(LOOP).main, "HEAD")) == LIVED + len(days)
    remote = Path(registry.git_remote)
    shutil.rmtree(remote, ignore_errors=True)
    shutil.copytree(registry.root / ".git", remote)


def _through_airflow(place: Path) -> dict[str, float]:
    """Live nights through the real scheduler; return the bytes that a night leaves in Airflow's state."""
    from deploy.local import client, services
    from deploy.local.environment import Local
    from deploy.local.story import Story, tell

    lay_out(place)
    use(place)
    (place / "dags").mkdir()
    (place / "dags" / f"{LOOP}.py").write_text(
        f"from ratchet_airflow.loop_dags import dags_of\n\nglobals().update(dags_of({LOOP!r}))\n"
    )
    os.environ.update(RATCHET_DAGS=str(place / "dags"), RATCHET_AIRFLOW_PORT="18080", RATCHET_MLFLOW_PORT="15000")
    local = Local.current()
    history = f"{FIRST}..{shift(FIRST, TRAINED - 1)}"
    nights = [shift(FIRST, TRAINED + n) for n in range(2 + 2 * NIGHTS)]
    for day in parse(f"{FIRST}..{nights[-1]}"):
        deliver(place, day)
    try:
        services.up(local, print)
        os.environ["MLFLOW_TRACKING_URI"] = local.mlflow_url
        console = Console(quiet=True)
        with client.connect(local) as airflow:
            tell(Story(LOOP, history, f"{nights[0]}..{nights[1]}"), airflow, console)
            before = _size(local.home)
            tell(Story(LOOP, history, f"{nights[2]}..{nights[-1]}"), airflow, console)
        after = _size(local.home)
    finally:
        services.down(local, print)
    return {"airflow": (after - before) / (2 * NIGHTS)}


def _cpu(process: psutil.Process) -> float:
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


def _bytes(place: Path) -> dict[str, int]:
    """Return the bytes of a state's parts: of the rows, and of all that is beside them."""
    var = place / "var"
    rows = (var / "registry" / ".dvc" / "cache", var / "remote" / "files", var / "predictions", var / "staging")
    return {
        "rows": sum(_size(path) for path in rows),
        "registry": _size(var / "registry" / ".git") + _size(var / "remote" / "registry.git"),
        "mlflow": _size(var / "mlflow"),
        "reports": _size(var / "reports"),
        "data_docs": _size(var / "data_docs"),
    }


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _show(
    console: Console,
    results: list[dict[str, Any]],
    trained: dict[str, dict[str, float]],
    airflow: dict[str, float],
) -> None:
    base = results[0]
    table = Table(
        "age, days", "loops beside", "CPU, s", "ratio", "memory, MB", "seconds", "MLflow, s", "upkeep, s", "kB a night"
    )
    for each in results:
        beyond = sum(size for name, size in each["bytes"].items() if name != "rows") + airflow["airflow"]
        each["kilobytes"] = beyond / 1000
        table.add_row(
            f"{each['age']:,}",
            str(each["neighbours"]),
            f"{each['cpu']:.2f}",
            f"{each['cpu'] / base['cpu']:.2f}",
            f"{each['memory']:.0f}",
            f"{each['seconds']:.2f}",
            f"{each['mlflow_cpu']:.2f}",
            f"{each['upkeep_cpu']:.2f}",
            f"{beyond / 1000:,.0f}",
        )
    console.print(table)
    trainings = ", ".join(f"{name} {cost['cpu']:.1f}" for name, cost in trained.items())
    console.print(f"of these in Airflow's state: {airflow['airflow'] / 1000:,.0f} kB; trainings, CPU s: {trainings}")
    folder = HERE / "results"
    folder.mkdir(exist_ok=True)
    content = {"cores": os.cpu_count(), "nights": results, "training": trained, "airflow": airflow}
    (folder / "growth.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    _draw(results, folder / "growth.png")


def _draw(results: list[dict[str, Any]], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    for axes, (key, what) in zip(
        figure.subplots(1, 3),
        (("cpu", "CPU seconds"), ("memory", "peak memory, MB"), ("kilobytes", "kilobytes")),
        strict=True,
    ):
        for neighbours in NEIGHBOURS:
            rows = [each for each in results if each["neighbours"] == neighbours]
            label = f"{neighbours} loops beside" if neighbours else "alone"
            axes.plot([each["age"] for each in rows], [each[key] for each in rows], marker="o", label=label)
        axes.set_ylim(0, 1.15 * max(each[key] for each in results))
        axes.set_xticks(AGES)
        axes.set_xlabel("age, days")
        axes.set_title(f"A night's {what}", fontsize=10)
    figure.axes[0].legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
