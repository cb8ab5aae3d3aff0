"""Tables as pandas has them, without a value changed: whole, or some rows of them as the whole would show them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.adapters.expectations import suite as suites

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

EXACT = 2**53  # integers up to it are floats too


def frame(table: pa.Table, folder: Path, suite: str, key: Sequence[str]) -> pd.DataFrame:
    """Return the columns of a table that a suite and the key look at as pandas has them, without a value changed."""
    content = suites.read_suite(folder, suite)
    names = suites.looked_at([*suites.of_key(key), *content["expectations"]], table.column_names)
    return Frames(table, names).rows(names)


class Frames:
    """Parts of a table, each column of the type that it has in the frame of the whole: its nulls decide that.

    Beside a null pandas makes floats of integers, which are the same up to 2^53; beyond that, and truths, stay theirs.
    """

    def __init__(self, table: pa.Table, names: Iterable[str]) -> None:
        self._table = table
        self._kinds = {name: _kind(table.column(name)) for name in names}

    def rows(self, names: Sequence[str], start: int = 0, stop: int | None = None) -> pd.DataFrame:
        """Return columns of the rows from start to before stop; the index is the row's position in the table."""
        import pandas as pd

        rows = slice(start, self._table.num_rows if stop is None else min(stop, self._table.num_rows))
        return self._frame(
            pd.RangeIndex(rows.start, rows.stop), {name: self._table.column(name)[rows] for name in names}
        )

    def taken(self, names: Sequence[str], rows: pa.Array) -> pd.DataFrame:
        """Return columns of the rows at some positions, which are its index."""
        import pandas as pd

        return self._frame(pd.Index(rows.to_numpy()), {name: self._table.column(name).take(rows) for name in names})

    def _frame(self, index: pd.Index[Any], columns: dict[str, pa.ChunkedArray]) -> pd.DataFrame:
        import pandas as pd

        series = {name: self._series(name, column) for name, column in columns.items()}
        found = pd.DataFrame(series, index=pd.RangeIndex(len(index)))
        found.index = index
        return found

    def _series(self, name: str, column: pa.ChunkedArray) -> pd.Series[Any]:
        kind = self._kinds[name]
        if kind == "float64":
            found: pd.Series[Any] = column.to_pandas().astype(kind)
        else:
            found = column.to_pandas(types_mapper=(lambda _: kind) if kind else None)
        return found


def parted(column: pa.ChunkedArray) -> bool:
    """Say whether parts of a column are, to pandas, what they are in the whole."""
    from pyarrow import types

    one = (types.is_integer, types.is_floating, types.is_boolean, types.is_string, types.is_large_string)
    return any(of(column.type) for of in (*one, types.is_timestamp, types.is_date, types.is_decimal))


def small(column: pa.ChunkedArray) -> bool:
    """Say whether all integers of a column are floats too."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.type != pa.int64():
        return False
    found = pc.min_max(column).as_py()
    return found["min"] is None or (found["min"] >= -EXACT and found["max"] <= EXACT)


def _kind(column: pa.ChunkedArray) -> Any:
    """Return the type in pandas of a column with nulls, where that is not the one of its values."""
    import pandas as pd
    import pyarrow as pa

    if not column.null_count:
        return None
    if column.type == pa.bool_():
        return pd.BooleanDtype()
    if column.type == pa.int64() and not small(column):
        return pd.Int64Dtype()
    return "float64" if pa.types.is_integer(column.type) else None
