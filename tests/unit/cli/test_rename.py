"""`ratchet rename`; a loop that has lived is renamed in tests/integration/test_rename.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.lifecycle import dataset
from ratchet.settings import Settings
from tests.conftest import ingest, rename, step
from tests.unit.cli.conftest import Ratchet


def test_an_interrupted_rename_is_taken_up(place: Path, ratchet: Ratchet, monkeypatch: pytest.MonkeyPatch) -> None:
    name = rename(place, "wind", "breeze")
    (place / "loops" / name / "loop.yaml").write_text(
        (place / "loops" / name / "loop.yaml").read_text().replace("name: breeze", 'name: "breeze"  # ours')
    )
    monkeypatch.setenv("RATCHET_HOME", str(place))
    (place / "dags").mkdir()
    (place / "dags" / "breeze.py").write_text('"""The loop breeze."""\n\nglobals().update(dags_of("breeze"))\n')
    ingest(name, "2013-01-02..2013-01-03")
    moved = Path.rename
    count = 0

    def dying(path: Path, target: Path) -> Path:
        nonlocal count
        if "gale" in str(target) and not path.name.startswith("."):
            count += 1
            if count in (1, 3, 5):
                raise KeyboardInterrupt
        return moved(path, target)

    monkeypatch.setattr(Path, "rename", dying)
    for _ in range(3):
        assert ratchet("rename", "breeze", "gale")[0] == 130
        assert "is being renamed to gale" in ratchet("rename", "breeze", "storm")[2]
    assert ratchet("rename", "breeze", "gale")[0] == 0
    assert catalog.load("gale").name == "gale"
    assert "# ours" in (place / "loops" / "gale" / "loop.yaml").read_text()
    assert (place / "dags" / "gale.py").read_text() == '"""The loop gale."""\n\nglobals().update(dags_of("gale"))\n'
    assert not [path for path in place.rglob("breeze*") if not {"registry", "remote"} & {*path.parts}]
    assert dataset.registry().partitions("gale", "weather", "HEAD") == ["2013-01-02", "2013-01-03"]
    assert [name for name in dataset.registry().folders() if name != ".dvc"] == ["gale"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("wnid", "gale", "There is no loop 'wnid'"),
        ("wind", "Gale", "is not a name for a loop"),
        ("wind", "flight_delays", "flight_delays is there already"),
    ],
)
def test_what_cannot_be_is_refused(place: Path, ratchet: Ratchet, old: str, new: str, words: str) -> None:
    code, _, wrong = ratchet("rename", old, new)
    assert code == 2
    assert words in wrong
    assert not (Settings.current().var / "renames").exists()


def test_a_night_under_way_is_let_end_first(place: Path, ratchet: Ratchet) -> None:
    step("turn", "wind", partitions="2013-01-05", run="night__2013-01-05")
    code, _, wrong = ratchet("rename", "wind", "gale")
    assert code == 2
    assert "The night of 2013-01-05 of wind is under way" in wrong
    assert (place / "loops" / "wind").exists()


def test_a_name_that_a_loop_had_is_nobody_elses(place: Path, ratchet: Ratchet) -> None:
    ingest("wind", "2013-01-02")
    assert ratchet("rename", "wind", "gale")[0] == 0
    assert "wind was the name of a loop" in ratchet("rename", "gale", "wind")[2]
    sample = ("--sample", str(place / "loops" / "gale" / "data"), "--target", "wind_speed")
    (place / "suites" / "expectations" / "wind.json").rename(place / "suites" / "expectations" / "w.json")
    assert "wind was the name of a loop" in ratchet("new", "wind", *sample)[2]
