"""A loop that has lived some nights carries on under another name."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet import catalog, cli
from ratchet.adapters import models, runs
from ratchet.lifecycle import dataset, ledger
from ratchet.replay import known
from tests.conftest import ingest, rename, step, train
from tests.given import whole


def _lived(place: Path) -> str:
    """Let a loop be trained and live two nights."""
    name = rename(place, "wind", "zephyr")
    ingest(name, "2013-01-02..2013-01-14")
    assert train(name, "first").version == "1"
    for day in ("2013-01-15", "2013-01-16"):
        ingest(name, day)
        _night(name, day)
    return name


def _night(name: str, day: str) -> None:
    step("score", name, partition=day)
    step("drift", name, partition=day)
    step("performance", name, partition=day)
    step("decide", name, partition=day)


def test_a_loop_that_has_lived_carries_on_under_its_new_name(tracked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = _lived(tracked)
    registry = dataset.registry()
    revision, text = registry.head(), registry.text(f"{old}/ledger.jsonl")
    before = known.deliveries(registry, catalog.load(old))
    places = known.written(registry, old)
    cli.main(["rename", old, "mistral"])
    said = capsys.readouterr().out
    assert "MLflow: the model and 1 experiments are mistral" in said
    assert old not in catalog.names()
    loop, registry = catalog.load("mistral"), dataset.registry()
    # Byte for byte, in one commit, and a past revision is read under the name of then.
    assert registry.text("mistral/ledger.jsonl") == text
    assert registry.text("mistral/ledger.jsonl", revision) == text
    assert old not in registry.folders()
    assert registry.partitions("mistral", "weather", revision) == registry.partitions("mistral", "weather", "HEAD")
    assert known.deliveries(registry, loop) == before
    assert known.written(registry, "mistral") == places
    # The ledger's chain holds, over all commits, those of the old name too.
    cli.main(["history", "mistral", "--verify"])
    said = capsys.readouterr().out
    assert "1 commits" not in said
    assert "is whole" in said
    # The next night finds its champion, and a training its window.
    with runs.connected() as client:
        champion = ledger.champion(client, loop)
        assert champion is not None
        assert models.champion(client, "mistral") == champion
        assert models.champion(client, old) is None
    ingest("mistral", "2013-01-17")
    _night("mistral", "2013-01-17")
    assert step("score", "mistral", partition="2013-01-16").reason
    assert train("mistral", "second").outcome in ("done", "skipped", "refused", "waiting")
    whole.check_rows(dataset.registry(), "mistral")
    cli.main(["data", "log", "mistral"])
    assert f"Rename {old} to mistral" in capsys.readouterr().out
