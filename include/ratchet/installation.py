"""Read what `make up` wrote of the installation that it started: `<var>/installation.json`, and what runs of it.

The description holds no secret. It names the files that do, each of which only the installation's user can read.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from ratchet.errors import ServiceError, misfit

if TYPE_CHECKING:
    import psutil

NOTES = "notes"  # the login with which tasks write the reasons into runs' notes
USERS = "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"


class Installation(BaseModel):
    """An installation on this machine: where it answers, where its parts lie, and what its commands need."""

    model_config = ConfigDict(frozen=True)

    var: Path  # the folder of all state, which holds the description
    airflow_port: int
    airflow_url: str
    mlflow_port: int
    mlflow_url: str
    airflow_home: Path
    dags_folder: Path
    plugins_folder: Path
    fork_server: Path  # its socket
    user: str  # who may log in to Airflow
    passwords: Path  # file with the users' passwords, as JSON
    environment: dict[str, str]  # the variables of Airflow's own commands, secrets excepted
    secrets: dict[str, Path]  # variable -> file that holds its value

    @property
    def logins(self) -> dict[str, str]:
        """Return who may log in to Airflow, each with a role: what its simple auth manager was given."""
        pairs = [each.partition(":") for each in self.environment.get(USERS, "").split(",") if each]
        return {name: role for name, _, role in pairs}

    @property
    def users(self) -> dict[str, str]:
        """Return the logins that RATCHET_AIRFLOW_USERS has named, each with a role."""
        return {name: role for name, role in self.logins.items() if name not in (self.user, NOTES)}

    def command_environment(self) -> dict[str, str]:
        """Return the variables of Airflow's own commands, secrets included. Raises ServiceError where one is gone."""
        return {**self.environment, **{name: _secret(path) for name, path in self.secrets.items()}}


def path(var: Path) -> Path:
    """Return where an installation is described."""
    return var / "installation.json"


def read(var: Path) -> Installation | None:
    """Return the installation in a folder of state; None where none is described.

    A description that was cut short, or that came along with a copied or moved folder, describes nothing here.
    """
    try:
        found = Installation.model_validate_json(path(var).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValidationError):
        return None
    return found if _same(found.var, var) else None


def need(var: Path) -> Installation:
    """Return the installation in a folder of state. Raises ServiceError where none is described."""
    found = read(var)
    if found is None:
        why, then = lacking(var)
        raise ServiceError(f"{why}. Start it: {then}")
    return found


def lacking(var: Path) -> tuple[str, str]:
    """Say why a folder of state describes no installation, and which command comes next."""
    file = path(var)
    if not file.exists():
        return f"There is no installation in {var}: nothing has been started there yet", "make up"
    try:
        Installation.model_validate_json(file.read_bytes())
    except ValidationError as error:
        chosen = "RATCHET_AIRFLOW_PORT, RATCHET_MLFLOW_PORT, RATCHET_AIRFLOW_USERS"
        return (
            f"{file} cannot be read ({misfit(error)})",
            f"make down, make up, and name again what was chosen ({chosen})",
        )
    return f"The installation in {var} was started at another place", "make up"


def process(var: Path, name: str) -> psutil.Process | None:
    """Return a service's process if it is the one that was started, not another that has its number now."""
    import psutil

    try:
        about = json.loads(pid_file(var, name).read_text(encoding="ascii"))
        found = psutil.Process(about["pid"])
        if abs(found.create_time() - about["created"]) < 1 and found.status() != psutil.STATUS_ZOMBIE:
            return found
    except (FileNotFoundError, ValueError, KeyError, TypeError, psutil.NoSuchProcess):
        pass
    return None


def running(var: Path) -> list[str]:
    """List the services that run of the installation in a folder of state."""
    return sorted(file.stem for file in (var / "run").glob("*.pid") if process(var, file.stem))


def pid_file(var: Path, name: str) -> Path:
    """Return where a service's process id is."""
    return var / "run" / f"{name}.pid"


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _secret(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ServiceError(f"The secret in {file} cannot be read ({error.strerror}). Make it anew: make up") from error
    if not text:
        raise ServiceError(f"The secret in {file} is empty. Make it anew: make down, then make up")
    return text
