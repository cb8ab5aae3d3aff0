"""The keeper of an installation, on real databases of Airflow and MLflow."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from deploy.local import keeper
from deploy.local.environment import BIN, Local
from ratchet.files import write_text
from tests.conftest import MlflowServer, free_port

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("last", "due"),
    [
        (NOW - keeper.DAY - 1, True),
        (NOW - keeper.DAY + 60, False),
        (NOW + 3600, False),  # the clock went back: the day begins anew, and is not waited for
    ],
)
def test_a_day_is_a_day_whatever_the_clock_does(tmp_path: Path, last: float, due: bool) -> None:
    file = tmp_path / "keeper.json"
    write_text(file, json.dumps({"at": last}))
    assert keeper.due(file, NOW) is due
    if last > NOW:
        assert keeper.due(file, NOW + keeper.DAY + 1)


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_a_state_that_was_cut_short_begins_a_new_day(tmp_path: Path, text: str) -> None:
    file = tmp_path / "keeper.json"
    file.write_text(text)
    assert not keeper.due(file, NOW)
    assert keeper.due(file, NOW + keeper.DAY)


@pytest.fixture
def local(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Local]:
    """An installation with an MLflow server over its database, and Airflow's database."""
    monkeypatch.setenv("RATCHET_MLFLOW_PORT", str(free_port()))
    found = Local.current()
    for folder in (found.run, found.home, found.settings.var / "mlflow"):
        folder.mkdir(parents=True)
    migrate = [str(BIN / "airflow"), "db", "migrate"]
    subprocess.run(migrate, env=found.environment(), check=True, capture_output=True)
    server = MlflowServer(found.settings.var / "mlflow", found.mlflow_port)
    server.start()
    yield found
    server.stop()


def test_rows_and_logs_that_are_old_go(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow

    client = mlflow.MlflowClient(local.mlflow_url)
    runs = [client.create_run(client.create_experiment(name)).info.run_id for name in ("gone", "kept")]
    for run in runs:
        client.log_text(run, "x", "file.txt")
    client.delete_run(runs[0])
    database = local.home / "airflow.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("INSERT INTO log (dttm, event) VALUES ('2020-01-01 00:00:00', 'old'), (?, 'new')", (_now(),))
    old, new = local.home / "logs" / "dag" / "old.log", local.home / "logs" / "dag" / "new.log"
    for file in (old, new):
        write_text(file, "x")
    os.utime(old, (0, 0))
    write_text(local.run / "scheduler.log", "x" * 100)
    monkeypatch.setattr(keeper, "LOG_BYTES", 50)
    done = keeper.clean(local, gone_days=0)
    assert not [said for said in done.values() if said.startswith("failed")], done
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT event FROM log WHERE event IN ('old', 'new')").fetchall() == [("new",)]
    artifacts = local.settings.var / "mlflow" / "artifacts"
    assert [path.name for path in artifacts.rglob("file.txt")] == ["file.txt"]
    with pytest.raises(mlflow.MlflowException, match="not found"):
        client.get_run(runs[0])
    assert client.get_run(runs[1])
    assert (old.exists(), new.exists()) == (False, True)
    assert (local.run / "scheduler.log").stat().st_size == 0
    assert json.loads(keeper.state(local).read_text())["done"] == done


def test_mlflow_is_cleaned_without_a_secret_of_airflow_s(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, str] = {}
    monkeypatch.setattr(keeper, "_run", lambda _, environment: given.update(environment) or "done")
    local = Local.current()
    keeper._mlflow(local, 7)
    assert not [name for name in given if name.startswith("AIRFLOW")]
    assert given["RATCHET_VAR"] == str(local.settings.var)


def test_a_part_that_fails_is_said_and_stops_no_other(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "BIN", Path("/nowhere"))
    done = keeper.clean(local)
    assert done["airflow db clean"].startswith("failed")
    assert done["mlflow gc"] == "done"
    assert not keeper.due(keeper.state(local), time.time())


def _now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
