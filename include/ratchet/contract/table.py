"""The part of a contract that describes a table of a delivery: columns, key, time, and what is known when."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, WithJsonSchema, model_validator

from ratchet.contract.part import Part, mistake
from ratchet.contract.rules import Share

ColumnType = Literal["string", "int64", "float64", "bool", "timestamp", "date"]
_TYPES = {"enum": [*get_args(ColumnType)], "type": "string"}
_KNOWN_LATER = {
    "type": "object",
    "properties": {"type": _TYPES, "known_at": {"type": "string"}},
    "required": ["type", "known_at"],
    "additionalProperties": False,
}
Column = Annotated[ColumnType, WithJsonSchema({"anyOf": [_TYPES, _KNOWN_LATER]})]


class Table(Part):
    """One table of a delivery. The first table of a loop holds the rows to predict."""

    key: tuple[str, ...] = Field(min_length=1, description="Columns that name a row; never null, never twice.")
    time: str = Field(description="The row's own timestamp, UTC without a zone.")
    suite: str = Field(description="A Great Expectations suite: great_expectations/expectations/<suite>.json.")
    tolerance: Share = Field(default=0.02, description="Share of rows that may be quarantined; beyond it, all are.")
    columns: dict[str, Column] = Field(
        min_length=1,
        description="Columns that a delivery must have, and types; or, of a value that is known later than its row, "
        "{type: …, known_at: the timestamp column that says when}.",
    )
    known_at: str | None = Field(
        default=None,
        description="The timestamp column that says when a row is known; by default its time, and of the first table "
        "the moment at which the row is asked about (event_time).",
    )
    known: dict[str, str] = Field(default_factory=dict, description="Column -> when it is known, as its known_at says.")
    decimal: Literal[".", ","] = Field(default=".", description="The decimal sign of numbers that come as text.")
    date_format: str | dict[str, str] | None = Field(
        default=None,
        description="How dates and timestamps that come as text are written (strptime's codes, as %d.%m.%Y), of all "
        "columns or column by column; ISO 8601 by default.",
    )
    repeated_key: Literal["quarantine", "update"] = Field(
        default="quarantine",
        description="A key that another day holds: the row goes to quarantine; or the latest day's row stands for it.",
    )

    @model_validator(mode="before")
    @classmethod
    def _parted(cls, given: Any) -> Any:
        """Part what columns say of their types from what they say of when they are known."""
        columns = given.get("columns") if isinstance(given, dict) else None
        if not isinstance(columns, dict):
            return given
        later = {name: told for name, told in columns.items() if isinstance(told, dict)}
        for name, told in later.items():
            if {*told} != {"type", "known_at"}:
                text = (
                    f"column {name!r}: expected a type, or {{type: …, known_at: …}}, found {', '.join(map(str, told))}"
                )
                raise mistake(("columns", str(name)), text)
        plain = {name: told["type"] if name in later else told for name, told in columns.items()}
        known = {**(given.get("known") or {}), **{name: told["known_at"] for name, told in later.items()}}
        return {**given, "columns": plain, "known": known}

    def format_of(self, column: str) -> str | None:
        """Return how a column's dates are written where they come as text; None is ISO 8601."""
        return self.date_format.get(column) if isinstance(self.date_format, dict) else self.date_format

    @model_validator(mode="after")
    def _columns_exist(self) -> Table:
        for role, names in (("key", self.key), ("time", (self.time,))):
            for name in names:
                if name not in self.columns:
                    text = f"{role} names the column {name!r}, which is not under columns"
                    raise mistake((role,), text, name, list(self.columns))
        if self.columns[self.time] != "timestamp":
            raise mistake(("time",), f"time names the column {self.time!r}, which must be a timestamp")
        known_at = {("known_at",): self.known_at} | {("columns", name): at for name, at in self.known.items()}
        for place, at in known_at.items():
            if at is not None and self.columns.get(at) != "timestamp":
                stamps = [name for name, kind in self.columns.items() if kind == "timestamp"]
                raise mistake(place, f"known_at names {at!r}, which is no timestamp under columns", str(at), stamps)
        for name in self.date_format if isinstance(self.date_format, dict) else ():
            if self.columns.get(name) not in ("timestamp", "date"):
                text = f"date_format names the column {name!r}, which is neither a timestamp nor a date"
                timed = [each for each, kind in self.columns.items() if kind in ("timestamp", "date")]
                raise mistake(("date_format", name), text, name, timed)
        return self
