"""The keeper: what `make up` runs beside the services, to clean their databases and logs once a day.

`python -m deploy.local.keeper`. It alone reaches those databases: no task does, and no decision depends on a row that
goes. What it did last is in `<var>/run/keeper.json`; what fails is tried again the next day, and said there.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from deploy.local.environment import BIN, Local
from ratchet.errors import RatchetError
from ratchet.files import write_text

DAY = 86400.0
ROWS_DAYS, LOGS_DAYS = 90, 30  # of Airflow's database; of task logs
GONE_DAYS = 7  # that a deleted MLflow run can be restored
LOG_BYTES = 50_000_000  # of a service's log, before it begins anew
_PATIENCE = 1800.0  # seconds for a command
_LOOK = 60.0  # seconds between two looks at the clock


def main() -> None:
    """Clean once a day, whatever the clock does, until SIGTERM."""
    local = Local.current()
    while True:
        with contextlib.suppress(OSError, RatchetError):  # such as a full disk: it is tried again in a minute
            if due(state(local), time.time()):
                clean(local)
        time.sleep(_LOOK)


def state(local: Local) -> Path:
    """Return the file that says what was done last."""
    return local.run / "keeper.json"


def due(file: Path, now: float) -> bool:
    """Say whether a day has passed. A first look, and a clock that went back, begin a new day."""
    try:
        last = float(json.loads(file.read_text(encoding="utf-8"))["at"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        last = now + 1
    if last > now:
        _write(file, now, {})
        return False
    return now - last >= DAY


def clean(local: Local, rows_days: float = ROWS_DAYS, gone_days: float = GONE_DAYS) -> dict[str, str]:
    """Clean all there is; return what each part said. One that fails does not stop the others."""
    done: dict[str, str] = {}
    parts: dict[str, Callable[[], str]] = {
        "airflow db clean": lambda: _airflow(local, rows_days),
        "mlflow gc": lambda: _mlflow(local, gone_days),
        "task logs": lambda: _logs(local),
        "service logs": lambda: _services(local),
    }
    for name, part in parts.items():
        try:
            done[name] = part()
        except (OSError, subprocess.SubprocessError, RatchetError) as error:
            done[name] = f"failed: {error}"
        print(f"{name}: {done[name]}", flush=True)
    _write(state(local), time.time(), done)
    return done


def _airflow(local: Local, days: float) -> str:
    before = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
    what = ["db", "clean", "--clean-before-timestamp", before.isoformat(), "--skip-archive", "--yes"]
    return _run([str(BIN / "airflow"), *what], local.environment())


def _mlflow(local: Local, days: float) -> str:
    mlflow = local.settings.var / "mlflow"
    where = ["--backend-store-uri", f"sqlite:///{mlflow / 'mlflow.db'}"]
    where += ["--artifacts-destination", str(mlflow / "artifacts")]
    age = f"{int(days)}d{int(days % 1 * 24)}h"
    return _run([sys.executable, "-m", "mlflow", "gc", *where, "--older-than", age], local.plain())


def _logs(local: Local) -> str:
    gone, root = 0, local.home / "logs"
    for file in (path for path in root.rglob("*") if path.is_file()):
        if file.stat().st_mtime < time.time() - LOGS_DAYS * DAY:
            gone += file.stat().st_size
            file.unlink(missing_ok=True)
    for folder in sorted((path for path in root.rglob("*") if path.is_dir()), reverse=True):
        if not any(folder.iterdir()) and folder.stat().st_mtime < time.time() - DAY:
            folder.rmdir()
    return f"{gone / 1e6:.1f} MB"


def _services(local: Local) -> str:
    large = [path for path in local.run.glob("*.log") if path.stat().st_size > LOG_BYTES]
    for path in large:
        os.truncate(path, 0)  # its service appends to it, and goes on at the beginning
    return f"{len(large)} begun anew"


def _run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        timeout=_PATIENCE,
    )
    if done.returncode:
        raise subprocess.SubprocessError((done.stderr or done.stdout).strip()[-500:])
    return "done"


def _write(file: Path, at: float, done: dict[str, str]) -> None:
    write_text(file, json.dumps({"at": at, "done": done}, indent=1))


if __name__ == "__main__":
    main()
