"""The list of the steps is their folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ratchet import steps
from ratchet.errors import RequestError


def test_a_step_is_found_by_its_files_name() -> None:
    files = {path.stem for path in Path(steps.__file__).parent.glob("[!_]*.py")}
    assert set(steps.names()) == files
    for name in files:
        found = steps.find(name)
        assert found.name == name
        assert issubclass(found.request, steps.StepRequest)
        assert found.run.__doc__


def test_an_unknown_step_suggests_the_nearest() -> None:
    with pytest.raises(RequestError, match="did you mean 'publish'"):
        steps.find("pulish")


def test_a_request_is_small_and_stays_what_it_is() -> None:
    request = steps.find("fetch").request(partitions="2013-01-01")
    with pytest.raises(ValidationError, match="frozen"):
        request.partitions = "2013-01-02"  # type: ignore[attr-defined]
    with pytest.raises(ValidationError, match="Extra inputs"):
        steps.find("fetch").request(partitions="2013-01-01", partition="2013-01-01")


@pytest.mark.parametrize(
    ("name", "given", "field"),
    [
        ("snapshot", {"run": "a", "revision": "HEAD~\u0661"}, "revision"),  # a digit, of another script
        ("replay", {"cost": "nan"}, "cost"),
        ("replay", {"cost": float("inf")}, "cost"),
        ("replay", {"gates": "a=b" * 100_000}, "gates"),
        ("replay", {"policies": "x" * 100_000}, "policies"),
    ],
)
def test_what_no_step_could_work_with_is_refused_at_the_door(name: str, given: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestError, match=f"^The step {name}: {field}: ") as caught:
        steps.ask(name, given)
    assert len(str(caught.value)) < 500


def test_a_reason_is_one_line_of_a_log() -> None:
    """The name of a slice holds what was delivered."""
    assert steps.StepResult(reason="rejected\nINFO \x1b[2Jpromoted").reason == r"rejected INFO \x1b[2Jpromoted"
