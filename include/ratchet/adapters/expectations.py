"""Validate a table with Great Expectations, and render its Data Docs page.

Suites are committed files, `great_expectations/expectations/<suite>.json`. Validation happens in an ephemeral context:
parallel tasks that share a writable file context corrupt it (great_expectations #8294).
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.errors import ContractError, MissingPackage

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_MAIN = '<div class="col-md-10'  # where the page's own column begins, beside a bar of buttons
_TAGS = {"div", "p", "h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td", "ul", "ol", "li"}
_TAGS |= {"a", "span", "strong", "em", "b", "i", "br", "small", "pre", "code"}
_OPENS = "\ue000"  # stands for "<" while a page is made; no font has it, so nobody delivers it
DUPLICATE = "expect_compound_columns_to_be_unique"


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


def hold(table: pa.Table, folder: Path, suite: str, key: Sequence[str]) -> Check:
    """Hold a table to a suite and its key; of rows that are equal in every column the first passes."""
    check = validate(frame(table, folder, suite, key), folder, suite, key)
    broken, copies = _keep_first(table, key, check.broken)
    return replace(check, broken=broken, copies=frozenset(copies))


def validate(frame: pd.DataFrame, folder: Path, suite: str, key: Sequence[str]) -> Check:
    """Validate a table (its index is the row position) with a suite, and with what its key implies.

    Not null, unique.
    """
    content = read_suite(folder, suite)
    content["expectations"] = [*_of_key(key), *content["expectations"]]
    gx = _great_expectations()
    try:
        expectations = gx.ExpectationSuite(**content)
    except Exception as error:  # its exceptions share no root
        raise ContractError(
            f"{folder / 'expectations' / suite}.json: {str(error).splitlines()[0]}. Mend the suite"
        ) from error
    asset = _context().data_sources.add_or_update_pandas(name="ratchet").add_dataframe_asset(name=suite)
    batch = asset.add_batch_definition_whole_dataframe("delivery").get_batch({"dataframe": frame})
    result = batch.validate(expectations, result_format="COMPLETE")
    check = Check(result=result)
    for item in result.results:
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
    for row in sorted(doubled):
        values = table.slice(row, 1).to_pylist()[0]
        of = json.dumps([str(values[column]) for column in key])
        groups.setdefault(of, {}).setdefault(json.dumps(values, default=str), []).append(row)
    passed, copies = set(), set()
    for versions in groups.values():
        if len(versions) == 1:
            rows = next(iter(versions.values()))
            passed.add(rows[0])
            copies.update(rows[1:])
    return {row: names for row, names in broken.items() if row not in passed}, copies


def columns(arguments: Any) -> list[str]:
    """List the columns that an expectation is about, by its arguments; none where these are no such."""
    given = arguments if isinstance(arguments, dict) else {}
    one = [str(given[field]) for field in ("column", "column_A", "column_B") if field in given]
    return [*one, *map(str, given.get("column_list") or ())]


def frame(table: pa.Table, folder: Path, suite: str, key: Sequence[str]) -> pd.DataFrame:
    """Return the columns of a table that a suite and the key look at as pandas has them, without a value changed.

    Beside a null pandas makes floats of integers, which are the same up to 2^53; beyond that, and truths, stay theirs.
    """
    import pandas as pd
    import pyarrow as pa

    exact = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    found = {}
    for name in _looked_at(table, read_suite(folder, suite), key):
        column = table.column(name)
        kind = exact.get(column.type) if column.null_count and not _small(column) else None
        found[name] = column.to_pandas(types_mapper=(lambda _, kind=kind: kind) if kind else None)
    return pd.DataFrame(found, index=pd.RangeIndex(table.num_rows))


def _looked_at(table: pa.Table, suite: dict[str, Any], key: Sequence[str]) -> list[str]:
    """List the columns that a suite names; all of them where an expectation is about the table, or names none."""
    named = {*key}
    for each in suite["expectations"]:
        if not isinstance(each, dict) or "type" not in each:  # no expectation: Great Expectations will say so
            return list(table.column_names)
        if each["type"].startswith("expect_table_row_count"):
            continue
        found = columns(each.get("kwargs"))
        if not found or "row_condition" in each["kwargs"] or each["type"] == "expect_column_to_exist":
            return list(table.column_names)
        named |= {*found}
    return [name for name in table.column_names if name in named]


def _small(column: pa.ChunkedArray) -> bool:
    """Say whether all integers of a column are floats too."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.type != pa.int64():
        return False
    found = pc.min_max(column).as_py()
    return found["min"] is None or (found["min"] >= -(2**53) and found["max"] <= 2**53)


def render(check: Check) -> str:
    """Render what Data Docs say of a validation: the body of a page, of text, tables and links within the page.

    Great Expectations writes what was delivered into its page as it stands, and takes style and scripts from hosts of
    other people. Neither is left here: values are escaped before, lest one opens what swallows the rest of the page.
    """
    import nh3
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer

    told = ValidationResultsPageRenderer().render(check.result)
    told.sections = [_told(section.to_json_dict()) for section in told.sections]
    found = str(_view().render(told))
    body = found[max(found.find(_MAIN), found.index("<body")) : found.rindex("</body>")]
    clean = nh3.clean(
        body,
        tags=_TAGS,
        clean_content_tags={"script", "style", "form", "button", "footer", "nav"},
        attributes={"*": {"class", "id"}, "a": {"href"}},
        attribute_filter=lambda _, name, value: value if name != "href" or value.startswith("#") else None,
        url_schemes=set(),
        link_rel=None,
    )
    return "\n".join(line for line in clean.replace(_OPENS, "&lt;").splitlines() if line.strip())


def _told(node: Any) -> Any:
    """Let no text of a page open a tag: what was delivered stands there as it came. The icon is the page's own."""
    if isinstance(node, dict):
        return {key: each if key == "html_success_icon" else _told(each) for key, each in node.items()}
    if isinstance(node, list):
        return [_told(each) for each in node]
    return node.replace("<", _OPENS) if isinstance(node, str) else node


@cache
def _view() -> Any:
    """Make the view of all pages: its templates are compiled once, which costs as much as all else of a page."""
    from great_expectations.render.view import DefaultJinjaPageView

    return DefaultJinjaPageView()


def _of_key(key: Sequence[str]) -> list[dict[str, Any]]:
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


def _sort(item: Any, check: Check) -> None:
    """Put one failed expectation where it belongs."""
    config = item.expectation_config
    name = f"{config.type}({', '.join(columns(config.kwargs))})"
    critical = str(getattr(config.severity, "value", config.severity)) == "critical"
    if item.exception_info and _exception(item.exception_info):
        check.refused.append(f"{name} could not be evaluated: {_exception(item.exception_info)}")
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


def _exception(info: dict[str, Any]) -> str:
    if "raised_exception" in info:
        return str(info.get("exception_message") or "") if info["raised_exception"] else ""
    return next((text for nested in info.values() if isinstance(nested, dict) and (text := _exception(nested))), "")


@cache
def _great_expectations() -> Any:
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    try:
        import great_expectations as gx
    except ImportError as error:
        raise MissingPackage(f"great_expectations cannot be imported ({error}). Run: make install") from error
    return gx


@cache
def _context() -> Any:
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = _great_expectations().get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context
