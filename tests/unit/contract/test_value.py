"""What a row costs: a contract says it in one way, for its task, and leaves something to decide."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic_core import PydanticCustomError

from ratchet.contract.value import Value


@pytest.mark.parametrize(
    ("task", "costs", "words"),
    [
        ("binary", {"false_positive": 15, "false_negative": 60}, ""),
        ("binary", {"true_positive": -5, "false_positive": 15}, ""),
        ("binary", {"false_postive": 15}, "no outcome of a binary task"),
        ("binary", {"late": {"early": 3}}, "no outcome of a binary task"),
        ("binary", {"false_positive": {"early": 3}}, "found costs of classes"),
        ("binary", {}, "false_positive has to cost more than true_negative, and false_negative more"),
        (
            "binary",
            {"false_positive": 3},
            "false_negative has to cost more than true_positive.* to say negative is never",
        ),
        (
            "binary",
            {"false_negative": 3, "true_negative": 1},
            "false_positive has to .* to say positive is never worse",
        ),
        ("regression", {"false_positive": 15}, "a regression has no outcomes"),
        ("multiclass", {"late": {"early": 3}, "early": {"late": 1}}, ""),
        ("multiclass", {"late": 3}, "what each class costs"),
        ("multiclass", {"late": {"early": 3}}, "to say 'late' is never worse than any other"),
        ("multiclass", {}, ""),
    ],
)
def test_costs_fit_their_task_and_leave_something_to_decide(task: str, costs: dict[str, Any], words: str) -> None:
    value = Value.model_validate({"unit": "hours", "costs": costs})
    if words:
        with pytest.raises(PydanticCustomError, match=words):
            value.fit(task)
    else:
        value.fit(task)
