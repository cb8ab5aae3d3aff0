"""A loop of the usual size, and what its steps cost: two tables of 1,000 rows a day, each step in a fork."""

from __future__ import annotations

import gc
import importlib
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from ratchet import fork_server

LOOP, HERE = "turnstile", Path(__file__).parent
NIGHT = ("turn", "fetch", "validate", "publish", "score", "drift", "performance", "decide", "duel", "close")
TRAINING = ("snapshot", "train", "evaluate", "gate", "refit", "promote")
_KEPT = 80  # files of the source: older days are taken away


@dataclass
class Cost:
    """What steps have cost."""

    cpu: float = 0.0  # seconds
    memory: float = 0.0  # MB, at the highest
    seconds: float = 0.0

    def add(self, other: Cost) -> None:
        """Add another's."""
        self.cpu, self.seconds = self.cpu + other.cpu, self.seconds + other.seconds
        self.memory = max(self.memory, other.memory)


def lay_out(place: Path) -> None:
    """Lay the loop out in a folder."""
    loops, suites = place / "loops", place / "suites" / "expectations"
    (loops / LOOP / "data").mkdir(parents=True)
    suites.mkdir(parents=True)
    for name in ("loop.yaml", "features.sql"):
        shutil.copy(HERE / "turnstile" / name, loops / LOOP)
    for name in ("passes.json", "weather.json"):
        shutil.copy(HERE / "turnstile" / name, suites)


def deliver(place: Path, day: str) -> None:
    """Put a day's rows into the source's folder, a file a table, and take older ones away."""
    import numpy as np
    import pandas as pd

    rng, folder = np.random.default_rng(int(day.replace("-", ""))), place / "loops" / LOOP / "data"
    if (oldest := sorted(folder.glob("*.parquet"))) and len(oldest) > _KEPT:
        oldest[0].unlink()
    hours = pd.date_range(day, periods=24, freq="h")
    at = pd.DataFrame([(hour, n) for hour in hours for n in range(42)][:1000], columns=["hour", "n"])
    trains = rng.integers(0, 12, len(at))
    people = 50 + 20 * trains + 10 * np.sin(at["hour"].dt.hour / 24 * 2 * np.pi) + rng.normal(0, 8, len(at))
    gates, lines = at["n"].map("gate {:02d}".format), at["n"].map(lambda n: "ABCDEF"[n % 6])
    passes = pd.DataFrame(
        {"hour": at["hour"], "gate": gates, "line": lines, "trains": trains, "people": people.clip(0)}
    )
    rain, warm = rng.uniform(0, 4, len(at)), rng.normal(12, 6, len(at))
    stations = at["n"].map("station {:02d}".format)
    weather = pd.DataFrame({"hour": at["hour"], "station": stations, "rain": rain, "temperature": warm})
    for name, table in (("passes", passes), ("weather", weather)):
        table.to_parquet(folder / f"{name}-{day}.parquet", index=False)


def use(place: Path) -> None:
    """Let the settings be a folder's."""
    os.environ.update(
        RATCHET_VAR=str(place / "var"), RATCHET_LOOPS=str(place / "loops"), RATCHET_SUITES=str(place / "suites")
    )


@contextmanager
def mlflow(place: Path) -> Iterator[psutil.Process]:
    """Let an MLflow server run over a state."""
    use(place)
    folder, port = place / "var" / "mlflow", 15001
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.update(MLFLOW_TRACKING_URI=f"http://127.0.0.1:{port}", MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false")
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1)
                break
            except OSError:
                assert process.poll() is None
                time.sleep(0.2)
        yield psutil.Process(process.pid)
    finally:
        os.killpg(process.pid, 15)
        process.wait(20)


def night(day: str) -> dict[str, Cost]:
    """Live a night; return what each step has cost."""
    found = {}
    for name in NIGHT:
        about = {"partitions": day} if name in ("turn", "fetch", "validate", "publish") else {"partition": day}
        found[name] = step(name, **about, **({"run": f"night__{day}"} if name == "turn" else {}))
    return found


def step(name: str, **request: str) -> Cost:
    """Run a step in a fork; return what it has cost. Fails where it does."""
    words = [word for field, value in request.items() for word in (f"--{field}", value)]
    begun, log = time.monotonic(), Path(os.environ["RATCHET_VAR"]) / "said"
    child = os.fork()
    if child == 0:
        code = 1
        try:
            file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(file, 1)
            os.dup2(file, 2)
            from ratchet.cli import main as command

            command(["step", name, "--loop", LOOP, *words])
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        finally:
            sys.stdout.flush()
            os._exit(code)
    _, status, used = os.wait4(child, 0)
    assert status == 0, (name, request, log.read_text())
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, time.monotonic() - begun)


def warm() -> None:
    """Import what a step needs, as the fork server does."""
    for name in fork_server.LIBRARIES:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
