"""Look at what `make up` started: whether it runs, what Airflow cannot import, who may answer, what the keeper did."""

from __future__ import annotations

import datetime as dt
import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from ratchet import catalog, environment, installation
from ratchet.cli.health.finding import Finding
from ratchet.contract.loop import Loop
from ratchet.installation import Installation
from ratchet.settings import Settings

SKEW = 60.0  # seconds that a server's clock may be off
RESTED = 50 * 3600.0  # seconds after which a nightly upkeep has not run
_TRACEBACK = "Traceback (most recent call last):"


def services() -> Iterator[Finding]:
    """Say whether Airflow, MLflow and the fork server answer, and which DAG files Airflow cannot import."""
    settings = Settings.current()
    described = installation.read(settings.var)
    if described is None:
        yield Finding("services", *installation.lacking(settings.var))
        return
    running = installation.running(settings.var)
    health = _health(described.airflow_url) if running else None
    if not running:
        yield Finding("services", "nothing is running", "make up")
    elif health is None:
        yield Finding("airflow", f"does not answer at {described.airflow_url}", "make up")
    else:
        parts = {name: (about or {}).get("status") for name, about in health.items() if isinstance(about, dict)}
        ill = [name for name, status in parts.items() if status not in ("healthy", None)]
        said = f"{', '.join(ill)} not healthy" if ill else f"answers at {described.airflow_url}"
        yield Finding("airflow", said, f"see {described.var / 'run'}/*.log, then: make down, make up" if ill else "")
    if running or settings.tracking_uri != described.mlflow_url:
        yield _mlflow(settings.tracking_uri)
    if running and not _listens(described.fork_server):
        yield Finding("fork server", "does not answer", "make down, make up")
    elif running:
        yield Finding("fork server", "answers")
    if health is not None:
        yield from _imports(described)


def approvals() -> Iterator[Finding]:
    """Say whom a contract names who cannot answer here: no login of this installation, and no user at this machine."""
    described = installation.read(Settings.current().var)
    if described is None:
        return
    for name in catalog.names():
        with suppress(Exception):  # what is wrong with a contract is told with the loops
            yield from _unable(catalog.load(name), described)


def upkeep() -> Iterator[Finding]:
    """Say whether the keeper runs, when it ran last, and what it could not do."""
    var = Settings.current().var
    running = installation.running(var)
    if running and "keeper" not in running:
        yield Finding("upkeep", "the keeper does not run: nobody cleans databases and logs", "make up")
    kept = var / "run" / "keeper.json"
    if not kept.exists():
        yield Finding("upkeep", "the keeper of an installation has not run yet")
        return
    about: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    when = dt.datetime.fromtimestamp(about["at"], dt.UTC)
    late = "keeper" in running and time.time() - about["at"] > RESTED
    yield Finding("upkeep", f"the keeper ran last at {when:%Y-%m-%d %H:%M} UTC", "make down, make up" if late else "")
    for name, said in about["done"].items():
        if str(said).startswith("failed"):
            yield Finding("upkeep", f"{name} {said}", f"see {kept.parent / 'keeper.log'}")


def _health(url: str) -> dict[str, Any] | None:
    import httpx

    try:
        return dict(httpx.get(f"{url}/api/v2/monitor/health", timeout=5, trust_env=False).json())
    except (httpx.HTTPError, ValueError):
        return None


def _mlflow(url: str) -> Finding:
    import httpx

    try:
        answer = httpx.get(f"{url}/health", timeout=5, trust_env=False)
    except httpx.HTTPError as error:
        return Finding("mlflow", f"does not answer at {url} ({error})", "make up, or set MLFLOW_TRACKING_URI")
    if answer.status_code != 200:
        return Finding(
            "mlflow", f"answers {answer.status_code} at {url}", f"see {Settings.current().var / 'run'}/mlflow.log"
        )
    said = answer.headers.get("Date")
    if said:
        off = dt.datetime.now(dt.UTC).timestamp() - parsedate_to_datetime(said).timestamp()
        if abs(off) > SKEW:
            return Finding("clock", f"is {off:.0f} s off that of {url}", "set the clocks by NTP (timedatectl)")
    return Finding("mlflow", f"answers at {url}")


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True


def _unable(loop: Loop, described: Installation) -> Iterator[Finding]:
    able = {login for login, role in described.logins.items() if role != "viewer"} | {environment.user()}
    lost = [login for login in loop.gate.approval if login not in able]
    users = {**described.users, **dict.fromkeys(lost, "user")}
    given = ",".join(f"{login}:{role}" for login, role in users.items())
    for login in lost:
        is_what = "is a viewer here" if login in described.logins else "has no login here"
        yield Finding(
            loop.name,
            f"gate.approval names {login}, who {is_what} and cannot answer",
            f"make down, RATCHET_AIRFLOW_USERS={given} make up; or mend gate.approval in {loop.folder / 'loop.yaml'}",
        )


def _imports(described: Installation) -> Iterator[Finding]:
    from ratchet.adapters import airflow_api

    with airflow_api.connect(described.airflow_url, described.user, described.passwords) as airflow:
        broken = airflow.import_errors()
    for each in broken:
        file, _, trace = each.partition(":\n")
        yield Finding(
            "DAG file", f"{file} cannot be imported: {_error(trace)}", "mend it; Airflow reads it again by itself"
        )


def _error(trace: str) -> str:
    """Return the first line of an error, past the frames of its traceback."""
    last = trace.rpartition(_TRACEBACK)[2]
    return next((line for line in last.splitlines() if line.strip() and not line.startswith(" ")), trace)
