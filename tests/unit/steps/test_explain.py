"""Explain: what people look at is made after the decision, once, from the rows that it rests on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.adapters import drift_report, runs
from ratchet.errors import DataError, RequestError
from ratchet.steps import drift
from tests.conftest import ingest, step
from tests.given.watched import NIGHT, replace


def test_a_night_s_page_is_made_once_and_changes_nothing_that_was_decided(
    watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = step("drift", "wind_watched", partition=NIGHT)
    folder = watched / "var" / "reports" / "wind_watched" / NIGHT
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    made = step("explain", "wind_watched", partition=NIGHT)
    assert (made.outcome, made.pages, made.mlflow_run) == ("done", (str(folder / "drift.html"),), found.mlflow_run)
    assert (folder / "drift.html").stat().st_size > 1_000_000
    with runs.connected() as client:
        kept = json.loads(runs.read_file(client, found.mlflow_run, f"drift/{NIGHT}.json"))
        assert runs.read_file(client, found.mlflow_run, f"drift/{NIGHT}.html") == (folder / "drift.html").read_bytes()
    look = drift.read(catalog.load("wind_watched"), NIGHT)
    shown = {each["config"]["column"]: each["config"]["threshold"] for each in kept["metrics"]}
    assert shown == {column: threshold for column, (_, threshold) in look["columns"].items()}
    monkeypatch.setattr(drift_report, "make", None)
    assert step("explain", "wind_watched", partition=NIGHT).outcome == "unchanged"
    assert {name: (folder / name).read_bytes() for name in before} == before
    decided = [step(part, "wind_watched", partition=NIGHT) for part in ("performance", "decide")]
    assert decided[1].outcome == "done"


def test_each_look_has_its_page_of_the_rows_that_it_compared(watched: Path) -> None:
    first = step("drift", "wind_watched", partition=NIGHT)
    replace(watched, "SELECT * FROM", "SELECT * REPLACE (temp + 40 AS temp) FROM")
    ingest("wind_watched", NIGHT, "warmer")
    second = step("drift", "wind_watched", partition=NIGHT)
    made = step("explain", "wind_watched", partition=NIGHT)
    names = [Path(page).name for page in made.pages]
    assert names[0] == "drift.html"
    assert names[1].startswith("drift-")
    with runs.connected() as client:
        for name, look in zip(names, (first, second), strict=True):
            kept = runs.read_file(client, first.mlflow_run, f"drift/{NIGHT}{name[5:-5]}.json")
            beyond = {
                each["config"]["column"]
                for each in json.loads(kept)["metrics"]
                if each["value"] >= each["config"]["threshold"]
            }
            assert beyond == set(look.drifted)


def test_a_night_that_compared_nothing_has_nothing_to_explain(watched: Path) -> None:
    with pytest.raises(DataError, match=f"ratchet step drift --loop wind_watched --partition {NIGHT}"):
        step("explain", "wind_watched", partition=NIGHT)


def test_rows_that_are_no_longer_those_of_then_are_not_shown_as_if_they_were(watched: Path) -> None:
    """A look of before says no revision; a correction since would be taken for what was compared."""
    step("drift", "wind_watched", partition=NIGHT)
    path = watched / "var" / "reports" / "wind_watched" / NIGHT / "drift.json"
    look = json.loads(path.read_text())
    del look["revision"]
    path.write_text(json.dumps(look))
    replace(watched, "SELECT * FROM", "SELECT * REPLACE (temp + 40 AS temp) FROM")
    ingest("wind_watched", NIGHT, "warmer")
    with pytest.raises(DataError, match="corrected since"):
        step("explain", "wind_watched", partition=NIGHT)
    assert not path.with_suffix(".html").exists()


def test_a_night_and_a_training_import_neither_evidently_nor_shap(watched: Path) -> None:
    """Neither does the fork server: no step that decides pays for what people look at."""
    code = f"""
import sys
from ratchet import fork_server
from ratchet.cli import main
for name in fork_server.LIBRARIES:
    __import__(name)
for name in ("drift", "performance", "decide"):
    main(["step", name, "--loop", "wind_watched", "--partition", "{NIGHT}"])
main(["step", "snapshot", "--loop", "wind_watched", "--run", "again", "--until", "{NIGHT}"])
for name in ("train", "evaluate", "gate"):
    main(["step", name, "--loop", "wind_watched", "--run", "again"])
print(sorted({{"evidently", "shap", "numba"}} & {{name.partition(".")[0] for name in sys.modules}}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    made = step("explain", "wind_watched", run="again")
    (page,) = (Path(each) for each in made.pages)
    assert "What predictions come from" in page.read_text()
    assert page.parent == watched / "var" / "reports" / "wind_watched" / "decisions" / made.mlflow_run
    assert f"{page.name}" in (page.parent / "first-look.html").read_text(), "the decision's page leads to it"
    with runs.connected() as client:
        sizes = json.loads(runs.read_file(client, made.mlflow_run, "report/importance.json"))
    assert sum(sizes.values()) > 0
    assert list(sizes.values()) == sorted(sizes.values(), reverse=True)
    assert step("explain", "wind_watched", run="again").outcome == "unchanged"


@pytest.mark.parametrize("asked", [{}, {"partition": NIGHT, "run": "again"}])
def test_either_a_night_or_a_training_is_explained(place: Path, asked: dict[str, str]) -> None:
    with pytest.raises(RequestError, match="give --partition DAY, or --run KEY"):
        step("explain", "wind", **asked)


def test_who_asks_while_a_page_is_made_waits_and_makes_nothing(watched: Path) -> None:
    step("drift", "wind_watched", partition=NIGHT)
    command = [sys.executable, "-m", "ratchet", "step", "explain", "--loop", "wind_watched", "--partition", NIGHT]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outcomes = [json.loads(each.communicate()[0].partition("\n")[2])["outcome"] for each in both]
    assert sorted(outcomes) == ["done", "unchanged"]
