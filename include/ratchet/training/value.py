"""What a row costs in the contract's own unit (`gate.value`), and what a classifier decides by it.

By costs, a binary task says positive from the probability on at which that costs less (Elkan 2001, "The foundations of
cost-sensitive learning", section 2), and of several classes the one of least expected cost (section 1 there). Both rest
on calibrated probabilities and on no data, so no holdout is overfitted by them. By SQL, an expression says what a row
costs of what was predicted; what is decided by that is its own affair.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ratchet.contract.loop import Loop
from ratchet.contract.reading import fail
from ratchet.contract.rules import VALUE
from ratchet.contract.value import OUTCOMES, Value
from ratchet.data import sql
from ratchet.data.features import PARTITION
from ratchet.errors import ContractError, DataError
from ratchet.text import one_line
from ratchet.training.metrics import row_losses

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]

PREDICTION, LABEL, PROBABILITY = "prediction", "label", "probability_"  # what SQL reads beside the row's own columns
_SQL = ("gate", "value", "sql")  # where it stands in the contract
_PLACE, _ROWS = "_ratchet_place", "_ratchet_rows"
Rows = Callable[[], "pa.Table"]  # returns key, features and target of the rows: asked only where costs need them
Measure = Callable[..., "Vector"]  # `losses`, or `costs`


def losses(loop: Loop, target: Vector, prediction: Vector, rows: Rows, classes: Sequence[str] = ()) -> Vector:
    """Return the contract's loss of each row (n,): what gate, duels, monitor and replay compare.

    target, prediction: as a model encodes them. classes: of multiclass, in the prediction's order.
    """
    if loop.loss == VALUE:
        return costs(loop, target, prediction, rows, classes)
    return row_losses(loop.loss, target, prediction)


def costs(loop: Loop, target: Vector, prediction: Vector, rows: Rows, classes: Sequence[str] = ()) -> Vector:
    """Return what each row costs (n,), in the unit of `gate.value`; not a number where the prediction is none.

    Arguments as of `losses`. Raises ContractError where the SQL fails, DataError where it gives a row no cost.
    """
    import numpy as np

    if not len(prediction):
        return np.zeros(0)
    value = _value(loop)
    there = np.asarray(np.isfinite(prediction).reshape(len(prediction), -1).all(axis=1))
    if value.sql is not None:
        return _by_sql(loop, prediction, rows(), classes, there)
    if loop.task == "binary":
        said = decided(loop, prediction) > 0
        right, wrongly, missed, none = map(value.cost, OUTCOMES)
        found = np.where(target > 0, np.where(said, right, missed), np.where(said, wrongly, none))
    else:
        names = [classes[each] for each in decided(loop, prediction, classes)]
        actual = map(str, rows().column(loop.target.name).to_pylist())
        found = np.array([value.cost(*each) for each in zip(actual, names, strict=True)], dtype=float)
    return np.asarray(np.where(there, found, np.nan))


def decided(loop: Loop, prediction: Vector, classes: Sequence[str] = ()) -> NDArray[np.int64]:
    """Return what is decided of each row (n,) by costs: 0 or 1, or the place of a class.

    A class that costs do not name is not said: what it costs to say it wrongly is not known. Of two that cost the same
    it is the likelier.
    """
    import numpy as np

    value = _value(loop)
    if loop.task == "binary":
        return np.asarray(prediction >= value.threshold).astype(np.int64)
    named = [place for place, name in enumerate(classes) if name in value.classes]
    if not named:
        return np.asarray(prediction.argmax(axis=1))
    prices = np.array([[value.cost(actual, classes[said]) for said in named] for actual in classes])
    expected = prediction @ prices
    least = expected <= expected.min(axis=1, keepdims=True)
    return np.asarray(np.array(named)[np.where(least, prediction[:, named], -np.inf).argmax(axis=1)])


def decides(loop: Loop) -> bool:
    """Say whether the contract's costs decide what a classifier says."""
    return loop.gate.value is not None and loop.gate.value.costs is not None


def type_of(loop: Loop, rows: pa.Table) -> str:
    """Return DuckDB's type of the SQL, over rows of which there may be none. Raises ContractError where it fails."""
    import duckdb
    import numpy as np

    shape = (rows.num_rows, 0) if loop.task == "multiclass" else (rows.num_rows,)
    connection = sql.connect()
    try:
        text = _prepare(connection, loop, np.zeros(shape), rows, ())
        return str(connection.sql(f"SELECT ({text}) FROM {_ROWS} AS r").types[0])
    except duckdb.Error as error:
        raise _failed(loop, sql.said(error)) from None
    finally:
        connection.close()


def _by_sql(loop: Loop, prediction: Vector, rows: pa.Table, classes: Sequence[str], there: NDArray[np.bool_]) -> Vector:
    """Evaluate the SQL, each row alone. there: rows with a prediction."""
    import duckdb
    import numpy as np

    connection = sql.connect()
    try:
        text = _prepare(connection, loop, prediction, rows, classes)
        cast = f"SELECT CAST(({text}) AS DOUBLE) AS cost FROM {_ROWS} AS r ORDER BY r.{_PLACE}"
        column = connection.sql(cast).to_arrow_table().column("cost")
    except duckdb.Error as error:
        raise _failed(loop, sql.said(error)) from None
    finally:
        connection.close()
    found = np.where(there, column.to_numpy(), np.nan)
    wrong = np.flatnonzero(there & ~np.isfinite(found))
    if len(wrong):
        keys = loop.main_table.key
        row = ", ".join(f"{key} {rows.column(key)[int(wrong[0])].as_py()}" for key in keys)
        text = f"{len(wrong):,} of {len(found):,} rows have no cost by gate.value.sql ({_value(loop).sql}), as of {row}"
        raise DataError(
            f"{one_line(text, 600)}. A row whose label is known has to cost something: mend it, as by ELSE 0"
        )
    return np.asarray(found)


def _prepare(
    connection: duckdb.DuckDBPyConnection, loop: Loop, prediction: Vector, rows: pa.Table, classes: Sequence[str]
) -> str:
    """Make the table that the SQL reads, lock the connection, and return the SQL of what a row `r` costs.

    The expression sees one row: what a row costs is not for others to say. Raises ContractError where it is none.
    """
    expression = str(_value(loop).sql)
    if why := sql.unparsed(expression):
        raise _failed(loop, why)
    given = _given(loop, prediction, rows, classes)
    connection.register("_ratchet_given", given)
    connection.execute(f"CREATE TEMP TABLE {_ROWS} AS SELECT * FROM _ratchet_given")
    sql.lock(connection)
    columns = ", ".join(f"r.{sql.name(c)} AS {sql.name(c)}" for c in given.column_names if c != _PLACE)
    try:
        return sql.select(f"SELECT ({expression}) FROM (SELECT {columns})", "gate.value.sql")
    except ContractError as error:
        raise fail(loop, _SQL, str(error)) from None


def _given(loop: Loop, prediction: Vector, rows: pa.Table, classes: Sequence[str]) -> pa.Table:
    """Put prediction and label beside the row's own columns, and the probabilities of classes.

    The probability of a class that a model does not know is 0.
    """
    import numpy as np
    import pyarrow as pa

    n = rows.num_rows
    told = {LABEL: rows.column(loop.target.name), _PLACE: pa.array(np.arange(n))}
    if loop.task == "multiclass":
        read = {name.lower(): name for name in sql.columns(str(_value(loop).sql))}
        asked = {name[len(PROBABILITY) :] for lower, name in read.items() if lower.startswith(PROBABILITY)}
        known = {name.lower() for name in classes}
        columns = {f"{PROBABILITY}{name}": prediction[:, i] for i, name in enumerate(classes)}
        columns |= {f"{PROBABILITY}{name}": np.zeros(n) for name in asked if name.lower() not in known}
        likeliest = [classes[each] for each in prediction.argmax(axis=1)] if n else []
        told |= {PREDICTION: pa.array(likeliest, pa.string())} | {k: pa.array(v) for k, v in columns.items()}
    else:
        told[PREDICTION] = pa.array(prediction)
    hidden = {name.lower() for name in told} | {loop.target.name.lower(), PARTITION}
    own = {name: rows.column(name) for name in rows.column_names if name.lower() not in hidden}
    return pa.table({**own, **told})


def _failed(loop: Loop, why: str) -> ContractError:
    return fail(loop, _SQL, f"gate.value.sql fails: mend {one_line(str(_value(loop).sql), 200)!r}. DuckDB says: {why}")


def _value(loop: Loop) -> Value:
    assert loop.gate.value is not None
    return loop.gate.value
