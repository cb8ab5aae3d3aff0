"""The proof that features see only what was known: planted leaks are found by name, and nothing where there is none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from ratchet import catalog
from ratchet.contract.loop import Loop
from ratchet.data import features, proof
from ratchet.errors import ContractError
from tests.given import flights

DAY, FIRST, OLDEST = "2013-02-10", "2013-02-02", "2013-01-24"


@pytest.fixture(scope="module")
def eighteen_days() -> dict[str, pa.Table]:
    return flights.days(OLDEST, DAY)


def _proved(loop: Loop, days: dict[str, pa.Table], seed: str = "seed") -> proof.Proof:
    given = flights.since(days, FIRST)
    return proof.prove(loop, given, days, DAY, features.of_day(loop, given, DAY), seed)


def _planted(tmp_path: Path, feature: str, join: str = "", contract: tuple[str, str] = ("", "")) -> Loop:
    """Return the loop of the flights with a feature `leak` more."""
    loop = catalog.load("flight_delays")
    text = (loop.folder / "features.sql").read_text(encoding="utf-8")
    assert contract[0] in (loop.folder / "loop.yaml").read_text(encoding="utf-8")
    folder = tmp_path / loop.name
    shutil.copytree(loop.folder, folder)
    changed = text.replace("    asked.seats,\n", f"    asked.seats,\n    {feature} AS leak,\n", 1)
    (folder / "features.sql").write_text(changed.replace("\nFROM asked\n", f"\nFROM asked\n{join}\n", 1))
    (folder / "loop.yaml").write_text((loop.folder / "loop.yaml").read_text().replace(*contract, 1))
    return catalog.read(folder / "loop.yaml")


@pytest.mark.parametrize("seed", ["one", "two"])
def test_features_that_see_only_the_past_are_proved(eighteen_days: dict[str, pa.Table], seed: str) -> None:
    found = _proved(catalog.load("flight_delays"), eighteen_days, seed)
    assert found.differ == {}
    assert found.rows > 100


@pytest.mark.parametrize(
    ("feature", "join", "why"),
    [
        ("asked.dep_delay", "", "later"),
        ("CAST(asked.departed_at IS NULL AS BIGINT)", "", "later"),  # own cancellation
        ("asked.arr_delay", "", "later"),
        ("date_diff('minute', asked.departed_at, asked.arrived_at)", "", "later"),  # time in the air
        (  # departures up to the scheduled departure: its own early one is among them
            "early.n",
            "ASOF LEFT JOIN origin_counts AS early ON early.origin = asked.origin AND early.moment <= asked.sched_dep",
            "later",
        ),
        (  # the weather an hour after the question
            "ahead.temp",
            "ASOF LEFT JOIN weather AS ahead ON ahead.origin = asked.origin "
            "AND ahead.observed_at <= asked.as_of + INTERVAL 1 HOUR",
            "later",
        ),
        ("(SELECT avg(dep_delay) FROM flights)", "", "later"),  # a mean over the whole window
        (  # everything since the beginning
            "o1.n",
            "",
            "older",
        ),
    ],
)
def test_a_planted_leak_is_found_by_its_name(
    eighteen_days: dict[str, pa.Table], tmp_path: Path, feature: str, join: str, why: str
) -> None:
    assert _proved(_planted(tmp_path, feature, join), eighteen_days).differ == {"leak": why}


def test_what_the_contract_does_not_say_is_known_later_counts_as_known_with_its_row(
    eighteen_days: dict[str, pa.Table], tmp_path: Path
) -> None:
    """A null tail number tells that a flight was cancelled: only the contract can know when it is known."""
    feature = "CAST(asked.tailnum IS NULL AS BIGINT)"
    assert _proved(_planted(tmp_path, feature), eighteen_days).differ == {}
    said = ("tailnum: string", "tailnum: {type: string, known_at: departed_at}")
    (tmp_path / "told").mkdir()
    assert _proved(_planted(tmp_path / "told", feature, "", said), eighteen_days).differ == {"leak": "later"}


def test_labels_count_as_known_when_they_are_due(eighteen_days: dict[str, pa.Table], tmp_path: Path) -> None:
    """Without a word on when arrivals are known, what is made of those of the same day is a leak."""
    loop = _planted(tmp_path, "asked.seats", "", ("{type: int64, known_at: arrived_at}", "int64"))
    assert {*_proved(loop, eighteen_days).differ} == {"carrier_late_6h", "carrier_late_7d", "dest_late_24h"}
    assert "arr_delay) counts as known at the end of the day on the day after its own" in proof.how(loop)


def test_rounding_is_no_difference_and_a_null_is_one() -> None:
    one = pa.chunked_array([[1.0, 1e6, None, float("nan")]])
    assert proof._alike(one, pa.chunked_array([[1.0 + 1e-4, 1e6, None, float("nan")]]))
    assert not proof._alike(one, pa.chunked_array([[1.0 + 1e-2, 1e6, None, float("nan")]]))
    assert not proof._alike(one, pa.chunked_array([[1.0, 1e6, 0.0, float("nan")]]))
    assert not proof._alike(pa.chunked_array([["a", None]]), pa.chunked_array([["b", None]]))


def test_a_row_that_is_asked_about_before_it_is_known_is_told(
    eighteen_days: dict[str, pa.Table], tmp_path: Path
) -> None:
    loop = _planted(tmp_path, "asked.seats", "", ("time: sched_dep", "time: sched_dep\n    known_at: sched_dep"))
    with pytest.raises(ContractError, match=r"before they are known \(known_at: sched_dep\)"):
        _proved(loop, eighteen_days)


def test_no_rows_prove_nothing(eighteen_days: dict[str, pa.Table]) -> None:
    loop, given = catalog.load("flight_delays"), flights.since(eighteen_days, "2013-03-01")
    assert proof.prove(loop, given, given, DAY, features.of_day(loop, given, DAY), "x") == proof.Proof()
