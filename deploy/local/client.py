"""A logged-in client of the local installation's Airflow."""

from __future__ import annotations

from contextlib import AbstractContextManager

from deploy.local.environment import USER, Local
from ratchet.adapters import airflow_api
from ratchet.adapters.airflow_api import Airflow

__all__ = ["Airflow", "connect"]


def connect(local: Local) -> AbstractContextManager[Airflow]:
    """Log in. Raises ServiceError where Airflow does not let us."""
    local.password()  # made where there is none yet
    return airflow_api.connect(local.airflow_url, USER, local.passwords)
