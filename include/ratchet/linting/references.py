"""Whether the columns and tables that a contract, its suites and its tests name exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ratchet.adapters import expectations
from ratchet.contract.loop import Loop
from ratchet.contract.reading import fail, nearest
from ratchet.decisions.checks import too_good
from ratchet.errors import ContractError
from ratchet.settings import Settings
from ratchet.training import behaviour


def line(path: Path, word: str) -> int:
    """Return the last line of a file that holds a word; the first line where none does."""
    text = path.read_text(encoding="utf-8")
    held = [n for n, each in enumerate(text.splitlines(), 1) if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", each)]
    return held[-1] if held else 1


def defined(path: Path, name: str) -> int:
    """Return the line of a SELECT that gives a column its name; the last that holds the name where that is not seen."""
    text = path.read_text(encoding="utf-8")
    word = rf"[\"]?{re.escape(name)}[\"]?"
    given = re.compile(rf"(\bAS\s|^|[.,]|SELECT\s)\s*{word}\s*(,|--|$)", re.IGNORECASE)
    held = [n for n, each in enumerate(text.splitlines(), 1) if given.search(each)]
    return held[-1] if held else line(path, name)


def suites(loop: Loop) -> Iterator[ContractError]:
    """Yield suites that are none, and the columns that they expect of a table that has no such column."""
    for name, table in loop.tables.items():
        try:
            content = expectations.read_suite(Settings.current().suites, table.suite)
        except ContractError as error:
            yield error
            continue
        path = Settings.current().suites / "expectations" / f"{table.suite}.json"
        named = (each.get("kwargs") if isinstance(each, dict) else None for each in content["expectations"])
        for column in dict.fromkeys(column for kwargs in named for column in expectations.columns(kwargs)):
            if column not in table.columns:
                text = f"the suite names {column!r}, which is no column of {loop.name}'s table {name}"
                place = f"{path}:{line(path, json.dumps(column)[1:-1])}"
                yield ContractError(f"{place}: {text}; {nearest(column, list(table.columns))}")


def queries(loop: Loop) -> Iterator[ContractError]:
    """Yield the tables without a query, and the queries without a table, of the query source."""
    given = loop.source.options.get("tables")
    if loop.source.kind != "query" or not isinstance(given, dict):
        return
    for name in loop.tables:
        if name not in given:
            text = f"source.options.tables has no query for the table {name!r}; {nearest(name, list(given))}"
            yield fail(loop, ("tables", name), text)
    for name in given:
        if name not in loop.tables:
            text = f"the query {name!r} is for no table of tables; {nearest(name, list(loop.tables))}"
            yield fail(loop, ("source", "options", "tables", name), text)


def columns(loop: Loop, features: Sequence[str]) -> Iterator[ContractError]:
    """Yield what the gate names and is no feature. features: what features.sql gives."""
    known = [*features, *(name for name in loop.main_table.key if name not in features)]
    for part, rule in (("slices", loop.gate.slices), ("fairness", loop.gate.fairness)):
        for place, name in enumerate(rule.columns if rule else ()):
            if name not in known:
                text = f"gate.{part}.columns: {name!r} is neither a feature nor a key column; {nearest(name, known)}"
                yield fail(loop, ("gate", part, "columns", place), text)
    accepted = [*features, too_good.MODEL]
    for place, name in enumerate(loop.gate.accept):
        if name not in accepted:
            text = f"gate.accept: {name!r} is neither a feature nor {too_good.MODEL}; {nearest(name, accepted)}"
            yield fail(loop, ("gate", "accept", place), text)
    for test in behaviour.read(loop):
        for name in dict.fromkeys([*test.row, *test.change]):
            if name not in features:
                path = loop.folder / str(loop.gate.behaviour)
                text = f"the test {test.name!r} names {name!r}, which is no feature; {nearest(name, list(features))}"
                yield ContractError(f"{path}:{line(path, name)}: {text}")
