"""The duel through its steps: who waits, who wins, who comes back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.adapters import runs, writing
from ratchet.decisions import duel, worth
from ratchet.decisions.duel import Cluster, Gathered
from ratchet.lifecycle import contracts, dataset, evaluations, evidence, ledger, looks, records, timings
from ratchet.partitions import shift
from ratchet.settings import Settings
from ratchet.training.latency import Latency
from tests.conftest import ingest, step
from tests.given.duels import NAME, NIGHT, champion_now, kinds, live_night, win, write_gate
from tests.given.entries import entry


def test_who_wins_in_shadow_is_refitted_and_promoted(second: str) -> None:
    live_night()
    win(second)
    won = step("duel", NAME, partition=NIGHT)
    assert (won.verdict, won.run, won.mlflow_run) == ("promote", "second", second)
    assert (Settings.current().reports / NAME / "decisions" / won.report).exists()
    assert "| `size_mb` |" in won.summary
    made = step("refit", NAME, run=won.run, mlflow_run=won.mlflow_run, until=NIGHT)
    assert "2013-01-02..2013-01-19" in made.reason
    version = step("promote", NAME, run=won.run, mlflow_run=won.mlflow_run).version
    assert champion_now() == version
    entry = ledger.read(catalog.load(NAME))[-1]
    assert (entry.kind, entry.replaces, entry.champion, entry.evaluated) == ("promoted", "2", "2", second)
    assert entry.evidence["for"] >= entry.evidence["needed"]
    assert entry.by
    written = ledger.read(catalog.load(NAME))
    again = step("duel", NAME, partition=NIGHT)
    assert (again.verdict, again.run, again.mlflow_run, again.reason) == ("promote", "second", second, won.reason)
    assert ledger.read(catalog.load(NAME)) == written
    # The predecessor stays on in shadow; where the evidence turns, it is champion again.
    following = shift(NIGHT, 1)
    ingest(NAME, following)
    assert step("score", NAME, partition=following).shadows == 1
    measured = step("performance", NAME, partition=following)
    path = looks.folder(catalog.load(NAME), following) / "performance.json"
    turned = [[shift(NIGHT, i), 72, -72 * 30.0, 0] for i in range(15)]
    path.write_text(json.dumps({**measured.model_dump(mode="json"), "predecessor": turned}))
    back = step("duel", NAME, partition=following)
    assert (back.verdict, back.version) == ("rollback", "2")
    assert back.worse.startswith("where it got worse cannot be said: ")  # of days too few, or of none
    page = (Settings.current().reports / NAME / "decisions" / back.report).read_text()
    assert f"predecessor v2 against the champion v{version}, rollback on {following}</h1>" in page
    assert "rolled back" in back.reason
    assert champion_now() == "2"
    entry = ledger.read(catalog.load(NAME))[-1]
    assert (entry.kind, entry.version, entry.left, entry.automatic) == ("rolled_back", "2", version, True)
    assert step("duel", NAME, partition=following).verdict == "rollback"
    assert kinds().count("rolled_back") == 1


def test_what_a_promotion_is_worth_is_told_by_the_days_in_shadow_too(second: str, tmp_path: Path) -> None:
    """A value that stands beside the loss, and was written after the training; what rows cost is twice the loss."""
    write_gate(tmp_path / "copy", 'value: {unit: knots, sql: "2 * (prediction - label) ** 2"}')
    live_night()
    told = step("duel", NAME, partition=NIGHT).reason
    days = evidence.read(catalog.load(NAME), second).days
    assert len(days) > 4  # those that were held out, and more
    week = -2 * 7 * sum(each.total for each in days) / len(days)
    assert f"promoting it would be worth {worth.number(week)} knots a week (95 %: " in told
    assert f", by {len(days)} days)" in told


def test_a_night_that_has_decided_decides_nothing_anew_whoever_waits_since(second: str) -> None:
    loop = catalog.load(NAME)
    live_night()
    win(second)
    won = step("duel", NAME, partition=NIGHT)
    for name in ("refit", "promote"):
        step(name, NAME, run="second", mlflow_run=second)
    version = champion_now()
    # A challenger that waits since, measured against the new champion, with evidence that would let it win.
    with runs.connected() as client:
        later = runs.start_run(client, NAME, "later", {evaluations.RECIPE: "other"}).run_id
    records.keep(loop, records.Record(run=later, key="later", recipe="other"))
    evaluations.keep(loop, later, evaluations.text(loop, second))
    win(later)
    with writing.held(dataset.registry()) as writer:
        about = {"mlflow_run": later, "evaluated": later, "champion": version, "since": "2013-01-13"}
        ledger.write(writer, loop, [entry("waiting", "later", key=f"waiting:{later}", reason="x", line="l", **about)])
    before, written = reports(), dataset.registry().head()
    again = step("duel", NAME, partition=NIGHT)
    assert dataset.registry().head() == written, kinds()
    assert (again.verdict, again.run, again.mlflow_run, again.reason) == ("promote", "second", second, won.reason)
    assert (again.report, again.summary.splitlines()[0]) == (won.report, won.summary.splitlines()[0])
    assert reports() == before
    assert champion_now() == version


def test_a_timing_lets_wait_and_a_quiet_night_lets_in(second: str, monkeypatch: pytest.MonkeyPatch) -> None:
    loop, measured = catalog.load(NAME), [5000.0, 900.0]
    path = loop.folder / "loop.yaml"
    path.write_text(path.read_text().replace("latency_ms: 1000", "latency_ms: 0.001"))
    monkeypatch.setattr(timings, "latency", lambda *_: Latency(measured.pop(0) / 1e6, 7.0))
    live_night()
    win(second)
    before = kinds()
    waits = step("duel", NAME, partition=NIGHT)
    assert (waits.verdict, kinds()) == ("wait", before)
    assert "latency_ms is 0.0050, above its ceiling 0.001" in waits.reason
    assert step("duel", NAME, partition=NIGHT).reason == waits.reason  # a night measures once
    assert evaluations.read(loop, second).timings == {NIGHT: 0.005}
    following = shift(NIGHT, 1)
    ingest(NAME, following)
    live_night(following)
    assert step("duel", NAME, partition=following).verdict == "promote"
    (won,) = ledger.read(loop)[-1:]
    seen = json.loads(dataset.registry().fact(NAME, won.facts["evaluation.json"]))
    assert seen["latency_ms"] == 0.0009
    assert seen["timings"] == {NIGHT: 0.005, following: 0.0009}


def test_what_a_night_decides_rests_on_what_it_saw(second: str) -> None:
    live_night()
    win(second)
    won = step("duel", NAME, partition=NIGHT)
    loop, registry = catalog.load(NAME), dataset.registry()
    told, decided = ledger.read(loop)[-2:]
    assert (decided.kind, decided.night, told.kind) == ("won", NIGHT, "certified")
    assert decided.contract == contracts.take(loop)
    seen = {name: registry.fact(NAME, decided.facts[name]) for name in decided.facts if name.endswith(".json")}
    assert seen["performance.json"] == looks.read(loop, NIGHT, "performance.json")
    assert seen["evaluation.json"] == evaluations.text(loop, second)
    assert tuple(duel.load(json.loads(seen["evidence.json"])["days"])) == evidence.read(loop, second).days
    page = Settings.current().reports / NAME / "decisions" / won.report
    assert f"challenger second against the champion v2, night of {NIGHT}</h1>" in page.read_text()
    assert registry.fact(NAME, decided.facts["report.html"], ".html") == page.read_text()


def reports() -> dict[str, bytes]:
    folder = Settings.current().reports / NAME
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_predecessor_that_is_beaten_is_released(second: str) -> None:
    live_night()
    win(second)
    step("duel", NAME, partition=NIGHT)
    for name in ("refit", "promote"):
        step(name, NAME, run="second", mlflow_run=second)
    following = shift(NIGHT, 1)
    ingest(NAME, following)
    measured = live_night(following)
    path = looks.folder(catalog.load(NAME), following) / "performance.json"
    beaten = [[shift(NIGHT, i), 72, 72 * 30.0, 0] for i in range(15)]
    path.write_text(json.dumps({**measured.model_dump(mode="json"), "predecessor": beaten}))
    assert step("duel", NAME, partition=following).verdict == "wait"
    assert kinds()[-1] == "released"


def test_who_is_beaten_or_out_of_time_leaves_the_ring(second: str) -> None:
    live_night()
    win(second, difference=30.0)
    assert step("duel", NAME, partition=NIGHT).verdict == "wait"
    assert ledger.read(catalog.load(NAME))[-1].beaten
    assert step("score", NAME, partition=shift(NIGHT, -1)).shadows == 0


def test_evidence_that_is_planted_in_mlflow_decides_nothing(second: str) -> None:
    """Whoever reaches MLflow's port can write any file of any run: a challenger was promoted by such a one."""
    loop = catalog.load(NAME)
    live_night()
    before, told = evidence.read(loop, second), evaluations.read(loop, second)
    planted = [Cluster(shift("2013-01-13", i), 72, 72 * -30.0) for i in range(15)]
    with runs.connected() as client:
        real = {name: runs.read_file(client, second, name) for name in (evidence.FILE, evaluations.FILE)}
        lies = {evidence.FILE: evidence.text("2", Gathered(tuple(planted))), evaluations.FILE: b"{}"}
        runs.log_files(client, second, lies)
        try:
            assert step("duel", NAME, partition=NIGHT).verdict == "wait"
            assert (evidence.read(loop, second), evaluations.read(loop, second)) == (before, told)
        finally:
            runs.log_files(client, second, real)
    assert champion_now() == "2"
