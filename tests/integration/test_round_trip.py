"""What a reader gets is what was sent, bit for bit; or the row is in quarantine, and it is said why.

Two thousand tables of every type of the contract, through every way in which Ratchet is given tables; some dozens of
them on through publish, and back by revision.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ratchet.contract.table import ColumnType, Table
from ratchet.data import conversion, parting
from ratchet.data.sources import Asked, files, query
from ratchet.lifecycle import dataset
from tests.conftest import ingest
from tests.given import sent as ways
from tests.given.sent import DAY, Sent, bits, sent

AT_ONCE = 5  # tables of one database, or of one folder
EXAMPLES = 70  # 6 ways, 5 tables each: 2,100 tables
_SETTINGS = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[*HealthCheck])
BOUNDED = 'SELECT * FROM t{n} WHERE "at" >= {sign}start AND "at" < {sign}end ORDER BY 1'


def _read(found: Any, given_tables: list[Sent]) -> list[conversion.Converted]:
    """Part what a source delivered, and convert it, as the steps do."""
    with tempfile.TemporaryDirectory() as folder:
        return [
            conversion.convert(
                dict(parting.by_day(found[f"t{n}"], each.spec, [str(DAY)], Path(folder)))[str(DAY)], each.spec
            )
            for n, each in enumerate(given_tables)
        ]


def _same(given_tables: list[Sent], found: list[conversion.Converted]) -> None:
    for each, done in zip(given_tables, found, strict=True):
        assert not done.misfits
        assert bits(done.table) == bits(each.table)


def _asked(given_tables: list[Sent], folder: Path) -> Asked:
    return Asked(DAY, DAY, folder, {f"t{n}": each.spec for n, each in enumerate(given_tables)})


@pytest.mark.parametrize(
    ("suffix", "write"), [("csv", ways.as_csv), ("json", ways.as_json), ("parquet", ways.as_parquet)]
)
@pytest.mark.parametrize("path", ["t{n}_{{partition}}.{suffix}", "t{n}_*.{suffix}"])
def test_files_are_read_as_they_were_written(suffix: str, write: Callable[[Sent, Path], None], path: str) -> None:
    @settings(_SETTINGS, max_examples=EXAMPLES // 2)
    @given(st.lists(sent(), min_size=AT_ONCE, max_size=AT_ONCE))
    def hold(tables: list[Sent]) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for n, each in enumerate(tables):
                write(each, folder / f"t{n}_{DAY}.{suffix}")
            listed = {f"t{n}": path.format(n=n, suffix=suffix) for n in range(AT_ONCE)}
            options = files.Options.model_validate({"tables": listed})
            _same(tables, _read(files.fetch(options, _asked(tables, folder)), tables))

    hold()


@pytest.mark.parametrize("kind", ["sqlite", "duckdb", "postgresql"])
def test_databases_are_read_as_they_hold_it(kind: str, request: pytest.FixtureRequest) -> None:
    fill = {"sqlite": ways.as_sqlite, "duckdb": ways.as_duckdb}.get(kind)
    if fill is None:
        fill = ways.in_postgres(request.getfixturevalue("postgres"))
    # SQLite has no NaN, which is null there before anybody reads it, and no sign of a zero, which it keeps as a whole.
    numbers = st.floats(allow_nan=False).map(lambda drawn: drawn + 0.0) if kind == "sqlite" else st.floats()

    @_SETTINGS
    @given(st.lists(sent(numbers), min_size=AT_ONCE, max_size=AT_ONCE))
    def hold(tables: list[Sent]) -> None:
        with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
            patch.setenv("RATCHET_SOURCE_X", fill(tables, Path(name)))
            database = "${RATCHET_SOURCE_X}"
            sign = "$" if kind == "duckdb" else ":"
            texts = {f"t{n}": BOUNDED.format(n=n, sign=sign) for n in range(AT_ONCE)}
            options = query.Options(database=database, tables=texts)
            _same(tables, _read(query.fetch(options, _asked(tables, Path(name))), tables))

    hold()


@_SETTINGS
@given(
    st.sampled_from(["int64", "float64", "bool", "timestamp", "date"]),
    st.text("0123456789.,-+eE_ :TZ/nafiNtrue", max_size=12),
)
def test_a_text_is_the_value_that_it_spells_or_does_not_fit(kind: ColumnType, text: str) -> None:
    """Python reads the same text by itself: another value than it finds is never made of it."""
    spec = Table.model_construct(key=("x",), time="x", suite="s", columns={"x": kind})
    done = conversion.convert(pa.table({"x": pa.array([text])}), spec)
    value = done.table.column("x").to_pylist()[0]
    if value is None:
        assert done.misfits or not text.strip()
    else:
        assert _spelt(kind, text.strip(), value)


def _spelt(kind: ColumnType, text: str, value: Any) -> bool:
    """Say whether a text spells a value, by Python's own readers."""
    try:
        if kind == "int64":
            return Decimal(text) == value
        if kind == "float64":
            return math.isnan(value) if math.isnan(float(text)) else float(text) == value and "_" not in text
        if kind == "bool":
            return text.lower() in (("true", "t", "yes", "y", "1") if value else ("false", "f", "no", "n", "0"))
        return bool(value)
    except (ValueError, InvalidOperation):
        return False


@pytest.mark.parametrize("suffix", ["csv", "json", "parquet"])
def test_what_is_published_comes_back_by_revision(place: Path, suffix: str) -> None:
    """Twelve tables a way, a loop each, through validate and publish."""
    write = {"csv": ways.as_csv, "json": ways.as_json, "parquet": ways.as_parquet}[suffix]
    drawn: list[Sent] = []

    @settings(max_examples=40, deadline=None, database=None, suppress_health_check=[*HealthCheck])
    @given(sent())
    def draw(each: Sent) -> None:
        if each.rows and len(drawn) < 12:
            drawn.append(each)

    draw()
    assert len(drawn) == 12
    suite = {"name": "s", "expectations": [], "meta": {}}
    (place / "suites" / "expectations" / "s.json").write_text(json.dumps(suite))
    for n, each in enumerate(drawn):
        folder = place / "loops" / f"sent{n}"
        folder.mkdir()
        write(each, folder / f"rows_{DAY}.{suffix}")
        contract = {
            "name": f"sent{n}",
            "description": "x",
            "task": "regression",
            "source": {"kind": "files", "options": {"tables": {"rows": f"rows_{{partition}}.{suffix}"}}},
            "tables": {"rows": each.spec.model_dump(mode="json", include={"key", "time", "suite", "columns"})},
            "target": {"sql": "1.0"},
        }
        (folder / "loop.yaml").write_text(json.dumps(contract))
        (folder / "features.sql").write_text("SELECT row, at AS event_time, 1 AS one FROM rows")
        assert ingest(f"sent{n}", str(DAY)).outcome == "done"
        registry = dataset.registry()
        path = f"sent{n}/data/rows/{DAY}.parquet"
        assert bits(registry.read([path], registry.head())[path]) == bits(each.table)
