"""Operators of the approval: ask in a DAG of its own, take the answer, and promote.

What decides is the ledger. The operator that asks writes the answer there itself, from the event that Airflow's server
put into the task's record when somebody answered: no XCom and no task state is read for it.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from airflow.configuration import conf
from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException

from ratchet import catalog
from ratchet.contract.rules import ANYBODY
from ratchet.errors import RatchetError
from ratchet.lifecycle import approval
from ratchet_airflow import notes
from ratchet_airflow.links import PAGES
from ratchet_airflow.operators.base import failure, step

_SIMPLE = "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"


class AskOperator(TriggerDagRunOperator):
    """Start the run that asks about a challenger, once a challenger; nobody waits for it.

    :param run: the key of the training. (templated)
    :param nothing: why nothing is to be promoted; empty where something is. (templated)
    """

    template_fields: Sequence[str] = (*TriggerDagRunOperator.template_fields, "run", "nothing")

    def __init__(self, *, loop: str, run: str, nothing: str = "", **kwargs: Any) -> None:
        about = {"trigger_dag_id": f"{loop}.approve", "trigger_run_id": run, "conf": {"run": run}}
        super().__init__(skip_when_already_exists=True, **about, **kwargs)
        self.run = run
        self.nothing = nothing

    def execute(self, context: Context) -> None:
        """Ask, or say why there is nothing to ask."""
        if self.nothing:
            self.log.info("nothing to approve: %s", self.nothing)
            return
        super().execute(context)


class ApproveOperator(ApprovalOperator):
    """Ask those whom `gate.approval` names whether a challenger that has won may be promoted.

    No answer in time is a no, and so is one that none of them gave. Who has asked for the training is not asked.

    :param loop: name of the loop.
    :param run: the key of the training. (templated)
    """

    template_fields: Sequence[str] = (*ApprovalOperator.template_fields, "run")

    def __init__(self, *, loop: str, run: str, **kwargs: Any) -> None:
        super().__init__(defaults="Reject", subject="", body="", **kwargs)
        self.loop = loop
        self.run = run

    def execute(self, context: Context) -> None:
        """Put the question that the ledger holds, and wait without a worker."""
        asked = step("question", catalog.load(self.loop), {"run": self.run}, self.log)
        if error := asked.get("error"):
            raise failure(error)
        # Nothing is to be approved, or it was answered at the command line: what follows says so, or carries it out.
        if asked["outcome"] in ("skipped", "unchanged"):
            notes.add(context, self.log, asked["reason"])
            return
        self.subject = asked["subject"]
        self.body = f"{asked['summary']}\n\n[The whole report]({PAGES}/decisions/{self.loop}/{asked['report']})"
        try:
            may = self._may(asked["approvers"], asked["asked_by"])
        except AirflowFailException as error:
            notes.add(context, self.log, str(error))
            raise
        self.assigned_users = [{"id": login, "name": login} for login in may]
        super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Write the answer into the ledger. A rejection skips nothing here: it is `promote` that carries it out."""
        found = HITLOperator.execute_complete(self, context, event)
        user = found["responded_by_user"]
        said = approval.Said(
            answer="Approve" if user and found["chosen_options"] == [self.APPROVE] else "Reject",
            by=str(user["id"]) if user else "",
            known="airflow" if user else "",
        )
        try:
            written, _ = approval.record(catalog.load(self.loop), self.run, said)
        except RatchetError as error:
            if error.retriable:
                raise
            raise AirflowFailException(f"{type(error).__name__}: {error}") from error
        notes.add(context, self.log, written.reason)
        return {"answer": written.answer, "by": written.responder, "reason": written.reason}  # for people to read

    def _may(self, approvers: Sequence[str], asker: str) -> list[str]:
        """Return the ids of those who may answer, as the auth manager knows them."""
        module, _, name = conf.get("core", "auth_manager", fallback=_SIMPLE).rpartition(".")
        simple, _, called = _SIMPLE.rpartition(".")
        manager = getattr(importlib.import_module(module), name)
        if not issubclass(manager, getattr(importlib.import_module(simple), called)):
            raise AirflowFailException(
                f"gate.approval of {self.loop} names logins, and the ids of {name} are not known to Ratchet yet. "
                f"Answer at the command line: ratchet approve {self.loop} {self.run}"
            )
        if conf.getboolean("core", "simple_auth_manager_all_admins", fallback=False):
            raise AirflowFailException(
                "simple_auth_manager_all_admins lets everybody be anybody: nobody can approve. Switch it off"
            )
        found = [login for login in approvers if login not in (asker, ANYBODY)]
        if not found:
            raise AirflowFailException(
                f"Nobody is left to approve: {asker} has asked for the training, and gate.approval of {self.loop} "
                "names nobody else. Name somebody"
            )
        return found
