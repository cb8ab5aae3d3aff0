"""The evidence of a life: against the champion, against the anchor, and the champion's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.contract.value import Value
from ratchet.decisions import shadows
from ratchet.decisions.duel import Gathered
from ratchet.replay import evidence, history
from ratchet.replay.evidence import Challenger, Gathering
from ratchet.replay.fits import Fits
from ratchet.replay.history import DataVersion
from ratchet.replay.measures import Measures, Version
from tests.given import rows
from tests.given.entries import entry
from tests.given.evaluations import training

HELD, DAYS = "2013-01-09", ["2013-01-10", "2013-01-11", "2013-01-12"]
FIRST = entry("promoted", "first", version="1", day="2013-01-09")  # nothing was gathered against a baseline
SECOND = entry("promoted", "second", version="2", replaces="1", champion="1", terms=None, day="2013-01-09")
WAITS = entry("waiting", "new", line="x", since=HELD, champion="1")
PLAIN = shadows.baseline("new")


@pytest.fixture
def life(place: Path) -> Gathering:
    """A champion, v1, that has told of three days, and a challenger that was judged on the day before them."""
    loop = catalog.load("wind")
    data = history.of_rows(loop, rows.wind(f"2013-01-02..{DAYS[-1]}"), place / "cache").now
    fits = Fits(loop, place / "cache")
    made = [fits.get(data, "2013-01-02", until) for until in ("2013-01-06", "2013-01-07", "2013-01-08")]
    runs = {}
    for run, fit in zip(("first", "second", "new"), made, strict=True):
        judged = training(run, [], days={HELD: {"rows": 72, "challenger": 1.0}})
        runs[run] = Challenger(fit, judged, fit.side(data, HELD), data, stands=(fit,))
    versions = {n: Version(n, (fit,), {HELD: 1.0}, 1.0, {}) for n, fit in zip("12", made, strict=False)}
    measures = Measures(loop, fits)
    measures.score(data, DAYS, versions["1"], [])
    return Gathering(measures, runs, versions, versions["1"], data, DAYS[1])


def _keys(gathered: Gathered) -> tuple[list[str], list[str]]:
    return [each.key for each in gathered.days], [each.key for each in gathered.anchored]


def test_with_no_champion_a_challenger_gathers_against_its_own_baseline(life: Gathering) -> None:
    run = life.runs["new"]
    run.gathered = Gathered((), PLAIN)
    alone = replace(life, champion=None)
    entries = [WAITS.model_copy(update={"champion": None})]
    alone.waiting(entries)
    assert _keys(run.gathered) == ([], [HELD, *DAYS[:2]])
    assert run.gathered.anchor == PLAIN
    plain = run.fit.plain
    assert plain is not None
    assert list(run.gathered.anchored[:1]) == life.measures.fits.compare(life.data, HELD, run.fit, plain)
    assert alone.own(entries).anchor == ""
    replace(alone, last=DAYS[2]).waiting(entries)
    assert _keys(run.gathered) == ([], [HELD, *DAYS])


def test_against_a_champion_that_is_the_anchor_the_days_are_the_same(life: Gathering) -> None:
    run = life.runs["new"]
    life.waiting([FIRST, WAITS])
    assert _keys(run.gathered) == ([HELD, *DAYS[:2]], [HELD, *DAYS[:2]])
    assert (run.gathered.anchor, run.gathered.days) == ("1", run.gathered.anchored)
    assert life.own([FIRST, WAITS]) == Gathered((), "1")


def test_the_days_of_a_duel_are_told_in_the_contracts_own_unit_too(life: Gathering) -> None:
    """Of a unit that is twice the loss, twice what the duel has."""
    run, twice = life.runs["new"], Value(unit="twice", sql="2 * (prediction - label) ** 2")
    life.waiting([FIRST, WAITS])
    loop = life.data.loop
    valued = loop.model_copy(update={"gate": loop.gate.model_copy(update={"value": twice})})
    found = replace(life, data=replace(life.data, loop=valued)).valued("new")
    assert [(each.key, each.rows) for each in found] == [(each.key, each.rows) for each in run.gathered.days]
    assert [each.total for each in found] == pytest.approx([2 * each.total for each in run.gathered.days])


def test_what_waits_against_another_champion_gathers_nothing(life: Gathering) -> None:
    life.waiting([FIRST, WAITS.model_copy(update={"champion": "2"})])
    assert life.runs["new"].gathered == Gathered()


def test_against_another_anchor_all_days_from_the_holdout_on_are_compared_anew(life: Gathering) -> None:
    run, compare = life.runs["new"], life.measures.fits.compare
    life.waiting([FIRST, WAITS])
    days = run.gathered.days
    moved = entry("anchored", version="2", best="2", partition=DAYS[0])  # as if it had been champion between
    replace(life, last=DAYS[2]).waiting([FIRST, WAITS, moved])
    assert run.gathered.anchor == "2"
    assert _keys(run.gathered) == ([HELD, *DAYS], [HELD, *DAYS])
    assert run.gathered.days[:3] == days
    assert list(run.gathered.anchored[:1]) == compare(life.data, HELD, run.fit, life.versions["2"].stands[0])
    plain = entry("promoted", "first", version="1", day=HELD, terms=_terms())
    life.waiting([plain, WAITS])
    assert run.gathered.anchor == shadows.baseline("first")
    assert all(each.mean < 0 for each in run.gathered.anchored)


def test_a_champion_gathers_its_own_days_where_it_has_told_by_what_it_told(life: Gathering) -> None:
    """Of the second, which is champion now, nothing was told: what stands for it is compared; the first has told."""
    entries = [entry("promoted", "first", version="1", day=HELD, terms=_terms())]
    first = life.runs["first"]
    own = life.own(entries)
    assert _keys(own) == ([], [HELD, *DAYS[:2]])
    assert (first.gathered.anchor, first.gathered.anchored) == (own.anchor, own.anchored)
    wrong = tuple(replace(each, total=99.0) for each in own.anchored)
    first.gathered = replace(first.gathered, anchored=wrong)
    again = replace(life, last=DAYS[2], corrected={DAYS[0]}).own(entries)
    assert [each.total == 99.0 for each in again.anchored] == [True, False, True, False]
    silent = replace(life, champion=life.versions["2"])
    both = [FIRST, SECOND.model_copy(update={"terms": _terms()})]
    found = silent.own(both)  # v1 is the anchor still
    assert found.anchor == "1"
    compare = life.measures.fits.compare
    stands = [life.versions[number].stands[0] for number in "21"]
    assert list(found.anchored) == [
        cluster for day in (HELD, *DAYS[:2]) for cluster in compare(life.data, day, *stands)
    ]


def test_the_best_of_all_is_compared_anew_and_nothing_of_it_is_kept(life: Gathering) -> None:
    plain = shadows.baseline("first")
    entries = [
        entry("promoted", "first", version="1", day=HELD, terms=_terms()),
        entry("promoted", "second", version="2", replaces="1", champion="1", terms=_terms(), day=HELD),
        entry("anchored", version="1", how="not worse", best=plain, partition=DAYS[0]),
    ]
    now = replace(life, champion=life.versions["2"])
    kept = life.runs["second"].gathered
    found = now.best(entries)
    assert [each.key for each in found] == [HELD, *DAYS[:2]]
    assert all(each.mean < 0 for each in found)
    assert life.runs["second"].gathered == kept


def test_a_baseline_stands_for_itself_and_a_version_by_its_fits(life: Gathering) -> None:
    (plain,) = evidence.stands(PLAIN, life.runs, life.versions)
    assert plain is life.runs["new"].fit.plain
    assert evidence.stands("2", life.runs, life.versions) == life.versions["2"].stands
    data: DataVersion = life.data
    assert len(plain.predict(data, HELD)) == len(life.runs["new"].fit.predict(data, HELD))


def _terms() -> dict[str, object]:
    return {"loss": "squared_error", "cluster": "day", "margin": 0.0, "bound": 20.0, "level": 0.1}
