"""The nights of one policy: score, measure, decide, duel, train, as production does, on what was known then."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ratchet import catalog
from ratchet.data import windows
from ratchet.decisions import checks, duel, hypothesis, requests, retrain, shadows, staleness
from ratchet.decisions import gate as gates
from ratchet.decisions.duel import Cluster
from ratchet.decisions.policies.facts import NightFacts
from ratchet.errors import DataError, TrainingError
from ratchet.monitoring import estimate
from ratchet.partitions import days_between, shift
from ratchet.replay import watch
from ratchet.replay.fits import Fits, Fitted, calibrator
from ratchet.replay.history import DataVersion, History
from ratchet.training import evaluation
from ratchet.training.evaluation import Side


@dataclass(frozen=True)
class Version:
    """A registered model."""

    number: str
    stands: tuple[Fitted, ...]  # the fits that stand for it, the deployed one first
    holdout: dict[str, float]  # day -> its challenger's loss on the holdout
    knots: dict[str, list[list[float]]]  # what its predictions come true for, learnt on the holdout

    def on(self, day: str) -> Fitted | None:
        """Return the fit that stands on a day; None where all have seen it."""
        return next((fit for fit in self.stands if day > fit.until), None)


@dataclass
class Challenger:
    """A judged training, and who was champion then."""

    fit: Fitted
    found: dict[str, Any]  # its evaluation
    side: Side  # its predictions of the holdout
    days: list[Cluster] = field(default_factory=list)  # of its evidence


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
        self.entries: list[dict[str, Any]] = []
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
        kind = {"retrain": "requested", "veto": "vetoed"}.get(decision.verdict)
        dueled = self._duel(data, night, last)
        if kind:
            self.entries.append({"kind": kind, "partition": night, "evidence": decision.key, "champion": served.number})
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
        run = Challenger(fit, found, ours)
        self.runs[key] = run
        self._gate(night, key, run, holdout)

    def _gate(self, night: str, key: str, run: Challenger, holdout: list[str]) -> None:
        loop, entries, found = self.loop, self.entries, run.found
        line = hypothesis.line(loop, entries, self.fits.recipe, key)
        carried = False
        judged = None
        if found["compared"] is not None:
            before = [e for e in entries if e.get("line") == line and e.get("evaluated")]
            earlier = self.runs[before[-1]["evaluated"]].days if before else []
            newest = max((each.key for each in earlier), default="")
            run.days, carried = [*earlier, *(e for e in duel.load(found["compared"]) if e.key > newest)], bool(earlier)
            judged = hypothesis.judge(loop, entries, line, run.days, found["champion_loss"] or found["challenger_loss"])
        decision = gates.decide(checks.every(loop.gate, found, carried, self.checks), judged, loop.gate.cluster)
        entry = {
            "run": key,
            "mlflow_run": key,
            "evaluated": key,
            "champion": found["champion"],
            "line": line,
            "recipe": self.fits.recipe,
            **gates.facts(decision),
            "day": holdout[-1],
            "first": found["first"],
            "minutes": run.fit.about["seconds"] / 60,
        }
        if decision.verdict == "promote":
            self._promote(night, key, run, line, entry)
        elif decision.verdict == "reject":
            entries.append({"kind": "rejected", **entry})
        else:
            waiting = shadows.challengers(entries)
            entries.append({"kind": "waiting", "since": holdout[0], **entry})
            newcomer = shadows.Challenger(key, key, line, holdout[0], found["champion"])
            gone = shadows.leaving(waiting, newcomer, loop.gate.shadows, loop.gate.patience_days, entry["day"])
            self._leave(waiting, gone)

    def _promote(self, night: str, key: str, run: Challenger, line: str, entry: dict[str, Any]) -> bool:
        """Refit where the contract says so, and let it take the champion's place."""
        loop, data, last = self.loop, self.history.at(night), run.found
        stands: tuple[Fitted, ...] = (run.fit,)
        if loop.gate.deploy == "refit":
            until = max(*last["days"], shift(night, -loop.label_delay_days))
            days = [day for day in data.days if run.fit.first <= day <= until]
            try:
                refit = self._fit(data, days[0], days[-1])
            except TrainingError:
                self.entries.append({**entry, "kind": "rejected", "line": ""})
                return False
            far = evaluation.distance(
                _joined([refit.side(data, day) for day in sorted(last["days"])]).prediction, run.side.prediction
            )
            if not far <= loop.gate.refit_distance:
                self.entries.append({**entry, "kind": "rejected", "line": ""})
                return False
            stands = (refit, run.fit)
        number = str(sum(2 if len(v.stands) == 2 else 1 for v in self.versions.values()) + len(stands))
        holdout = {day: each["challenger"] for day, each in last["days"].items()}
        before, self.champion = self.champion, Version(number, stands, holdout, calibrator(loop, run.side))
        self.versions[number] = self.champion
        known = any(each.get("evaluated") == key for each in self.entries)
        minutes = sum(fit.about["seconds"] for fit in stands if fit is not run.fit or not known) / 60
        self.entries.append(
            {
                **entry,
                "kind": "promoted",
                "version": number,
                "replaces": before.number if before else None,
                "day": stands[0].until,
                "minutes": minutes,
                "line": line,
            }
        )
        return True

    def _duel(self, data: DataVersion, night: str, last: str) -> str:
        loop, champion = self.loop, self.champion
        assert champion is not None
        scale = float(np.mean(list(champion.holdout.values())))
        before = shadows.predecessor(self.entries)
        if before is not None:
            judged = duel.judge(
                hypothesis.grouped(loop, self._shadowed(data, before, last)),
                margin=0.0,
                bound=hypothesis.bound(loop, scale),
                level=loop.gate.level,
            )
            if judged.verdict == "promote":
                self.entries.append(
                    {"kind": "rolled_back", "version": before.version, "from": champion.number, "partition": night}
                )
                self.champion = self.versions[before.version]
                return "rollback"
            out = before.since and days_between(before.since, night) > loop.gate.patience_days
            if judged.verdict == "reject" or out:
                self.entries.append(
                    {"kind": "released", "version": before.version, "champion": champion.number, "partition": night}
                )
        waiting = shadows.challengers(self.entries)
        gone = shadows.leaving(waiting, None, loop.gate.shadows, loop.gate.patience_days, night)
        won: tuple[shadows.Challenger, dict[str, Any]] | None = None
        for each in waiting:
            run = self.runs[each.mlflow_run]
            if each.champion != champion.number:
                self._leave([each], {each.mlflow_run: "replaced"})
                continue
            judged = hypothesis.judge(loop, self.entries, each.line, run.days, scale)
            decision = gates.decide(checks.every(loop.gate, run.found, False, self.checks), judged, loop.gate.cluster)
            entry = {
                "run": each.run,
                "mlflow_run": each.run,
                "evaluated": each.run,
                "champion": champion.number,
                "line": each.line,
                "recipe": self.fits.recipe,
                **gates.facts(decision),
                "day": max(run.found["days"]),
                "first": None,
            }
            if decision.verdict == "reject":
                self.entries.append({"kind": "rejected", **entry})
            elif decision.verdict == "promote" and won is None:
                won = (each, entry)
            elif each.mlflow_run in gone:
                self._leave([each], gone)
        if won:
            each, entry = won
            return "promote" if self._promote(night, each.run, self.runs[each.run], each.line, entry) else "reject"
        return "wait"

    def _feed(self, data: DataVersion, last: str) -> None:
        """Add the labelled days to the evidence of those who wait."""
        champion = self.champion
        assert champion is not None
        for each in shadows.challengers(self.entries):
            run = self.runs[each.mlflow_run]
            known = {day.key for day in run.days}
            begin = shift(max(run.found["days"]), 1)
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

    def _leave(self, waiting: list[shadows.Challenger], gone: dict[str, str]) -> None:
        for each in waiting:
            if each.mlflow_run in gone:
                self.entries.append(
                    {"kind": "left", "run": each.run, "mlflow_run": each.mlflow_run, "champion": each.champion}
                )

    def _gate_of(self, key: str) -> str:
        kinds = [entry["kind"] for entry in self.entries if entry.get("run") == key]
        return {"promoted": "promote", "rejected": "reject", "waiting": "wait"}.get(kinds[0], "") if kinds else "failed"


def _labelled(champion: Version, data: DataVersion, day: str) -> bool:
    return day in data.digests and bool(champion.stands[0].side(data, day).rows.any())


def _joined(sides: list[Side]) -> Side:
    kept = [side for side in sides if len(side.target)]
    target = np.concatenate([side.target for side in kept]) if kept else np.zeros(0)
    prediction = np.concatenate([side.prediction for side in kept]) if kept else np.zeros(0)
    return Side(np.concatenate([side.rows for side in sides]), target, prediction)
