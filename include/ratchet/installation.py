"""Read what `make up` wrote of the installation that it started: `<var>/installation.json`.

The description holds no secret. It names the files that do, each of which only the installation's user can read.
"""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from ratchet.errors import ServiceError

NONE_YET = "There is no installation in {var}: nothing has been started there yet. Start it: make up"


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
        if path(var).exists():
            raise ServiceError(f"The installation in {var} was started at another place. Start it here: make up")
        raise ServiceError(NONE_YET.format(var=var))
    return found


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
