"""Start, find and stop the services of the local installation."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from deploy.local import keeper
from deploy.local.environment import Local
from ratchet import installation
from ratchet.errors import ServiceError, storage_errors
from ratchet.files import private, write_text

FORK_SERVER = "fork-server"
POOLS = Path(__file__).resolve().parents[1] / "pools.json"


@dataclass(frozen=True)
class Service:
    """A process of the installation: what starts it, and how it is known to be ready."""

    name: str
    command: list[str]
    ready: Callable[[], bool]


def up(local: Local, say: Callable[[str], None]) -> None:
    """Start what does not run yet, and wait until all answer. Who starts or stops them meanwhile is waited for.

    Raises ServiceError with the end of the log of what does not.
    """
    with storage_errors(local.run):
        private(local.settings.var)
        for folder in (local.run, local.home, local.settings.var / "mlflow"):
            folder.mkdir(parents=True, exist_ok=True)
    with _alone(local):
        _up(local, say)


def down(local: Local, say: Callable[[str], None]) -> None:
    """Stop the services that this installation started; no others. Who starts them meanwhile is waited for."""
    if not local.run.exists():
        say("nothing was running")
        return
    with _alone(local):
        _down(local, say)


def running(local: Local) -> list[str]:
    """List the services that run."""
    return [service.name for service in _services(local) if _process(local, service.name)]


@contextlib.contextmanager
def _alone(local: Local) -> Iterator[None]:
    """Start or stop services one at a time: what one has started, another would take for gone."""
    with (local.run / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _up(local: Local, say: Callable[[str], None]) -> None:
    _check_chosen(local)
    environment = local.environment()
    running = {service.name for service in _services(local) if _process(local, service.name)}
    for name, port, variable in (
        ("api-server", local.airflow_port, "RATCHET_AIRFLOW_PORT"),
        ("mlflow", local.mlflow_port, "RATCHET_MLFLOW_PORT"),
    ):
        if name not in running:
            _check_port(name, port, variable)
    local.describe()
    started = [
        _start(local, service, environment)
        for service in _services(local)
        if service.name in ("mlflow", FORK_SERVER) and service.name not in running
    ]
    if "scheduler" not in running:
        say("preparing Airflow's database")
        _airflow(local, environment, "db", "migrate")
        _airflow(local, environment, "pools", "import", str(POOLS))
    left = [each for each in _services(local) if each.name not in ("mlflow", FORK_SERVER, *running)]
    if names := [*started, *(each.name for each in left)]:
        say(f"starting {', '.join(names)}")
    for service in left:
        _start(local, service, environment)
        if service.name == "api-server":  # a task that the scheduler starts asks it at once
            _wait(local, service)
    for service in _services(local):
        _wait(local, service)


def _down(local: Local, say: Callable[[str], None]) -> None:
    stopped = []
    for service in reversed(_services(local)):
        process = _process(local, service.name)
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            stopped.append((service.name, process))
    for name, process in stopped:
        # What a service forked may have left its group's leader behind: the group is what ends.
        _, alive = psutil.wait_procs([process], timeout=15)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL if alive else signal.SIGTERM)
        _pid_file(local, name).unlink(missing_ok=True)
    say(f"stopped {', '.join(name for name, _ in stopped)}" if stopped else "nothing was running")


def _services(local: Local) -> list[Service]:
    python, bin_ = sys.executable, Path(sys.executable).parent
    mlflow = local.settings.var / "mlflow"
    health = _answers(f"{local.airflow_url}/api/v2/monitor/health")
    found = [
        Service(
            "mlflow",
            [
                python,
                "-m",
                "mlflow",
                "server",
                "--host",
                "127.0.0.1",
                "--port",
                str(local.mlflow_port),
                "--workers",
                "1",
                "--backend-store-uri",
                f"sqlite:///{mlflow / 'mlflow.db'}",
                "--artifacts-destination",
                str(mlflow / "artifacts"),
            ],
            _answers(f"{local.mlflow_url}/health"),
        ),
        Service(FORK_SERVER, [python, "-m", "ratchet.fork_server", str(local.socket)], local.socket.exists),
        Service("api-server", [str(bin_ / "airflow"), "api-server"], health),
        Service("scheduler", [str(bin_ / "airflow"), "scheduler", "--skip-serve-logs"], _beats(local, "scheduler")),
        Service("dag-processor", [str(bin_ / "airflow"), "dag-processor"], _beats(local, "dag_processor")),
        Service("triggerer", [str(bin_ / "airflow"), "triggerer", "--skip-serve-logs"], _beats(local, "triggerer")),
        Service("keeper", [python, "-m", "deploy.local.keeper"], keeper.state(local).exists),
    ]
    return [service for service in found if service.name != FORK_SERVER or sys.platform == "linux"]


def _start(local: Local, service: Service, environment: dict[str, str]) -> str:
    if service.name == FORK_SERVER:
        local.socket.unlink(missing_ok=True)
    with (local.run / f"{service.name}.log").open("ab") as log:
        # Its own session, so that the whole group can be ended: Airflow's processes fork their workers.
        # Who needs nothing of Airflow's is given none of its secrets: a fork shows its server's first environment.
        process = subprocess.Popen(
            service.command,
            env=local.plain() if service.name in ("mlflow", FORK_SERVER) else environment,
            cwd=local.settings.home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            umask=0o077,
        )
    about = {"pid": process.pid, "created": psutil.Process(process.pid).create_time()}
    write_text(_pid_file(local, service.name), json.dumps(about))
    return service.name


def _wait(local: Local, service: Service, patience: float = 180) -> None:
    deadline = time.monotonic() + patience
    while not service.ready():
        log = local.run / f"{service.name}.log"
        if _process(local, service.name) is None:
            raise ServiceError(f"{service.name} ended while starting. The end of {log}:\n{_tail(log)}")
        if time.monotonic() > deadline:
            raise ServiceError(f"{service.name} is not ready after {patience:.0f} s. The end of {log}:\n{_tail(log)}")
        time.sleep(0.2)


def _process(local: Local, name: str) -> psutil.Process | None:
    return installation.process(local.settings.var, name)


def _pid_file(local: Local, name: str) -> Path:
    return installation.pid_file(local.settings.var, name)


def _check_chosen(local: Local) -> None:
    """Refuse other ports, and other logins, while the services run with the ones that were chosen before."""
    names = running(local)
    if not names:
        return
    before = installation.read(local.settings.var)
    if before is None:
        file = installation.path(local.settings.var)
        raise ServiceError(f"{', '.join(names)} run already, and {file} does not say where. Stop them: make down")
    if (before.airflow_port, before.mlflow_port) != (local.airflow_port, local.mlflow_port):
        raise ServiceError(
            f"{', '.join(names)} run already, with Airflow at {before.airflow_url} and MLflow at {before.mlflow_url}. "
            "To move them, stop them first: make down"
        )
    if "api-server" in names and before.users != local.users:
        now = ", ".join(f"{name} ({role})" for name, role in before.users.items()) or "none"
        raise ServiceError(
            f"Airflow runs already, and its logins beside {before.user} are: {now}. RATCHET_AIRFLOW_USERS takes effect "
            "after make down, make up"
        )


def _check_port(name: str, port: int, variable: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise ServiceError(
                f"Port {port} is taken, and {name} needs it. Stop what listens there, "
                f"or choose another port: {variable}={port + 1} make up"
            ) from None


def _airflow(local: Local, environment: dict[str, str], *arguments: str) -> None:
    command = [str(Path(sys.executable).parent / "airflow"), *arguments]
    done = subprocess.run(
        command, env=environment, cwd=local.settings.home, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ServiceError(f"airflow {' '.join(arguments)} failed:\n{(done.stderr or done.stdout)[-2000:]}")


def _answers(url: str) -> Callable[[], bool]:
    def ready() -> bool:
        try:
            return httpx.get(url, timeout=5, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    return ready


def _beats(local: Local, part: str) -> Callable[[], bool]:
    def ready() -> bool:
        try:
            found = httpx.get(f"{local.airflow_url}/api/v2/monitor/health", timeout=5, trust_env=False).json()
            return bool(found.get(part, {}).get("status") == "healthy")
        except (httpx.HTTPError, ValueError):
            return False

    return ready


def _tail(path: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]) if path.exists() else ""
