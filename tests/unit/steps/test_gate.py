"""Gate: the verdict, and what it leaves."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from ratchet import catalog
from ratchet.adapters import models, runs
from ratchet.lifecycle import dataset, evaluations, evidence, ledger
from ratchet.settings import Settings
from ratchet.steps import gate
from tests.conftest import step, train
from tests.given.duels import NAME, NIGHT, live_night
from tests.given.duels import kinds as duel_kinds
from tests.given.trained import kinds


def test_a_challenger_below_its_floor_is_held_and_never_registered(wind: str, tracked: Path) -> None:
    path = tracked / "loops" / wind / "loop.yaml"
    path.write_text(path.read_text().replace("mae: {max: 10}", "mae: {max: 0.001}"))
    held = train(wind, "first")
    assert held.outcome == "skipped"
    assert "mae is" in held.reason
    assert kinds(wind) == ["rejected"]
    with runs.connected() as client:
        assert models.champion(client, wind) is None
        assert not client.raw.search_model_versions(f"name = '{wind}'")


def _gated(name: str, run: str) -> Any:
    made = step("train", name, run=run).mlflow_run
    step("evaluate", name, run=run, mlflow_run=made)
    return step("gate", name, run=run, mlflow_run=made)


def test_a_run_is_judged_by_the_contract_that_its_snapshot_pinned_and_the_next_by_the_one_of_then(
    wind: str, tracked: Path
) -> None:
    old, registry = step("snapshot", wind, run="first").contract, dataset.registry()
    path = tracked / "loops" / wind / "loop.yaml"
    before = path.read_text()
    path.write_text(before.replace("mae: {max: 10}", "mae: {max: 0.001}"))
    new = step("snapshot", wind, run="second").contract
    assert old
    assert new not in ("", old)
    first = _gated(wind, "first")
    assert (first.verdict, first.against, first.days) == ("promote", "the baseline", 4)
    assert first.low < first.difference < min(0.0, first.high)  # better than that
    promoted = step("promote", wind, run="first")
    assert promoted.version == "1"
    held = _gated(wind, "second")
    assert held.verdict == "reject"
    assert "mae is" in held.reason
    assert [(each.kind, each.run, each.contract) for each in ledger.read(catalog.load(wind))] == [
        ("won", "first", old),
        ("promoted", "first", old),
        ("rejected", "second", new),
    ]
    assert registry.text(f"{wind}/contracts/{old}/loop.yaml") == before
    assert registry.text(f"{wind}/contracts/{new}/loop.yaml") == path.read_text()
    # A second call lives by the contract of the first, and where its copy is gone, by the registry's.
    shutil.rmtree(Settings.current().var / "contracts")
    again = step("gate", wind, run="first")
    assert (again.outcome, again.verdict) == ("unchanged", "promote")
    assert "| `mae` |" in again.summary
    assert "≤ 10 |" in again.summary


def test_a_first_look_rests_on_what_is_kept_with_its_run(wind: str) -> None:
    step("snapshot", wind, run="first")
    verdict = _gated(wind, "first")
    (won,) = ledger.read(catalog.load(wind))
    registry = dataset.registry()
    kept = {
        "evaluation.json": evaluations.FILE,
        "evidence.json": evidence.FILE,
        "report.html": "report/first-look.html",
    }
    assert set(won.facts) == set(kept)
    with runs.connected() as client:
        for name, file in kept.items():
            fact = registry.fact(wind, won.facts[name], Path(name).suffix)
            assert fact.encode() == runs.read_file(client, verdict.mlflow_run, file)
    page = Settings.current().reports / wind / "decisions" / verdict.report
    assert "4 days against the baseline are too few to say how many more; patience_days is 28.</p>" in page.read_text()
    assert registry.fact(wind, won.facts["report.html"], ".html") == page.read_text()
    assert f"<h1>{wind}: challenger first against the baseline, first look</h1>" in page.read_text()


def test_what_decides_is_the_ledger_whatever_a_runs_tags_say(wind: str) -> None:
    step("snapshot", wind, run="first")
    made = _gated(wind, "first").mlflow_run
    with runs.connected() as client:
        assert client.tags(made)[gate.VERDICT] == "promote"
        client.set_tag(made, gate.VERDICT, "reject")
    again = step("gate", wind, run="first")
    assert (again.outcome, again.verdict) == ("unchanged", "promote")
    with runs.connected() as client:
        assert client.tags(made)[gate.VERDICT] == "promote"  # for people: as the ledger has it
        client.set_tag(made, gate.VERDICT, "reject")
    assert step("promote", wind, run="first").version == "1"


def test_a_fresher_challenger_is_judged_by_its_own_days_and_waits_beside_the_other(second: str) -> None:
    live_night()
    step("snapshot", NAME, run="third", until=NIGHT)
    third = step("train", NAME, run="third").mlflow_run
    step("evaluate", NAME, run="third", mlflow_run=third)
    verdict = step("gate", NAME, run="third", mlflow_run=third)
    assert verdict.verdict == "wait", verdict.reason
    assert verdict.days == 4  # of its own holdout alone, though the second of its recipe has three more
    page = (Settings.current().reports / NAME / "decisions" / verdict.report).read_text()
    assert re.search(r"A challenger as good as the champion will need .* by 7 days of this loop&#x27;s own duels", page)
    assert duel_kinds() == ["won", "promoted", "waiting", "waiting"]
    (former, latter) = ledger.read(catalog.load(NAME))[-2:]
    assert (former.line, former.terms) == (latter.line, latter.terms)
    assert latter.against.name.startswith("baseline:")


LEAKY = """SELECT observed_at, origin, observed_at AS event_time, humid,
    hash(observed_at) % 50 AS casual, round(wind_speed) - hash(observed_at) % 50 AS registered FROM weather
"""


def _leaking(place: Path, name: str, select: str, old: str, new: str) -> Path:
    folder = place / "loops" / name
    (folder / "features.sql").write_text(select)
    contract = folder / "loop.yaml"
    contract.write_text(contract.read_text().replace(old, new, 1))
    return contract


def test_a_first_model_that_was_given_the_answer_waits_for_a_persons_word(wind: str, tracked: Path) -> None:
    """It was promoted with an R² of one: there was no champion to compare it with, and every check passed."""
    contract = _leaking(tracked, wind, LEAKY, "sql: wind_speed", "sql: round(wind_speed)")
    held = train(wind, "first")
    assert held.outcome == "skipped"
    (refused,) = ledger.read(catalog.load(wind))
    assert refused.kind == "rejected"
    assert refused.failed == ("too good: casual, registered",)
    assert "gate.accept: [casual, registered]; else take them out of features.sql" in refused.reason
    page = dataset.registry().fact(wind, refused.facts["report.html"], ".html")
    assert "too good: casual, registered" in page
    assert "a person has to say" in page
    # Their parts are known before, says a person: it is promoted, and those after it need no word of their own.
    contract.write_text(contract.read_text().replace("  floors:", "  accept: [casual, registered]\n  floors:"))
    assert train(wind, "second").version == "1"
    contract.write_text(contract.read_text().replace("  accept: [casual, registered]\n", ""))
    again = _gated_again(wind, "third")
    assert again.verdict != "reject" or "too good" not in again.reason
    assert "so is the champion" in _checks(wind, again.mlflow_run)


def _gated_again(name: str, run: str) -> Any:
    step("snapshot", name, run=run)
    return _gated(name, run)


def _checks(name: str, run: str) -> str:
    return "; ".join(check.text for check in gate.listed(catalog.load(name), run))


def test_a_binary_model_that_was_given_the_answer_names_the_column(wind: str, tracked: Path) -> None:
    select = "SELECT observed_at, origin, observed_at AS event_time, humid, wind_speed AS ended FROM weather"
    contract = _leaking(tracked, wind, select, "task: regression", "task: binary")
    text = contract.read_text().replace("sql: wind_speed", "sql: CAST(wind_speed > 10 AS BIGINT)")
    text = text.replace("loss: squared_error", "loss: log_loss").replace("mae: {max: 10}", "log_loss: {max: 10}")
    contract.write_text(text)
    held = train(wind, "first")
    assert held.outcome == "skipped"
    (refused,) = ledger.read(catalog.load(wind))
    assert refused.failed == ("too good: ended",)
