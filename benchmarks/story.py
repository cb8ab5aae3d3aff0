"""What the story of `make run` costs, at version 0.1.0 and now: make bench-story. Wall time, CPU seconds and phases.

Both are told in one run, in turn, each from nothing in a temporary folder on free ports, so that a noisy machine is
noisy for both; what counts is the ratio. Version 0.1.0 is its commit in a Git worktree under `build/`, with the
environment that its own lock and scripts/install.sh make; a second run finds it there. Installs are not counted.

CPU seconds are user and system time of every process of a story, to the last fork of the last service. Services live
in sessions of their own and leave orphans, which RUSAGE_CHILDREN would miss. So this process is their subreaper
(prctl(2)): who loses its parent becomes its child, is waited for, and thereby counted. That is exact, where a sampler
of processes misses those that live between two looks (one look a second saw 134 of 149 CPU seconds), and needs no
right, where a cgroup must have been delegated. It is Linux's.

The physical limit of the wall time is the CPU seconds divided by the cores; what is above is waiting.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import psutil
from rich.console import Console
from rich.table import Table

from deploy.local.story import Story

ROOT = Path(__file__).resolve().parents[1]
OLD, OLD_COMMIT = "0.1.0", "d27c92e"
NOW = "now"
PACKAGES = ("apache-airflow", "mlflow", "dvc", "great-expectations", "evidently", "duckdb", "scikit-learn", "torch")
PATIENCE = 60.0  # seconds in which all that a story started must have ended, once it has
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Version:
    """A checkout with its environment, and the module that tells its story."""

    name: str
    tree: Path
    python: Path
    module: str


@click.command()
@click.option("--nights", default=Story.nights, show_default=True, help="The range of nights to tell.")
@click.option("--history", default=Story.history, show_default=True, help="The range of days imported beforehand.")
@click.option("--runs", default=1, show_default=True, help="How often each version tells it.")
def main(nights: str, history: str, runs: int) -> None:
    """Measure, print the table, write benchmarks/results/story.json."""
    console = Console(width=100)
    if sys.platform != "linux":
        raise click.ClickException("Only Linux counts the CPU seconds of orphans: run make bench-story there.")
    versions = [_old(console), Version(NOW, ROOT, Path(sys.executable), "deploy.local")]
    for version in versions:
        _compile(version)
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    load, told = os.getloadavg()[0], {version.name: [] for version in versions}  # type: dict[str, list[dict[str, Any]]]
    for turn in range(runs):
        for version in versions if turn % 2 == 0 else reversed(versions):
            with console.status(f"{version.name} tells its story ({turn + 1} of {runs})"):
                one = _tell(version, ["--nights", nights, "--history", history])
            told[version.name].append(one)
            console.print(f"{version.name}: wall {one['wall']:.0f} s, CPU {one['cpu']:.0f} s")
    means = {name: _mean(found) for name, found in told.items()}
    result = {
        "history": history,
        "nights": nights,
        "runs": runs,
        "cores": os.cpu_count(),
        "load before": load,
        "versions": {version.name: _about(version) for version in versions},
        "mean": means,
        "told": told,
    }
    path = Path(__file__).parent / "results" / "story.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    _show(means, f"{history}, {nights}; {os.cpu_count()} cores", console)


def _old(console: Console) -> Version:
    """Check version 0.1.0 out and install it, where that is not done yet."""
    tree = ROOT / "build" / f"ratchet-{OLD}"
    if not (tree / ".git").exists():
        # --force: a worktree that was deleted by hand may still be on Git's list.
        command = ["git", "-C", str(ROOT), "worktree", "add", "--quiet", "--force", "--detach", str(tree), OLD_COMMIT]
        if subprocess.run(command, check=False).returncode:
            raise click.ClickException(f"Commit {OLD_COMMIT} is not here: git fetch --unshallow, then run it again.")
    python = Path(sys.base_prefix) / "bin" / "python3.11"
    with console.status(f"installing {OLD} in {tree.relative_to(ROOT)}"):
        environment = {k: v for k, v in _environment().items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
        command = ["make", "--silent", "-C", str(tree), "install", f"PYTHON={python}"]
        subprocess.run(command, env=environment, check=True)
    return Version(OLD, tree, tree / ".venv" / "bin" / "python", "ratchet_airflow.local")


def _compile(version: Version) -> None:
    """Compile what is not compiled yet, so that neither story begins with it."""
    folders = [name for name in ("include", "plugins", "dags", "deploy") if (version.tree / name).exists()]
    command = [str(version.python), "-m", "compileall", "-q", *folders]
    subprocess.run(command, cwd=version.tree, env=_environment(), check=True)


def _tell(version: Version, arguments: list[str]) -> dict[str, Any]:
    """Run the story from nothing, and return its wall, user, system and phases' seconds."""
    folder = Path(tempfile.mkdtemp(prefix="ratchet-story-"))
    airflow, mlflow = _free_ports()
    environment = _environment() | {
        "PYTHONPATH": os.pathsep.join(str(version.tree / name) for name in ("include", "plugins")),
        "RATCHET_VAR": str(folder / "var"),
        "RATCHET_AIRFLOW_PORT": str(airflow),
        "RATCHET_MLFLOW_PORT": str(mlflow),
    }
    command = [str(version.python), "-m", version.module, "run", *arguments]
    output = folder / "story.txt"
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    with output.open("wb") as file, _all_ended():
        process = subprocess.Popen(
            command, cwd=version.tree, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file
        )
        _wait(process)
        wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    text = output.read_text(encoding="utf-8")
    if process.returncode:
        raise click.ClickException(f"The story of {version.name} failed. Its state is kept: {folder}\n{text[-3000:]}")
    shutil.rmtree(folder, ignore_errors=True)
    user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    return {"wall": wall, "cpu": user + system, "user": user, "system": system, "phases": _phases(text)}


def _wait(process: subprocess.Popen[bytes]) -> None:
    """Wait for a process, and meanwhile for every orphan, as init would: who asks whether one lives is not deceived."""
    while process.returncode is None:
        pid, status = os.waitpid(-1, 0)
        if pid == process.pid:
            process.returncode = os.waitstatus_to_exitcode(status)


@contextlib.contextmanager
def _all_ended() -> Iterator[None]:
    """Wait, at the end, until no descendant is left; end those that stay."""
    try:
        yield
    finally:
        deadline = time.monotonic() + PATIENCE
        with contextlib.suppress(ChildProcessError):  # none is left
            while True:
                if os.waitpid(-1, os.WNOHANG)[0]:
                    continue
                if time.monotonic() > deadline:
                    for left in psutil.Process().children(recursive=True):
                        with contextlib.suppress(psutil.NoSuchProcess):
                            click.echo(f"still there, and killed: {' '.join(left.cmdline())}", err=True)
                            left.kill()
                time.sleep(0.1)


def _phases(text: str) -> dict[str, float]:
    """Read the line "Seconds" of the story's own table, which a terminal's width may have broken."""
    found = re.search(r"Seconds\s(.*?)in all", re.sub(r"[│\s]+", " ", text), re.DOTALL)
    if found is None:
        raise click.ClickException(f"The story does not say its seconds:\n{text[-3000:]}")
    return {name.strip(): float(seconds) for name, seconds in re.findall(r"([^,;\d]+) (\d+)[,;]", found[1])}


def _environment() -> dict[str, str]:
    """Return this process's environment, less what says where an installation is, with what the Makefile exports."""
    mine = ("RATCHET_", "AIRFLOW", "MLFLOW_", "PYTHON", "VIRTUAL_ENV")
    quiet = {
        "DVC_NO_ANALYTICS": "1",
        "GX_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    return {name: value for name, value in os.environ.items() if not name.startswith(mine)} | quiet


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def _about(version: Version) -> dict[str, Any]:
    """Say which code and which packages told the story."""

    def git(*words: str) -> str:
        command = ["git", "-C", str(version.tree), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    code = f"import json, importlib.metadata as m; print(json.dumps({{p: m.version(p) for p in {PACKAGES}}}))"
    asked = subprocess.run([str(version.python), "-c", code], env=_environment(), capture_output=True, check=True)
    interpreter = subprocess.run([str(version.python), "--version"], capture_output=True, text=True, check=True).stdout
    return {
        "commit": git("rev-parse", "HEAD"),
        "changed since": bool(git("status", "--porcelain", "--untracked-files=no")),
        "python": interpreter.split()[-1],
        "packages": json.loads(asked.stdout),
    }


def _mean(told: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the means over the runs; a phase that a run did not have took it no time."""
    found: dict[str, Any] = {name: sum(each[name] for each in told) / len(told) for name in ("wall", "cpu")}
    names = dict.fromkeys(name for each in told for name in each["phases"])
    phases = {name: sum(each["phases"].get(name, 0.0) for each in told) / len(told) for name in names}
    return {**found, "phases": phases}


def _show(means: dict[str, dict[str, Any]], title: str, console: Console) -> None:
    old, now = means[OLD], means[NOW]
    names = dict.fromkeys([*old["phases"], *now["phases"]])
    rows = [
        ("wall time", old["wall"], now["wall"]),
        *((f"  {name}", old["phases"].get(name, 0.0), now["phases"].get(name, 0.0)) for name in names),
        ("CPU time", old["cpu"], now["cpu"]),
    ]
    table = Table("seconds", OLD, NOW, f"{NOW} / {OLD}", title=title, title_justify="left")
    for name, before, after in rows:
        table.add_row(name, f"{before:.0f}", f"{after:.0f}", f"{after / before:.2f}" if before else "")
    console.print(table)


if __name__ == "__main__":
    main()
