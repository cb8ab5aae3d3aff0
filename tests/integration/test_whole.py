"""Steps as a person or a machine meets them: laid out by `ratchet new`, run by `dvc repro`, killed at any moment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ratchet.layout import write
from ratchet.layout.write import Given
from tests.conftest import ROOT, MlflowServer, ingest, step, train
from tests.given.contracts import gated
from tests.given.forks import Forks


@pytest.mark.parametrize(
    ("target", "task"),
    [
        pytest.param(target, task, marks=pytest.mark.xdist_group(f"laid_out_{task}"))
        for target, task in (("wind_speed", "regression"), ("windy", "binary"), ("calm", "multiclass"))
    ],
)
def test_what_ratchet_new_lays_out_runs(tracked: Path, observations: Path, target: str, task: str) -> None:
    import duckdb

    sample = tracked / "sample.parquet"
    calm = "CASE WHEN wind_speed < 6 THEN 'calm' WHEN wind_speed < 12 THEN 'breeze' ELSE 'gale' END"
    columns = f"*, wind_speed > 12 AS windy, {calm} AS calm"
    duckdb.execute(
        f"COPY (SELECT {columns} FROM '{observations}/*.csv' WHERE observed_at < '2013-02-01') TO '{sample}'"
    )
    name = f"laid_out_{task}"
    write.from_files(name, sample, Given(target), dags=tracked / "dags")
    # As its own comment asks: what is known only afterwards is not a feature.
    sql = tracked / "loops" / name / "features.sql"
    sql.write_text(
        "\n".join(
            line
            for line in sql.read_text().splitlines()
            if line.strip() not in ('asked."wind_speed",', 'asked."windy",', 'asked."calm",')
        )
    )
    contract = tracked / "loops" / name / "loop.yaml"
    listed = next(line for line in contract.read_text().splitlines() if line.startswith("  categorical:"))
    text = contract.read_text().replace(listed, "  categorical: [origin]")
    # Two weeks teach less than a baseline knows.
    few = ("aim: non_inferior", "margin: 0.4", "bound: 1.0", "level: 0.4", "deploy: evaluated")
    contract.write_text(gated(text, *few))
    assert ingest(name, "2013-01-02..2013-01-14").outcome == "done"
    assert train(name, "first").version == "1"
    ingest(name, "2013-01-15..2013-01-16")
    for day in ("2013-01-15", "2013-01-16"):
        assert step("score", name, partition=day).new > 60
        assert step("drift", name, partition=day).days == 7
        step("performance", name, partition=day)
        assert step("decide", name, partition=day).verdict in ("retrain", "wait")


def test_dvc_repro_trains_without_airflow(
    tmp_path: Path, tracked: Path, mlflow_server: MlflowServer, forks: Forks
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    for name in ("include", "great_expectations", ".dvc", "dvc.yaml", ".dvcignore", ".gitignore"):
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, project / name)  # type: ignore[operator]
    contract = project / "include" / "loops" / "flight_delays" / "loop.yaml"
    contract.write_text(
        contract.read_text().replace("max_iter: 300", "max_iter: 20").replace("holdout_days: 7", "holdout_days: 3")
    )
    environment = {
        **os.environ,
        "PATH": os.pathsep.join(
            [str(forks.shim(tmp_path / "bin").parent), str(Path(sys.executable).parent), os.environ["PATH"]]
        ),
        "PYTHONPATH": str(project / "include"),
        "RATCHET_HOME": str(project),
        "RATCHET_VAR": str(project / "var"),
        "RATCHET_LOOPS": str(project / "include" / "loops"),
        "RATCHET_SUITES": str(project / "great_expectations"),
        "MLFLOW_TRACKING_URI": mlflow_server.url,
    }

    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    identity = ("-c", "user.name=a", "-c", "user.email=a@localhost")
    for command in (("init", "-q"), ("add", "."), (*identity, "commit", "-q", "-m", "x")):
        run("git", *command)
    for name in ("fetch", "validate", "publish"):
        run("ratchet", "step", name, "--loop", "flight_delays", "--partitions", "2013-01-01..2013-01-07")
    run("dvc", "repro")
    shown = json.loads(run("dvc", "metrics", "show", "--json"))
    metrics = next(iter(shown[""]["data"].values()))["data"]["metrics"]
    assert 0.3 < metrics["log_loss"] < 0.8
    assert (project / "dvc.lock").exists()
    run("dvc", "plots", "show")
    # A parameter of the contract is one of DVC's: changing it trains anew, and the difference is shown.
    run("git", "add", "-A")
    run("git", *identity, "commit", "-q", "-m", "first")
    contract.write_text(contract.read_text().replace("learning_rate: 0.06", "learning_rate: 0.3"))
    run("dvc", "repro")
    assert "learning_rate" in run("dvc", "params", "diff")
    assert "log_loss" in run("dvc", "metrics", "diff")
