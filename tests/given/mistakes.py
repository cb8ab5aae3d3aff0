"""Mistakes that lint finds: of which loop and file, what stands there, what is written in its place, what is said."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

CONTRACT, SQL, SUITE, TESTS = "loop.yaml", "features.sql", "suite", "behaviour.yaml"


@dataclass(frozen=True)
class Mistake:
    """A mistake. `line` is a piece of the line that the error has to name, after the change; of `file`, or of `at`."""

    loop: str
    file: str
    old: str
    new: str
    line: str
    words: tuple[str, ...]
    at: str = ""


MISTAKES = {
    # The target among the features, or a function of it
    "the target itself": Mistake(
        "wind",
        SQL,
        "past.wind_speed AS wind_now",
        "asked.wind_speed AS wind_now",
        "AS wind_now",
        ("'wind_now' knows the target", "wind_speed of its own row", "gate.accept: [wind_now]"),
    ),
    "a function of the target": Mistake(
        "flight_delays",
        SQL,
        "asked.distance,",
        "sqrt(abs(asked.arr_delay)) AS distance,",
        "AS distance",
        ("'distance' knows the target", "arr_delay"),
    ),
    "the target's expression": Mistake(
        "flight_delays",
        SQL,
        "asked.distance,",
        "CAST(asked.arr_delay > 15 AS BIGINT) AS was_late,",
        "AS was_late",
        ("'was_late' knows the target",),
    ),
    "whether the target is known": Mistake(
        "flight_delays",
        SQL,
        "asked.distance,",
        "asked.arr_delay IS NULL AS cancelled,",
        "AS cancelled",
        ("'cancelled' knows the target",),
    ),
    "a mean that counts its own row": Mistake(
        "wind",
        SQL,
        "past.temp AS temp_now",
        "avg(asked.wind_speed) OVER (PARTITION BY asked.origin) AS usual",
        "AS usual",
        ("'usual' knows the target",),
    ),
    "a part of the target": Mistake(
        "flight_delays",
        CONTRACT,
        "sql: CAST(arr_delay > 15 AS BIGINT)",
        "sql: CAST(arr_delay > distance AS BIGINT)",
        "asked.distance,",
        ("'distance' knows the target: it changes with distance of its own row", "gate.accept: [distance]"),
        at=SQL,
    ),
    "the target's name": Mistake(
        "wind",
        SQL,
        "past.temp AS temp_now",
        "past.temp AS wind",
        "",
        ("gives 'wind', the name of the target",),
    ),
    # Columns that do not exist
    "slices": Mistake(
        "flight_delays",
        CONTRACT,
        "columns: [carrier, origin]",
        "columns: [carrier, orgin]",
        "columns: [carrier, orgin]",
        ("gate.slices.columns: 'orgin' is neither a feature nor a key column", "did you mean 'origin'?"),
    ),
    "a slice of what only the table has": Mistake(
        "flight_delays",
        CONTRACT,
        "columns: [carrier, origin]",
        "columns: [tailnum]",
        "columns: [tailnum]",
        ("'tailnum' is neither a feature nor a key column",),
    ),
    "fairness": Mistake(
        "flight_delays",
        CONTRACT,
        "columns: [origin]",
        "columns: [origni]",
        "columns: [origni]",
        ("gate.fairness.columns: 'origni'", "did you mean 'origin'?"),
    ),
    "categorical": Mistake(
        "wind",
        CONTRACT,
        "categorical: [origin]",
        "categorical: [orgin]",
        "categorical: [orgin]",
        ("'orgin' is no column of the SELECT", "did you mean 'origin'?"),
    ),
    "accept": Mistake(
        "wind",
        CONTRACT,
        "  floors:",
        "  accept: [wind_nwo]\n  floors:",
        "accept: [wind_nwo]",
        ("'wind_nwo' is neither a feature nor too_good", "did you mean 'wind_now'?"),
    ),
    "a suite's column": Mistake(
        "wind",
        SUITE,
        '"column": "wind_speed"',
        '"column": "wind_sped"',
        "wind_sped",
        ("names 'wind_sped', which is no column of wind's table weather", "did you mean 'wind_speed'?"),
    ),
    "a suite's columns": Mistake(
        "wind",
        SUITE,
        '{"column": "wind_speed", "min_value": 0, "max_value": 150}',
        '{"column_list": ["tmp", "humid"]}',
        "column_list",
        ("names 'tmp'", "did you mean 'temp'?"),
    ),
    "a behavioural test's": Mistake(
        "flight_delays",
        TESTS,
        "change: {seats: 151}",
        "change: {seets: 151}",
        "seets: 151",
        ("names 'seets', which is no feature", "did you mean 'seats'?"),
    ),
    "a key": Mistake(
        "wind",
        CONTRACT,
        "key: [observed_at, origin]",
        "key: [observed_at, orgin]",
        "key: [observed_at, orgin]",
        ("key names the column 'orgin'", "did you mean 'origin'?"),
    ),
    "the time": Mistake(
        "wind",
        CONTRACT,
        "time: observed_at",
        "time: observed",
        "time: observed",
        ("time names the column 'observed'", "did you mean 'observed_at'?"),
    ),
    "target.sql's column": Mistake(
        "wind",
        CONTRACT,
        "sql: wind_speed",
        "sql: wind_sped",
        "sql: wind_sped",
        ("target.sql fails", "wind_speed"),
    ),
    "features.sql's column": Mistake(
        "wind",
        SQL,
        "past.temp AS temp_now",
        "past.tmp AS temp_now",
        "past.tmp",
        ("the SELECT fails", "tmp"),
    ),
    "a date format's": Mistake(
        "wind",
        CONTRACT,
        "    tolerance: 0.1\n",
        "    tolerance: 0.1\n    date_format: {observd_at: '%d.%m.%Y'}\n",
        "date_format",
        ("date_format names the column 'observd_at'", "did you mean 'observed_at'?"),
    ),
    # Tables that do not exist
    "a table without a query": Mistake(
        "wind",
        CONTRACT,
        "      weather: SELECT",
        "      wether: SELECT",
        "  weather:\n",
        ("has no query for the table 'weather'", "did you mean 'wether'?"),
    ),
    "a query without a table": Mistake(
        "wind",
        CONTRACT,
        "      weather: SELECT",
        "      wether: SELECT",
        "wether: SELECT",
        ("the query 'wether' is for no table", "did you mean 'weather'?"),
    ),
    # Types against the task
    "a text for a regression": Mistake(
        "wind",
        CONTRACT,
        "sql: wind_speed",
        "sql: origin",
        "sql: origin",
        ("gives VARCHAR, and the task is regression", "multiclass"),
    ),
    "true and false for a regression": Mistake(
        "wind",
        CONTRACT,
        "sql: wind_speed",
        "sql: wind_speed > 20",
        "sql: wind_speed > 20",
        ("gives BOOLEAN, and the task is regression", "binary"),
    ),
    "a time for a regression": Mistake(
        "wind",
        CONTRACT,
        "sql: wind_speed",
        "sql: observed_at",
        "sql: observed_at",
        ("gives TIMESTAMP, and the task is regression", "date_diff"),
    ),
    "a float for a binary": Mistake(
        "flight_delays",
        CONTRACT,
        "sql: CAST(arr_delay > 15 AS BIGINT)",
        "sql: arr_delay / 15",
        "sql: arr_delay / 15",
        ("gives DOUBLE, and the task is binary", "x > 15"),
    ),
    "a text for a binary": Mistake(
        "flight_delays",
        CONTRACT,
        "sql: CAST(arr_delay > 15 AS BIGINT)",
        "sql: tailnum",
        "sql: tailnum",
        ("gives VARCHAR, and the task is binary",),
    ),
    "a float for classes": Mistake(
        "flight_classes",
        CONTRACT,
        "CASE WHEN arr_delay IS NULL THEN NULL WHEN arr_delay < 0 THEN 'early' "
        "WHEN arr_delay <= 15 THEN 'on time' ELSE 'late' END",
        "arr_delay / 60",
        "arr_delay / 60",
        ("gives DOUBLE, and the task is multiclass", "CAST it AS VARCHAR"),
    ),
    "a constant": Mistake(
        "flight_delays",
        CONTRACT,
        "sql: CAST(arr_delay > 15 AS BIGINT)",
        "sql: 1 + 1",
        "sql: 1 + 1",
        ("names no column of flights",),
    ),
    # Labels
    "labels that come late, and nothing says how": Mistake(
        "flight_delays",
        CONTRACT,
        "label_delay_days: 1",
        "label_delay_days: 7",
        "label_delay_days: 7",
        ("7 days late", "labels: delivered", "labels: fetched_again", "labels: TABLE", "by the key of flights"),
    ),
    "labels that name no table": Mistake(
        "flight_delays",
        CONTRACT,
        "label_delay_days: 1",
        "label_delay_days: 7\nlabels: wether",
        "labels: wether",
        ("labels: labels names 'wether', which is neither delivered nor fetched_again nor a table", "'weather'"),
    ),
    "labels misspelt": Mistake(
        "flight_delays",
        CONTRACT,
        "label_delay_days: 1",
        "label_delay_days: 7\nlabels: deliverd",
        "labels: deliverd",
        ("did you mean 'delivered'?",),
    ),
    "labels of the rows' own table": Mistake(
        "flight_delays",
        CONTRACT,
        "label_delay_days: 1",
        "labels: flights",
        "labels: flights",
        ("the table whose rows are predicted", "labels: delivered"),
    ),
    "labels without the key": Mistake(
        "flight_delays",
        CONTRACT,
        "label_delay_days: 1",
        "labels: weather",
        "    columns:\n      observed_at",
        ("has not the column sched_dep, carrier, flight, of the key of flights",),
    ),
    # Under gate, each at its own line, where line 1 or the line of gate was said
    "a loss of another task": Mistake(
        "flight_delays",
        CONTRACT,
        "loss: log_loss",
        "loss: squared_error",
        "loss: squared_error",
        ("gate.loss: 'squared_error' is not a loss of binary", "there is: brier, log_loss"),
    ),
    "fairness of a regression": Mistake(
        "wind",
        CONTRACT,
        "  floors:",
        "  fairness: {columns: [origin]}\n  floors:",
        "fairness:",
        ("gate.fairness", "only a binary loop has"),
    ),
    "an aim without its margin": Mistake(
        "wind",
        CONTRACT,
        "  aim: superior\n",
        "  aim: non_inferior\n  margin: 0\n",
        "margin: 0",
        ("needs a margin",),
    ),
    "a margin without its aim": Mistake(
        "wind",
        CONTRACT,
        "  floors:",
        "  margin: 0.1\n  floors:",
        "margin: 0.1",
        ("belongs to aim non_inferior",),
    ),
    "a bound too near": Mistake(
        "flight_delays",
        CONTRACT,
        "bound: 0.05 ",
        "bound: 0.03 ",
        "bound: 0.03",
        ("more than twice the margin",),
    ),
    # What a row costs
    "a loss that is a value, without one": Mistake(
        "wind",
        CONTRACT,
        "loss: squared_error",
        "loss: value",
        "loss: value",
        ("gate.loss: loss value needs gate.value",),
    ),
    "a value without a bound": Mistake(
        "wind",
        CONTRACT,
        "loss: squared_error",
        "loss: value\n  value: {unit: miles an hour, sql: abs(prediction - label)}",
        "loss: value",
        ("needs a bound",),
    ),
    "a value that is not said": Mistake(
        "wind",
        CONTRACT,
        "  floors:",
        "  value: {unit: minutes}\n  floors:",
        "value:",
        ("gate.value: expected one of costs and sql, found neither",),
    ),
    "costs of a regression": Mistake(
        "wind",
        CONTRACT,
        "  floors:",
        "  value:\n    unit: minutes\n    costs: {false_positive: 3}\n  floors:",
        "costs:",
        ("a regression has no outcomes", "write sql"),
    ),
    "an outcome misspelt": Mistake(
        "flight_delays",
        CONTRACT,
        "  floors:",
        "  value:\n    unit: minutes\n    costs: {false_negative: 60,\n      fals_positive: 3}\n  floors:",
        "fals_positive",
        ("did you mean 'false_positive'?",),
    ),
    "a cost that is no number": Mistake(
        "flight_delays",
        CONTRACT,
        "  floors:",
        "  value:\n    unit: minutes\n    costs: {false_negative: dear}\n  floors:",
        "costs:",
        ("gate.value.costs.false_negative: expected a number, as 15 or 0.5; ", "found 'dear'"),
    ),
    "costs that decide nothing": Mistake(
        "flight_delays",
        CONTRACT,
        "  floors:",
        "  value:\n    unit: minutes\n    costs: {false_negative: 60}\n  floors:",
        "costs:",
        ("false_positive has to cost more than true_negative", "to say positive is never worse"),
    ),
    "a class that the target never gives": Mistake(
        "flight_classes",
        CONTRACT,
        "  floors:",
        "  value:\n    unit: minutes\n    costs:\n      late: {on time: 60, early: 70}\n"
        "      on time:\n        late: 15\n        erly: 3\n  floors:",
        "erly: 3",
        ("'erly', which target.sql never gives", "did you mean 'early'?"),
    ),
    "a value's column": Mistake(
        "wind",
        CONTRACT,
        "  floors:",
        "  value:\n    unit: minutes\n    sql: abs(prediction - label) * wind_nwo\n  floors:",
        "sql: abs",
        ("gate.value.sql fails", "wind_now"),
    ),
    "a value that is no SQL": Mistake(
        "wind",
        CONTRACT,
        "  floors:",
        "  value:\n    unit: minutes\n    sql: abs(prediction - label\n  floors:",
        "sql: abs",
        ("gate.value.sql fails: mend 'abs(prediction - label'. DuckDB says: Parser Error: syntax error",),
    ),
    "a value of several statements": Mistake(
        "wind",
        CONTRACT,
        "  floors:",
        "  value:\n    unit: minutes\n    sql: prediction; SELECT 1\n  floors:",
        "sql: prediction",
        ("gate.value.sql fails: mend 'prediction; SELECT 1'. DuckDB says: Parser Error: syntax error",),
    ),
    "a value that writes": Mistake(
        "wind",
        CONTRACT,
        "  floors:",
        "  value:\n    unit: minutes\n    sql: (WITH x AS (DELETE FROM y) SELECT prediction)\n  floors:",
        "sql: (WITH",
        ("gate.value.sql: expected a SELECT that only reads", "it holds DELETE"),
    ),
    "a value without a unit": Mistake(
        "wind",
        CONTRACT,
        "  floors:",
        "  value:\n    unit: ''\n    sql: abs(prediction - label)\n  floors:",
        "unit: ''",
        ("gate.value.unit: name a unit, as minutes of delay; found ''",),
    ),
    "an outcome that is none, beside other mistakes": Mistake(
        "flight_delays",
        CONTRACT,
        "  floors:",
        "  value:\n    unit: ' '\n    costs: {false_negative: 60,\n      dear: 3,\n      cheap: 1}\n  floors:",
        "cheap",
        ("'cheap' is no outcome of a binary task; there is: false_negative, false_positive, true_",),
    ),
    "a value of no prediction": Mistake(
        "wind",
        CONTRACT,
        "  floors:",
        "  value:\n    unit: minutes\n    sql: abs(label)\n  floors:",
        "sql: abs",
        ("does not read prediction",),
    ),
    "a patience that decides nothing": Mistake(
        "wind",
        CONTRACT,
        "  level: 0.3",
        "  patience_days: 3\n  level: 0.05",
        "patience_days: 3",
        ("at least 6 days, whatever they hold", "so a patience of 3 days decides nothing"),
    ),
    "a level that no holdout decides at, nor a patience": Mistake(
        "wind",
        CONTRACT,
        "level: 0.3",
        "level: 0.000000001",
        "gate:",
        ("at least 34 days", "so a patience of 28 days decides nothing"),
    ),
    "a window that is all holdout": Mistake(
        "wind",
        CONTRACT,
        "window: 20",
        "window: 4",
        "window: 4",
        ("leaves nothing to train on",),
    ),
    "data let go too early": Mistake(
        "wind",
        CONTRACT,
        "monitor:",
        "keep: {data_days: 30}\n\nmonitor:",
        "keep:",
        ("lets go of days",),
    ),
}


def change(place: Path, mistake: Mistake) -> None:
    """Make a mistake in an installation of the tests."""
    path = file(place, mistake, mistake.file)
    text = path.read_text()
    assert mistake.old in text
    path.write_text(text.replace(mistake.old, mistake.new, 1))


def expected(place: Path, mistake: Mistake) -> str:
    """Return the file and line that the error has to name; without a line where the file as a whole is meant."""
    path = file(place, mistake, mistake.at or mistake.file)
    if not mistake.line:
        return f"{path}:"
    before = path.read_text().partition(mistake.line)[0]
    return f"{path}:{before.count(chr(10)) + 1}:"


def file(place: Path, mistake: Mistake, name: str) -> Path:
    """Return a file of the mistake's loop, or its suite."""
    if name == SUITE:
        return place / "suites" / "expectations" / f"{mistake.loop}.json"
    return place / "loops" / mistake.loop / name
