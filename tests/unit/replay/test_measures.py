"""What a night of the replay measures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ratchet import catalog
from ratchet.decisions import shadows
from ratchet.replay import history
from ratchet.replay.fits import Fits
from ratchet.replay.history import DataVersion
from ratchet.replay.measures import Measures, Version
from tests.given import rows

DAYS = [f"2013-01-{day:02d}" for day in range(10, 14)]


@pytest.fixture
def measured(place: Path) -> tuple[DataVersion, Measures, list[Version]]:
    """Two versions, and four days of which the first told the world."""
    loop = catalog.load("wind")
    data = history.of_rows(loop, rows.wind(f"2013-01-02..{DAYS[-1]}"), place / "cache").now
    fits = Fits(loop, place / "cache")
    made = [fits.get(data, "2013-01-02", until) for until in ("2013-01-07", "2013-01-08")]
    versions = [Version(str(n), (fit,), {"2013-01-09": 1.0}, 1.0, {}) for n, fit in enumerate(made, 1)]
    measures = Measures(loop, fits)
    measures.score(data, DAYS[:3], versions[0], [])
    return data, measures, versions


def test_a_live_loss_is_of_those_who_told_of_the_day_and_of_measured_days_alone(
    measured: tuple[DataVersion, Measures, list[Version]],
) -> None:
    data, measures, (first, second) = measured
    measures.measure(data, DAYS[:2])
    losses = measures.losses("1")
    assert [*losses] == DAYS[:2]
    assert losses[DAYS[0]] == pytest.approx(float(np.mean(first.stands[0].losses(data, DAYS[0]))))
    assert measures.losses("2") == {}
    assert second.on(DAYS[0]) is not None
    assert second.on("2013-01-08") is None  # it was trained on it


def test_evidence_grows_by_the_days_after_the_holdout_and_what_was_corrected_is_compared_again(
    measured: tuple[DataVersion, Measures, list[Version]],
) -> None:
    data, measures, (first, second) = measured
    rival, held = second.stands, ("2013-01-08", "2013-01-09")
    first_look = measures.fits.compare(data, "2013-01-09", rival[0], first.stands[0])
    once = measures.extend(data, first_look, rival, first, held, DAYS[1], ())
    assert [each.key for each in once] == ["2013-01-09", *DAYS[:2]]
    assert measures.extend(data, once, rival, first, held, DAYS[1], ()) == once
    assert measures.extend(data, (), rival, first, held, DAYS[1], ()) == once  # of the 8th the rival was taught
    wrong = [each.__class__(each.key, each.rows, 99.0) for each in once]
    again = measures.extend(data, wrong, rival, first, held, DAYS[2], {DAYS[0]})
    assert [each.total == 99.0 for each in again] == [True, False, True, False]
    assert again[1] == once[1]


def test_the_predecessor_is_compared_with_what_its_successors_told(
    measured: tuple[DataVersion, Measures, list[Version]],
) -> None:
    data, measures, (first, second) = measured
    before = shadows.Predecessor("2", DAYS[0], ("1",))
    found = measures.against(data, before, second, DAYS[-1])
    assert [each.key for each in found] == DAYS[1:3]  # after it was replaced; of the last day nobody told
    expected = measures.fits.compare(data, DAYS[1], second.stands[0], first.stands[0])
    assert found[:1] == expected
    assert measures.against(data, shadows.Predecessor("2", DAYS[0], ("3",)), second, DAYS[-1]) == []


def test_a_day_that_came_late_is_not_measured_of_a_version_that_was_trained_on_later_ones(
    measured: tuple[DataVersion, Measures, list[Version]],
) -> None:
    data, measures, (first, second) = measured
    day = "2013-01-08"
    measures.score(data, [day], second, [first.stands])
    measures.measure(data, [day])
    assert measures.losses("2") == {}
    assert measures.estimated(replace(second, knots={"0": [[0.0, 1.0]]}), [day]) == {}
    assert measures.against(data, shadows.Predecessor("1", "2013-01-06", ("2",)), first, day) == []
    # A challenger is compared with who stands there for the champion; nobody does.
    assert measures.extend(data, [], first.stands, second, ("2013-01-07", "2013-01-07"), day, ()) == ()
    stood = replace(second, stands=(second.stands[0], first.stands[0]))
    (cluster,) = measures.extend(data, [], first.stands, stood, ("2013-01-07", "2013-01-07"), day, ())
    assert (cluster.key, cluster.total) == (day, 0.0)  # the fit beside itself


def test_a_baseline_is_a_rival_in_shadow_as_a_version_is(
    measured: tuple[DataVersion, Measures, list[Version]],
) -> None:
    data, measures, (first, _) = measured
    plain = first.stands[0].plain
    assert plain is not None
    rival = Version(plain.name, (plain,), {}, 1.0, {})
    measures.score(data, DAYS[3:], first, [rival.stands])
    found = measures.against(data, shadows.Predecessor(rival.number, DAYS[0], ("1",)), rival, DAYS[-1])
    assert [each.key for each in found] == DAYS[1:]
    assert found[:1] == measures.fits.compare(data, DAYS[1], plain, first.stands[0])
    assert all(each.mean > 0 for each in found)
    as_champion = measures.extend(data, [], first.stands, rival, ("2013-01-09", "2013-01-09"), DAYS[1], ())
    assert [(each.key, each.mean < 0) for each in as_champion] == [("2013-01-09", True), *((d, True) for d in DAYS[:2])]
