"""docs/nights.md: the night from the shell is the one that the DAGs live, and every step is asked for what it takes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from ratchet import steps
from ratchet.cli.step import NIGHT, TRAINING
from tests.conftest import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# Tasks of the DAGs that are no step of the night: a question to a person, a failure, Airflow's own, what comes after.
NO_STEPS = {"ask", "give_up", "retrain", "explain"}
WON = {"refit", "promote"}  # they follow a win of the night as well: the page says so in words


def _asked(text: str) -> list[tuple[str, list[str]]]:
    """Return the steps that code blocks run, each with its arguments."""
    blocks = re.findall(r"^```\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    lines = [line.removeprefix(".venv/bin/") for block in blocks for line in block.splitlines()]
    words = [shlex.split(line, comments=True) for line in lines if line.startswith("ratchet step ")]
    return [(name, arguments) for _, _, name, *arguments in words]


def _night() -> list[tuple[str, list[str]]]:
    text = (ROOT / "docs" / "nights.md").read_text()
    return _asked(text.partition("\n## A night from the shell\n")[2].partition("\n## ")[0])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_step_is_asked_for_what_it_takes(page: Path) -> None:
    """`--partition` where a step takes one day, `--partitions` where it takes several."""
    for name, arguments in _asked(page.read_text()):
        if name not in steps.names():
            assert (page.stem, name) == ("add_an_operator", "export")
            continue
        values = {key.removeprefix("--"): value for key, value in zip(arguments[::2], arguments[1::2], strict=True)}
        assert values.pop("loop") == "flight_delays"
        values.pop("result", None)
        steps.ask(name, values)


def test_the_night_from_the_shell_is_that_of_the_dags(monkeypatch: pytest.MonkeyPatch) -> None:
    from ratchet_airflow import loop_dags

    for name in ("RATCHET_LOOPS", "RATCHET_SUITES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RATCHET_HOME", str(ROOT))
    dags: dict[str, Any] = loop_dags.dags_of("flight_delays")
    parts = [dags[f"flight_delays_{part}"] for part in ("ingest", "score", "monitor", "train")]
    ingest, score, monitor, train = ({*dag.task_ids} - NO_STEPS for dag in parts)
    order = [name for name, _ in _night()]
    night, training = order[: order.index("close") + 1], order[order.index("close") + 1 :]
    assert [{*night[:4]}, {*night[4:5]}, {*night[5:]}] == [ingest, score, monitor - WON]
    assert {*training} == train
    assert len(order) == len({*order})
    assert order == [*NIGHT, *TRAINING]  # in which `ratchet step --help` lists them
    for dag, lived in ((parts[0], night), (parts[2], night), (parts[3], training)):
        for name in {*lived} & {*dag.task_ids}:
            before = dag.get_task(name).get_flat_relative_ids(upstream=True)
            assert before & {*lived} <= {*lived[: lived.index(name)]}, name
