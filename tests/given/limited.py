"""An auth manager with a user who has no right on some DAGs: as FAB's roles give it, in a few lines."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.auth.managers.models.resource_details import DagDetails
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

FORBIDDEN = "wind_approved."  # how the DAGs begin that `eve` may not even read


class Limited(SimpleAuthManager):
    """Airflow's own simple manager, but for `eve`."""

    def is_authorized_dag(
        self, *, user: SimpleAuthManagerUser, details: DagDetails | None = None, **asked: Any
    ) -> bool:
        """Forbid some DAGs to some."""
        if user.get_id() == "eve" and details and (details.id or "").startswith(FORBIDDEN):
            return False
        return bool(super().is_authorized_dag(user=user, details=details, **asked))

    def filter_authorized_dag_ids(self, *, dag_ids: set[str], user: SimpleAuthManagerUser, **asked: Any) -> set[str]:
        """Leave them out of lists too."""
        found = super().filter_authorized_dag_ids(dag_ids=dag_ids, user=user, **asked)
        return {each for each in found if not (user.get_id() == "eve" and each.startswith(FORBIDDEN))}
