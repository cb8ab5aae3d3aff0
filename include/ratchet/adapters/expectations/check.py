"""Hold a table to a suite: which rows break what, and what refuses the whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.adapters.expectations import frames, large, library
from ratchet.adapters.expectations import suite as suites
from ratchet.errors import ContractError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True)
class Check:
    """What Great Expectations found."""

    # Row position -> the critical expectations that the row breaks.
    broken: dict[int, list[str]] = field(default_factory=dict)
    # Rows among them that are equal in every column to one that passes: they tell nothing against the delivery.
    copies: frozenset[int] = frozenset()
    # Critical expectations about the whole table, or whose evaluation failed, that are broken.
    refused: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)  # everything broken of a lower severity
    result: Any = None  # Great Expectations' own, for its pages


def hold(table: pa.Table, folder: Path, suite: str, key: Sequence[str]) -> Check:
    """Hold a table to a suite and its key; of rows that are equal in every column the first passes."""
    if table.num_rows > large.CHUNK:
        check = _check(folder, suite, key, lambda configurations: large.results(table, configurations))
    else:
        check = validate(frames.frame(table, folder, suite, key), folder, suite, key)
    broken, copies = _keep_first(table, key, check.broken)
    return replace(check, broken=broken, copies=frozenset(copies))


def validate(frame: pd.DataFrame, folder: Path, suite: str, key: Sequence[str]) -> Check:
    """Validate a table (its index is the row position) with a suite, and with what its key implies."""
    return _check(folder, suite, key, lambda configurations: library.results(frame, configurations))


def _check(folder: Path, suite: str, key: Sequence[str], results: Callable[[list[Any]], list[Any]]) -> Check:
    content = suites.read_suite(folder, suite)
    content["expectations"] = [*suites.of_key(key), *content["expectations"]]
    gx = library.great_expectations()
    try:
        expectations = gx.ExpectationSuite(**content)
    except Exception as error:  # its exceptions share no root
        raise ContractError(
            f"{folder / 'expectations' / suite}.json: {str(error).splitlines()[0]}. Mend the suite"
        ) from error
    check = Check(result=library.whole(suite, results(library.ordered(expectations))))
    for item in check.result.results:
        if not item.success:
            _sort(item, check)
    return check


def _keep_first(
    table: pa.Table, key: Sequence[str], broken: dict[int, list[str]]
) -> tuple[dict[int, list[str]], set[int]]:
    """Let the first of rows that are equal in every column pass, where being doubled is all that is wrong with it.

    Returns the rows that stay broken, and which of them are such copies: they tell nothing against the delivery.
    """
    doubled = [row for row, names in broken.items() if all("unique" in name for name in names)]
    if not doubled:
        return broken, set()
    groups: dict[str, dict[str, list[int]]] = {}
    for row, values in _rows(table, sorted(doubled)):
        of = json.dumps([str(values[column]) for column in key])
        groups.setdefault(of, {}).setdefault(json.dumps(values, default=str), []).append(row)
    passed, copies = set(), set()
    for versions in groups.values():
        if len(versions) == 1:
            rows = next(iter(versions.values()))
            passed.add(rows[0])
            copies.update(rows[1:])
    return {row: names for row, names in broken.items() if row not in passed}, copies


def _rows(table: pa.Table, rows: list[int], at_once: int = 10_000) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield some rows of a table, each with its position: a take for each alone costs more than its row."""
    for start in range(0, len(rows), at_once):
        part = rows[start : start + at_once]
        yield from zip(part, table.take(part).to_pylist(), strict=True)


def _sort(item: Any, check: Check) -> None:
    """Put one failed expectation where it belongs."""
    config = item.expectation_config
    name = f"{config.type}({', '.join(suites.columns(config.kwargs))})"
    critical = str(getattr(config.severity, "value", config.severity)) == "critical"
    if why := library.exception(item):
        check.refused.append(f"{name} could not be evaluated: {why}")
        return
    rows = item.result.get("unexpected_index_list")
    if not critical:
        observed = item.result.get("observed_value", item.result.get("unexpected_count"))
        if isinstance(observed, (list, tuple, set, dict)):  # values themselves: they belong in no log, and not in Git
            observed = f"{len(observed)} values"
        check.warnings.append(f"{name}: {observed}")
    elif rows is None:
        check.refused.append(f"{name}: observed {item.result.get('observed_value')}")
    else:
        for row in rows:
            check.broken.setdefault(int(row), []).append(name)
