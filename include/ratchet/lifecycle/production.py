"""Production as a world (`decisions/acts.py`): MLflow and the data registry, whose writer is held throughout an act."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ratchet.adapters import models, writing
from ratchet.adapters.writing import Writer
from ratchet.contract.loop import Loop
from ratchet.decisions.acts import Decided, Deployed
from ratchet.decisions.duel import Gathered
from ratchet.decisions.entries import Entry, Promoted, RolledBack, Won, only
from ratchet.decisions.lifecycle import Training
from ratchet.errors import RequestError
from ratchet.lifecycle import dataset, evaluations, evidence, ledger, proven, records

if TYPE_CHECKING:
    from ratchet.adapters.runs import Tracking

Done = TypeVar("Done")
Rests = Callable[[Entry, Decided], Mapping[str, str]]  # what an entry rests on: name of the file -> its text


class Production:
    """A loop where it lives. Use `act` to get one."""

    def __init__(self, loop: Loop, client: Tracking, writer: Writer, rests: Rests) -> None:
        self.loop, self.client, self.writer, self._rests = loop, client, writer, rests
        self._trainings: dict[str, Training] = {}
        self._gathered: dict[str, Gathered] = {}

    def entries(self) -> list[Entry]:
        """Read the ledger."""
        return self.writer.registry.ledger(self.loop.name)

    def training(self, run: str) -> Training:
        """Read a run's evaluation, once an act."""
        if run not in self._trainings:
            self._trainings[run] = evaluations.training(self.loop, run)
        return self._trainings[run]

    def evidence(self, run: str) -> Gathered:
        """Read the days of a run's evidence, once an act."""
        if run not in self._gathered:
            self._gathered[run] = evidence.read(self.loop, run)
        return self._gathered[run]

    def keep(self, run: str, gathered: Gathered) -> None:
        """Keep the days of a challenger's evidence."""
        champion = self.training(run).evaluation.champion
        evidence.commit(self.writer, self.loop, run, champion, gathered)
        evidence.copy(self.client, run, champion, gathered)
        self._gathered[run] = gathered

    def write(self, entries: Sequence[Entry], decided: Decided) -> None:
        """Write entries down in one commit, with what they rest on; what follows from them follows it."""
        known = {entry.key for entry in self.entries()}
        fresh = [self._restored(entry) for entry in entries if entry.key not in known]
        ledger.write(self.writer, self.loop, fresh, {entry.key: self._rests(entry, decided) for entry in fresh})
        self.writer.land()

    def register(self, won: Won) -> Deployed:
        """Register the model that was judged, and its refit where that is what is deployed; tie the two."""
        client, judged = self.client, records.read(self.loop, won.evaluated)
        others = (each for each in only(self.entries(), Promoted) if each.evaluated != won.evaluated)
        above = max((int(each.version) for each in others), default=0)
        version = models.register(client, self.loop.name, judged.run, judged.uri, won.reason, above)
        deployed = judged
        if self.loop.gate.deploy == "refit":
            if not judged.refit:
                again = f"ratchet step refit --loop {self.loop.name} --run {won.run}"
                raise RequestError(f"The run {judged.run} has no refit yet. Run: {again}")
            deployed, evaluated = records.read(self.loop, judged.refit), version
            said = f"Refit of v{evaluated.number} on all labelled days. {won.reason}"
            version = models.register(client, self.loop.name, deployed.run, deployed.uri, said, above)
            models.tie(client, version, evaluated)
        spent = {deployed.run} - {judged.run}  # what was judged was counted at its first look
        about: dict[str, Any] = {
            "mlflow_run": deployed.run,
            "model": proven.sha256(self.loop, deployed.run),
            "because": judged.reason,
            "data": {name: deployed.data.get(name) for name in ("revision", "train", "holdout", "hash")},
            "day": deployed.trained[1],
            "minutes": evaluations.minutes(self.loop, *spent),
        }
        return Deployed(version.number, about)

    def crown(self, version: str) -> None:
        """Move MLflow's alias."""
        models.set_champion(self.client, models.version(self.client, self.loop.name, version))

    def _restored(self, entry: Entry) -> Entry:
        """Name the run of a version that a night turns back to."""
        if not isinstance(entry, RolledBack):
            return entry
        run = models.version(self.client, self.loop.name, entry.version).run_id
        return entry.model_copy(update={"mlflow_run": run})


def nothing(entry: Entry, decided: Decided) -> Mapping[str, str]:
    """Rest on what the entries before it rest on."""
    return {}


def act(loop: Loop, client: Tracking, do: Callable[[Production], Done], rests: Rests = nothing) -> Done:
    """Hold the registry for an act; where another writer was faster, the act decides again on what that has written.

    What an act leaves elsewhere, in MLflow, it leaves once, whatever the number of tries.
    """
    return writing.change(dataset.registry(), lambda writer: do(Production(loop, client, writer, rests)))
