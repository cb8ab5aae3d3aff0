"""Tables of many rows: what is found is what one frame of them would show, in a memory that does not grow with them.

Three ways, each expectation by the first that can: DuckDB is asked by Great Expectations' own SQL, and where it finds
nothing unexpected that is all (`database`); frames of CHUNK rows, of the columns that are looked at, where the verdict
on a row depends on that row alone; one frame of all rows, of its columns. Great Expectations counts in each part, the
counts are added, and its own verdict is taken on the sums: so a result has every field that it would have had.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ratchet.adapters.expectations import database, frames, library
from ratchet.adapters.expectations import suite as suites

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK = 250_000  # rows: a frame of ten columns is some 100 MB
_SHOWN = 200  # values that a result shows (great_expectations.constants.MAX_RESULT_RECORDS)
# What a verdict rests on, by the ends of its names.
_COUNTED = (".row_count", ".unexpected_count", ".filtered_row_count")
_VALUES, _ROWS, _TOLD = ".unexpected_values", ".unexpected_index_list", ".unexpected_index_query"
_ADDED = (*_COUNTED, _VALUES, _ROWS, _TOLD)
_UNIQUE = ("expect_column_values_to_be_unique", suites.DUPLICATE)
# The verdict on a row depends on that row alone.
BY_ROW = {
    "expect_column_pair_values_a_to_be_greater_than_b",
    "expect_column_pair_values_to_be_equal",
    "expect_column_value_lengths_to_be_between",
    "expect_column_value_lengths_to_equal",
    "expect_column_values_to_be_between",
    "expect_column_values_to_be_in_set",
    "expect_column_values_to_be_null",
    "expect_column_values_to_match_regex",
    "expect_column_values_to_match_regex_list",
    "expect_column_values_to_match_strftime_format",
    "expect_column_values_to_not_be_in_set",
    "expect_column_values_to_not_be_null",
    "expect_column_values_to_not_match_regex",
    "expect_column_values_to_not_match_regex_list",
    "expect_select_column_values_to_be_unique_within_record",
}
_COUNTS = {"expect_table_row_count_to_be_between", "expect_table_row_count_to_equal"}


def results(table: pa.Table, configurations: Sequence[Any]) -> list[Any]:
    """Validate a table: a result for each configuration, those that could not be evaluated first."""
    found = _asked(table, configurations)
    rest = [at for at, each in enumerate(configurations) if at not in found and _by_row(each, table)]
    for at, sums in zip(rest, _parts(table, [configurations[at] for at in rest]), strict=True):
        if sums is not None:
            found[at] = library.verdict(configurations[at], sums)
    for at, each in enumerate(configurations):
        if at not in found:
            names = _columns(each, table)
            (found[at],) = library.results(frames.Frames(table, names).rows(names), [each])
    every = [found[at] for at in range(len(configurations))]
    return sorted(every, key=lambda result: not library.aborted(result))


def _asked(table: pa.Table, configurations: Sequence[Any]) -> dict[int, Any]:
    """Return the results that DuckDB's counts tell: where nothing is unexpected, and of keys that are doubled."""
    found: dict[int, Any] = {}
    with database.given(table, configurations) as asked:
        for at, counts in enumerate(asked.counts()):
            each = configurations[at]
            if counts is None:
                continue
            if not _unexpected(each, counts):
                none = {name: _query([]) if name.endswith(_TOLD) else [] for name in _names(each)}
                found[at] = library.verdict(each, {**none, **counts})
            elif each.type in _UNIQUE and (doubled := _doubled(table, each, counts, asked.doubled(at))):
                found[at] = library.verdict(each, doubled)
    return found


def _doubled(table: pa.Table, each: Any, counts: dict[str, Any], rows: pa.Array) -> dict[str, Any] | None:
    """Return what the rows whose key is doubled tell of uniqueness: of the others it is known already."""
    names = suites.columns(each.kwargs)
    of = library.engine(frames.Frames(table, names).taken(names, rows))
    (found,) = library.metrics(of, [each], library.COMPLETE)
    same = found is not None and _unexpected(each, found) == _unexpected(each, counts)
    return {**found, **counts} if found is not None and same else None


def _parts(table: pa.Table, configurations: Sequence[Any]) -> list[dict[str, Any] | None]:
    """Add up what frames of CHUNK rows tell of each configuration; None where one of them cannot be evaluated."""
    sums: list[dict[str, Any] | None] = [dict.fromkeys(_names(each)) for each in configurations]
    every = frames.Frames(table, {name for each in configurations for name in suites.columns(each.kwargs)})
    for start in range(0, table.num_rows, CHUNK):
        live = [at for at, known in enumerate(sums) if known is not None]
        if not live:
            break
        names = dict.fromkeys(name for at in live for name in suites.columns(configurations[at].kwargs))
        of = library.engine(every.rows([*names], start, start + CHUNK))
        told = library.metrics(of, [configurations[at] for at in live], library.COMPLETE)
        for at, part in zip(live, told, strict=True):
            sums[at] = _added(sums[at] or {}, part) if part is not None else None
    return [known and _finished(known) for known in sums]


def _added(sums: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    for name, value in part.items():
        if name.endswith(_COUNTED):
            sums[name] = (sums[name] or 0) + value
        elif name.endswith((_VALUES, _ROWS)):
            sums[name] = [*(sums[name] or []), *value]
        if name.endswith(_VALUES):
            sums[name] = sums[name][:_SHOWN]
    return sums


def _finished(sums: dict[str, Any]) -> dict[str, Any]:
    """Write the query for the rows that were added up."""
    rows = next((value for name, value in sums.items() if name.endswith(_ROWS)), None)
    return {name: _query(rows) if name.endswith(_TOLD) else of for name, of in sums.items()}


def _query(rows: list[Any] | None) -> str:
    """Write the query for some rows as the engine of pandas does."""
    return f"df.filter(items={rows}, axis=0)"


def _by_row(each: Any, table: pa.Table) -> bool:
    """Say whether parts of a table tell all of it."""
    there = {*table.column_names}
    plain = all(not isinstance(value, dict) for value in each.kwargs.values()) and not each.kwargs.get("row_condition")
    named = all(name in there and frames.parted(table.column(name)) for name in suites.columns(each.kwargs))
    return each.type in BY_ROW and plain and named and all(name.endswith(_ADDED) for name in _names(each))


def _columns(each: Any, table: pa.Table) -> list[str]:
    return suites.looked_at([{"type": each.type, "kwargs": each.kwargs}], table.column_names)


def _names(each: Any) -> list[str]:
    return library.names(each)


def _unexpected(each: Any, counts: dict[str, Any]) -> int:
    """Return how many rows break an expectation; of one about the number of rows, none."""
    return int(counts.get(f"{each.to_domain_obj().map_metric}.unexpected_count", 0)) if each.type not in _COUNTS else 0
