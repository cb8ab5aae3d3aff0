"""The text of a new loop's contract."""

from __future__ import annotations

from dataclasses import dataclass

from ratchet.layout import defaults, roles
from ratchet.layout.defaults import word
from ratchet.layout.roles import Roles
from ratchet.layout.sample import Column, Sample

HOLDOUT = 7
WEEK = 7  # days of labels that a feature is the mean of


@dataclass(frozen=True)
class Source:
    """Where the rows come from: what stands under `source` in the contract, and what a person should know of it."""

    lines: tuple[str, ...]
    notes: tuple[str, ...] = ()


def text(name: str, sample: Sample, found: Roles, source: Source, features: list[str]) -> str:
    """Return the text of the contract of the loop `name`. features: columns that features.sql shows."""
    columns = "\n".join(_column(column, found, sample) for column in sample.columns.values())
    left = "".join(f"      # {name}: left out, it {why}\n" for name, why in sample.left_out.items())
    categorical = [each for each in features if sample.columns[each].kind in ("string", "bool", "date")]
    return f"""# The contract of one model. `ratchet lint {name}` checks it, `ratchet schema` describes every key.
# What stands in a comment with its default is in force as well; take the `# ` away to change it.
name: {word(name)}
description: {word(f"Predict {found.target}.")}
# owner: data
task: {found.task}

source:
{_indented(source.lines, 2)}
tables:
  {word(name)}:
    key: [{", ".join(map(word, found.key))}]
    time: {word(found.time)}
    suite: {word(name)}
    tolerance: 0.02                # share of rows that may go to quarantine; beyond it the whole day does
{_written(sample)}    # repeated_key: quarantine     # a key that another day holds; or update: the latest row stands
    columns:
{columns}
{left}{_warnings(found)}
target:
  name: {word(roles.target_name(found))}
  sql: {word(found.sql) if found.sql.isalnum() else _sql(found.sql)}

features:
  sql: features.sql
  lookback_days: {label_delay(sample, found) + WEEK if found.task != "multiclass" else 0}
  categorical: [{", ".join(map(word, categorical))}]

{_labels(sample, found)}
training:
  trainer: gradient_boosting
  window: expanding
  holdout_days: {HOLDOUT}
  seed: 1
{defaults.comments("training", ("trainer", "window", "holdout_days", "seed"))}
{chr(10).join(defaults.comments(section) for section in defaults.SECTIONS if section != "training")}"""


def label_delay(sample: Sample, found: Roles) -> int:
    """Return after how many days labels are known."""
    return max(roles.late(sample, found), 1)


def _labels(sample: Sample, found: Roles) -> str:
    """Return when labels are known, and how they come: the newest days of the sample may not have them yet."""
    late = roles.late(sample, found)
    how = "delivered, fetched_again, or the name of a table that brings them"
    delay = f"label_delay_days: {label_delay(sample, found)}"
    labels = "labels: fetched_again" if late else "# labels: null"
    return f"{delay:<35}# days until {found.target} is known\n{labels:<35}# {how}\n"


def _written(sample: Sample) -> str:
    """Return how text is written: the decimal sign, and the dates."""
    lines = [] if sample.decimal == "." else ['    decimal: ","\n']
    formats = {column.name: column.date_format for column in sample.columns.values() if column.date_format}
    if len({*formats.values()}) == 1:
        lines.append(f"    date_format: {defaults.word(next(iter(formats.values())))}\n")
    elif formats:
        lines.append("    date_format:\n")
        lines += [f"      {word(name)}: {word(said)}\n" for name, said in formats.items()]
    return "".join(lines)


def _column(column: Column, found: Roles, sample: Sample) -> str:
    kind: str = "timestamp" if column.name == found.time else column.kind
    if column.name == found.target and (moment := found.known_at(sample)):
        kind = f"{{type: {kind}, known_at: {word(moment)}}}"
    said = f"      {word(column.name)}: {kind}"
    notes = [note for note in (column.note, "" if column.empty else found.leak(column.name)) if note]
    if column.zoned:
        notes.append("came with a zone; kept as UTC")
    return f"{said:<35}# {'; '.join(notes)}" if notes else said


def _warnings(found: Roles) -> str:
    """Say where the columns stand what became of those that must not be learnt from."""
    if not found.leaks:
        return ""
    return "      # What tells the target, only grows or never changes is left out of features.sql, with its reason.\n"


def _sql(text: str) -> str:
    """Write SQL as YAML's quoted text: it may hold quotes of both kinds."""
    return "'" + text.replace("'", "''") + "'"


def _indented(lines: tuple[str, ...], by: int) -> str:
    return "".join(f"{' ' * by}{line}\n" for line in lines)
