"""What every part of a contract is made of, and how it says that something in it is wrong."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import PydanticCustomError

MISPLACED = "ratchet_misplaced"  # an error that knows its place better than the validator that has found it
TASK = "task"  # what a part that is read may know of the rest of its contract


def mistake(place: tuple[str, ...], message: str, word: str = "", words: Sequence[str] = ()) -> PydanticCustomError:
    """Make an error for a validator to raise, which points to a place within what it looks at.

    word: what was found, where one of the words was expected: the reader is told the nearest.
    """
    return PydanticCustomError(
        MISPLACED, "{message}", {"place": place, "message": message, "word": word, "words": [*words]}
    )


def mistakes(found: Sequence[PydanticCustomError]) -> ValidationError:
    """Make one error of several, for a validator to raise: each is told."""
    return ValidationError.from_exception_data("", [{"type": each, "input": None} for each in found])


class Part(BaseModel):
    """A part of a contract: unknown keys are mistakes, and nothing changes after it was read."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)  # NaN passes every bound
