"""`ratchet doctor`: what this installation is, and what is wrong with it."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import socket
import stat
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import click

from ratchet import __version__, catalog, environment, installation, settings
from ratchet.errors import explain, memory
from ratchet.settings import Settings
from ratchet.text import one_line

PACKAGES = ("apache-airflow", "mlflow", "dvc", "great-expectations", "evidently", "duckdb", "scikit-learn", "torch")
LEAST_DISK = 2e9  # bytes that have to be free
SKEW = 60.0  # seconds that a server's clock may be off
RESTED = 50 * 3600.0  # seconds after which a nightly upkeep has not run


@dataclass(frozen=True)
class Finding:
    """What was looked at: a sentence, and where it is wrong, the command that comes next."""

    what: str
    said: str
    next: str = ""  # empty where it is in order


@click.command()
def doctor() -> None:
    """Say what this installation is, and what is wrong with it: a sentence and the next command each."""
    wrong = 0
    for look in (_versions, _environment, _state, _loops, _services, _registry, _upkeep):
        for found in _tried(look):
            mark = click.style("wrong", fg="red") if found.next else "ok   "
            click.echo(f"{mark}  {found.what:14} {one_line(found.said)}")
            if found.next:
                wrong += 1
                click.echo(f"{'':23}next: {found.next}")
    if wrong:
        click.echo(f"{wrong} to mend")
        sys.exit(2)


def _tried(look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Look, and tell as a finding what stops the look."""
    try:
        yield from look()
    except Exception as error:  # noqa: BLE001 (a doctor that falls ill helps nobody)
        yield Finding(look.__name__.strip("_"), str(explain(error)), "mend that, then: ratchet doctor")


def _versions() -> Iterator[Finding]:
    yield Finding("version", f"Ratchet {__version__}, Python {sys.version.split()[0]}")
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            yield Finding("package", f"{name} is not installed", "make install")
    yield Finding("packages", ", ".join(f"{name} {version}" for name, version in found.items()))
    if shutil.which("git") is None:
        yield Finding("git", "Git is not installed", "apt-get install git")


def _environment() -> Iterator[Finding]:
    out = environment.taken_out()
    yield Finding("environment", f"given to nothing of Ratchet's: {', '.join(out) or 'none'}")
    yield Finding("user", environment.user())


def _state() -> Iterator[Finding]:
    found = Settings.current()
    if not found.var.exists():
        yield Finding("state", f"{found.var} is not there yet", "make up, or name another place: RATCHET_VAR")
        return
    mode = stat.S_IMODE(found.var.stat().st_mode)
    free = shutil.disk_usage(found.var).free
    open_to = f"chmod 700 {found.var}" if mode & 0o077 else ""
    yield Finding("state", f"{found.var}, {'open to others' if open_to else 'closed to others'}", open_to)
    yield Finding(
        "disk", f"{free / 1e9:.1f} GB are free there", "" if free > LEAST_DISK else "make room, or: ratchet prune"
    )
    yield Finding("memory", memory().partition(". Free")[0])


def _loops() -> Iterator[Finding]:
    names = catalog.names()
    yield Finding(
        "loops", ", ".join(names) or "none", "" if names else "ratchet new LOOP --sample FILE --target COLUMN"
    )
    for name in names:
        try:
            catalog.load(name)
        except Exception as error:  # noqa: BLE001 (one loop's error is that loop's, whatever it is)
            yield Finding(one_line(name), str(explain(error)), f"ratchet lint {one_line(name)}")


def _services() -> Iterator[Finding]:
    var = Settings.current().var
    described = installation.read(var)
    if described is None:
        moved = installation.path(var).exists()
        yield Finding("services", "were started at another place" if moved else "were never started here", "make up")
        return
    health = _asked(f"{described.airflow_url}/api/v2/monitor/health")
    if health is None:
        yield Finding("airflow", f"does not answer at {described.airflow_url}", "make up")
    else:
        parts = {name: (about or {}).get("status") for name, about in health.items() if isinstance(about, dict)}
        ill = [name for name, status in parts.items() if status not in ("healthy", None)]
        said = f"{', '.join(ill)} not healthy" if ill else f"answers at {described.airflow_url}"
        yield Finding("airflow", said, f"see {described.var / 'run'}/*.log, then: make down, make up" if ill else "")
    url = Settings.current().tracking_uri
    yield _of_mlflow(url)
    yield Finding(
        "fork server",
        *("answers", "") if _listens(described.fork_server) else ("does not answer", "make down, make up"),
    )


def _of_mlflow(url: str) -> Finding:
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
        off = dt.datetime.now(dt.UTC).timestamp() - _http_date(said)
        if abs(off) > SKEW:
            return Finding("clock", f"is {off:.0f} s off that of {url}", "set the clocks by NTP (timedatectl)")
    return Finding("mlflow", f"answers at {url}")


def _registry() -> Iterator[Finding]:
    from ratchet.adapters import git_remote
    from ratchet.lifecycle import dataset

    if not dataset.begun():
        yield Finding("data registry", "nothing was ingested yet")
        return
    registry = dataset.existing()
    yield Finding("data registry", f"{registry.root}, at {registry.head()[:10]}, format {registry.format()}")
    yield Finding("DVC remote", f"{registry.remote}{_beside(registry.root, registry.remote)}")
    url = registry.git_remote
    if url == git_remote.NONE:
        yield Finding("Git remote", "none: nothing but this machine has the ledger", "set RATCHET_GIT_REMOTE")
    elif git_remote.head(registry.root, url) != registry.head():
        yield Finding("Git remote", f"{url} is not at {registry.head()[:10]}", "ratchet registry push")
    else:
        yield Finding("Git remote", f"{url}, at the same{_beside(registry.root, url)}")


def _beside(root: Path, remote: str) -> str:
    folder = settings.folder(remote)
    same = folder is not None and folder.exists() and folder.stat().st_dev == root.stat().st_dev
    return " (on the same disk: no backup)" if same else ""


def _upkeep() -> Iterator[Finding]:
    kept = Settings.current().var / "run" / "keeper.json"
    if not kept.exists():
        yield Finding("upkeep", "the keeper of an installation has not run yet")
        return
    about: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    age = time.time() - about["at"]
    failed = {name: said for name, said in about["done"].items() if str(said).startswith("failed")}
    when = dt.datetime.fromtimestamp(about["at"], dt.UTC)
    yield Finding(
        "upkeep", f"the keeper ran last at {when:%Y-%m-%d %H:%M} UTC", "make down, make up" if age > RESTED else ""
    )
    for name, said in failed.items():
        yield Finding("upkeep", f"{name} {said}", f"see {kept.parent / 'keeper.log'}")


def _asked(url: str) -> dict[str, Any] | None:
    import httpx

    try:
        return dict(httpx.get(url, timeout=5, trust_env=False).json())
    except (httpx.HTTPError, ValueError):
        return None


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True


def _http_date(text: str) -> float:
    from email.utils import parsedate_to_datetime

    return parsedate_to_datetime(text).timestamp()
