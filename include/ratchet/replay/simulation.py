"""The nights of one policy: score, measure, decide, duel, train, as production does, on what was known then.

A world of its own (`decisions/acts.py`): what is decided, and in which order, is decided by the code that production
runs; here are the facts of a past, with time simulated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ratchet import catalog
from ratchet.data import windows
from ratchet.decisions import acts, anchors, lifecycle, looks, requests, shadows, staleness
from ratchet.decisions import refit as refits
from ratchet.decisions import worth as worths
from ratchet.decisions.acts import Decided, Deployed
from ratchet.decisions.duel import Gathered
from ratchet.decisions.entries import Answered, Entry, Judged, Promoted, Rejected, RolledBack, Waiting, Won, only
from ratchet.decisions.evaluation import parse
from ratchet.decisions.policies.facts import NightFacts
from ratchet.decisions.worth import Worth
from ratchet.errors import DataError, TrainingError
from ratchet.partitions import shift
from ratchet.replay import evaluated, evidence, watch
from ratchet.replay.data import DataVersion
from ratchet.replay.evidence import Challenger, Gathering
from ratchet.replay.fits import Fits, Fitted, calibrator
from ratchet.replay.history import Heard, History
from ratchet.replay.holdout import Holdout
from ratchet.replay.known import Delivery
from ratchet.replay.measures import Measures, Version
from ratchet.training import value

_VERDICTS: dict[type[Judged], str] = {Promoted: "promote", Rejected: "reject", Waiting: "wait", Won: "wait"}


@dataclass
class Night:
    """What was decided on a night."""

    night: str
    version: str
    decided: str
    reason: str
    gate: str = ""
    duel: str = ""
    loss: float = float("nan")  # of the champion on the day's labelled rows ...
    rows: int = 0  # ... of which there are so many
    worth: str = ""  # of a promotion, in the contract's own unit, in words
    cost: float | None = None  # of such a row, in the contract's own unit, on average; None where it has none


class Simulation:
    """A loop under one policy. Entries are those of the ledger, without times."""

    def __init__(self, history: History, fits: Fits, first: str) -> None:
        self.history, self.fits, self.loop = history, fits, history.loop
        self.asking, self.checks = catalog.policies(history.loop), catalog.checks(history.loop)
        self.ledger: list[Entry] = []
        self.versions: dict[str, Version] = {}
        self.runs: dict[str, Challenger] = {}
        self.champion: Version | None = None
        self.measures = Measures(history.loop, fits)
        self.seconds = 0.0
        self._spent: set[str] = set()
        self._heard: list[Heard] = []
        self._begun = self._measured = self._scored = shift(first, -1)  # nights that have
        self._train(shift(first, -1), "first-champion")

    # The world

    def entries(self) -> Sequence[Entry]:
        """Return the ledger."""
        return self.ledger

    def training(self, run: str) -> lifecycle.Training:
        """Return what is known of a run that was evaluated."""
        return self.runs[run].training

    def evidence(self, run: str) -> Gathered:
        """Return the days of a run's evidence."""
        return self.runs[run].gathered

    def keep(self, run: str, gathered: Gathered) -> None:
        """Keep the days of a challenger's evidence."""
        self.runs[run].gathered = gathered

    def write(self, entries: Sequence[Entry], decided: Decided) -> None:
        """Write entries down."""
        known = {entry.key for entry in self.ledger}
        self.ledger += [entry for entry in entries if entry.key not in known]

    def register(self, won: Won) -> Deployed:
        """Register what has won, and its refit."""
        run = self.runs[won.evaluated]
        taken = sum(len(version.stands) for version in self.versions.values())
        found = run.training.evaluation
        version = Version(
            str(taken + len(run.stands)),
            run.stands,
            {day: each["challenger"] for day, each in found.days.items()},
            found.challenger_loss,
            calibrator(self.loop, run.side),
        )
        self.versions[version.number] = version
        minutes = sum(fit.about["seconds"] for fit in run.stands if fit is not run.fit) / 60
        return Deployed(version.number, {"day": run.stands[0].until, "minutes": minutes})

    def crown(self, version: str) -> None:
        """Let a version be champion."""
        self.champion = self.versions[version]

    # Its nights

    def night(self, night: str) -> Night:
        """Live through a night. The champion of the evening is the one that scores the next day."""
        data, promoted = self.history.at(night), len(only(self.ledger, Promoted))
        self.catch_up(night)
        self._score(data, {night})
        self._scored = night
        served = self.champion
        if served is None and not shadows.challengers(self.ledger):
            key = f"first-champion__{night}"
            self._train(night, key)
            gate, worth = self._gate_of(key), self._worth(promoted)
            return Night(night, "", "first", "there is no champion yet", gate, worth=worth)
        last = shift(night, -self.loop.label_delay_days)
        gathering = self._measure(data, night, last)
        decision = acts.decide(self, self.loop, self._facts(data, night, last), self.asking)
        number = served.number if served else ""
        done = Night(night, number, decision.verdict, decision.reason, duel=self._duel(night, gathering))
        if decision.verdict == "retrain":
            self._train(night, decision.key)
            done.gate = self._gate_of(decision.key)
        told = self.measures.live.get(night)
        done.worth = self._worth(promoted)
        losses = told.losses(self.history.now, number) if told else np.zeros(0)
        done.loss, done.rows = (float(losses.mean()), len(losses)) if len(losses) else (float("nan"), 0)
        if told and len(losses) and self.loop.gate.value:
            done.cost = float(told.losses(self.history.now, number, value.costs).mean())
        return done

    def catch_up(self, night: str) -> None:
        """Let happen what has happened since the last night, in its order: what came, and what people said."""
        came = [each for each in self.history.deliveries if self._scored < each.known <= night and each.day < night]
        heard = [each for each in self.history.heard if each.night <= night and each not in self._heard]
        happened: list[Delivery | Heard] = [*came, *heard]
        for each in sorted(happened, key=lambda each: each.place):
            if isinstance(each, Heard):
                self._hear(each)
            else:
                self._score(self.history.at(each.known), {each.day})

    def _hear(self, heard: Heard) -> None:
        if heard.said and not heard.run:
            self.ledger.append(heard.said)
            self._heard.append(heard)
        elif lifecycle.won(self.ledger, heard.run):
            self._note(heard)
            acts.promote(self, self.loop, heard.run, heard.answer)
            self._heard.append(heard)

    def _answer(self, run: str, night: str) -> Mapping[str, Any] | None:
        """Return what a person has answered by now; where no answer is on record it is yes, and at once."""
        if not self.loop.gate.approval:
            return None
        found = next((each for each in self.history.heard if each.run == run), None)
        if found is None:
            return {"answer": "Approve", "by": "the replay"}
        if found.night > night:
            return None
        self._note(found)
        return found.answer

    def _note(self, heard: Heard) -> None:
        """Write an answer down where its past has done so."""
        if isinstance(heard.said, Answered) and lifecycle.answered(self.ledger, heard.run) is None:
            about = {"key": f"answered:{heard.run}", "mlflow_run": heard.run}  # a replay's runs have no other name
            self.ledger.append(heard.said.model_copy(update=about))

    def _score(self, data: DataVersion, came: set[str]) -> None:
        """Score days that have come, or come again."""
        days = [day for day in sorted(came) if day in data.digests and self._begun < day]
        self.measures.score(data, days, self.champion, self._rivals())

    def _rivals(self) -> list[Sequence[Fitted]]:
        """Return who scores in shadow: the challengers that wait, the predecessor and the anchor."""
        waiting: list[Sequence[Fitted]] = [
            (self.runs[each.mlflow_run].fit,) for each in shadows.challengers(self.ledger)
        ]
        return [*waiting, *(self.versions[version].stands for version in anchors.in_shadow(self.ledger))]

    def _measure(self, data: DataVersion, night: str, last: str) -> Gathering:
        """Measure the labelled days of the window, and what was corrected; add to the evidence of those who wait."""
        corrected = self.history.again(self._measured, night)
        first = shift(last, 1 - self.loop.monitor.window_days)
        self.measures.measure(data, [d for d in data.days if d <= last and (d >= first or d in corrected)])
        gathering = Gathering(self.measures, self.runs, self.versions, self.champion, data, last, corrected)
        gathering.waiting(self.ledger)
        self._measured = night
        return gathering

    def _facts(self, data: DataVersion, night: str, last: str) -> NightFacts:
        loop, history, champion = self.loop, self.history, self.champion
        known = NightFacts(
            partition=night,
            champion=champion.number if champion else "",
            loss=loop.measured_in,
            past=staleness.past(self.ledger, loop.measured_in),
            bad_data=history.bad(night),
            **requests.facts(self.ledger, night, loop.label_delay_days),
        )
        if champion is None:
            return known
        trained, seen = champion.stands[0].trained, max(champion.stands[0].until, *champion.holdout)
        days = [day for day in data.days if last < day <= night]
        window = history.coverage(night)
        known = replace(
            known,
            trained=shift(seen, loop.label_delay_days),
            drift_days=window.came,
            drift_window=window.expected,
            never_came=window.never,
            live=self.measures.losses(champion.number),
            estimated=self.measures.estimated(champion, days),
            holdout=[v for _, v in sorted(champion.holdout.items())],
            judged_in=loop.measured_in,  # one contract judges all of a replay
            news=staleness.path(history.counts(night), trained, last),
        )
        if "drift" not in loop.retrain.policies:
            return known
        return replace(known, drifted=watch.drifted(champion.stands[0], data, night))

    def _duel(self, night: str, gathering: Gathering) -> str:
        """Look at the evidence that the night has added."""
        before, data, last = shadows.predecessor(self.ledger), gathering.data, gathering.last
        for each in shadows.challengers(self.ledger):
            run = self.runs[each.mlflow_run]
            run.training = evaluated.timed_again(self.loop, run, data, night)
        shadowed = self.measures.against(data, before, self.versions[before.version], last) if before else []
        scale, own = self.champion.scale if self.champion else 1.0, gathering.own(self.ledger)
        measured = looks.Measured(scale, tuple(shadowed), own, lambda: gathering.best(self.ledger), gathering.valued)
        found = acts.duel(self, self.loop, night, measured, self.checks)
        if only(found.entries, RolledBack):
            return "rollback"
        return self._promote(night, found.winner.evaluated) if found.winner else "wait"

    def _train(self, night: str, key: str) -> None:
        """Snapshot, train, evaluate, gate, refit, promote."""
        loop, data, champion = self.loop, self.history.at(night), self.champion
        published = [day for day in data.days if day <= night]
        try:
            train, holdout = windows.window(loop, published, night)
            fit = self._fit(data, train[0], train[-1])
        except (DataError, TrainingError):
            return
        held = Holdout(loop, data, holdout, fit)
        found = evaluated.of_challenger(self.history, self.fits, night, fit, held, train, champion)
        found["champion_too_good"] = self._champions()
        found |= self._anchored(key, found, held)
        judged = lifecycle.Training(key, key, self.fits.recipe, parse(found, key), fit.about["seconds"] / 60)
        self.runs[key] = Challenger(fit, judged, held.ours, data, stands=(fit,))
        if acts.look(self, loop, key, self.checks).verdict == "promote":
            self._promote(night, key)

    def _anchored(self, key: str, found: Mapping[str, Any], held: Holdout) -> dict[str, Any]:
        """Compare a challenger with the anchor; before a first champion, with its own baseline."""
        now = anchors.anchor(self.ledger)
        if now is None:
            return {"anchor": shadows.baseline(key) if found["baseline"] else "", "anchored": found["baseline"]}
        if now.name == found["champion"]:
            return {"anchor": now.name, "anchored": found["compared"]}
        return {"anchor": now.name, "anchored": held.against(evidence.stands(now.name, self.runs, self.versions))}

    def _champions(self) -> Sequence[Mapping[str, Any]] | None:
        """Return what was found too good at the champion's own evaluation."""
        run = lifecycle.evaluated(self.ledger, self.champion.number) if self.champion else None
        return self.runs[run].training.evaluation.too_good if run else None

    def _promote(self, night: str, key: str) -> str:
        """Refit what has won where the contract says so, and let it take the champion's place; say what came of it."""
        won, run = lifecycle.won(self.ledger, key), self.runs[key]
        assert won is not None
        if self.loop.gate.deploy == "refit":
            try:
                run.refit = run.refit or self._refit(night, run)
            except TrainingError as error:
                acts.refuse(self, won, f"rejected: the refit diverged: {error}")
                return "reject"
            found = evaluated.refitted(self.loop, run, run.refit)
            listed = refits.judge(self.loop.gate, won.terms, found, run.training.evaluation.model_dump())
            settled = acts.settle(self, won, listed)
            if settled:
                return "reject" if isinstance(settled, Rejected) else "wait"
            run.stands = (run.refit, run.fit)
        answer = self._answer(key, night)
        if answer is None and self.loop.gate.approval:
            return "wait"
        return "promote" if isinstance(acts.promote(self, self.loop, key, answer), Promoted) else "reject"

    def _refit(self, night: str, run: Challenger) -> Fitted:
        data = self.history.at(night)
        until = max(*run.training.evaluation.days, shift(night, -self.loop.label_delay_days))
        days = [day for day in data.days if run.fit.first <= day <= until]
        return self._fit(data, days[0], days[-1])

    def _fit(self, data: DataVersion, first: str, until: str) -> Fitted:
        fit = self.fits.get(data, first, until)
        if fit.name not in self._spent:  # a policy pays for each fit once, as production does
            self._spent.add(fit.name)
            self.seconds += fit.about["seconds"]
        return fit

    def _worth(self, before: int) -> str:
        """Say what the promotions of a night were worth. before: how many there were."""
        found = [Worth(**each.worth) for each in only(self.ledger, Promoted)[before:] if each.worth]
        return "; ".join(map(worths.told, found))

    def _gate_of(self, key: str) -> str:
        judged = next((each for each in reversed(only(self.ledger, Judged)) if each.run == key), None)
        return _VERDICTS[type(judged)] if judged else "failed"
