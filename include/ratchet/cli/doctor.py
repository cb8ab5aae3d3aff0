"""`ratchet doctor`: what this installation is, and what is wrong with it."""

from __future__ import annotations

import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import click

from ratchet import __version__, catalog, environment, settings
from ratchet.cli.health.finding import Finding
from ratchet.cli.health.services import approvals, services, upkeep
from ratchet.errors import ContractError, explain, memory_left
from ratchet.settings import Settings
from ratchet.text import one_line

PACKAGES = ("apache-airflow", "mlflow", "dvc", "great-expectations", "evidently", "duckdb", "scikit-learn", "torch")
LEAST_DISK = 2e9  # bytes that have to be free
PORTS = ("RATCHET_AIRFLOW_PORT", "RATCHET_MLFLOW_PORT")


@click.command(short_help="Say what this installation is, and what is wrong with it.")
def doctor() -> None:
    """Say what this installation is, and what is wrong with it: a sentence and the next command each."""
    told = set[str]()
    for look in (_versions, _environment, _state, _loops, approvals, services, _registry, _models, upkeep):
        for found in _tried(look):
            if found.said in told:  # one cause that stops several looks
                continue
            if found.next:
                told.add(found.said)
            click.echo(found.text())
    if told:
        click.echo(f"{len(told)} to mend")
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
    instead = {name: f" (set {ours} instead)" for name, ours in environment.INSTEAD.items()}
    out = [f"{name}{instead.get(name, '')}" for name in environment.taken_out()]
    yield Finding("environment", f"set in your shell and ignored by Ratchet: {', '.join(out) or 'none'}")
    for name, near in environment.misspelt().items():
        known = f"did you mean {near}?" if near else f"there is: {', '.join(sorted(environment.OWN))}"
        yield Finding(
            "environment",
            f"{name} is no variable of Ratchet's; {known}",
            f"set {near} instead" if near else f"unset {name}",
        )
    yield Finding("user", environment.user())
    for name in PORTS:
        settings.port(name)
    Settings.current()


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
    yield Finding("memory", memory_left())


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


def _registry() -> Iterator[Finding]:
    from ratchet.adapters import git_remote
    from ratchet.lifecycle import dataset

    if not dataset.begun():
        yield Finding("data registry", "nothing was ingested yet")
        return
    registry = dataset.existing()
    yield Finding("data registry", f"{registry.root}, at {registry.head()[:10]}, format {registry.format()}")
    if not [name for name in registry.folders() if not name.startswith(".")]:
        return  # no loop has written anything yet: there is nothing that a remote could lack
    gone = _gone("DVC remote", registry.remote, "RATCHET_REMOTE")
    yield gone or Finding("DVC remote", f"{registry.remote}{_beside(registry.root, registry.remote)}")
    url = registry.git_remote
    if url == git_remote.NONE:
        yield Finding("Git remote", "none: nothing but this machine has the ledger", "set RATCHET_GIT_REMOTE")
    elif gone and url.startswith(f"{registry.remote}/"):
        return  # gone with it
    elif gone := _gone("Git remote", url, "RATCHET_GIT_REMOTE"):
        yield gone
    elif (there := git_remote.head(registry.root, url)) != registry.head():
        yield Finding(
            "Git remote",
            f"{url} is behind: at {there[:10] or 'nothing'}, not {registry.head()[:10]}",
            "ratchet registry push",
        )
    else:
        yield Finding("Git remote", f"{url}, at the same{_beside(registry.root, url)}")


def _models() -> Iterator[Finding]:
    """Say which models MLflow has lost that a loop needs."""
    from ratchet.adapters import runs
    from ratchet.lifecycle import dataset, recovery

    if not dataset.begun() or not runs.answers(Settings.current().tracking_uri):
        return
    for name in catalog.names():
        with suppress(ContractError):  # told with the loops
            for model in recovery.missing(catalog.load(name)):
                yield Finding(name, f"{model.role}, {model.name}, is lost: {model.why}", f"ratchet recover {name}")


def _gone(what: str, remote: str, variable: str) -> Finding | None:
    """Say of a remote that is a folder that it is not there, or holds nothing."""
    folder = settings.folder(remote)
    if folder is None:
        return None
    if not folder.is_dir():
        return Finding(what, f"{remote} is not there, or not mounted", f"mount it, or name another: {variable}")
    if not any(folder.iterdir()):
        then = "mount what belongs there; where it is new: ratchet registry push"
        return Finding(what, f"{remote} is empty, as where nothing is mounted", then)
    return None


def _beside(root: Path, remote: str) -> str:
    folder = settings.folder(remote)
    same = folder is not None and folder.exists() and folder.stat().st_dev == root.stat().st_dev
    return " (on the same disk: no backup)" if same else ""
