"""Prune: once, by the contract, and nothing that anything needs."""

from __future__ import annotations

from pathlib import Path

from ratchet import cli
from ratchet.adapters import keeping
from ratchet.lifecycle import dataset
from ratchet.settings import Settings
from tests.conftest import ingest, step, train
from tests.given import whole
from tests.unit.lifecycle.test_pruning import age, keep


def test_what_is_old_goes_once_and_the_loop_goes_on(wind: str, tracked: Path, monkeypatch, capsys) -> None:
    train("wind", "first")
    keep(tracked, "{pages_days: 3}")
    monkeypatch.setattr(keeping, "_LOOSE", 10)
    age(*(Settings.current().staging / "wind").iterdir(), *(Settings.current().snapshots / "wind").iterdir())
    asked = step("prune", "wind", dry_run=True)
    assert asked.outcome == "done"
    assert asked.reason.startswith("would take away")
    assert (Settings.current().staging / "wind").glob("*")
    done = step("prune", "wind")
    assert done.files == asked.files > 5
    assert done.freed > 10_000
    assert not [*(Settings.current().staging / "wind").glob("*")]
    objects = Settings.current().registry / ".git" / "objects"
    assert [*objects.glob("pack/*.pack")]
    assert not [*objects.glob("??/*")]
    cli.main(["prune", "wind"])
    assert "took away nothing" in capsys.readouterr().out
    whole.check("wind")
    ingest("wind", "2013-01-16")
    assert step("score", "wind", partition="2013-01-16").new == 72
    assert dataset.registry().ledger("wind")
