"""The rows that an alarm of loss is explained by."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.adapters import models, runs
from ratchet.errors import DataError
from ratchet.lifecycle import evaluations, evidence, explanations
from tests.conftest import step
from tests.given.watched import NIGHT

NAME, DAY = "wind_watched", "2013-01-15"


def test_both_sides_are_as_they_were_measured(watched: Path) -> None:
    loop, measured = catalog.load(NAME), step("performance", NAME, partition=NIGHT)
    with runs.connected() as client:
        (held, before), (now, after) = explanations.sides(loop, client, NIGHT, "1", [DAY])
        judged = evaluations.read(loop, evidence.judged_run(loop, models.version(client, NAME, "1")))
    for day, told in judged.days.items():
        assert held.losses[held.days == day].mean() == pytest.approx(told["challenger"])
    assert before.num_rows == len(held.losses) == judged.model_dump()["rows"]
    assert now.losses.mean() == pytest.approx(measured.days[DAY]["1"]["loss"])
    assert after.num_rows == len(now.losses) == measured.days[DAY]["1"]["rows"]
    assert {"origin", "hour_of_day", "wind_now"} <= {*before.column_names} & {*after.column_names}


def test_of_too_few_days_it_is_said(watched: Path) -> None:
    loop = catalog.load(NAME)
    with runs.connected() as client:
        with pytest.raises(DataError, match="no live day of v1 has labels yet"):
            explanations.of_champion(loop, client, NIGHT, "1", [])
        with pytest.raises(DataError, match="the latest days with labels are 1, and 3 days are needed"):
            explanations.of_champion(loop, client, NIGHT, "1", [DAY])
