"""Where things live: the environment, then what `make up` described, then the default; and how secrets are written."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from deploy.local import __main__ as commands
from deploy.local import services
from deploy.local.environment import NOTES, Local
from ratchet import installation, settings
from ratchet.errors import RequestError, ServiceError
from ratchet.settings import DEFAULT_MLFLOW, Settings


@pytest.fixture
def var(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of state in which nothing was started yet, and an environment that says no address."""
    for name in (
        "MLFLOW_TRACKING_URI",
        "RATCHET_AIRFLOW_PORT",
        "RATCHET_MLFLOW_PORT",
        "RATCHET_DAGS",
        "RATCHET_AIRFLOW_USERS",
    ):
        monkeypatch.delenv(name, raising=False)
    return Settings.current().var


def _described(monkeypatch: pytest.MonkeyPatch, **ports: int) -> Local:
    """Describe an installation as `make up` does, with ports named for this one start."""
    with monkeypatch.context() as patch:
        for name, port in ports.items():
            patch.setenv(f"RATCHET_{name.upper()}_PORT", str(port))
        local = Local.current()
        local.describe()
    return local


def test_a_variable_wins_over_the_description_and_that_over_the_default(
    var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Settings.current().tracking_uri == DEFAULT_MLFLOW
    _described(monkeypatch, mlflow=5005)
    assert Settings.current().tracking_uri == "http://localhost:5005"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example")
    assert Settings.current().tracking_uri == "http://mlflow.example"


def test_an_empty_address_of_mlflow_says_nothing(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    assert Settings.current().tracking_uri == DEFAULT_MLFLOW
    _described(monkeypatch, mlflow=5005)
    assert Settings.current().tracking_uri == "http://localhost:5005"


@pytest.mark.parametrize(
    ("remote", "is_folder"),
    [
        ("/srv/registry.git", True),
        ("/srv/a:b/registry.git", True),
        ("kept", True),
        ("s3://bucket/remote", False),
        ("https://git@example.org/registry.git", False),
        ("ssh://git@example.org:2222/registry.git", False),
        ("git@example.org:registry.git", False),
        ("backup:registry.git", False),  # a host of ~/.ssh/config
        ("./a:b", True),
        ("file:///srv/registry.git", False),
        ("none", False),
    ],
)
def test_a_folder_of_this_machine_is_told_from_a_host(
    place: Path, monkeypatch: pytest.MonkeyPatch, remote: str, is_folder: bool
) -> None:
    monkeypatch.setenv("RATCHET_GIT_REMOTE", remote)
    found = Settings.current()
    assert settings.folder(found.git_remote) == (found.registry / remote if is_folder else None)


@pytest.mark.parametrize(
    ("name", "url", "shown"),
    [
        ("RATCHET_REMOTE", "webdavs://ada:hunter2@example.org/x", "webdavs://example.org/x. Give it by the variables"),
        (
            "RATCHET_GIT_REMOTE",
            "https://ada:hunter2@example.org:8443/x.git",
            "https://example.org:8443/x.git. Give it as",
        ),
        (
            "RATCHET_GIT_REMOTE",
            "https://ghp_hunter2@example.org/x.git",
            "https://example.org/x.git. Give it as RATCHET_GIT",
        ),
        (
            "RATCHET_GIT_REMOTE",
            "ssh://git:hunter2@example.org/x.git",
            "ssh://git@example.org/x.git. Give a key: RATCHET",
        ),
    ],
)
def test_a_secret_in_a_remotes_url_is_refused_and_not_told(
    place: Path, monkeypatch: pytest.MonkeyPatch, name: str, url: str, shown: str
) -> None:
    monkeypatch.setenv(name, url)
    with pytest.raises(RequestError, match=f"{name} holds a password or a token.* {shown}") as told:
        Settings.current()
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize("url", ["file:///srv/mlruns", "sqlite:///mlflow.db", "mlruns", "databricks"])
def test_a_place_that_is_no_server_of_mlflow_is_said_at_once(
    place: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
    with pytest.raises(RequestError, match="is no server's address"):
        Settings.current()


def test_ports_once_chosen_hold(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (Local.current().airflow_port, Local.current().mlflow_port) == (8080, 5000)
    _described(monkeypatch, airflow=8081, mlflow=5005)
    assert (Local.current().airflow_port, Local.current().mlflow_port) == (8081, 5005)
    _described(monkeypatch, airflow=8082)
    assert (Local.current().airflow_port, Local.current().mlflow_port) == (8082, 5005)


def test_logins_once_given_hold_until_they_are_taken_away(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A later start says nothing of them; one that says none takes them away."""
    assert Local.current().users == {}
    monkeypatch.setenv("RATCHET_AIRFLOW_USERS", "ada:user, grace:viewer")
    Local.current().describe()
    monkeypatch.delenv("RATCHET_AIRFLOW_USERS")
    assert Local.current().users == {"ada": "user", "grace": "viewer"}
    Local.current().describe()
    given = installation.need(var)
    assert given.environment[installation.USERS] == "admin:admin,notes:user,ada:user,grace:viewer"
    assert given.logins == {"admin": "admin", NOTES: "user", "ada": "user", "grace": "viewer"}
    monkeypatch.setenv("RATCHET_AIRFLOW_USERS", "")
    assert Local.current().users == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ada", "holds 'ada'. Give logins with their roles"),
        ("ada:boss", "holds 'ada:boss'"),
        ("notes:admin", "admin and notes are taken"),
        ("ada:user,ada:viewer", "names ada twice. Give each login once"),
    ],
)
def test_logins_that_are_none_are_one_sentence(
    var: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    monkeypatch.setenv("RATCHET_AIRFLOW_USERS", text)
    with pytest.raises(RequestError, match=f"RATCHET_AIRFLOW_USERS .*{said}"):
        Local.current()


def test_a_start_tells_each_login_and_where_the_passwords_are(
    var: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(services, "up", lambda local, _: local.describe())
    monkeypatch.setenv("RATCHET_AIRFLOW_USERS", "ada:user,grace:viewer")
    commands.main(["up"], standalone_mode=False)
    local, out = Local.current(), capsys.readouterr().out
    assert f"admin (admin), ada (user), grace (viewer); the passwords are in {local.passwords}\n" in out
    assert local.passwords.read_text().endswith("}\n")
    assert {*json.loads(local.passwords.read_text())} == {"admin", "ada", "grace", NOTES}


@pytest.mark.parametrize("text", ["http", "0", "65536", "-1"])
def test_a_port_that_is_none_is_one_sentence(var: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("RATCHET_MLFLOW_PORT", text)
    with pytest.raises(RequestError, match=r"RATCHET_MLFLOW_PORT is .* no port"):
        Local.current()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"airflow_port": 1}'])
def test_a_description_that_was_cut_short_describes_nothing(
    var: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    _described(monkeypatch, mlflow=5005)
    installation.path(var).write_text(text)
    assert installation.read(var) is None
    assert Settings.current().tracking_uri == DEFAULT_MLFLOW


def test_a_copied_folder_is_not_the_installation_it_was_copied_from(
    var: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _described(monkeypatch, mlflow=5005)
    var.rename(tmp_path / "moved")
    monkeypatch.setenv("RATCHET_VAR", str(tmp_path / "moved"))
    assert Settings.current().tracking_uri == DEFAULT_MLFLOW


def test_a_relative_folder_is_described_by_its_whole_path(
    var: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RATCHET_VAR", "state")
    _described(monkeypatch, mlflow=5005)
    assert installation.need(tmp_path / "state").airflow_home == tmp_path / "state" / "airflow"


def test_the_description_holds_no_secret_and_names_the_files_that_do(
    var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = _described(monkeypatch)
    file = installation.path(var)
    found = installation.need(var)
    secret = {name: path.read_text() for name, path in found.secrets.items()}
    assert set(secret) >= {"AIRFLOW__API__SECRET_KEY", "AIRFLOW__API_AUTH__JWT_SECRET"}
    for text in (*secret.values(), local.password()):
        assert text
        assert text not in file.read_text()
    for path in (file, local.passwords, *found.secrets.values()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    # What Airflow's own commands get is what its services got.
    services_have = local.environment()
    assert {name: services_have[name] for name in found.command_environment()} == found.command_environment()


def test_an_empty_password_or_secret_is_none(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a power cut may leave it between the making of a file and its writing."""
    local = _described(monkeypatch)
    before = local.password()
    found = installation.need(var)
    for path in (local.passwords, *found.secrets.values()):
        path.write_text("")
    with pytest.raises(ServiceError, match="is empty"):
        found.command_environment()
    made = local.environment()
    assert made["AIRFLOW__API__SECRET_KEY"]
    assert local.password() not in ("", before)
    assert json.loads(made["AIRFLOW_CONN_RATCHET_AIRFLOW_API"])["password"] == local.password(NOTES)
    assert local.environment()["AIRFLOW__API__SECRET_KEY"] == made["AIRFLOW__API__SECRET_KEY"]


def test_a_secret_that_is_gone_is_one_sentence(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _described(monkeypatch)
    found = installation.need(var)
    found.secrets["AIRFLOW__API__SECRET_KEY"].unlink()
    with pytest.raises(ServiceError, match=r"cannot be read.*make up"):
        found.command_environment()


def test_running_services_are_not_moved_to_other_ports(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _described(monkeypatch, airflow=8081)
    monkeypatch.setattr(services, "running", lambda _: ["scheduler"])
    monkeypatch.setenv("RATCHET_AIRFLOW_PORT", "8082")
    with pytest.raises(ServiceError, match=r"scheduler run already.*8081.*make down"):
        services.up(Local.current(), print)
    assert installation.need(var).airflow_port == 8081


def test_logins_of_a_running_airflow_are_not_changed(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATCHET_AIRFLOW_USERS", "ada:user")
    Local.current().describe()
    monkeypatch.setattr(services, "running", lambda _: ["api-server"])
    for text in ("ada:viewer", "grace:user", ""):
        monkeypatch.setenv("RATCHET_AIRFLOW_USERS", text)
        with pytest.raises(
            ServiceError, match=r"ada \(user\). RATCHET_AIRFLOW_USERS takes effect after make down, make up"
        ):
            services.up(Local.current(), print)
    assert installation.need(var).users == {"ada": "user"}


def test_services_that_run_where_nothing_says_are_stopped_first(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Local.current().describe()
    installation.path(var).write_text("{")
    monkeypatch.setattr(services, "running", lambda _: ["mlflow"])
    with pytest.raises(ServiceError, match=r"mlflow run already.*installation.json does not say where.*make down"):
        services.up(Local.current(), print)
