"""What the services of the local installation share: addresses, folders, environment variables, the login."""

from __future__ import annotations

import json
import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

from ratchet.settings import Settings

USER = "admin"


@dataclass(frozen=True)
class Local:
    """A local installation."""

    settings: Settings  # all state is under its `var`
    airflow_port: int  # RATCHET_AIRFLOW_PORT; by default 8080
    mlflow_port: int  # RATCHET_MLFLOW_PORT; by default 5000

    @classmethod
    def current(cls) -> Local:
        """Read the environment."""
        ports = (
            int(os.environ.get("RATCHET_AIRFLOW_PORT", "8080")),
            int(os.environ.get("RATCHET_MLFLOW_PORT", "5000")),
        )
        return cls(Settings.current(), *ports)

    @property
    def airflow_url(self) -> str:
        """Where Airflow's UI and API answer."""
        return f"http://127.0.0.1:{self.airflow_port}"

    @property
    def mlflow_url(self) -> str:
        """Where MLflow answers."""
        return f"http://127.0.0.1:{self.mlflow_port}"

    @property
    def home(self) -> Path:
        """Airflow's state."""
        return self.settings.var / "airflow"

    @property
    def run(self) -> Path:
        """Process ids, logs and the warm server's socket."""
        return self.settings.var / "run"

    @property
    def socket(self) -> Path:
        """The warm server's socket."""
        return self.run / "warm.sock"

    @property
    def passwords(self) -> Path:
        """The file in which Airflow's simple auth manager keeps its users' passwords."""
        return self.home / "passwords.json"

    def password(self) -> str:
        """Return the password of the user `admin`, made at random at the first call."""
        if not self.passwords.exists():
            self.home.mkdir(parents=True, exist_ok=True)
            self.passwords.touch(mode=0o600)
            self.passwords.write_text(json.dumps({USER: secrets.token_urlsafe(12)}), encoding="utf-8")
        return str(json.loads(self.passwords.read_text(encoding="utf-8"))[USER])

    def environment(self) -> dict[str, str]:
        """Return the environment of every service."""
        home = self.settings.home
        secret = self._secret()
        mine = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "PYTHONPATH": os.pathsep.join([str(home / "include"), str(home / "plugins")]),
            "RATCHET_HOME": str(home),
            "RATCHET_VAR": str(self.settings.var),
            "RATCHET_LOOPS": str(self.settings.loops),
            "RATCHET_SUITES": str(self.settings.suites),
            "RATCHET_WARM": str(self.socket),
            "MLFLOW_TRACKING_URI": self.mlflow_url,
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": os.environ.get("RATCHET_DAGS", str(home / "dags")),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "true",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.passwords),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.airflow_url}/execution/",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.airflow_port),
            "AIRFLOW__API__BASE_URL": self.airflow_url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__SECRET_KEY": secret,
            "AIRFLOW__API_AUTH__JWT_SECRET": secret,
            "AIRFLOW__API__EXPOSE_CONFIG": "false",
            # A task costs 0.5 s instead of 1.3 s with the first two. With the others a task whose scheduler or worker
            # was
            # killed is taken up again after half a minute instead of five.
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
            "AIRFLOW_CONN_RATCHET_AIRFLOW_API": json.dumps(
                {
                    "conn_type": "http",
                    "schema": "http",
                    "host": "127.0.0.1",
                    "port": self.airflow_port,
                    "login": USER,
                    "password": self.password(),
                }
            ),
            "DO_NOT_TRACK": "1",
            "GX_ANALYTICS_ENABLED": "false",
            "DVC_NO_ANALYTICS": "1",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }
        inherited = {k: v for k, v in os.environ.items() if k not in ("PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV")}
        return {**inherited, **mine}

    def _secret(self) -> str:
        path = self.home / "secret"
        if not path.exists():
            self.home.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(secrets.token_hex(32), encoding="ascii")
        return path.read_text(encoding="ascii")
