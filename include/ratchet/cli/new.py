"""`ratchet new`: lay a loop out from a sample of its data.

Contract, features, expectation suite and DAG file, all meant to be edited.
"""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ratchet.contract.reading import nearest
from ratchet.errors import RequestError
from ratchet.files import write_text
from ratchet.settings import Settings

if TYPE_CHECKING:
    import duckdb

_READERS = {".csv": "read_csv", ".parquet": "read_parquet", ".json": "read_json", ".jsonl": "read_json"}
_TYPES = (
    ("BOOLEAN", "bool"),
    ("TIMESTAMP", "timestamp"),
    ("DATE", "date"),
    ("DOUBLE", "float64"),
    ("FLOAT", "float64"),
    ("DECIMAL", "float64"),
    ("HUGEINT", "float64"),
    ("UBIGINT", "float64"),
    ("BIGINT", "int64"),
    ("INTEGER", "int64"),
    ("SMALLINT", "int64"),
    ("TINYINT", "int64"),
)
_NEXT = """Next:
  1. edit {folder}/features.sql: delete every column that is known only afterwards
  2. ratchet lint {name}
  3. make up                  # if Airflow does not run yet
  4. ratchet start {name}     # its DAGs run from now on; it says how to import history and train a champion"""


@click.command(short_help="Lay out the files of the loop NAME from a sample of its data.")
@click.argument("name")
@click.option(
    "--sample",
    required=True,
    type=click.Path(exists=True, path_type=Path),
    help="CSV, Parquet or JSON file, or a folder of them.",
)
@click.option("--time", "time_column", help="Column with each row's timestamp; found by its type if left out.")
@click.option("--target", required=True, help="Column to predict.")
@click.option("--key", multiple=True, help="Column(s) that name a row; found if left out.")
@click.option(
    "--task", type=click.Choice(["binary", "multiclass", "regression"]), help="Found from the target if left out."
)
def new(name: str, sample: Path, time_column: str | None, target: str, key: tuple[str, ...], task: str | None) -> None:
    """Lay out the files of the loop NAME from a sample of its data: contract, features, suite and DAG file."""
    for path in lay_out(name, sample, time_column, target, key, task):
        click.echo(f"wrote {path}")
    click.echo(_NEXT.format(name=name, folder=Settings.current().loops / name))


@dataclass(frozen=True)
class Sample:
    """What the sample shows."""

    files: str  # a path or a glob
    columns: dict[str, str]  # column -> its type
    rows: int
    distinct: dict[str, int]  # by column
    nulls: dict[str, int]  # by column
    low: dict[str, float]  # of numbers
    high: dict[str, float]  # of numbers


def lay_out(
    name: str,
    path: Path,
    time: str | None,
    target: str,
    key: tuple[str, ...],
    task: str | None,
    dags: Path | None = None,
) -> list[Path]:
    """Write the files of the loop `name`; return their paths.

    Raises RequestError; an existing loop is never overwritten.
    """
    import duckdb

    settings = Settings.current()
    folder = settings.loops / name
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise RequestError(f"{name!r} is not a name for a loop: small letters, digits and _ only, a letter first")
    if folder.exists():
        raise RequestError(f"{folder} exists already. Choose another name, or delete that folder first")
    connection = duckdb.connect()
    try:
        sample = _look(connection, path)
        moment = _time(sample, time)
        if target not in sample.columns:
            raise RequestError(f"The sample has no column {target!r}; {nearest(target, list(sample.columns))}")
        keys = _key(connection, sample, key, moment, target)
        kind, sql = _task(connection, sample, target, task)
    except duckdb.Error as error:
        raise RequestError(
            f"The sample {path} cannot be read: {str(error).splitlines()[0]}. Give CSV, Parquet or JSON"
        ) from error
    finally:
        connection.close()
    dag_folder = dags or settings.home / "dags"
    features = [
        c
        for c in sample.columns
        if c not in (target, moment) and not (c in keys and sample.distinct[c] > 0.5 * sample.rows)
    ]
    categorical = [c for c in features if sample.columns[c] in ("string", "bool", "date")]
    files = {
        folder / "loop.yaml": _contract(name, kind, sample, moment, target, sql, keys, categorical),
        folder / "features.sql": _features(sample, name, keys, moment, target, sql, kind, features),
        settings.suites / "expectations" / f"{name}.json": _suite(name, sample, keys, target),
        dag_folder / f"{name}.py": (
            f'"""The loop {name}: five Airflow DAGs, from its contract."""\n\n'
            f'from ratchet_airflow.loop_dags import dags_of\n\nglobals().update(dags_of("{name}"))\n'
        ),
    }
    for file, text in files.items():
        write_text(file, text)
    return list(files)


def _look(connection: duckdb.DuckDBPyConnection, path: Path) -> Sample:
    if path.is_dir():
        suffixes = sorted({file.suffix.lower() for file in path.iterdir() if file.suffix.lower() in _READERS})
        if len(suffixes) != 1:
            raise RequestError(
                f"{path} holds {'several kinds of' if suffixes else 'no'} CSV, Parquet or JSON files. "
                "Name one kind of file"
            )
        files, suffix = f"{path.resolve()}/*{suffixes[0]}", suffixes[0]
    else:
        files, suffix = str(path.resolve()), path.suffix.lower()
    if suffix not in _READERS:
        raise RequestError(f"{path} is neither CSV, Parquet nor JSON")
    connection.execute(
        f"CREATE VIEW sample AS SELECT * FROM {_READERS[suffix]}('{files.replace(chr(39), chr(39) * 2)}')"
    )
    described = connection.sql("DESCRIBE sample").fetchall()
    columns = {
        row[0]: next((ours for theirs, ours in _TYPES if row[1].startswith(theirs)), "string") for row in described
    }
    odd = [column for column in columns if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", column)]
    if odd:
        raise RequestError(
            f"The column {odd[0]!r} has a name that SQL has to quote. Rename it in the sample and its source"
        )
    numeric = [c for c, kind in columns.items() if kind in ("int64", "float64")]
    one = connection.sql(
        "SELECT count(*),"
        + ",".join(f'count(DISTINCT "{c}"), count(*) - count("{c}")' for c in columns)
        + "".join(f', min("{c}")::DOUBLE, max("{c}")::DOUBLE' for c in numeric)
        + " FROM sample"
    ).fetchall()[0]
    at = 1 + 2 * len(columns)
    return Sample(
        files=files,
        columns=columns,
        rows=one[0],
        distinct=dict(zip(columns, one[1:at:2], strict=True)),
        nulls=dict(zip(columns, one[2:at:2], strict=True)),
        low={c: v for c, v in zip(numeric, one[at::2], strict=True) if v is not None},
        high={c: v for c, v in zip(numeric, one[at + 1 :: 2], strict=True) if v is not None},
    )


def _time(sample: Sample, given: str | None) -> str:
    stamps = [c for c, kind in sample.columns.items() if kind in ("timestamp", "date")]
    if given and given not in sample.columns:
        raise RequestError(f"The sample has no column {given!r}; {nearest(given, list(sample.columns))}")
    if given and given not in stamps:
        raise RequestError(
            f"{given} holds {sample.columns[given]}s, not timestamps. "
            "Convert it in the source, or name another with --time"
        )
    if given:
        return given
    if not stamps:
        raise RequestError("The sample has no column of timestamps; every row needs the moment at which it happened")
    return stamps[0]


def _key(
    connection: duckdb.DuckDBPyConnection, sample: Sample, given: tuple[str, ...], moment: str, target: str
) -> list[str]:
    """Take the columns that were given, or the fewest that name every row."""
    for column in given:
        if column not in sample.columns:
            raise RequestError(f"The sample has no column {column!r}; {nearest(column, list(sample.columns))}")
    if given:
        return list(given)
    usable = [c for c in sample.columns if c != target and not sample.nulls[c] and sample.columns[c] != "float64"]
    alone = [c for c in usable if sample.distinct[c] == sample.rows]
    if alone:
        return alone[:1]
    for size in (1, 2):
        for others in itertools.combinations([c for c in usable if c != moment], size):
            names = ", ".join(f'"{c}"' for c in (moment, *others))
            if (
                connection.sql(f"SELECT count(*) FROM (SELECT DISTINCT {names} FROM sample)").fetchall()[0][0]
                == sample.rows
            ):
                return [moment, *others]
    raise RequestError(
        "No one, two or three columns of the sample name its rows. Say which do: --key COLUMN --key COLUMN"
    )


def _task(connection: duckdb.DuckDBPyConnection, sample: Sample, target: str, given: str | None) -> tuple[str, str]:
    kind, distinct = sample.columns[target], sample.distinct[target]
    values = [
        row[0]
        for row in connection.sql(
            f'SELECT DISTINCT "{target}" FROM sample WHERE "{target}" IS NOT NULL LIMIT 3'
        ).fetchall()
    ]
    zero_one = kind == "bool" or {str(v) for v in values} <= {"0", "1", "0.0", "1.0"}
    task = given or (
        "binary"
        if distinct == 2 and (zero_one or kind == "string")
        else "multiclass"
        if kind == "string"
        else "regression"
    )
    if task == "binary" and not zero_one:
        if distinct != 2:
            raise RequestError(
                f"{target} has {distinct} values; a binary target has two. Choose --task multiclass or regression"
            )
        positive = max(str(v) for v in values)
        return task, f"CAST({target} = '{positive}' AS BIGINT)"
    if task == "regression" and kind not in ("int64", "float64"):
        raise RequestError(f"{target} holds {kind}s; a regression predicts numbers. Choose --task multiclass or binary")
    return task, f"CAST({target} AS BIGINT)" if task == "binary" else target


def _contract(
    name: str, task: str, sample: Sample, moment: str, target: str, sql: str, keys: list[str], categorical: list[str]
) -> str:
    columns = "\n".join(f"      {c}: {'timestamp' if c == moment else kind}" for c, kind in sample.columns.items())
    label = target if target not in keys else f"{target}_target"
    casts = f" REPLACE (CAST({moment} AS TIMESTAMP) AS {moment})"
    return f"""# The contract of one model. `ratchet lint {name}` checks it, `ratchet schema` describes every key.
name: {name}
description: Predict {target}.
task: {task}

source:
  kind: query
  options:
    # a path, a glob or a URL (s3://…); or name a SQL database instead
    files: {{sample: {json.dumps(sample.files)}}}
    tables:
      {name}: >-
        SELECT *{casts} FROM sample WHERE {moment} >= $start AND {moment} < $end

tables:
  {name}:
    key: [{", ".join(keys)}]
    time: {moment}
    suite: {name}
    tolerance: 0.02                # share of rows that may go to quarantine; beyond it the whole day does
    columns:
{columns}

target:
  name: {label.lower() if re.fullmatch("[A-Za-z][A-Za-z0-9_]*", label) else "target"}
  sql: {sql}

features:
  sql: features.sql
  lookback_days: 8
  categorical: [{", ".join([*categorical])}]

label_delay_days: 1                # days until {target} is known

training:
  trainer: gradient_boosting
  window: expanding
  holdout_days: 7
  seed: 1
"""


def _features(
    sample: Sample, table: str, keys: list[str], moment: str, target: str, sql: str, task: str, features: list[str]
) -> str:
    own = [f"    asked.{c}," for c in features if c not in keys]
    past = f"""    -- the mean of {target} over the 7 days before yesterday: what was known when the row was asked about
    (known.total - coalesce(before.total, 0)) / nullif(known.n - coalesce(before.n, 0), 0) AS mean_7d,
"""
    joins = f"""
ASOF LEFT JOIN running AS known ON known.{moment} <= asked.{moment} - INTERVAL 1 DAY
ASOF LEFT JOIN running AS before ON before.{moment} <= asked.{moment} - INTERVAL 8 DAY"""
    history = f"""WITH running AS (
    SELECT {moment}, sum(count({target})) OVER by_time AS n, sum(coalesce(sum({sql}), 0)) OVER by_time AS total
    FROM {table} GROUP BY {moment} WINDOW by_time AS (ORDER BY {moment})
)
"""
    numeric = task != "multiclass"
    return f"""-- What is known of a row when it is predicted, and nothing later. Delete every column that is known only
-- afterwards: it would make the model look better in training than it can ever be.
{history if numeric else ""}SELECT
    {", ".join(f"asked.{c}" for c in keys)},
    asked.{moment} AS event_time,
{chr(10).join(own)}
    hour(asked.{moment}) AS hour_of_day,
    isodow(asked.{moment}) AS day_of_week,
{past if numeric else ""}FROM {table} AS asked{joins if numeric else ""}
"""


def _suite(name: str, sample: Sample, keys: list[str], target: str) -> str:
    expectations: list[dict[str, Any]] = []
    for column, kind in sample.columns.items():
        if column in keys:
            continue  # never null, never twice: the contract's key implies it
        if not sample.nulls[column] and column != target:
            expectations.append(_expect("expect_column_values_to_not_be_null", "critical", column=column))
        if column in sample.low and kind in ("int64", "float64"):
            reach = (sample.high[column] - sample.low[column]) or abs(sample.high[column]) or 1.0
            bounds = {"min_value": sample.low[column] - reach, "max_value": sample.high[column] + reach}
            expectations.append(_expect("expect_column_values_to_be_between", "critical", column=column, **bounds))
    return json.dumps({"name": name, "expectations": expectations, "meta": {}}, indent=2) + "\n"


def _expect(kind: str, severity: str, **kwargs: Any) -> dict[str, Any]:
    return {"type": kind, "kwargs": kwargs, "severity": severity, "meta": {}}
