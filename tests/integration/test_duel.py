"""The duel through its steps, against a real MLflow server and data registry: who waits, who wins, who comes back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ratchet import catalog
from ratchet.adapters import models, runs
from ratchet.decisions import checks
from ratchet.decisions.duel import Cluster
from ratchet.errors import ContractError, RequestError
from ratchet.lifecycle import dataset, evidence, ledger, predictions
from ratchet.partitions import shift
from ratchet.settings import Settings
from ratchet.steps import drift
from ratchet.training import evaluation
from tests.conftest import MlflowServer, ingest, lay, rename, step, train

NAME, NIGHT = "wind_duel", "2013-01-20"


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory, loops_folder: tuple[Path, Path], mlflow_server: MlflowServer
) -> tuple[Path, str, str]:
    """A champion (evaluated and refit), and a challenger that waits; made once for this file."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("duel")
        lay(folder / "var", loops_folder, folder, patch.setenv)
        patch.setenv("MLFLOW_TRACKING_URI", mlflow_server.url)
        rename(folder, "wind", NAME)
        _gate(
            folder,
            "aim: non_inferior",
            "margin: 2",
            "bound: 40",
            "deploy: refit",
            "behaviour: behaviour.yaml",
            "size_mb: 50",
            "refit_distance: 10",
            "latency_ms: 1000",
            "slices: {columns: [origin], rows: 20, margin: 30}",
        )
        (folder / "loops" / NAME / "behaviour.yaml").write_text(
            "- {name: more wind now is more wind later, row: {origin: JFK, wind_now: 5}, "
            "change: {wind_now: 25}, expect: higher}\n"
        )
        ingest(NAME, f"2013-01-02..{NIGHT}")
        first = train(NAME, "first", until="2013-01-12")
        assert first.version == "2", first.reason
        step("snapshot", NAME, run="second", until="2013-01-17")
        second = step("train", NAME, run="second").mlflow_run
        step("evaluate", NAME, run="second", mlflow_run=second)
        verdict = step("gate", NAME, run="second", mlflow_run=second)
        assert (verdict.verdict, verdict.days) == ("wait", 4)
        with runs.connected() as client:
            champion = models.champion(client, NAME)
        assert champion is not None
    return folder, second, champion.run_id


@pytest.fixture
def second(
    made: tuple[Path, str, str], tmp_path: Path, mlflow_server: MlflowServer, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """The waiting challenger's run, in a copy of the installation. What a test does to the shared server is undone."""
    place = tmp_path / "copy"
    shutil.copytree(made[0], place, symlinks=True)
    for name, value in {"VAR": "var", "LOOPS": "loops", "SUITES": "suites"}.items():
        monkeypatch.setenv(f"RATCHET_{name}", str(place / value))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server.url)
    with runs.connected() as client:
        tags = client.tags(made[1])
        days = evidence.read(client, made[1])
    yield made[1]
    with runs.connected() as client:
        for tag in client.tags(made[1]):
            if tag.startswith("ratchet.") and tag not in tags:
                client.raw.delete_tag(made[1], tag)
        for tag, value in tags.items():
            if tag.startswith("ratchet."):
                client.set_tag(made[1], tag, value)
        evidence.write(client, made[1], "2", days)
        client.raw.set_registered_model_alias(NAME, "champion", "2")
        for version in client.raw.search_model_versions(f"name = '{NAME}'"):
            if int(version.version) > 2:
                client.raw.delete_model_version(NAME, version.version)
        found = runs.find_run(client, NAME, "second.refit")
        if found is not None:
            client.raw.delete_run(found.run_id)


def _gate(folder: Path, *lines: str) -> None:
    path = folder / "loops" / NAME / "loop.yaml"
    path.write_text(path.read_text().replace("gate:\n", "gate:\n" + "".join(f"  {line}\n" for line in lines), 1))


def _kinds() -> list[str]:
    return [entry["kind"] for entry in ledger.read(catalog.load(NAME))]


def _night(day: str = NIGHT) -> Any:
    for each in (shift(day, -1), day):
        step("score", NAME, partition=each)
    return step("performance", NAME, partition=day)


def _win(run: str, difference: float = -30.0, days: int = 15) -> None:
    """Let the evidence be what many more nights would have made it."""
    with runs.connected() as client:
        evidence.write(client, run, "2", [Cluster(shift("2013-01-13", i), 72, 72 * difference) for i in range(days)])


def _champion() -> str | None:
    with runs.connected() as client:
        found = models.champion(client, NAME)
    return found and found.number


def test_the_first_champion_is_a_refit_tied_to_what_was_judged(second: str, made: tuple[Path, str, str]) -> None:
    with runs.connected() as client:
        judged, deployed = (client.raw.get_model_version(NAME, number) for number in ("1", "2"))
        run = client.raw.get_run(made[2])
    assert judged.tags["ratchet.refit_version"] == "2"
    assert deployed.tags["ratchet.evaluated_version"] == "1"
    assert _champion() == "2"
    assert run.data.tags["data.train"] == "2013-01-02..2013-01-11"  # the held-out days too
    assert run.data.tags[predictions.EVALUATED] == judged.run_id
    assert run.data.metrics[evidence.LOSS] > 0
    assert run.data.metrics["evaluated_distance"] < 2


def test_a_challenger_is_compared_with_the_champions_twin_where_the_refit_has_seen_the_day(
    second: str, made: tuple[Path, str, str]
) -> None:
    with runs.connected() as client:
        opponent = predictions.contender(client, made[2])
    assert opponent.on("2013-01-12") == made[2]
    assert opponent.on("2013-01-09") not in (None, made[2])
    assert opponent.on("2013-01-05") is None


def test_who_waits_is_scored_in_shadow_and_fed_with_labels(second: str) -> None:
    scored = step("score", NAME, partition=NIGHT)
    assert scored.shadows == 1
    assert (predictions.folder(catalog.load(NAME), second) / f"{NIGHT}.parquet").exists()
    assert step("score", NAME, partition=NIGHT).outcome == "unchanged"
    step("score", NAME, partition=shift(NIGHT, -1))
    measured = step("performance", NAME, partition=NIGHT)
    assert measured.challengers == {second: 7}  # four held-out days, and the 17th to the 19th
    assert step("performance", NAME, partition=NIGHT).challengers == {second: 7}
    with runs.connected() as client:
        days = evidence.read(client, second)
    assert [day.key for day in days] == [shift("2013-01-13", i) for i in range(7)]
    looked = step("duel", NAME, partition=NIGHT)
    assert looked.verdict == "wait"
    assert "over 7 days" in looked.reason


def test_who_wins_in_shadow_is_refitted_and_promoted(second: str) -> None:
    _night()
    _win(second)
    won = step("duel", NAME, partition=NIGHT)
    assert (won.verdict, won.run, won.mlflow_run) == ("promote", "second", second)
    assert (Settings.current().reports / NAME / "decisions" / won.report).exists()
    assert "| size_mb |" in won.summary
    made = step("refit", NAME, run=won.run, mlflow_run=won.mlflow_run, until=NIGHT)
    assert "2013-01-02..2013-01-19" in made.reason
    assert step("promote", NAME, run=won.run, mlflow_run=won.mlflow_run).version == "4"
    assert _champion() == "4"
    entry = ledger.read(catalog.load(NAME))[-1]
    assert (entry["kind"], entry["replaces"], entry["champion"], entry["evaluated"]) == ("promoted", "2", "2", second)
    assert entry["evidence"]["for"] >= entry["evidence"]["needed"]
    assert entry["by"]
    assert step("duel", NAME, partition=NIGHT).outcome == "unchanged"
    # The predecessor stays on in shadow; where the evidence turns, it is champion again.
    following = shift(NIGHT, 1)
    ingest(NAME, following)
    assert step("score", NAME, partition=following).shadows == 1
    measured = step("performance", NAME, partition=following)
    path = drift.folder(catalog.load(NAME), following) / "performance.json"
    turned = [[shift(NIGHT, i), 72, -72 * 30.0, 0] for i in range(15)]
    path.write_text(json.dumps({**measured.model_dump(mode="json"), "predecessor": turned}))
    back = step("duel", NAME, partition=following)
    assert (back.verdict, back.version) == ("rollback", "2")
    assert "rolled back" in back.reason
    assert _champion() == "2"
    entry = ledger.read(catalog.load(NAME))[-1]
    assert (entry["kind"], entry["version"], entry["from"], entry["automatic"]) == ("rolled_back", "2", "4", True)
    assert step("duel", NAME, partition=following).verdict == "rollback"
    assert _kinds().count("rolled_back") == 1


def test_a_predecessor_that_is_beaten_is_released(second: str) -> None:
    _night()
    _win(second)
    step("duel", NAME, partition=NIGHT)
    for name in ("refit", "promote"):
        step(name, NAME, run="second", mlflow_run=second)
    following = shift(NIGHT, 1)
    ingest(NAME, following)
    measured = _night(following)
    path = drift.folder(catalog.load(NAME), following) / "performance.json"
    beaten = [[shift(NIGHT, i), 72, 72 * 30.0, 0] for i in range(15)]
    path.write_text(json.dumps({**measured.model_dump(mode="json"), "predecessor": beaten}))
    assert step("duel", NAME, partition=following).verdict == "wait"
    assert _kinds()[-1] == "released"


def test_who_is_beaten_or_out_of_time_leaves_the_ring(second: str) -> None:
    _night()
    _win(second, difference=30.0)
    assert step("duel", NAME, partition=NIGHT).verdict == "wait"
    assert ledger.read(catalog.load(NAME))[-1]["beaten"]
    assert step("score", NAME, partition=shift(NIGHT, -1)).shadows == 0


def test_a_fresher_challenger_carries_the_recipes_evidence_on(second: str) -> None:
    _night()
    step("snapshot", NAME, run="third", until=NIGHT)
    third = step("train", NAME, run="third").mlflow_run
    step("evaluate", NAME, run="third", mlflow_run=third)
    verdict = step("gate", NAME, run="third", mlflow_run=third)
    assert verdict.verdict == "wait", verdict.reason
    assert verdict.days == 7  # the second's seven, of which the third's own four holdout days are the last
    assert _kinds() == ["promoted", "waiting", "waiting", "left"]
    assert "carries its recipe's evidence on" in ledger.read(catalog.load(NAME))[-1]["reason"]


def test_a_refit_far_from_its_twin_is_refused(second: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _night()
    _win(second)
    step("duel", NAME, partition=NIGHT)
    path = tmp_path / "copy" / "loops" / NAME / "loop.yaml"
    path.write_text(path.read_text().replace("refit_distance: 10", "refit_distance: 0.000001"))
    refused = step("refit", NAME, run="second", mlflow_run=second, until=NIGHT)
    assert refused.outcome == "refused"
    assert "deviations from the evaluated model's" in refused.reason
    assert _kinds()[-1] == "rejected"
    assert step("promote", NAME, run="second", mlflow_run=second).outcome == "skipped"
    assert _champion() == "2"
    assert evaluation.distance(np.array([0.1, np.nan]), np.array([0.1, 0.2])) == np.inf


def test_a_person_has_to_approve(second: str, tmp_path: Path) -> None:
    _gate(tmp_path / "copy", "approval: required")
    _night()
    _win(second)
    step("duel", NAME, partition=NIGHT)
    step("refit", NAME, run="second", mlflow_run=second)
    with pytest.raises(RequestError, match="nobody has answered"):
        step("promote", NAME, run="second", mlflow_run=second)
    no = json.dumps({"answer": "Reject", "by": None, "at": "2013-01-21T08:00:00"})
    held = step("promote", NAME, run="second", mlflow_run=second, approval=no)
    assert (held.outcome, held.reason) == ("skipped", "rejected: nobody answered within 24 hours")
    assert _kinds()[-1] == "rejected"
    assert _champion() == "2"
    yes = json.dumps({"answer": "Approve", "by": "ada", "at": "2013-01-21T08:00:00"})
    assert step("promote", NAME, run="second", mlflow_run=second, approval=yes).outcome == "done"
    assert ledger.read(catalog.load(NAME))[-1]["approval"] == {
        "answer": "Approve",
        "by": "ada",
        "at": "2013-01-21T08:00:00",
    }


def test_vetoes_of_an_evaluation(second: str, tmp_path: Path) -> None:
    """Each veto by its own number: what was let wait is held once the bound is tighter, or the data were rejected."""
    from ratchet.steps import evaluate

    loop = catalog.load(NAME)
    with runs.connected() as client:
        found = json.loads(runs.read_file(client, second, evaluate.FILE))
    assert all(check.passed for check in checks.every(loop.gate, found, carried=False))
    assert {"origin=EWR", "origin=JFK", "origin=LGA"} == set(found["slices"])
    assert sum(found["importance"].values()) > 0
    for changed, name in (
        ({"latency_ms": 1e9}, "latency_ms"),
        ({"size_mb": 1e9}, "size_mb"),
        ({"unaccepted": {"2013-01-14": "broken"}}, "data"),
        ({"behaviour": {"up": [1.0, 0.5, "higher", 0.0]}}, "up"),
        ({"compared": [["2013-01-13", 72, 72 * 5.0, 0]]}, "own holdout"),
        (
            {"signatures": [{"inputs": {"new": "number"}, "outputs": ["x"]}, {"inputs": {}, "outputs": ["x"]}]},
            "signature",
        ),
        ({"slices": {"origin=JFK": [["a", 9, 900.0, 0], ["b", 9, 900.0, 0]]}}, "origin=JFK"),
    ):
        broken = [
            check.name for check in checks.every(loop.gate, {**found, **changed}, carried=True) if not check.passed
        ]
        assert broken == [name]


def test_a_behavioural_test_that_cannot_be_read_is_named(place: Path) -> None:
    name = rename(place, "wind", "wind_behaviour")
    path = place / "loops" / name / "loop.yaml"
    path.write_text(path.read_text().replace("gate:\n", "gate:\n  behaviour: tests.yaml\n", 1))
    tests = path.with_name("tests.yaml")
    for text, words in (
        (None, "does not exist"),
        ("- {name: a}", "field required"),
        ("{", "not a YAML list"),
        ("- &a {name: a, row: {}, change: {x: 1}, expect: same}\n- *a", "two tests are named"),
    ):
        if text is not None:
            tests.write_text(text)
        with pytest.raises(ContractError, match=words):
            catalog.load(name)
        path.touch()


def test_the_same_repository_tells_who_was_champion(second: str) -> None:
    from click.testing import CliRunner

    from ratchet.cli import ratchet

    entry = ledger.read(catalog.load(NAME))[0]
    said = CliRunner().invoke(ratchet, ["champion", NAME, "--at", entry["at"]])
    assert said.output.startswith("v2 since")
    assert dataset.registry().ledger(NAME)[0]["version"] == "2"
