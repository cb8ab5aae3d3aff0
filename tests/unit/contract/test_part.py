"""What every part of a contract is: closed, frozen, finite; and a mistake that knows its place."""

from __future__ import annotations

import pytest
from pydantic import ValidationError, model_validator

from ratchet.contract.part import MISPLACED, Part, mistake


class Pair(Part):
    """Two numbers, the first the smaller."""

    low: float = 0.0
    high: float = 1.0

    @model_validator(mode="after")
    def _ordered(self) -> Pair:
        if self.low > self.high:
            raise mistake(("high",), "high is below low", "hgh", ["high", "low"])
        return self


@pytest.mark.parametrize(("given", "kind"), [({"lwo": 1}, "extra_forbidden"), ({"low": float("nan")}, "finite_number")])
def test_what_is_no_part_of_it_is_refused(given: dict[str, float], kind: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Pair(**given)
    assert [each["type"] for each in caught.value.errors()] == [kind]


def test_nothing_changes_after_it_was_read() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Pair().low = 2.0  # type: ignore[misc]


def test_a_mistake_knows_its_place_better_than_who_has_found_it() -> None:
    with pytest.raises(ValidationError) as caught:
        Pair(low=2.0)
    (error,) = caught.value.errors()
    assert (error["type"], error["loc"], error["msg"]) == (MISPLACED, (), "high is below low")
    assert error["ctx"] == {
        "place": ("high",),
        "message": "high is below low",
        "word": "hgh",
        "words": ["high", "low"],
    }
