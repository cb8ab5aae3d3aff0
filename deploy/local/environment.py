"""What the services of the local installation share: addresses, folders, variables, the login, the secrets."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from ratchet import environment, installation
from ratchet.errors import RequestError
from ratchet.files import write_private
from ratchet.installation import Installation
from ratchet.settings import Settings, port

USER, NOTES = "admin", installation.NOTES  # who may do all; who writes the reasons into runs' notes
BIN = Path(sys.executable).parent
_LOGIN = re.compile(r"[A-Za-z0-9_.-]{1,64}:(viewer|user|op|admin)")
LONGEST = 100  # bytes of a socket's path: the kernel takes 107
AIRFLOW_PORT, MLFLOW_PORT = 8080, 5000  # where neither a variable nor an earlier start says otherwise


@dataclass(frozen=True)
class Local:
    """A local installation."""

    settings: Settings  # all state is under its `var`
    airflow_port: int  # RATCHET_AIRFLOW_PORT; what the installation is described with, else 8080
    mlflow_port: int  # RATCHET_MLFLOW_PORT; likewise, else 5000
    # RATCHET_AIRFLOW_USERS: more logins, each with its role, as ada:user,grace:viewer; likewise, else none
    users: dict[str, str] = field(default_factory=dict)

    @classmethod
    def current(cls) -> Local:
        """Read the environment, and where it says nothing, what was chosen before."""
        settings = Settings.current()
        before = installation.read(settings.var)
        return cls(
            settings,
            port("RATCHET_AIRFLOW_PORT") or (before.airflow_port if before else AIRFLOW_PORT),
            port("RATCHET_MLFLOW_PORT") or (before.mlflow_port if before else MLFLOW_PORT),
            _users("RATCHET_AIRFLOW_USERS", before.users if before else {}),
        )

    @property
    def airflow_url(self) -> str:
        """Where Airflow's UI and API answer."""
        return f"http://127.0.0.1:{self.airflow_port}"

    @property
    def mlflow_url(self) -> str:
        """Where MLflow answers."""
        return f"http://localhost:{self.mlflow_port}"  # a name of its own: a cookie of Airflow's does not reach it

    @property
    def home(self) -> Path:
        """Airflow's state."""
        return self.settings.var / "airflow"

    @property
    def run(self) -> Path:
        """Process ids, logs and the fork server's socket."""
        return self.settings.var / "run"

    @property
    def socket(self) -> Path:
        """The fork server's socket. Where its path would be longer than a socket's may be, it lies in a short one."""
        path = self.run / "fork.sock"
        if len(os.fsencode(path)) <= LONGEST:
            return path
        name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"ratchet-{os.getuid()}" / f"{name}.sock"

    @property
    def passwords(self) -> Path:
        """The file in which Airflow's simple auth manager keeps its users' passwords."""
        return self.home / "passwords.json"

    def password(self, user: str = USER) -> str:
        """Return a user's password, made at random at the first call."""
        known = self._passwords()
        if not known.get(user):
            known[user] = secrets.token_urlsafe(12)
            write_private(self.passwords, json.dumps(known, indent=1) + "\n")
        return str(known[user])

    def environment(self) -> dict[str, str]:
        """Return the environment of every service, secrets included."""
        secret = {name: path.read_text(encoding="utf-8") for name, path in self._secrets().items()}
        return {**self.plain(), **environment.pick(*environment.AIRFLOW), **self.variables(), **secret}

    def plain(self) -> dict[str, str]:
        """Return the environment of what is not Airflow's: nothing of its secrets."""
        path = {"PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"}
        ours = {name: value for name, value in self.variables().items() if not name.startswith("AIRFLOW_")}
        return {**environment.of_service(), **path, **ours}

    def describe(self) -> None:
        """Write the description that every `ratchet` command reads."""
        variables = self.variables()
        found = Installation(
            var=self.settings.var,
            airflow_port=self.airflow_port,
            airflow_url=self.airflow_url,
            mlflow_port=self.mlflow_port,
            mlflow_url=self.mlflow_url,
            airflow_home=self.home,
            dags_folder=Path(variables["AIRFLOW__CORE__DAGS_FOLDER"]),
            plugins_folder=Path(variables["AIRFLOW__CORE__PLUGINS_FOLDER"]),
            fork_server=self.socket,
            user=USER,
            passwords=self.passwords,
            environment=variables,
            secrets=self._secrets(),
        )
        write_private(installation.path(self.settings.var), found.model_dump_json(indent=1))

    def variables(self) -> dict[str, str]:
        """Return the variables of every service that are no secret."""
        home = self.settings.home
        logins = {USER: "admin", NOTES: "user", **self.users}
        return {
            "PYTHONPATH": os.pathsep.join([str(home / "include"), str(home / "plugins")]),
            "RATCHET_HOME": str(home),
            "RATCHET_VAR": str(self.settings.var),
            "RATCHET_LOOPS": str(self.settings.loops),
            "RATCHET_SUITES": str(self.settings.suites),
            "RATCHET_FORK_SERVER": str(self.socket),
            "MLFLOW_TRACKING_URI": self.mlflow_url,
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": os.environ.get("RATCHET_DAGS", str(home / "dags")),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "true",
            installation.USERS: ",".join(f"{name}:{role}" for name, role in logins.items()),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.passwords),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.airflow_url}/execution/",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.airflow_port),
            "AIRFLOW__API__BASE_URL": self.airflow_url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__EXPOSE_CONFIG": "false",
            # A task costs 0.5 s instead of 1.3 s with the first two. With the others a task whose scheduler or worker
            # was killed is taken up again after half a minute instead of five.
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
            "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "20",
            "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "10",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "20",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.home}/airflow.db",
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self.home / "logs"),
            "PYTHONWARNINGS": "ignore::DeprecationWarning",
            "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "false",
        }

    def _passwords(self) -> dict[str, str]:
        text = _text(self.passwords)
        return dict(json.loads(text)) if text else {}

    def _secrets(self) -> dict[str, Path]:
        """Return the variables that are secrets, and the files that hold their values, made where they are missing."""
        key, connection = self.home / "secret", self.home / "connection.json"
        for each in (USER, *self.users):
            self.password(each)
        if not _text(key):
            write_private(key, secrets.token_hex(32))
        login = {
            "conn_type": "http",
            "schema": "http",
            "host": "127.0.0.1",
            "port": self.airflow_port,
            "login": NOTES,
            "password": self.password(NOTES),
        }
        if _text(connection) != json.dumps(login):
            write_private(connection, json.dumps(login))
        return {
            "AIRFLOW__API__SECRET_KEY": key,
            "AIRFLOW__API_AUTH__JWT_SECRET": key,
            "AIRFLOW_CONN_RATCHET_AIRFLOW_API": connection,
        }


def _text(path: Path) -> str:
    """Return what a file holds; nothing where there is none, or where a power cut left an empty one."""
    return path.read_text(encoding="utf-8").strip() if path.exists() else ""


def _users(variable: str, otherwise: dict[str, str]) -> dict[str, str]:
    """Read logins and their roles; a variable that is set and empty names none."""
    if variable not in os.environ:
        return otherwise
    found: dict[str, str] = {}
    for each in filter(None, (part.strip() for part in os.environ[variable].split(","))):
        name, _, role = each.partition(":")
        if not _LOGIN.fullmatch(each) or name in (USER, NOTES):
            raise RequestError(
                f"{variable} holds {each!r}. Give logins with their roles, as ada:user (viewer, user, op or admin); "
                f"{USER} and {NOTES} are taken"
            )
        if name in found:
            raise RequestError(f"{variable} names {name} twice. Give each login once, with one role")
        found[name] = role
    return found
