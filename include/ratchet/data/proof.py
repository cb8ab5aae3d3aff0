"""Prove that features see what was known when their row was asked about, and nothing later.

A day's features are computed from all that was known at its end. At two moments of the day, drawn by the day's own
hash among its rows' as-ofs, the tables are cut to what was known then, the rows' own late columns too, and the features
of every row asked up to that moment are computed again: they must be the same, up to rounding. The second time older
days are given too: where that changes a feature it looks back further than `lookback_days`.

What a contract does not say is known later counts as known with its row; so the proof holds for what it says.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ratchet.contract.loop import Loop
from ratchet.data import features, known
from ratchet.data.features import EVENT_TIME
from ratchet.errors import ContractError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

CLOSE = 1e-9  # of the column's largest absolute value, or of 1 where that is less: sums come in another order
Why = Literal["later", "older"]  # a feature sees what was known later, or what is older than lookback_days
SAID: dict[Why, str] = {"later": "sees what was known only later", "older": "looks back further than lookback_days"}


@dataclass(frozen=True)
class Proof:
    """What two moments of a day have shown."""

    rows: int = 0  # whose features came out the same, or not
    differ: dict[str, Why] = field(default_factory=dict)  # features that did not, and why

    def dump(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {"rows": self.rows, "differ": dict(self.differ)}


def prove(
    loop: Loop, given: Mapping[str, pa.Table], older: Mapping[str, pa.Table], day: str, found: pa.Table, seed: str
) -> Proof:
    """Prove the features of a day. seed: by which the two moments are drawn.

    given: the tables from `lookback_days` before the day on; older: with the days before these. found: what `of_day`
    made of them.
    """
    import pyarrow.compute as pc

    if not found.num_rows:
        return Proof()
    asked = sorted(pc.unique(found.column(EVENT_TIME)).to_pylist())
    moments = sorted(random.Random(seed).sample(asked, min(2, len(asked))))  # noqa: S311 (a draw, no secret)
    first, last = moments[0], moments[-1]
    late = _unlike(loop, older, day, found, last)
    later = {*(_unlike(loop, given, day, found, first) if first < last else ())}
    if not later.issuperset(late):  # of these, which have only older days changed?
        later |= {*late} & {*_unlike(loop, given, day, found, last)}
    differ: dict[str, Why] = {name: "later" if name in later else "older" for name in [*late, *sorted(later)]}
    rows = pc.sum(pc.less_equal(found.column(EVENT_TIME), last)).as_py()
    return Proof(int(rows), differ)


def how(loop: Loop, why: Why = "later") -> str:
    """Say what makes a feature see only what was known, or look back no further than it may."""
    if why == "older":
        days = loop.features.lookback_days
        return f"Look back no further than features.lookback_days, which is {days}, or raise it."
    said = (
        "Compare with event_time in the SQL, or say when a column is known: "
        "tables.….columns.NAME: {type: …, known_at: COLUMN}."
    )
    if not (late := known.late(loop)):
        return said
    days_after = "on the day after" if loop.label_delay_days == 1 else f"{loop.label_delay_days} days after"
    return (
        f"{said} What target.sql reads ({', '.join(late)}) counts as known at the end of the day {days_after} its own."
    )


def _unlike(loop: Loop, given: Mapping[str, pa.Table], day: str, found: pa.Table, moment: dt.datetime) -> list[str]:
    """Return the features of rows asked up to a moment that differ where they are computed from what was known then."""
    import numpy as np

    asked_at = found.column(EVENT_TIME).to_numpy()
    main, order = given[loop.main], _places(loop, given, day)
    when = main.column(loop.main_table.known_at).take(order).to_numpy() if loop.main_table.known_at else asked_at
    then = np.datetime64(moment, "us")
    asked, there = asked_at <= then, when <= then
    if early := int((asked & ~there).sum()):
        raise ContractError(
            f"{loop.folder / 'loop.yaml'}: {early:,} rows of {loop.main} of {day} are asked about (event_time) before "
            f"they are known (known_at: {loop.main_table.known_at}). Correct one of them"
        )
    told = features.select(loop, known.cut(loop, _with_asked(loop, given, order, found), day, moment), day)
    rows = np.flatnonzero(asked)
    before, after = found.take(rows), told.take((np.cumsum(there) - 1)[rows])
    chosen = [name for part in features.names(loop, found.column_names) for name in part]
    return [name for name in [*chosen, EVENT_TIME] if not _alike(before.column(name), after.column(name))]


def _places(loop: Loop, given: Mapping[str, pa.Table], day: str) -> NDArray[np.int64]:
    """Return where in the first table the rows of a day are, in the order of their keys, as their features are."""
    import numpy as np
    import pyarrow.compute as pc

    main = given[loop.main]
    places = np.flatnonzero(pc.equal(main.column(known.PARTITION), day).to_numpy())
    keys = main.select([*loop.main_table.key]).take(places)
    order = pc.sort_indices(keys, [(name, "ascending") for name in loop.main_table.key])
    return np.asarray(places[order.to_numpy()])


def _with_asked(
    loop: Loop, given: Mapping[str, pa.Table], order: NDArray[np.int64], found: pa.Table
) -> dict[str, pa.Table]:
    """Return the tables, the first with when each row of the day is asked about."""
    import numpy as np
    import pyarrow as pa

    main = given[loop.main]
    asked = np.full(main.num_rows, np.datetime64("NaT", "us"))
    asked[order] = found.column(EVENT_TIME).to_numpy()
    return {**given, loop.main: main.append_column(known.ASKED, pa.array(asked, pa.timestamp("us")))}


def _alike(one: pa.ChunkedArray, other: pa.ChunkedArray) -> bool:
    """Say whether two columns hold the same, up to rounding; null is null."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pc.all(pc.equal(pc.is_null(one), pc.is_null(other))).as_py():
        return False
    if not pa.types.is_floating(one.type):
        return bool(pc.all(pc.fill_null(pc.equal(one, other), True)).as_py())
    a, b = (column.drop_null().to_numpy() for column in (one, other))
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    scale = max(1.0, float(np.abs(a[np.isfinite(a)]).max(initial=0.0)))
    return bool((same | (np.abs(a - b) <= CLOSE * scale)).all())
