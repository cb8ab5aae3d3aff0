"""The environments of processes: by list, and nothing else."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.local.environment import Local
from ratchet import environment
from ratchet.adapters import git

SECRETS = {
    "AIRFLOW__API_AUTH__JWT_SECRET": "forge",
    "AIRFLOW_CONN_RATCHET_AIRFLOW_API": "login",
    "AIRFLOW_VAR_TOKEN": "x",
    "AIRFLOW_CONFIG": "/elsewhere.cfg",
    "SOMEBODYS_TOKEN": "x",
}
STEERS = {
    "MLFLOW_REGISTRY_URI": "sqlite:///elsewhere.db",
    "PYTHONHOME": "/nowhere",
    "GIT_DIR": "/elsewhere/.git",
    "DVC_GLOBAL_CONFIG_DIR": "/elsewhere",
    "LD_PRELOAD": "evil.so",
}
NEEDED = {
    "RATCHET_SOURCE_PASSWORD": "the loop's own",
    "RATCHET_GIT_TOKEN": "a remote's",
    "AWS_SECRET_ACCESS_KEY": "a remote's",
    "MLFLOW_TRACKING_TOKEN": "MLflow's",
    "https_proxy": "http://proxy:3128",
    "CUDA_VISIBLE_DEVICES": "0",
    "LC_ALL": "C.UTF-8",
}


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**SECRETS, **STEERS, **NEEDED}.items():
        monkeypatch.setenv(name, value)


def test_a_step_is_given_what_it_needs_and_nothing_of_airflows() -> None:
    found = environment.of_step()
    assert NEEDED.items() <= found.items()
    assert not {*SECRETS, *STEERS} & {*found}
    assert not [name for name in found if "AIRFLOW" in name]


def test_a_service_is_given_no_variable_of_another_program() -> None:
    found = environment.of_service()
    assert NEEDED.items() <= found.items()
    assert not {*SECRETS, *STEERS} & {*found}


def test_what_would_steer_and_is_taken_out_is_told() -> None:
    found = environment.taken_out()
    assert {*STEERS, "AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW_CONFIG"} <= {*found}
    assert not {*NEEDED, "PATH", "MLFLOW_TRACKING_URI", "AIRFLOW_VAR_TOKEN"} & {*found}


def test_a_variable_that_only_looks_like_ratchets_is_told_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    before = environment.misspelt()
    for name in ("RATCHET_REMOTEE", "RATCHET_AIRFLOW_USER", "RATCHET_FOO", "RATCHET_VAR"):
        monkeypatch.setenv(name, "x")
    wanted = {"RATCHET_REMOTEE": "RATCHET_REMOTE", "RATCHET_AIRFLOW_USER": "RATCHET_AIRFLOW_USERS", "RATCHET_FOO": ""}
    assert environment.misspelt() == before | wanted


def test_every_variable_of_ratchets_is_known() -> None:
    root = Path(environment.__file__).parents[2]
    texts = [file.read_text() for folder in ("include", "plugins", "deploy") for file in (root / folder).rglob("*.py")]
    read = {name for text in texts for name in re.findall(r"\"(RATCHET_[A-Z_]*[A-Z])\"", text)}
    assert read == {*environment.OWN}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, "127.0.0.1,localhost,::1"),
        ({"NO_PROXY": "corp.example"}, "corp.example,127.0.0.1,localhost,::1"),
        ({"no_proxy": "localhost, .corp.example"}, "localhost,.corp.example,127.0.0.1,::1"),
    ],
)
def test_this_machine_is_reached_without_a_proxy_and_the_users_own_exceptions_stay(
    before: dict[str, str], after: str
) -> None:
    found = environment.with_loopback(before)
    assert found["NO_PROXY"] == found["no_proxy"] == after
    assert environment.with_loopback(found) == found


def test_who_the_user_is_does_not_hang_on_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    before = environment.user()
    monkeypatch.delenv("USER", raising=False)
    assert environment.of_step()["USER"] == before
    monkeypatch.setenv("USER", "the CEO")
    monkeypatch.setenv("LOGNAME", "the CEO")
    assert environment.user() == before
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)
    assert environment.user() == "uid4000000000"


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(environment.of_step, id="a step"),
        pytest.param(lambda: Local.current().plain(), id="the fork server"),
        pytest.param(lambda: Local.current().environment(), id="a service"),
        pytest.param(lambda: git.given(remote=True), id="git"),
    ],
)
def test_each_process_reaches_this_machine_without_a_proxy_and_keeps_the_users_exceptions(
    place: Path, monkeypatch: pytest.MonkeyPatch, given: Callable[[], dict[str, str]]
) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("NO_PROXY", "corp.example")
    found = given()
    assert found["NO_PROXY"] == found["no_proxy"] == "corp.example,127.0.0.1,localhost,::1"
