"""What the steps of a night cost, in processes of their own and in forks of the fork server: make bench-night.

Both are measured in one run, step by step in turn, so that a noisy machine is noisy for both; what counts is the ratio.
The physical limit is the fork column less the fork (0.05 s): what is left is the step's own work.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from deploy.local import services
from deploy.local.environment import Local
from ratchet import fork_server

ROUNDS = 3
LOOP = ["--loop", "flight_delays"]
HISTORY, NIGHTS = "2013-01-01..2013-01-16", [f"2013-01-{day}" for day in range(17, 17 + 2 * ROUNDS)]
PARTS = ("fetch", "validate", "publish", "score", "drift", "performance", "decide")


def main() -> None:
    """Measure, print the table, write benchmarks/results/night.json."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(RATCHET_VAR=folder, RATCHET_AIRFLOW_PORT="18080", RATCHET_MLFLOW_PORT="15000")
        local = Local.current()
        try:
            services.up(local, print)
            seconds = _measure(local)
        finally:
            services.down(local, print)
    means = {part: {how: sum(found) / len(found) for how, found in by.items()} for part, by in seconds.items()}
    means["a night"] = {how: sum(means[part][how] for part in PARTS) for how in ("cold", "fork")}
    table = Table("step", "process of its own, s", "fork, s", "ratio")
    for part, by in means.items():
        table.add_row(part, f"{by['cold']:.2f}", f"{by['fork']:.2f}", f"{by['cold'] / by['fork']:.1f}")
    Console().print(table)
    result = Path(__file__).parent / "results" / "night.json"
    result.write_text(
        json.dumps({"rounds": ROUNDS, "cores": os.cpu_count(), "seconds": means}, indent=1) + "\n", encoding="utf-8"
    )


def _measure(local: Local) -> dict[str, dict[str, list[float]]]:
    environment, socket = local.environment(), local.socket
    for name in ("fetch", "validate", "publish"):
        _run("fork", socket, environment, ["step", name, *LOOP, "--partitions", HISTORY])
    _run("fork", socket, environment, ["step", "snapshot", *LOOP, "--run", "bench", "--until", HISTORY.split("..")[1]])
    for name in ("train", "evaluate", "gate", "refit", "promote"):
        _run("fork", socket, environment, ["step", name, *LOOP, "--run", "bench"])
    found: dict[str, dict[str, list[float]]] = {part: {"cold": [], "fork": []} for part in PARTS}
    for i, night in enumerate(NIGHTS):
        how = ("cold", "fork")[i % 2]
        for part in PARTS:
            field = "--partitions" if part in ("fetch", "validate", "publish") else "--partition"
            found[part][how].append(_run(how, socket, environment, ["step", part, *LOOP, field, night]))
    return found


def _run(how: str, socket: Path, environment: dict[str, str], arguments: list[str]) -> float:
    started = time.perf_counter()
    with (socket.parent / "bench.log").open("ab") as log:
        if how == "fork":
            code: Any = fork_server.run(socket, arguments, environment, log.fileno(), log.fileno())
        else:
            code = subprocess.run(
                [sys.executable, "-m", "ratchet", *arguments], env=environment, stdout=log, stderr=log, check=False
            ).returncode
    assert code == 0, (arguments, (socket.parent / "bench.log").read_text()[-2000:])
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
