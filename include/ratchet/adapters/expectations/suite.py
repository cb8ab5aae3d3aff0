"""Suites: committed files, `great_expectations/expectations/<suite>.json`, and what a table's key implies."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ratchet.errors import ContractError

DUPLICATE = "expect_compound_columns_to_be_unique"


def read_suite(folder: Path, suite: str) -> dict[str, Any]:
    """Read a suite's file. Raises ContractError where it is not one."""
    path = folder / "expectations" / f"{suite}.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {"name": suite, "expectations": content["expectations"], "meta": content.get("meta", {})}
    except FileNotFoundError:
        raise ContractError(f"There is no suite {path}. Write it, or name another one in loop.yaml") from None
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ContractError(f"{path} is not an expectation suite: {error}. Mend the file") from None


def of_key(key: Sequence[str]) -> list[dict[str, Any]]:
    """Return what a key implies: not null, unique."""
    found = [
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": c}, "severity": "critical"} for c in key
    ]
    if len(key) == 1:
        unique = {"type": "expect_column_values_to_be_unique", "kwargs": {"column": key[0]}, "severity": "critical"}
    else:
        unique = {
            "type": DUPLICATE,
            "kwargs": {"column_list": list(key), "ignore_row_if": "any_value_is_missing"},
            "severity": "critical",
        }
    return [*found, unique]


def columns(arguments: Any) -> list[str]:
    """List the columns that an expectation is about, by its arguments; none where these are no such."""
    given = arguments if isinstance(arguments, dict) else {}
    one = [str(given[field]) for field in ("column", "column_A", "column_B") if field in given]
    return [*one, *map(str, given.get("column_list") or ())]


def looked_at(expectations: Sequence[Any], there: Sequence[str]) -> list[str]:
    """List the columns of a table that expectations name; all of them where one is about the table, or names none."""
    named: set[str] = set()
    for each in expectations:
        if not isinstance(each, dict) or "type" not in each:  # no expectation: Great Expectations will say so
            return list(there)
        if each["type"].startswith("expect_table_row_count"):
            continue
        found = columns(each.get("kwargs"))
        if not found or "row_condition" in each["kwargs"] or each["type"] == "expect_column_to_exist":
            return list(there)
        named |= {*found}
    return [name for name in there if name in named]
