"""The model card on the page about a decision."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.decisions.duel import Gathered, Verdict
from ratchet.lifecycle.records import Record
from ratchet.reports.card import card
from ratchet.reports.parties import Back
from tests.given.clusters import days
from tests.given.evaluations import training

ABOUT = Record(run="x", data={"train": "2012-11-01..2012-12-31", "holdout": "2013-01-01..2013-01-07"})
FOUND = training("one", [], metrics={"challenger": {"mae": 1.0, "r2": -0.00001, "own": None}}).evaluation
DAYS = tuple(days([0.0] * 10))


@pytest.mark.parametrize("held", [Gathered(DAYS), Gathered((), "baseline:x", DAYS)])
def test_the_holdout_and_the_days_of_the_duel_are_told_apart(place: Path, held: Gathered) -> None:
    """A night that had decided by ten days said that it had judged on the seven of the holdout."""
    told = dict(card(catalog.load("wind"), ABOUT, FOUND, held, "promote"))
    assert told["Holdout"] == "2013-01-01..2013-01-07"
    assert told["On the holdout"] == "mae 1.0000, r2 0.0000"
    assert told["Days of the duel"] == "2013-01-01..2013-01-10, 10 days with labels"
    assert dict(card(catalog.load("wind"), ABOUT, FOUND, Gathered(), "promote"))["Days of the duel"] == "none yet"


@pytest.mark.parametrize(
    ("verdict", "label"),
    [("promote", "To be deployed"), ("wait", "Would be deployed"), ("reject", "Would have been deployed")],
)
def test_what_did_not_win_is_not_said_to_be_deployed(place: Path, verdict: Verdict, label: str) -> None:
    loop = catalog.load("wind")
    for deploy, what in (("refit", "its recipe, fitted again"), ("evaluated", "the model that was judged")):
        changed = loop.model_copy(update={"gate": loop.gate.model_copy(update={"deploy": deploy})})
        told = dict(card(changed, ABOUT, FOUND, Gathered(DAYS), verdict))
        assert what in told[label]
        assert "Deployed" not in told


def test_who_comes_back_is_named(place: Path) -> None:
    told = dict(card(catalog.load("wind"), ABOUT, Back("predecessor", "2", "3"), Gathered(DAYS), "promote"))
    assert told["In its place"] == "the predecessor, v2, as it was"


def test_a_recipe_without_parameters_ends_with_its_seed(place: Path) -> None:
    """It ended with `{}`."""
    loop = catalog.load("wind")
    recipes = []
    for params in ({}, {"max_iter": 5, "learning_rate": 0.1}):
        changed = loop.model_copy(update={"training": loop.training.model_copy(update={"params": params})})
        recipes.append(dict(card(changed, ABOUT, FOUND, Gathered(), "wait"))["Recipe"])
    bare = f"{loop.training.trainer}, seed {loop.training.seed}"
    assert recipes == [bare, f"{bare}, max_iter 5, learning_rate 0.1"]
