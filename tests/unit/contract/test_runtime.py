"""The part of a contract that says where a step runs."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ratchet.contract.runtime import Runtime


def test_a_step_runs_here_unless_the_contract_says_otherwise() -> None:
    assert (Runtime().kind, Runtime().pool) == ("local", "default_pool")


@pytest.mark.parametrize("given", [{"kind": "lokal"}, {"pool": "Big Pool"}, {"pool": ""}, {"pol": "x"}])
def test_what_no_runtime_understands_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Runtime.model_validate(given)
