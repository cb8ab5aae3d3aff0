"""The pages and forms of DAGs: an option of any type is told, and breaks nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ratchet import catalog
from ratchet.contract.loop import Loop
from ratchet_airflow import docs, loop_dags
from tests.conftest import bring

POLICY = '''"""Ask, by options of every type."""

from ratchet.api import NightFacts, Part


class Options(Part):
    """Of every type."""

    text: str = "on | off"
    lines: str = "one\\ntwo"
    number: float = 0.1
    large: float = 1e9
    whole: int = 3
    flag: bool = True
    columns: tuple[str, ...] = ("a", "b")
    bounds: dict[str, float] = {"low": 0.25}
    open: str | None = None


def ask(facts: NightFacts, options: Options) -> str | None:
    """Ask never."""
    return None
'''


def _row(page: str, name: str) -> str:
    (line,) = [line for line in page.splitlines() if line.startswith(f"| {name} |")]
    return line


@pytest.fixture
def loop(tides: Path) -> Loop:
    bring(tides)
    (tides / "policies" / "every_type.py").write_text(POLICY)
    path = tides / "loop.yaml"
    path.write_text(path.read_text() + "    every_type: {}\n")
    return catalog.load("tides")


def test_a_policys_options_of_any_type_are_told(loop: Loop) -> None:
    page = docs.page(loop, "monitor")
    assert _row(page, "Asks by weekday") == "| Asks by weekday | day Wednesday |"
    assert _row(page, "Asks by every_type") == (
        "| Asks by every_type | text on \\| off, lines one two, number 0.1, large 1e+09, whole 3, flag yes, "
        "columns a b, bounds (low 0.25) |"
    )


def test_a_floor_is_told_with_both_its_ends(loop: Loop) -> None:
    assert _row(docs.page(loop, "train"), "Floors") == "| Floors | worst from 0 to 2 |"
    assert _row(docs.page(loop, "train"), "Check light") == "| Check light | kilobytes 50 |"
    floors = {"mae": {"max": 10}, "r2": {"min": 0}, "rmse": {"min": -1.5, "max": 2.25}}
    document = loop.model_dump(mode="json") | {"gate": {"floors": floors}}
    told = _row(docs.page(Loop.model_validate(document), "train"), "Floors")
    assert told == "| Floors | mae ≤ 10, r2 ≥ 0, rmse from -1.5 to 2.25 |"


def test_every_dag_of_the_loop_is_built_and_its_form_names_the_loops_own_policies(loop: Loop) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    dags: dict[str, Any] = loop_dags.dags_of("tides")
    assert len(dags) == 5
    for dag in dags.values():
        DagSerialization.to_dict(dag)
    form = dags["tides_replay"].params.get_param("policies").description
    assert "every_type" in form
    assert "weekday" in form
    assert "cost_aware" in form
