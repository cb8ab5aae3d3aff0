"""What has changed since the last training."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ratchet import catalog, provenance
from ratchet.adapters import writing
from ratchet.lifecycle import dataset, ledger, recipes, records
from ratchet.training import recipe
from tests.given.entries import entry


def _git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@localhost")
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def home(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project under Git, whose last training was made by what is there."""
    monkeypatch.setenv("RATCHET_HOME", str(place))
    (place / provenance.LOCK).write_text("numpy==1\n")
    _git(place, "init", "-q")
    _git(place, "add", "loops", provenance.LOCK)
    _git(place, "commit", "-q", "-m", "Begin")
    loop = catalog.load("wind")
    made = records.Record(run="r1", key="first", recipe=recipe.name(loop), lock=provenance.lock(place))
    with writing.held(dataset.registry()) as writer:
        records.write(writer, loop, made)
        ledger.write(writer, loop, [entry("waiting", "first", mlflow_run="r1", evaluated="r1", since="2013-01-01")])
    return place


def _changed() -> str:
    loop = catalog.load("wind")
    return recipes.changed(loop, ledger.read(loop))


def test_nothing_has_changed_where_the_last_training_was_made_by_what_is_there(home: Path) -> None:
    assert _changed() == ""
    assert recipes.changed(catalog.load("wind"), []) == ""  # nothing was trained yet


def test_a_change_is_told_with_its_commit(home: Path) -> None:
    sql = home / "loops" / "wind" / "features.sql"
    sql.write_text(sql.read_text() + "-- another")
    _git(home, "commit", "-qam", "Count otherwise")
    told = _changed()
    assert told.startswith("features.sql, trainer or parameters changed since first was trained: commit ")
    assert told.endswith(" Count otherwise")
    (home / provenance.LOCK).write_text("numpy==2\n")
    _git(home, "commit", "-qam", "Raise numpy")
    assert _changed().startswith("features.sql, trainer or parameters and the installed packages (requirements.txt)")
    assert _changed().endswith(" Raise numpy")


def test_packages_alone_are_told_and_a_record_that_does_not_say_is_held_against_nothing(home: Path) -> None:
    (home / provenance.LOCK).write_text("numpy==2\n")
    assert _changed().startswith("the installed packages (requirements.txt) changed since first was trained: commit ")
    loop = catalog.load("wind")
    with writing.held(dataset.registry()) as writer:
        records.write(writer, loop, records.read(loop, "r1").model_copy(update={"lock": ""}))
    assert _changed() == ""


def test_outside_of_git_no_commit_is_named(home: Path) -> None:
    (home / ".git").rename(home / "elsewhere")
    (home / ".git").write_text("gitdir: nowhere")
    (home / provenance.LOCK).write_text("numpy==2\n")
    assert _changed() == "the installed packages (requirements.txt) changed since first was trained"
