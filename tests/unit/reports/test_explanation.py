"""The page that says in which rows a champion's loss has risen."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ratchet import catalog
from ratchet.errors import DataError
from ratchet.lifecycle import looks
from ratchet.monitoring.explanation import Explanation, Side, explain
from ratchet.monitoring.slices import Column
from ratchet.reports import explanation

NIGHT, HOSTILE = "2013-01-20", "<script>alert('x')</script>"


def _made(change: Callable[[np.ndarray, np.ndarray], np.ndarray], grown: float = 0.3, name: str = "EWR") -> Explanation:
    """Make two weeks of an explanation. change: the loss of the later rows, of what it was and of which are of a slice.

    grown: the share of rows that are of it then; before, three in ten were.
    """
    rng, sides, codes = np.random.default_rng(0), [], []
    for share in (0.3, grown):
        days = np.repeat([f"2013-01-{day:02d}" for day in range(1, 8)], 200)
        inside = rng.random(len(days)) < share
        losses = 1 + 0.5 * inside + rng.normal(0, 0.05, len(days)) + 0.02 * rng.normal(0, 1, 7).repeat(200)
        sides.append(Side(days, change(losses, inside) if sides else losses))
        codes.append(inside.astype(np.int64))
    return explain(*sides, [Column("origin", ("origin=JFK", f"origin={name}"), *codes)])


def _worse(name: str = "EWR") -> Explanation:
    return _made(lambda losses, inside: losses + 0.4 * inside, name=name)


def test_the_sentence_names_the_slice_that_got_worse() -> None:
    said = explanation.words(_worse(), "log_loss")
    assert said.startswith("worst where origin=EWR: +0.4")
    assert " elsewhere, " in said
    assert " of the rise; the whole: +0.1" in said
    assert said.endswith("(log_loss)")


def test_the_sentence_tells_more_rows_from_worse_ones() -> None:
    said = explanation.words(_made(lambda losses, _: losses, grown=0.6), "log_loss")
    assert said.startswith(("more rows where origin=EWR (", "fewer rows where origin=JFK ("))
    assert "worst" not in said
    assert "whose loss is " in said


def test_where_nothing_stands_out_the_sentence_says_so() -> None:
    alike = explanation.words(_made(lambda losses, _: losses + 0.4), "log_loss")
    assert alike.startswith("no slice of 2 stands out: as far as 7 days show, it got worse everywhere alike, +0.4")
    assert "; nearest to it, where origin=" in alike
    same = explanation.words(_made(lambda losses, _: losses), "log_loss")
    assert same.startswith("no slice of 2 stands out, and that the whole has risen is not proved by 7 days: ")


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ((0.0834, -0.0583, 0.225), "+0.083 [-0.058, +0.225]"),
        ((25.31, 3.9, 46.7), "+25.3 [+3.9, +46.7]"),
        ((1234.5, -10.2, 2500.0), "+1,234 [-10, +2,500]"),
        ((0.0, 0.0, 0.0), "0.00 [0.00, 0.00]"),
    ],
)
def test_an_interval_is_written_in_three_digits(numbers: tuple[float, float, float], told: str) -> None:
    from ratchet.monitoring.explanation import Interval

    assert explanation.bracket(Interval(*numbers)) == told


def test_the_page_begins_with_the_sentence_and_escapes_what_was_delivered(place: Path) -> None:
    page = explanation.page(catalog.load("wind"), NIGHT, "3", _worse(HOSTILE))
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    assert page.index("Worst where origin=") < page.index("v3 lost 1.") < page.index("<table>")
    assert page.count("<tr") == 3


def test_a_night_is_explained_once_a_version(place: Path) -> None:
    loop, asked = catalog.load("wind"), list[str]()

    def make() -> Explanation:
        asked.append("asked")
        return _worse()

    assert explanation.told(loop, NIGHT) == ""
    first = explanation.of_night(loop, NIGHT, "3", make)
    assert explanation.of_night(loop, NIGHT, "3", make) == first == explanation.told(loop, NIGHT)
    assert len(asked) == 1
    kept = explanation.files(loop, NIGHT)
    assert {*kept} == {"explanation.json", "explanation.html"}
    about: dict[str, Any] = json.loads(kept["explanation.json"])
    assert (about["version"], about["days"], about["slices"][0]["name"]) == ("3", [7, 7], "origin=EWR")


@pytest.mark.parametrize("error", [DataError("the holdout's rows are gone"), ValueError("what nobody foresaw")])
def test_what_cannot_be_explained_is_said_and_tried_again(place: Path, error: Exception) -> None:
    loop = catalog.load("wind")

    def fail() -> Explanation:
        raise error

    said = explanation.of_night(loop, NIGHT, "3", fail)
    assert said.startswith("where it got worse cannot be said: ")
    assert str(error) in said
    assert explanation.told(loop, NIGHT) == said
    assert not explanation.there(loop, NIGHT)
    assert {*explanation.files(loop, NIGHT)} == {"explanation.json"}
    assert explanation.of_night(loop, NIGHT, "3", _worse).startswith("worst where")
    assert explanation.there(loop, NIGHT)
    assert looks.read(loop, NIGHT, "explanation.json") == explanation.files(loop, NIGHT)["explanation.json"]
