"""`ratchet new`."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.cli import new
from ratchet.errors import RequestError
from tests.unit.cli.conftest import Ratchet


def test_new_lays_out_a_loop_that_is_in_order(place: Path, observations: Path, ratchet: Ratchet) -> None:
    key = ("observed_at", "origin")
    for name, target, task in (("gusts", "wind_speed", "regression"), ("where_is_it", "origin", "multiclass")):
        given = key if target in key else ()
        written = new.lay_out(name, observations, None, target, given, None, dags=place / "dags")
        assert {path.name for path in written} == {"loop.yaml", "features.sql", f"{name}.json", f"{name}.py"}
        assert catalog.load(name).task == task
        assert ratchet("lint", name)[0] == 0
        assert f'dags_of("{name}")' in (place / "dags" / f"{name}.py").read_text()


@pytest.mark.parametrize(
    ("content", "target", "words"),
    [
        ("a,b\n1,2\n", "b", "no column of timestamps"),
        ("at,b\n2013-01-01 10:00:00,2\n", "c", "no column 'c'"),
        ("at,my col\n2013-01-01 10:00:00,2\n", "at", "has a name that SQL has to quote"),
        ("at,b\n2013-01-01 10:00:00,2\n2013-01-01 10:00:00,2\n", "b", "Say which do"),
    ],
)
def test_new_refuses_a_sample_that_will_not_do(place: Path, content: str, target: str, words: str) -> None:
    (place / "sample.csv").write_text(content)
    with pytest.raises(RequestError, match=words):
        new.lay_out("fresh", place / "sample.csv", None, target, (), None, dags=place / "dags")
    assert not (place / "loops" / "fresh").exists()


def test_new_never_overwrites(place: Path, observations: Path) -> None:
    with pytest.raises(RequestError, match="exists already"):
        new.lay_out("wind", observations, None, "wind_speed", (), None, dags=place / "dags")
