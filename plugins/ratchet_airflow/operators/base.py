"""What all of Ratchet's operators share: ask a runtime for a step, and turn what comes back into Airflow's terms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from ratchet import catalog
from ratchet.contract.loop import Loop
from ratchet_airflow import notes, runtimes
from ratchet_airflow.triggers import NightTrigger


def step(name: str, loop: Loop, request: dict[str, Any], log: Any) -> dict[str, Any]:
    """Ask the loop's runtime for a step; return its result as plain JSON, or {"error": …}."""
    return runtimes.find(loop.runtime_of(name).kind).run(name, loop, request, log)


def failure(error: dict[str, Any]) -> AirflowException:
    """Return a step's error in Airflow's terms: one that is retried where a retry may help, else a final one."""
    kind = AirflowException if error["retriable"] else AirflowFailException
    return kind(f"{error['type']}: {error['message']}")


class StepOperator(BaseOperator):
    """Run one step of a loop.

    A subclass names its `step` and takes the fields of the step's request as keyword arguments of the same names, which
    it lists in `template_fields`. The result, a small piece of JSON, is the task's XCom.

    - done, unchanged: the task succeeds;
    - waiting: it is put aside, without a worker, until the nights before it have ended;
    - skipped: it is skipped, with the reason in the run's note;
    - refused, or an error that a retry does not help: it fails at once, with the reason in the run's note;
    - an error that a retry may help: it fails, and is retried as the task says.

    :param loop: name of the loop. The other parameters are templated.
    """

    step: ClassVar[str]
    template_fields: Sequence[str] = ()
    request_fields: ClassVar[Sequence[str]] = ()  # of the step's request, where they are not all that is templated
    ui_color = "#e8eef7"

    def __init__(self, *, loop: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.loop = loop
        self.result: dict[str, Any] = {}

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the step."""
        return self.perform(context)

    def resume(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Run the step when its turn may have come."""
        return self.perform(context)

    def perform(self, context: Context) -> dict[str, Any]:
        """Run the step, and turn what comes back into Airflow's terms. A step whose turn has not come is put aside."""
        fields = self.request_fields or self.template_fields
        request = {name: value for name in fields if (value := getattr(self, name)) not in (None, "", "None")}
        self.result = step(self.step, catalog.load(self.loop), request, self.log)
        if error := self.result.get("error"):
            notes.add(context, self.log, f"{self.step}: {error['message']}")
            raise failure(error)
        if self.result["outcome"] == "waiting":
            notes.add(context, self.log, f"{self.step}: {self.result['reason']}")
            night = str(request.get("partition") or request["partitions"]).partition("..")[0]
            trigger = NightTrigger(loop=self.loop, partition=night, run=str(request.get("delivery", "")))
            self.defer(trigger=trigger, method_name="resume")
        if self.result["outcome"] == "refused":
            notes.add(context, self.log, f"{self.step}: {self.result['reason']}")
            raise AirflowFailException(self.result["reason"])
        if self.result["outcome"] == "skipped":
            notes.add(context, self.log, f"{self.step}: {self.result['reason']}")
            self.left_out()
        return self.result

    def left_out(self) -> None:
        """Skip the task: its step had nothing to do."""
        raise AirflowSkipException(self.result["reason"])
