"""The bench's lives decide as the product does: the same nights, told to both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benchmarks.lives import CHAMPION, Lives, Rules
from benchmarks.noise import BOUND, HOLDOUT, MARGIN
from ratchet import catalog
from ratchet.decisions import anchors, duel, lifecycle, looks, shadows
from ratchet.decisions.duel import Cluster, Gathered
from ratchet.decisions.entries import Anchored, Entry, Promoted, Rejected, RolledBack, Won, only
from ratchet.partitions import shift
from tests.given.entries import entry
from tests.given.evaluations import training

START, NIGHTS, AFTER = "2013-01-01", 160, 30
SELDOM = Rules(every=11, shared=0.5, anchor_days=AFTER)
NIGHTLY = Rules(every=1, shared=0.5, anchor_days=AFTER)
BACK = replace(SELDOM, back=True)


class Recorded(Lives):
    """Lives that tell what each model has lost on each day."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.told: list[dict[tuple[int, int], float]] = [{} for _ in self.all]

    def _measure(self) -> None:
        super()._measure()
        self.record(self.day, slice(None))

    def record(self, day: int, models: slice) -> None:
        for life, told in enumerate(self.told):
            lost = self.loss[life, models] + self.noise[life, models, day % HOLDOUT]
            told.update({(int(n), day): float(v) for n, v in zip(self.number[life, models], lost, strict=True)})


def _lived(rules: Rules, lives: int, seed: int, effects: list[float]) -> tuple[Recorded, np.ndarray]:
    """Live; return the lives, and the champion of each night. effects: what challengers are worse by, in margins."""
    held, rng, champions = Recorded(rules, lives, seed), np.random.default_rng(seed), []
    for day in range(NIGHTS):
        last = held.number[0, -1]
        held.night(rng.choice(effects, lives) * MARGIN)
        if held.number[0, -1] != last:
            for back in range(day - HOLDOUT + 1, day + 1):
                held.record(back, slice(-1, None))
        champions.append(held.number[:, CHAMPION].copy())
    return held, np.array(champions)


class Product:
    """One life by `looks.first_look` and `looks.night`, with the evidence that the steps would bring."""

    def __init__(self, told: dict[tuple[int, int], float], rules: Rules) -> None:
        loop = catalog.load("flight_delays")
        plain: dict[str, Any] = {"floors": {}, "slices": None, "fairness": None, "behaviour": None}
        plain |= {"deploy": "evaluated", "anchor_days": AFTER}
        self.loop, self.told = loop.model_copy(update={"gate": loop.gate.model_copy(update={**plain})}), told
        self.entries: list[Entry] = [entry("promoted", "0", version="0", day=START)]
        self.evidence: dict[str, Gathered] = {}
        self.trained: dict[str, Any] = {}
        self.champion, self.every = "0", rules.every

    def days(self, run: str, first: int, last: int, name: str) -> tuple[Cluster, ...]:
        return tuple(
            Cluster(shift(START, n), 1, self.told[int(run), n] - self.told[int(name), n])
            for n in range(first, last + 1)
        )

    def compare(self, run: str, last: int) -> anchors.Compare:
        first = (int(run) - 1) * self.every

        def since(known: Sequence[Cluster], name: str) -> tuple[Cluster, ...]:
            return (*known, *self.days(run, first + len(known), last, name))

        return since

    def night(self, day: int) -> None:
        now = anchors.anchor(self.entries)
        assert now is not None
        for each in shadows.challengers(self.entries):
            run = each.mlflow_run
            if each.champion == self.champion:  # whoever met another leaves tonight
                compare = self.compare(run, day)
                self.evidence[run] = anchors.gathered(self.evidence[run], self.champion, now.name, compare)
        measured = looks.Measured(1.0)
        if self.champion != now.name:
            compare, before = self.compare(self.champion, day), self.evidence[self.champion]
            own = Gathered((), now.name, anchors.against(before, now.name, compare))
            self.evidence[self.champion] = Gathered(before.days, now.name, own.anchored)
            measured = looks.Measured(1.0, (), own, lambda: anchors.against(duel.NOTHING, now.best, compare))
        found = looks.night(
            self.loop,
            self.entries,
            shift(START, day),
            self.champion,
            measured,
            lambda each: self.trained[each.mlflow_run],
            lambda run: self.evidence.get(run, duel.NOTHING),
            [],
        )
        self.entries += found.entries
        for back in only(found.entries, RolledBack):
            self.champion = back.version
        if found.winner:
            self.promote(found.winner, shift(START, day))

    def promote(self, won: Won, day: str) -> None:
        told = {**won.model_dump(exclude={"kind", "key"}), "day": day}
        self.entries.append(Promoted(key=f"p:{day}", version=won.evaluated, replaces=self.champion, **told))
        self.champion = won.evaluated

    def arrive(self, run: str, day: int) -> None:
        first, now = day - HOLDOUT + 1, anchors.anchor(self.entries)
        assert now is not None
        assert first == (int(run) - 1) * self.every
        compared, anchored = (self.days(run, first, day, each) for each in (self.champion, now.name))
        self.trained[run] = training(
            run,
            [],
            champion=self.champion,
            days={each.key: {"rows": 1, "challenger": 1.0} for each in compared},
            compared=duel.dump(compared),
            anchor=now.name,
            anchored=duel.dump(anchored),
        )
        self.evidence[run] = Gathered(compared, now.name, anchored)
        found = looks.first_look(
            self.loop, self.entries, self.trained[run], lambda run: self.evidence.get(run, duel.NOTHING), []
        )
        self.entries += found.entries
        for won in only(found.entries, Won):
            self.promote(won, shift(START, day))


@pytest.mark.parametrize(
    ("rules", "lives", "effects", "expected"),
    [
        (SELDOM, 8, [-0.6, 0.0, 0.2, 0.5, 2.0], {"better", "not worse", "rejected"}),
        (NIGHTLY, 4, [-0.3, 0.0, 0.2, 0.5], {"better", "not worse"}),
        (BACK, 4, [-0.6, 0.0, 0.2, 0.5, 2.0], {"better", "not worse", "rejected", "rolled_back"}),
    ],
)
def test_every_night_has_the_champion_of_the_product(
    rules: Rules, lives: int, effects: list[float], expected: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not rules.back:  # of no champion is there a day on which the anchor could prove itself
        monkeypatch.setattr(lifecycle, "rested_on", lambda *_: "9999")
    held, champions = _lived(rules, lives, 3, effects)
    kinds: set[str] = set()
    for life, told in enumerate(held.told):
        product = Product(told, rules)
        for day in range(NIGHTS):
            product.night(day)
            if day >= HOLDOUT - 1 and (day - HOLDOUT + 1) % rules.every == 0:
                product.arrive(str((day - HOLDOUT + 1) // rules.every + 1), day)
            assert int(product.champion) == champions[day, life], (life, day)
        now = anchors.anchor(product.entries)
        assert now is not None
        assert [int(now.name), int(now.best)] == held.number[life, 1:3].tolist()
        kinds |= {each.how for each in only(product.entries, Anchored)}
        kinds |= {each.kind for each in (*only(product.entries, RolledBack), *only(product.entries, Rejected))}
    assert kinds == expected
    assert (product.loop.gate.bound, product.loop.gate.margin) == (BOUND, MARGIN)
