"""What describes the running installation: read whole or not at all, and only where it lies."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ratchet import installation
from ratchet.errors import ServiceError
from ratchet.installation import Installation


def _describe(var: Path) -> Installation:
    var.mkdir(parents=True)
    secret = var / "secret"
    secret.write_text("s3cret\n")
    found = Installation(
        var=var,
        airflow_port=8081,
        airflow_url="http://127.0.0.1:8081",
        mlflow_port=5001,
        mlflow_url="http://127.0.0.1:5001",
        airflow_home=var / "airflow",
        dags_folder=var / "dags",
        plugins_folder=var / "plugins",
        fork_server=var / "run" / "fork.sock",
        user="admin",
        passwords=var / "passwords.json",
        environment={"AIRFLOW_HOME": str(var / "airflow")},
        secrets={"AIRFLOW__API__SECRET_KEY": secret},
    )
    installation.path(var).write_text(found.model_dump_json())
    return found


def test_what_was_described_is_read_and_its_secrets_are_fetched_from_their_files(tmp_path: Path) -> None:
    found = _describe(tmp_path / "var")
    assert installation.read(tmp_path / "var") == found
    assert "s3cret" not in installation.path(tmp_path / "var").read_text()
    assert found.command_environment()["AIRFLOW__API__SECRET_KEY"].strip() == "s3cret"
    (tmp_path / "var" / "secret").unlink()
    with pytest.raises(ServiceError, match="make up"):
        found.command_environment()


def test_a_description_that_is_cut_or_was_copied_describes_nothing(tmp_path: Path) -> None:
    _describe(tmp_path / "var")
    shutil.copytree(tmp_path / "var", tmp_path / "copy")
    assert installation.read(tmp_path / "copy") is None
    path = installation.path(tmp_path / "var")
    path.write_text(path.read_text()[:40])
    assert installation.read(tmp_path / "var") is None
    with pytest.raises(ServiceError, match=r"another place. Start it: make up"):
        installation.need(tmp_path / "copy")
    with pytest.raises(ServiceError, match=r"installation.json cannot be read \(.*make down, make up, and name again"):
        installation.need(tmp_path / "var")
    with pytest.raises(ServiceError, match="nothing has been started there"):
        installation.need(tmp_path / "elsewhere")
