"""A data registry and an MLflow of dictionaries. Every effect is counted, and a step may die before any of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ratchet.decisions import duel
from ratchet.decisions.acts import Decided, Deployed
from ratchet.decisions.duel import Gathered
from ratchet.decisions.entries import Entry, Won
from ratchet.decisions.lifecycle import Training

Rule = Callable[["World", Sequence[Entry]], None]  # looks at entries that are being written; raises where one is broken


class Died(Exception):
    """A step has died."""


class World:
    """Both a registry's reader and writer (as lifecycle/nights.py uses them) and the world of the acts."""

    def __init__(self, watched: Sequence[Rule]) -> None:
        self.registry = self
        self.ledger_: list[Entry] = []
        self.keys: set[str] = set()
        self.committed: dict[str, dict[str, str]] = {}  # folder -> path -> text
        self.staged: dict[str, str | None] = {}  # since the last commit; lost where the step dies
        self.trainings: dict[str, Training] = {}
        self.held: dict[str, Gathered] = {}  # run -> the days of its evidence
        self.refits: dict[str, str] = {}  # run that was judged -> its refit
        self.registered: dict[str, str] = {}  # run -> version
        self.alias = ""
        self.night = ""  # the latest that is published: what is known
        self.dies: int | None = None  # before so many more effects
        self.watched = watched

    def effect(self) -> None:
        """Let the step die here, where it is to."""
        if self.dies is not None:
            if self.dies == 0:
                self.dies = None
                self.staged.clear()
                raise Died
            self.dies -= 1

    # The registry, as the nights use it

    def names(self, folder: str, revision: str = "HEAD") -> list[str]:
        return list(self.committed.get(folder, ()))

    def texts(self, folder: str, revision: str = "HEAD") -> dict[str, str]:
        return dict(self.committed.get(folder, {}))

    def text(self, path: str, revision: str = "HEAD") -> str | None:
        return self.committed.get(_folder(path), {}).get(path)

    def texts_of(self, paths: list[str], revision: str = "HEAD") -> dict[str, str]:
        return {path: text for path in paths if (text := self.text(path)) is not None}

    def ledger(self, loop: str, revision: str = "HEAD") -> list[Entry]:
        return self.ledger_

    def write_file(self, path: str, text: str) -> None:
        self.effect()
        self.staged[path] = text

    def remove(self, path: str) -> None:
        self.effect()
        self.staged[path] = None

    def commit(self, message: str) -> None:
        self.effect()
        for path, text in self.staged.items():
            folder = self.committed.setdefault(_folder(path), {})
            if text is None:
                folder.pop(path, None)
            else:
                folder[path] = text
        self.staged.clear()

    # The world of the acts

    def entries(self) -> Sequence[Entry]:
        return self.ledger_

    def training(self, run: str) -> Training:
        return self.trainings[run]

    def evidence(self, run: str) -> Gathered:
        return self.held.get(run, duel.NOTHING)

    def keep(self, run: str, gathered: Gathered) -> None:
        self.effect()
        self.held[run] = gathered

    def write(self, entries: Any, decided: Decided | str) -> None:
        """Write entries, all or none; or, as the nights do, a file."""
        if isinstance(entries, str):
            return self.write_file(entries, str(decided))
        self.effect()
        fresh = [entry for entry in entries if entry.key not in self.keys]
        for rule in self.watched:
            rule(self, fresh)
        self.ledger_ += fresh
        self.keys |= {entry.key for entry in fresh}
        return None

    def register(self, won: Won) -> Deployed:
        deployed = self.refits.get(won.evaluated, won.evaluated)
        for run in dict.fromkeys((won.evaluated, deployed)):
            if run not in self.registered:
                self.effect()
                self.registered[run] = str(len(self.registered) + 1)
        return Deployed(self.registered[deployed], {"mlflow_run": deployed, "minutes": 1.0})

    def crown(self, version: str) -> None:
        self.effect()
        self.alias = version


def _folder(path: str) -> str:
    return path.rpartition("/")[0] + "/"
