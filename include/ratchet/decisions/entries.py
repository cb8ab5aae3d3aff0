"""The entries of a ledger: what was decided about a loop's models. A frozen type a kind, told apart by `kind`.

Who is champion, who waits in shadow, what was asked for: all is read from these, and from nothing else. So whatever a
ledger holds that does not fit them is told, and stops decisions: a decision on half of what was decided is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from ratchet.decisions.chain import FORMAT
from ratchet.errors import LedgerError, misfit


class _Entry(BaseModel):
    """What every entry has."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    key: str  # of the decision: an entry is written once a key
    at: str = ""  # when it was written, in UTC
    by: str = ""  # whose process wrote it
    reason: str = ""  # for a person to read
    contract: str = ""  # by which it was decided: `<loop>/contracts/<contract>/` in the data registry
    facts: dict[str, str] = Field(default_factory=dict)  # what it rests on: name -> SHA-256, by which it is found
    format: int = FORMAT
    before: str | None = None  # hash of the entry before it
    signature: str | None = None


class Terms(BaseModel):
    """What a duel is fought by: fixed on the first day of its line."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    loss: str
    cluster: str  # day or week
    margin: float  # how much worse the challenger may be, in the loss's units
    bound: float  # what a cluster's difference is clipped to, in the same
    level: float  # probability of a false promotion


class Against(BaseModel):
    """How a challenger does against the anchor."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str  # the anchor's: a version, or a baseline
    difference: float  # challenger's mean loss less the anchor's ...
    low: float  # ... with its confidence sequence, from low ...
    high: float  # ... to high
    clusters: int
    evidence: dict[str, float]  # logarithms of the capital: for, against, needed
    terms: Terms
    debt: float = 0.0  # what challengers before it have lost against this anchor


class Judged(_Entry):
    """What became of a training: whose it was, and the numbers of the decision."""

    night: str = ""  # whose duel has decided it; empty where it was the first look
    run: str  # the key of the training
    mlflow_run: str  # of the model that it is about: of a refit where one was deployed or refused
    evaluated: str  # the MLflow run that was judged
    model: str = ""  # SHA-256 of the model of `mlflow_run`, with which every load is compared; 0.1 kept none
    champion: str | None = None  # the version that it was judged against; None where there was none
    line: str = ""  # the hypothesis that it belongs to; empty where it says nothing about one
    recipe: str = ""
    failed: tuple[str, ...] = ()  # checks that forbade it
    delayed: tuple[str, ...] = ()  # checks that let it wait, and refuse nothing: timings
    beaten: bool = False  # by the champion, in the duel
    difference: float | None = None  # challenger's mean loss less champion's ...
    low: float | None = None  # ... with its confidence sequence, from low ...
    high: float | None = None  # ... to high
    clusters: int | None = None
    evidence: dict[str, float] | None = None  # logarithms of the capital: for, against, needed
    terms: Terms | None = None  # of its duel; 0.1 and 0.2 kept none
    debt: float = 0.0  # what earlier challengers of its line have lost: the logarithm of a capital, at most 0
    against: Against | None = None  # the anchor; None where there was none to hold against
    day: str = ""  # the last that it was judged on, or fitted on where it was promoted
    first: dict[str, Any] | None = None  # what a first look teaches of staleness
    minutes: float | None = None  # of training
    worth: dict[str, Any] | None = None  # of its promotion, a week, in the contract's own unit (`decisions/worth.py`)
    approval: dict[str, Any] | None = None


class Waiting(Judged):
    """A challenger waits in shadow."""

    kind: Literal["waiting"] = "waiting"
    since: str  # the first day of its evidence


class Won(Judged):
    """A challenger is to be promoted: its refit and, where one is asked, a person come before that."""

    kind: Literal["won"] = "won"


class Rejected(Judged):
    """A challenger, or its refit, is refused for good."""

    kind: Literal["rejected"] = "rejected"


class Promoted(Judged):
    """A challenger is champion."""

    kind: Literal["promoted"] = "promoted"
    version: str
    replaces: str | None = None
    because: str = ""  # why it was trained
    data: dict[str, Any] = Field(default_factory=dict)


class ApprovalAsked(_Entry):
    """A person is asked whether a challenger may be promoted."""

    kind: Literal["approval_asked"] = "approval_asked"
    run: str
    mlflow_run: str
    approvers: tuple[str, ...] = ()  # logins that the contract named then


class Answered(_Entry):
    """A person has answered, or nobody in time; the first answer stays."""

    kind: Literal["answered"] = "answered"
    run: str
    mlflow_run: str
    answer: Literal["Approve", "Reject"]
    responder: str = ""  # a login; empty where nobody has answered
    known: str = ""  # how the login is known: airflow, system (the command line's user), claimed
    asked_by: str = ""  # the login of who has asked for the training
    night: str = ""  # the first that knows it


class Delayed(_Entry):
    """The refit of a challenger that has won waits to be measured again: a timing does not pass."""

    kind: Literal["delayed"] = "delayed"
    run: str
    mlflow_run: str  # that was judged
    delayed: tuple[str, ...] = ()  # the checks


class Left(_Entry):
    """A challenger waits no longer, and was not judged to the end."""

    kind: Literal["left"] = "left"
    run: str
    mlflow_run: str
    champion: str | None = None


class RolledBack(_Entry):
    """A former champion is champion again."""

    kind: Literal["rolled_back"] = "rolled_back"
    version: str
    left: str = Field(alias="from")  # the version that was champion
    mlflow_run: str
    automatic: bool = False  # decided by a duel
    partition: str | None = None  # the night
    failed: tuple[str, ...] = ()
    beaten: bool = False
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    clusters: int | None = None
    evidence: dict[str, float] | None = None


class Anchored(_Entry):
    """The anchor has moved to a champion."""

    kind: Literal["anchored"] = "anchored"
    version: str
    how: Literal["better", "not worse"]  # than the best of all kept
    best: str  # that it was compared with: a version, or a baseline
    partition: str  # the night


class Certified(_Entry):
    """What a night can say of the champion against the anchor."""

    kind: Literal["certified"] = "certified"
    partition: str  # the night
    version: str  # the champion's
    anchor: str  # a version, or a baseline
    since: str  # when it became the anchor
    difference: float | None = None  # champion's mean loss less the anchor's, over its own days ...
    low: float | None = None  # ... with its confidence sequence, from low ...
    high: float | None = None  # ... to high
    clusters: int = 0
    loss: str = ""  # what the difference is measured in; empty where it was not kept


class Lost(_Entry):
    """A version is gone from MLflow: it is champion, predecessor or anchor no longer."""

    kind: Literal["lost"] = "lost"
    version: str
    vacant: bool = False  # it was champion, and none before it is left: there is none until another is promoted


class Released(_Entry):
    """A predecessor is the champion's rival no longer."""

    kind: Literal["released"] = "released"
    version: str
    champion: str
    partition: str


class _Night(_Entry):
    """What a night has asked."""

    partition: str  # the night
    evidence: str  # its key: the run of the training is named by it
    champion: str


class Requested(_Night):
    """A night asks for a retraining."""

    kind: Literal["requested"] = "requested"


class Vetoed(_Night):
    """A night would have asked, and bad data forbade it."""

    kind: Literal["vetoed"] = "vetoed"


class _Said(_Entry):
    """What a person says to the admission."""

    night: str = ""  # the first that knows of it


class Asked(_Said):
    """A person asks for a retraining."""

    kind: Literal["asked"] = "asked"


class Paused(_Said):
    """A person pauses retraining."""

    kind: Literal["paused"] = "paused"


class Resumed(_Said):
    """A person lets it go on."""

    kind: Literal["resumed"] = "resumed"


Entry = Annotated[
    Waiting
    | Won
    | Rejected
    | Promoted
    | ApprovalAsked
    | Answered
    | Delayed
    | Left
    | RolledBack
    | Anchored
    | Certified
    | Lost
    | Released
    | Requested
    | Vetoed
    | Asked
    | Paused
    | Resumed,
    Field(discriminator="kind"),
]
Entries = Sequence[Entry]
E = TypeVar("E", bound=_Entry)

_ADAPTER: TypeAdapter[Entry] = TypeAdapter(Entry)


def parse(lines: Iterable[Mapping[str, Any]], ledger: str = "the ledger") -> list[Entry]:
    """Read a ledger's entries. Raises LedgerError, which names the line, where one does not fit."""
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(_ADAPTER.validate_python(line))
        except ValidationError as error:
            raise LedgerError(
                f"Entry {number} of {ledger} ({line.get('key', 'without a key')}) is none that this program knows: "
                f"{misfit(error, 'kind')}. Nothing is decided on half of what was decided: "
                "see `ratchet data log`, and mend what wrote it"
            ) from None
    return found


def only(entries: Entries, kind: type[E]) -> list[E]:
    """List the entries of a kind, oldest first."""
    kinds = {kind, *kind.__subclasses__()}  # a look at the class alone: a ledger is read many times a night
    return [entry for entry in entries if type(entry) in kinds]  # type: ignore[misc]


def line(entry: Entry) -> dict[str, Any]:
    """Return an entry as it is written: what was said of it, and its kind."""
    said = entry.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return {**said, "kind": entry.kind}
