"""The nights of one policy: score, measure, decide, duel, train, as production does, on what was known then."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ratchet import catalog
from ratchet.data import windows
from ratchet.decisions import duel, lifecycle, requests, retrain, shadows, staleness
from ratchet.decisions import gate as gates
from ratchet.decisions.duel import Cluster
from ratchet.decisions.entries import Entry, Judged, Promoted, Rejected, RolledBack, Waiting, only
from ratchet.decisions.policies.facts import NightFacts
from ratchet.errors import DataError, TrainingError
from ratchet.monitoring import estimate
from ratchet.partitions import shift
from ratchet.replay import watch
from ratchet.replay.fits import Fits, Fitted, calibrator
from ratchet.replay.history import DataVersion, History
from ratchet.training import evaluation
from ratchet.training.evaluation import Side

_VERDICTS: dict[type[Judged], str] = {Promoted: "promote", Rejected: "reject", Waiting: "wait"}


@dataclass(frozen=True)
class Version:
    """A registered model."""

    number: str
    stands: tuple[Fitted, ...]  # the fits that stand for it, the deployed one first
    holdout: dict[str, float]  # day -> its challenger's loss on the holdout
    scale: float  # its challenger's loss on the whole holdout: what differences are clipped by
    knots: dict[str, list[list[float]]]  # what its predictions come true for, learnt on the holdout

    def on(self, day: str) -> Fitted | None:
        """Return the fit that stands on a day; None where all have seen it."""
        return next((fit for fit in self.stands if day > fit.until), None)


@dataclass
class Challenger:
    """A judged training, and who was champion then."""

    fit: Fitted
    training: lifecycle.Training
    side: Side  # its predictions of the holdout
    days: list[Cluster] = field(default_factory=list)  # of its evidence
    line: str = ""  # the hypothesis that it belongs to


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


class Simulation:
    """A loop under one policy. Entries are those of the ledger, with a night for a time."""

    def __init__(self, history: History, fits: Fits, first: str) -> None:
        self.history, self.fits, self.loop = history, fits, history.loop
        self.asking, self.checks = catalog.policies(history.loop), catalog.checks(history.loop)
        self.entries: list[Entry] = []
        self.versions: dict[str, Version] = {}
        self.runs: dict[str, Challenger] = {}
        self.champion: Version | None = None
        self.live: dict[str, str] = {}  # day -> version that scored it
        self.seconds = 0.0
        self._spent: set[str] = set()
        self._train(shift(first, -1), "first-champion")

    def night(self, night: str) -> Night:
        """Live through a night. The champion of the evening is the one that scores the next day."""
        if self.champion is None:
            self._train(night, f"first-champion__{night}")
            return Night(night, "", "first", "there is no champion yet", self._gate_of(f"first-champion__{night}"))
        data, served = self.history.at(night), self.champion
        self.live[night] = served.number
        last = shift(night, -self.loop.label_delay_days)
        self._feed(data, last)
        decision = retrain.decide(self._facts(data, night, last), self.loop.retrain, self.asking)
        dueled = self._duel(data, night, last)
        self.entries += lifecycle.admitted(decision, night, served.number)
        done = Night(night, served.number, decision.verdict, decision.reason, duel=dueled)
        if decision.verdict == "retrain":
            self._train(night, decision.key)
            done.gate = self._gate_of(decision.key)
        fit, now = served.stands[0], self.history.now
        losses = fit.losses(now, night) if night in now.digests else np.zeros(0)
        done.loss, done.rows = (float(losses.mean()), len(losses)) if len(losses) else (float("nan"), 0)
        return done

    def _facts(self, data: DataVersion, night: str, last: str) -> NightFacts:
        champion, loop = self.champion, self.loop
        assert champion is not None
        mine = [day for day, version in self.live.items() if version == champion.number]
        live = {
            day: float(champion.stands[0].losses(data, day).mean())
            for day in mine
            if day <= last and _labelled(champion, data, day)
        }
        unlabelled = [day for day in mine if day > last] if champion.knots else []
        estimated = {
            day: float(estimate.losses(loop.loss, champion.knots, champion.stands[0].predict(data, day)).mean())
            for day in unlabelled
        }
        trained, seen = champion.stands[0].trained, max(champion.stands[0].until, *champion.holdout)
        known = NightFacts(
            partition=night,
            champion=champion.number,
            trained=shift(seen, loop.label_delay_days),
            drift_window=loop.monitor.window_days,
            live=live,
            estimated=estimated,
            holdout=[v for _, v in sorted(champion.holdout.items())],
            news=staleness.path(self.history.counts, trained, last),
            past=staleness.past(self.entries),
            bad_data=self.history.bad.get(night, {}),
            **requests.facts(self.entries, night, loop.label_delay_days),
        )
        if "drift" not in loop.retrain.policies:
            return known
        drifted, days = watch.drifted(champion.stands[0], data, night)
        return replace(known, drifted=drifted, drift_days=days)

    def _train(self, night: str, key: str) -> None:
        """Snapshot, train, evaluate, gate, refit, promote."""
        loop, data = self.loop, self.history.at(night)
        try:
            train, holdout = windows.window(loop, [day for day in data.days if day <= night], night)
            fit = self._fit(data, train[0], train[-1])
        except (DataError, TrainingError):
            return
        side = _joined([fit.side(data, day) for day in holdout])
        theirs = self._opponent(data, holdout)
        rows = data.between(holdout[0], holdout[-1]).filter(np.asarray(side.rows))
        ours = Side(np.ones(len(side.target), dtype=bool), side.target, side.prediction)
        found = evaluation.compare(
            loop, rows, ours, theirs and Side(theirs.rows[side.rows], theirs.target, theirs.prediction)
        )
        champion = self.champion
        bad = self.history.bad.get(night, {})
        found |= {
            "champion": champion.number if champion else None,
            "size_mb": fit.about["size_mb"],
            "behaviour": fit.about["behaviour"],
            "latency_ms": fit.about["latency_ms"],
            "unaccepted": {day: why for day, why in bad.items() if train[0] <= day <= holdout[-1]},
            "signatures": [fit.about["signature"], *([champion.stands[0].about["signature"]] if champion else [])],
            "first": None,
        }
        if champion and found["compared"]:
            stood = {
                each.key: stands.trained for each in duel.load(found["compared"]) if (stands := champion.on(each.key))
            }
            found["first"] = staleness.first_look(self.history.counts, duel.load(found["compared"]), stood, fit.trained)
        training = lifecycle.Training(key, key, self.fits.recipe, found, fit.about["seconds"] / 60)
        self.runs[key] = Challenger(fit, training, ours)
        self._gate(night, self.runs[key])

    def _gate(self, night: str, run: Challenger) -> None:
        """Take the first look."""
        look = lifecycle.first_look(self.loop, self.entries, run.training, self._evidence, self.checks)
        run.days, run.line = list(look.days), look.line
        self.entries += look.entries
        if look.decision.verdict == "promote":
            self._promote(night, run, look.decision)

    def _evidence(self, run: str) -> list[Cluster]:
        return self.runs[run].days

    def _promote(self, night: str, run: Challenger, decision: gates.Decision) -> bool:
        """Refit where the contract says so, and let it take the champion's place."""
        loop, data, training = self.loop, self.history.at(night), run.training
        found = training.evaluation
        present = self.champion.number if self.champion else None
        stands: tuple[Fitted, ...] = (run.fit,)
        if loop.gate.deploy == "refit":
            until = max(*found["days"], shift(night, -loop.label_delay_days))
            days = [day for day in data.days if run.fit.first <= day <= until]
            try:
                refit = self._fit(data, days[0], days[-1])
            except TrainingError as error:
                why = f"rejected: the refit diverged: {error}"
                self.entries.append(lifecycle.refused(training, present, why))
                return False
            held = _joined([refit.side(data, day) for day in sorted(found["days"])])
            far = evaluation.distance(held.prediction, run.side.prediction)
            if not far <= loop.gate.refit_distance:
                why = f"rejected: the refit's predictions are {far:.2f} deviations from the evaluated model's"
                self.entries.append(lifecycle.refused(training, present, why))
                return False
            stands = (refit, run.fit)
        number = str(sum(2 if len(v.stands) == 2 else 1 for v in self.versions.values()) + len(stands))
        holdout = {day: each["challenger"] for day, each in found["days"].items()}
        scale = float(found["challenger_loss"])
        self.champion = Version(number, stands, holdout, scale, calibrator(loop, run.side))
        self.versions[number] = self.champion
        spent = [fit for fit in stands if fit is not run.fit or not lifecycle.known(self.entries, training.run)]
        self.entries.append(
            lifecycle.promoted(
                self.entries,
                training,
                number,
                present,
                line=run.line,
                reason=decision.reason,
                day=stands[0].until,
                minutes=sum(fit.about["seconds"] for fit in spent) / 60,
                **gates.facts(decision),
            )
        )
        return True

    def _duel(self, data: DataVersion, night: str, last: str) -> str:
        """Look at the evidence that the night has added."""
        champion = self.champion
        assert champion is not None
        before = shadows.predecessor(self.entries)
        shadowed = self._shadowed(data, before, last) if before else []
        found = lifecycle.night(
            self.loop,
            self.entries,
            night,
            champion.number,
            champion.scale,
            shadowed,
            lambda each: self.runs[each.mlflow_run].training,
            self._evidence,
            self.checks,
        )
        self.entries += found.entries
        if found.predecessor and found.predecessor.verdict == "promote":
            self.champion = self.versions[only(found.entries, RolledBack)[0].version]
            return "rollback"
        if found.winner is None:
            return "wait"
        decision = dict(found.looks)[found.winner]
        return "promote" if self._promote(night, self.runs[found.winner.mlflow_run], decision) else "reject"

    def _feed(self, data: DataVersion, last: str) -> None:
        """Add the labelled days to the evidence of those who wait."""
        champion = self.champion
        assert champion is not None
        for each in shadows.challengers(self.entries):
            run = self.runs[each.mlflow_run]
            known = {day.key for day in run.days}
            begin = shift(max(run.training.evaluation["days"]), 1)
            for day in (
                day
                for day in data.days
                if begin <= day <= last and day not in known and each.champion == champion.number
            ):
                opponent = champion.stands[0] if self.live.get(day) == champion.number else champion.on(day)
                if opponent is not None and day > run.fit.until:
                    run.days = duel.merge(run.days, self.fits.compare(data, day, run.fit, opponent))

    def _shadowed(self, data: DataVersion, before: shadows.Predecessor, last: str) -> list[Cluster]:
        rival = self.versions[before.version]
        first = max(shift(before.since, 1) if before.since else "", shift(last, -2 * self.loop.gate.patience_days))
        found: list[Cluster] = []
        for day, version in sorted(self.live.items()):
            standing = rival.on(day)
            if first <= day <= last and version in before.versions and standing is not None:
                found += self.fits.compare(data, day, standing, self.versions[version].stands[0])
        return found

    def _opponent(self, data: DataVersion, holdout: list[str]) -> Side | None:
        """Return what the champion's fits say of the held-out days that they have not seen.

        None where there is no champion.
        """
        if self.champion is None:
            return None
        sides = []
        for day in holdout:
            fit, begin_end = self.champion.on(day), data.bounds(day, day)
            sides.append(
                fit.side(data, day)
                if fit
                else Side(np.zeros(begin_end[1] - begin_end[0], dtype=bool), np.zeros(0), np.zeros(0))
            )
        return _joined(sides)

    def _fit(self, data: DataVersion, first: str, until: str) -> Fitted:
        fit = self.fits.get(data, first, until)
        if fit.name not in self._spent:  # a policy pays for each fit once, as production does
            self._spent.add(fit.name)
            self.seconds += fit.about["seconds"]
        return fit

    def _gate_of(self, key: str) -> str:
        judged = next((each for each in only(self.entries, Judged) if each.run == key), None)
        return _VERDICTS[type(judged)] if judged else "failed"


def _labelled(champion: Version, data: DataVersion, day: str) -> bool:
    return day in data.digests and bool(champion.stands[0].side(data, day).rows.any())


def _joined(sides: list[Side]) -> Side:
    kept = [side for side in sides if len(side.target)]
    target = np.concatenate([side.target for side in kept]) if kept else np.zeros(0)
    prediction = np.concatenate([side.prediction for side in kept]) if kept else np.zeros(0)
    return Side(np.concatenate([side.rows for side in sides]), target, prediction)
