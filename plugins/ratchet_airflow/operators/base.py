"""What all of Ratchet's operators share: ask a runtime for a step, and turn what comes back into Airflow's terms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from ratchet import catalog
from ratchet_airflow import notes, runtimes


class StepOperator(BaseOperator):
    """Run one step of a loop.

    A subclass names its `step` and takes the fields of the step's request as keyword arguments of the same names, which
    it lists in `template_fields`. The result, a small piece of JSON, is the task's XCom.

    - done, unchanged: the task succeeds;
    - skipped: it is skipped, with the reason in the log;
    - refused, or an error that a retry does not help: it fails at once, with the reason in the run's note;
    - an error that a retry may help: it fails, and is retried as the task says.

    :param loop: name of the loop. The other parameters are templated.
    """

    step: ClassVar[str]
    template_fields: Sequence[str] = ()
    ui_color = "#e8eef7"

    def __init__(self, *, loop: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.loop = loop
        self.result: dict[str, Any] = {}

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the step."""
        loop = catalog.load(self.loop)
        runtime = runtimes.find(loop.runtime_of(self.step).kind)
        request = {
            name: value for name in self.template_fields if (value := getattr(self, name)) not in (None, "", "None")
        }
        self.result = runtime.run(self.step, loop, request, self.log)
        if error := self.result.get("error"):
            notes.add(context, self.log, f"{self.step}: {error['message']}")
            kind = AirflowException if error["retriable"] else AirflowFailException
            raise kind(f"{error['type']}: {error['message']}")
        if self.result["outcome"] == "refused":
            notes.add(context, self.log, f"{self.step}: {self.result['reason']}")
            raise AirflowFailException(self.result["reason"])
        if self.result["outcome"] == "skipped":
            raise AirflowSkipException(self.result["reason"])
        return self.result
