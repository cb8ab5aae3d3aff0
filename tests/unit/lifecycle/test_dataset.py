"""A loop's dataset as of a revision."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ratchet import catalog, cli
from ratchet.data.features import PARTITION
from ratchet.errors import DataError, RegistryError
from ratchet.lifecycle import dataset, feature_days
from tests.conftest import ingest, train


def test_a_revision_shows_what_was_published_then(place: Path) -> None:
    loop, registry = catalog.load("wind"), dataset.registry()
    empty = registry.head()
    ingest("wind", "2013-01-02..2013-01-04")
    before = registry.head()
    ingest("wind", "2013-01-05")
    assert dataset.published(registry, loop, empty) == []
    assert dataset.published(registry, loop, before) == ["2013-01-02", "2013-01-03", "2013-01-04"]
    assert dataset.published(registry, loop, "HEAD", "2013-01-04", "2013-01-09") == ["2013-01-04", "2013-01-05"]
    assert dataset.counts(registry, loop, before) == dict.fromkeys(("2013-01-02", "2013-01-03", "2013-01-04"), 72)
    rows = feature_days.of_range(registry, loop, before, "2013-01-03", "2013-01-09")
    assert set(rows.column(PARTITION).to_pylist()) == {"2013-01-03", "2013-01-04"}
    first = rows.slice(0, 1).to_pylist()[0]
    assert first["wind_now"] is not None  # of the evening before: the lookback is read, too
    with pytest.raises(DataError, match="No partition of wind between"):
        feature_days.of_range(registry, loop, before, "2013-01-05", "2013-01-09")


@pytest.mark.parametrize(
    "command", [("history",), ("history", "--verify"), ("facts", "1"), ("champion",), ("data", "log")]
)
def test_a_look_makes_no_registry(place: Path, command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Who looks into the wrong folder is told so, and leaves nothing there."""
    shutil.rmtree(place / "var")
    words = [*command, "wind"] if command[0] == "data" else [command[0], "wind", *command[1:]]
    with pytest.raises(SystemExit):
        cli.main(words)
    said = capsys.readouterr().err
    assert f"There is no data registry in {place / 'var' / 'registry'}: nothing was ingested yet" in said
    assert "RATCHET_VAR" in said
    assert not (place / "var" / "registry").exists()


def test_a_registry_that_is_gone_with_its_remotes_is_no_fresh_start_while_mlflow_knows_a_champion(
    wind: str, tracked: Path
) -> None:
    """A new one was begun, days published into it, and a challenger judged as the first there ever was."""
    train(wind, "first")
    for name in ("registry", "remote"):
        (tracked / "var" / name).rename(tracked / name)
    for try_it in (lambda: ingest(wind, "2013-01-15"), dataset.begun, dataset.existing, dataset.registry):
        with pytest.raises(
            RegistryError, match=f"is gone: MLflow says that v1 is the champion of {wind}. Bring it back"
        ):
            try_it()
    assert not (tracked / "var" / "registry").exists()
