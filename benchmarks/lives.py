"""Lives of a loop, thousands at once, by the rules of `ratchet.decisions`: lines, debts, shadows, anchors.

Every model has a true loss and, each day, noise. Two models that are k fits apart share it with correlation
`shared`**k; two that share nothing differ by `daily` a day (where its tails are heavy, a day is far out for all). A
challenger comes every so many nights, with a holdout of 7 days, and is judged as `looks.first_look` does, then night by
night as `looks.night` does: by `duel.judge` against the champion and the anchor, with what its line (`hypothesis.debt`)
and the challengers before it (`anchors.debt`) owe; the anchor moves as by `anchors.moved`. The models are judged as
they are: no refit, no checks, no predecessor in shadow. Every life begins with a champion that is anchor and best.

Simpler than the product: who finds no room in shadow leaves (there the youngest of the largest line does), and who
waited leaves at a promotion (there in the next night, and not where that turns back at once).
tests/benchmarks/test_lives.py holds the two together, night by night.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from benchmarks import capital
from benchmarks.capital import Duels
from benchmarks.noise import BOUND, GATE, HOLDOUT, LEVEL, MARGIN, ROW_SD, ROWS, Daily

CHAMPION, ANCHOR, BEST, FIRST = 0, 1, 2, 3  # models of a life: three sides of duels, then who waits, then who came last
WHOLE, HALF, NONE = 0, 1, 2  # of a margin
MARGINS = np.array([MARGIN, MARGIN / 2, 0.0])
KINDS = [CHAMPION, CHAMPION, ANCHOR, ANCHOR], [WHOLE, HALF, WHOLE, HALF]  # of duels whose past is kept
LINE, OWED = 0, 1  # debts: to the line, to the anchor
KEPT = HOLDOUT + 1  # nights whose capital is kept


@dataclass(frozen=True)
class Rules:
    """What decides, and in what world."""

    gate: str = "the duel"  # or "better metric", "row bootstrap", "day t-test": on the holdout alone
    anchor: bool = True  # whether a challenger has to hold against it too
    half: bool = False  # by half of the margin, whether or not it is the best of all
    back: bool = False  # whether the anchor comes back where it is proved better, since its promotion
    every: int = 1  # nights from one challenger to the next
    room: int = GATE.shadows
    anchor_days: int = GATE.anchor_days
    shared: float = 0.0  # correlation of a day's noise between a model and the next
    daily: Daily = field(default_factory=Daily)


class Lives:
    """The state of many lives. Arrays begin with the lives; a row of `duels` is the champion, then who waits."""

    def __init__(self, rules: Rules, lives: int, seed: int) -> None:
        room, self.rules, self.rng, self.all = rules.room, rules, np.random.default_rng(seed), np.arange(lives)
        models = FIRST + room + 1
        self.number = np.zeros((lives, models), dtype=int)  # of the model, in the order of fits
        self.loss = np.zeros((lives, models))  # true, in the loss's units
        self.noise = np.zeros((lives, models, HOLDOUT))  # of the last days
        self.scale = np.ones((lives, HOLDOUT))  # of a day's noise, for all models
        self.duels = capital.begin((lives, 1 + room, 3, 3), BOUND)
        self.lived = capital.begin((lives,), BOUND)  # of champion and anchor, since the champion is one
        self.past = np.zeros((lives, 1 + room + 2, 4, KEPT))  # log capital; two rows more: of who was last judged
        self.waits = np.zeros((lives, room), dtype=bool)
        self.since = np.zeros((lives, room), dtype=int)
        self.debt = np.zeros((lives, room, 2))
        self.judged = np.full((lives, 2), -1)  # the row of `past` of who was last judged; -1 where nobody was ...
        self.owing = np.zeros((lives, 2))  # ... and what that one owed
        self.counts = np.zeros((lives, room), dtype=bool)
        self.tried, self.promoted = np.zeros(lives, dtype=int), np.zeros(lives, dtype=int)  # of those that count
        self.promotions, self.anchored = np.zeros(lives, dtype=int), np.zeros(lives, dtype=int)
        self.backs = np.zeros(lives, dtype=int)  # how often the anchor has come back
        self.worst, self.day = np.zeros(lives), 0

    def begin_behind(self, behind: float) -> None:
        """Let the champion be another model than the anchor, and worse."""
        self.number[:, CHAMPION], self.loss[:, CHAMPION] = 1, behind
        self.number[:, -1] = 1

    def night(self, effect: float | np.ndarray, *, count: bool = False) -> np.ndarray:
        """Live a night; say in which lives the champion was replaced.

        effect: by how much the challenger that comes is worse than the champion. count: among those tried.
        """
        before = self.number[:, CHAMPION].copy()
        self._measure()
        if self.rules.gate == "the duel":
            still = ~self._back()
            still &= ~self._look()
            if self.rules.anchor:
                self._move(still)
        if self.day >= HOLDOUT - 1 and (self.day - HOLDOUT + 1) % self.rules.every == 0:
            self._arrive(effect, count)
        self.worst = np.maximum(self.worst, self.loss[:, CHAMPION])
        self.day += 1
        return before != self.number[:, CHAMPION]

    def _measure(self) -> None:
        """Draw the day's noise in the order of fits, and add the day to each duel."""
        today, order = self.day % HOLDOUT, np.argsort(self.number, axis=1, kind="stable")
        gaps = np.diff(np.take_along_axis(self.number, order, axis=1), axis=1)
        rest, before = self.rng.standard_normal(order.shape), None
        self.scale[:, today] = self.rules.daily.scale(self.rng, self.all.shape) / math.sqrt(2)
        for i in range(order.shape[1]):
            drawn = rest[:, i]
            if before is not None:
                share = self.rules.shared ** gaps[:, i - 1]
                drawn = share * before + np.sqrt(1 - share**2) * drawn
            self.noise[self.all, order[:, i], today] = drawn * self.scale[:, today]
            before = drawn
        if self.rules.gate != "the duel":
            return
        told = self.loss + self.noise[:, :, today]
        rivals = np.delete(told[:, :-1], [ANCHOR, BEST], axis=1)
        capital.bet(self.duels, (rivals[:, :, None] - told[:, None, :FIRST])[..., None], MARGINS, BOUND)
        capital.bet(self.lived, told[:, CHAMPION] - told[:, ANCHOR], 0.0, BOUND)
        now, lasting = self.day % KEPT, self.past[:, -2:]
        self.past[:, :-2, :, now] = capital.log(self.duels.rival[:, :, *KINDS])
        lasting[..., now] = lasting[..., now - 1]

    def _terms(self) -> tuple[np.ndarray, np.ndarray]:
        """Say in which lives there is an anchor to hold against, and which margin is its."""
        best = self.number[:, ANCHOR] == self.number[:, BEST]
        there = self.rules.anchor & ~(best & (self.number[:, ANCHOR] == self.number[:, CHAMPION]))
        return there, np.where(best & (not self.rules.half), WHOLE, HALF)

    def _verdicts(self, duels: Duels, debt: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Say who has won and who is beaten. duels: (lives, rivals, 3, 3). debt: (lives, rivals, 2)."""
        there, margin = self._terms()
        needed, rivals = -math.log(LEVEL), np.arange(debt.shape[1])
        anchor = self.all[:, None], rivals, ANCHOR, margin[:, None]
        won = capital.log(duels.rival[:, :, CHAMPION, WHOLE]) + debt[..., LINE] >= needed
        won &= (capital.log(duels.rival[anchor]) + debt[..., OWED] >= needed) | ~there[:, None]
        beaten = capital.log(duels.champion[:, :, CHAMPION, WHOLE]) >= needed
        beaten |= (capital.log(duels.champion[anchor]) >= needed) & there[:, None]
        return won & ~beaten, beaten

    def _back(self) -> np.ndarray:
        """Let the anchor come back where it is proved better than the champion."""
        better = capital.log(self.lived.champion) >= -math.log(LEVEL)
        gone = better & (self.number[:, ANCHOR] != self.number[:, CHAMPION]) & self.rules.back
        if gone.any():
            mine = gone & (self.judged[:, OWED] == 0)
            self.past[mine, -2 + OWED] = self.past[mine, 0]
            self.judged[mine, OWED] = self.past.shape[1] - 2 + OWED
            self._replace(gone, np.full(self.all.shape, ANCHOR))
            self._settle()
            self.backs += gone
        return gone

    def _look(self) -> np.ndarray:
        """Judge who waits; say in which lives one was promoted."""
        won, beaten = self._verdicts(Duels(*(each[:, 1:] for each in vars(self.duels).values())), self.debt)
        beaten, won = beaten & self.waits, won & self.waits
        there, _ = self._terms()
        lost = beaten.any(axis=1)
        if lost.any():
            youngest = np.where(beaten, self.since, -1).argmax(axis=1)
            self.judged[lost, LINE] = -1
            self._say(lost & there, OWED, 1 + youngest, self.debt[self.all, youngest, OWED])
        done = won.any(axis=1)
        if done.any():
            oldest = np.where(won, self.since, self.day + 1).argmin(axis=1)
            self.promoted += done & self.counts[self.all, oldest]
            self.duels.put((done, 0), self.duels, (done, 1 + oldest[done]))
            self.past[done, 0] = self.past[done, 1 + oldest[done]]
            self._say(done & there, OWED, 0, self.debt[self.all, oldest, OWED])
            self._replace(done, FIRST + oldest)
            self.promotions += done
        self.waits &= ~beaten & (self.day - self.since <= GATE.patience)
        self._settle()
        return done

    def _say(self, where: np.ndarray, debt: int, row: np.ndarray | int, owing: np.ndarray) -> None:
        """Let the challenger of a row of `past` be who was last judged."""
        self.judged[where, debt] = np.broadcast_to(row, where.shape)[where]
        self.owing[where, debt] = owing[where]

    def _replace(self, where: np.ndarray, model: np.ndarray) -> None:
        """Let a model be champion: who waits leaves, and the line ends."""
        for held in (self.number, self.loss, self.noise):
            held[where, CHAMPION] = held[where, model[where]]
        self.waits[where], self.judged[where, LINE] = False, -1
        self.lived.put((where,), capital.begin(self.all.shape, BOUND), (where,))

    def _settle(self) -> None:
        """Keep what was last judged apart, where it waits no more."""
        for debt in (LINE, OWED):
            row = self.judged[:, debt]
            gone = (row >= 1) & (row <= self.rules.room)
            gone &= ~self.waits[self.all, np.clip(row - 1, 0, self.rules.room - 1)]
            self.past[gone, -2 + debt] = self.past[gone, row[gone]]
            self.judged[gone, debt] = self.past.shape[1] - 2 + debt

    def _move(self, still: np.ndarray) -> None:
        """Move the anchor to the champion, by its own days."""
        needed, own = -math.log(LEVEL), capital.log(self.duels.rival[:, 0])
        whole = self.number[:, ANCHOR] == self.number[:, BEST]
        soon, best, near = (own[:, *at] >= needed for at in ((ANCHOR, NONE), (BEST, NONE), (BEST, HALF)))
        asked = still & (self.number[:, ANCHOR] != self.number[:, CHAMPION])
        asked &= soon | (self.day - self.anchored >= self.rules.anchor_days)
        better = asked & np.where(whole, soon, best)
        moved = better | (asked & near)
        if not moved.any():
            return
        for where, side in ((moved, ANCHOR), (better, BEST)):
            for held in (self.number, self.loss, self.noise):
                held[where, side] = held[where, CHAMPION]
            for row in range(1, 1 + self.rules.room):
                self.duels.put((where, row, side), self.duels, (where, row, CHAMPION))
        self.past[moved, :, 2:] = self.past[moved, :, :2]
        self.debt[moved, :, OWED], self.judged[moved, OWED], self.anchored[moved] = 0.0, -1, self.day

    def _arrive(self, effect: float | np.ndarray, count: bool) -> None:
        """Let a challenger come with its holdout, and judge it."""
        share, days = self.rules.shared, [day % HOLDOUT for day in range(self.day - HOLDOUT + 1, self.day + 1)]
        fresh = self.rng.standard_normal((len(self.all), HOLDOUT)) * self.scale
        self.noise[:, -1] = share * self.noise[:, -1] + math.sqrt(1 - share**2) * fresh
        self.loss[:, -1] = self.loss[:, CHAMPION] + effect
        self.number[:, -1] += 1
        told = self.loss[:, :, None] + self.noise
        differences = (told[:, -1:] - told[:, :FIRST])[:, :, days]  # (lives, sides, days), oldest first
        self.tried += count
        if self.rules.gate != "the duel":
            won = holds(self.rules.gate, differences[:, CHAMPION])
            self._replace(won, np.full(self.all.shape, self.number.shape[1] - 1))
            self.promoted += won & count
            self.promotions += won
            return
        new, past = capital.begin((len(self.all), 1, 3, 3), BOUND), np.zeros((len(self.all), 4, KEPT))
        for i in range(HOLDOUT):
            capital.bet(new, differences[:, None, :, None, i], MARGINS, BOUND)
            past[..., (self.day - HOLDOUT + 1 + i) % KEPT] = capital.log(new.rival[:, 0, *KINDS])
        debt = self._debts()
        won, beaten = (each[:, 0] for each in self._verdicts(new, debt[:, None]))
        there, _ = self._terms()
        stays = ~won & ~beaten & ~self.waits.all(axis=1)
        free = np.where(stays, 1 + self.waits.argmin(axis=1), 0)  # its row; 0 where it is champion, or leaves
        into = won | stays
        self.duels.put((into, free[into]), new, (into, 0))
        self.past[into, free[into]] = past[into]
        for each in (LINE, OWED):
            self.past[~into, -2 + each] = past[~into]
            row = np.where(into, free, self.past.shape[1] - 2 + each)
            self._say(there if each else ~won & ~beaten, each, row, debt[:, each])
        self.judged[beaten, LINE] = -1
        at = stays, free[stays] - 1
        self.waits[at], self.counts[at], self.debt[at] = True, count, debt[stays]
        self.since[at] = self.day - HOLDOUT + 1
        for held in (self.number, self.loss, self.noise):
            held[stays, FIRST + free[stays] - 1] = held[stays, -1]
        self._replace(won, np.full(self.all.shape, self.number.shape[1] - 1))
        self.promoted += won & count
        self.promotions += won

    def _debts(self) -> np.ndarray:
        """Return what the challenger of tonight owes to its line and to the anchor: (lives, 2)."""
        before, debts = (self.day - HOLDOUT) % KEPT, np.zeros((len(self.all), 2))
        for each, kind in ((LINE, 0), (OWED, 2 + self._terms()[1])):
            gained = self.past[self.all, self.judged[:, each], kind, before]
            debts[:, each] = np.where(self.judged[:, each] < 0, 0.0, np.minimum(0.0, self.owing[:, each] + gained))
        return debts


def holds(gate: str, days: np.ndarray) -> np.ndarray:
    """Say whom another gate promotes by the mean differences of a holdout. days: (lives, days)."""
    mean = days.mean(axis=1)
    if gate == "better metric":
        return mean < 0
    if gate == "row bootstrap":  # in its normal limit
        spread = np.sqrt((ROW_SD**2 + days.var(axis=1)) / (ROWS * days.shape[1]))
        return np.asarray(stats.norm.cdf(mean / spread) < LEVEL)
    spread = days.std(axis=1, ddof=1) / math.sqrt(days.shape[1])
    return np.asarray(stats.t.cdf(mean / spread, days.shape[1] - 1) < LEVEL)
