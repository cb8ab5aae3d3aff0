"""A history that is lived twice, by the steps and by the replay: what happens to a loop, night by night."""

from __future__ import annotations

import datetime as dt
import random
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from ratchet import catalog
from ratchet.decisions import lifecycle
from ratchet.decisions.entries import Asked, Entry, Paused, Resumed, only
from ratchet.lifecycle import approval, ledger
from ratchet.partitions import days_between, parse, shift
from ratchet.replay import history
from ratchet.replay.fits import Fits
from ratchet.replay.simulation import Simulation
from tests.conftest import ROOT, ingest, step

NAME = "harbour"
ROWS = 40
NO_CHANGE: Mapping[str, str] = MappingProxyType({})
IMPORTED, FIRST = "2013-02-15", "2013-03-02"  # the history's first day; the first night


@dataclass(frozen=True)
class Story:
    """What happens, by the night that is the first to know."""

    last: str
    late: Mapping[str, str] = field(default_factory=dict)  # night -> the day that comes late
    refused: tuple[str, ...] = ()  # days whose first delivery is refused
    mended: Mapping[str, str] = field(default_factory=dict)  # night -> a refused day that comes again
    corrected: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # night -> (day, what is corrected)
    said: Mapping[str, tuple[type[Any], str]] = field(default_factory=dict)  # night -> what a person says
    refuses: tuple[int, ...] = ()  # promotions, by their number, that a person refuses
    late_answers: Mapping[int, int] = field(default_factory=dict)  # a promotion's number -> nights until the answer
    strange: tuple[str, str] = ("", "")  # first and last day on which the world is another

    @property
    def nights(self) -> list[str]:
        return parse(f"{FIRST}..{self.last}")


def lay_out(place: Path, name: str, gate: Mapping[str, str]) -> Path:
    """Put the loop into an installation, under a name; return its folder. gate: what its contract says in place of."""
    folder = Path(shutil.copytree(ROOT / "tests" / "loops" / NAME, place / "loops" / name))
    path = folder / "loop.yaml"
    text = path.read_text().replace(f"name: {NAME}\n", f"name: {name}\n")
    for old, new in gate.items():
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    shutil.copy(ROOT / "tests" / "loops" / f"{NAME}.suite.json", place / "suites" / "expectations" / f"{NAME}.json")
    (folder / "trainers").mkdir()
    shutil.copy(
        ROOT / "tests" / "distribution" / "ratchet_tides" / "least_squares.py", folder / "trainers" / "linear.py"
    )
    return folder


def rows(story: Story, day: str, how: str = "") -> pa.Table:
    """Make a day's rows; the same each time. how: what is corrected, or wrong."""
    number = days_between("2013-01-01", day)
    rng = np.random.default_rng(number)
    level, draught, noise = rng.normal(0, 1, ROWS), rng.normal(3, 1, ROWS), rng.normal(0, 0.3, ROWS)
    other = story.strange[0] <= day <= story.strange[1]
    flow = 2 * level - draught + (3 if other else 0) + noise
    if how == "labels":
        flow = flow + np.where(np.arange(ROWS) % 4 == 0, 0.8, 0.0)
    if how == "features":
        level = level + np.where(np.arange(ROWS) % 2 == 0, 0.7, 0.0)
    moments = [dt.datetime.fromisoformat(day) + dt.timedelta(minutes=30 * i) for i in range(ROWS)]
    columns = {"opened_at": pa.array(moments, pa.timestamp("us")), "lock": pa.array(range(ROWS), pa.int64())}
    table = pa.table({**columns, "level": level, "draught": draught, "flow": flow})
    if how == "rows":  # two are gone, two have come
        return table.slice(2).set_column(1, "lock", pa.array([*range(2, ROWS - 2), 90, 91], pa.int64()))
    return table.drop_columns(["draught"]) if how == "wrong" else table


def rests(day: str) -> bool:
    return dt.date.fromisoformat(day).weekday() >= 5


class Steps:
    """The life that production lives: the steps of each night, as the DAGs order them."""

    def __init__(self, place: Path, story: Story, name: str = NAME, gate: Mapping[str, str] = NO_CHANGE) -> None:
        self.story, self.name, self.folder = story, name, lay_out(place, name, gate)
        self.loop = catalog.load(self.name)
        self.won = 0  # promotions that a person was asked about
        self.answers: dict[
            str, list[tuple[str, str, str]]
        ] = {}  # night -> (run, MLflow run, answer) that come before it
        for day in parse(f"{IMPORTED}..{shift(FIRST, -1)}"):
            self._hand(day, "")
        ingest(self.name, f"{IMPORTED}..{shift(FIRST, -1)}")
        self._train("first-champion", shift(FIRST, -1))

    def night(self, night: str) -> None:
        """Live a night, and what comes before it."""
        for came, how in ((self.story.late, ""), (self.story.mended, "")):
            if day := came.get(night):
                self._again(day, how)
        if night in self.story.corrected:
            self._again(*self.story.corrected[night])
        if night in self.story.said:
            ledger.say(self.loop, *self.story.said[night])
        for run, mlflow_run, said in self.answers.pop(night, []):
            self._promote(run, mlflow_run, said)
        silent = night in self.story.late.values()
        self._hand(night, "wrong" if night in self.story.refused else "silent" if silent else "")
        self._live(night, f"night__{night}")

    def entries(self) -> list[Entry]:
        return ledger.read(self.loop)

    def _again(self, day: str, how: str) -> None:
        """Deliver a day again, or late; what is published is scored, and its monitor looks."""
        self._hand(day, how)
        self._live(day, f"again-{day}")

    def _hand(self, day: str, how: str) -> None:
        path = self.folder / "handed" / f"{day}.parquet"
        path.parent.mkdir(exist_ok=True)
        if rests(day) or how == "silent":
            path.unlink(missing_ok=True)
        else:
            parquet.write_table(rows(self.story, day, how), path)

    def _live(self, night: str, run: str) -> None:
        """Ingest a day; score and monitor it, and train what it asks for."""
        step("turn", self.name, partitions=night, run=run)
        if not ingest(self.name, night, run).nights:
            return
        for part in ("score", "drift", "performance"):
            step(part, self.name, partition=night)
        asked, found = step("decide", self.name, partition=night), step("duel", self.name, partition=night)
        if found.verdict == "promote":
            self._settle(found.run, found.mlflow_run, night)
        training = step("close", self.name, partition=night).training
        if asked.verdict == "retrain" and asked.outcome == "done":
            assert training == asked.key
            self._train(asked.key, night)

    def _train(self, key: str, night: str) -> None:
        step("snapshot", self.name, run=key, until=night)
        made = step("train", self.name, run=key, reason="a story").mlflow_run
        step("evaluate", self.name, run=key, mlflow_run=made)
        if step("gate", self.name, run=key, mlflow_run=made).verdict == "promote":
            self._settle(key, made, night)

    def _settle(self, key: str, made: str, night: str) -> None:
        """Refit, ask, promote."""
        if step("refit", self.name, run=key, mlflow_run=made, until=night).outcome == "refused":
            return
        number, self.won = self.won, self.won + 1
        said: Literal["Approve", "Reject"] = "Reject" if number in self.story.refuses else "Approve"
        later = self.story.late_answers.get(number)
        if later:
            self.answers.setdefault(shift(night, later), []).append((key, made, said))
        else:
            self._promote(key, made, said)

    def _promote(self, key: str, made: str, said: Literal["Approve", "Reject"]) -> None:
        loop = catalog.load(self.name)
        if lifecycle.won(ledger.read(loop), made):
            approval.record(loop, key, approval.Said(said, "ada", "airflow"))
        step("promote", self.name, run=key, mlflow_run=made)


def replayed(story: Story, cache: Path) -> list[Entry]:
    """Live the same history by the replay; return its ledger."""
    return list(relived(story, cache).ledger)


def relived(story: Story, cache: Path, name: str = NAME) -> Simulation:
    """Live the same history by the replay."""
    past = history.read(catalog.load(name), cache)
    simulation = Simulation(past, Fits(past.loop, cache), FIRST)
    for night in past.nights:
        if FIRST <= night <= story.last:
            simulation.night(night)
    simulation.catch_up(shift(story.last, 1))  # what was answered when the last night was over
    return simulation


OWN = {"at", "by", "before", "signature", "format", "contract", "facts", "minutes", "mlflow_run", "data", "because"}
OWN |= {"model"}  # a replay stores none


def by_key(entries: list[Entry]) -> Callable[[str], str]:
    """Return what writes the key of a training where MLflow's name of its run stands in a text."""
    names = {each.evaluated: each.run for each in only(entries, lifecycle.Judged)}
    pattern = re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))) or "$^")
    return lambda text: pattern.sub(lambda found: names[found.group()], text)


def comparable(entries: list[Entry]) -> list[dict[str, Any]]:
    """Leave out of entries what is of one world alone: times, people, MLflow's names; round what was computed."""
    named = by_key(entries)

    def plain(value: Any) -> Any:
        if isinstance(value, float):
            return float(f"{value:.9g}")
        if isinstance(value, str):
            return named(value)
        if isinstance(value, dict):
            return {key: plain(each) for key, each in value.items() if key not in OWN}
        return [plain(each) for each in value] if isinstance(value, (list, tuple)) else value

    return [plain(entry.model_dump(exclude=OWN)) for entry in entries]


def drawn(seed: int, nights: int) -> Story:
    """Draw a story: each kind of event about once in two weeks, and a strange spell in the middle."""
    rng = random.Random(seed)
    days = [day for day in parse(f"{FIRST}..{shift(FIRST, nights - 1)}") if not rests(day)]
    events: dict[str, dict[str, Any]] = {"late": {}, "mended": {}, "corrected": {}, "said": {}}
    free, refused = set(days), []
    for kind in ("late", "mended", "corrected", "corrected") * max(1, nights // 14):
        day = rng.choice(sorted(free))
        night = shift(day, rng.randint(1, 6))
        if night > days[-1] or any(night in found for found in events.values()):
            continue
        free.discard(day)
        if kind == "corrected":
            events[kind][night] = (day, rng.choice(("labels", "features", "rows")))
        else:
            events[kind][night] = day
            refused += [day] if kind == "mended" else []
    pause = rng.choice(days[:-8])
    events["said"] = {pause: (Paused, "a week off"), shift(pause, 7): (Resumed, "back")}
    events["said"].setdefault(rng.choice(days), (Asked, "now"))
    spell = rng.randrange(2, max(3, nights - 12))
    return Story(
        last=days[-1],
        refused=tuple(refused),
        refuses=tuple(n for n in range(1, 40) if rng.random() < 0.2),
        late_answers={n: rng.randint(1, 3) for n in range(1, 40) if rng.random() < 0.3},
        strange=(shift(FIRST, spell), shift(FIRST, spell + 3)),
        **events,
    )


TAUGHT = Story(  # days come late, or with new rows, when champions have learnt them, and before the first night
    last="2013-03-13",
    late={"2013-03-12": "2013-03-06"},
    corrected={"2013-03-04": ("2013-02-28", "rows"), "2013-03-13": ("2013-03-07", "rows")},
)

# The loop by what a row costs: a lock that lets through more than was told costs twice, the more the deeper the ships.
COSTS = {
    "loss: squared_error": "loss: value\n  value:\n    unit: litres\n"
    "    sql: CASE WHEN label > prediction THEN 2 ELSE 1 END * abs(prediction - label) * (1 + abs(draught))",
    "margin: 1.5": "margin: 2",
    "bound: 4": "bound: 8",
}
# What a row costs beside a loss that duels are fought in.
BESIDE = {"loss: squared_error": "loss: squared_error\n  value: {unit: litres, sql: abs(prediction - label)}"}
SHORT = Story(
    last="2013-03-14",
    corrected={"2013-03-07": ("2013-03-05", "features"), "2013-03-13": ("2013-03-11", "rows")},
    strange=("2013-03-06", "2013-03-08"),
)

FEW = Story(
    last="2013-03-22",
    late={"2013-03-08": "2013-03-06"},
    refused=("2013-03-12",),
    mended={"2013-03-14": "2013-03-12"},
    corrected={"2013-03-07": ("2013-03-05", "labels"), "2013-03-15": ("2013-03-13", "rows")},
    said={
        "2013-03-15": (Paused, "the source moves"),
        "2013-03-22": (Resumed, "it has moved"),
        "2013-03-21": (Asked, "now"),
    },
    refuses=(2,),
    late_answers={1: 1},
    strange=("2013-03-06", "2013-03-13"),
)
