"""What became of a delivery: its verdict, as it is kept in the data registry, a file a day."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ratchet.errors import DataError, misfit

Status = Literal["accepted", "rejected", "empty"]


class TableVerdict(BaseModel):
    """What became of the rows of a table. Accepted and quarantined rows are the fetched rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fetched: int
    accepted: int
    quarantined: int
    broke: dict[str, int] = Field(default_factory=dict)  # expectation -> rows that broke it
    notes: list[str] = Field(default_factory=list)  # what is only noted
    hash: str = ""  # of the accepted rows


class DeliveryVerdict(BaseModel):
    """The verdict on a delivery, told apart by its status."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    partition: str  # the day
    delivery: str  # SHA-256 of what was fetched
    status: Status
    reason: str  # for a person to read
    tables: dict[str, TableVerdict]

    @property
    def quarantined(self) -> int:
        """Rows in quarantine, of all tables."""
        return sum(table.quarantined for table in self.tables.values())


def parse(text: str, where: str) -> DeliveryVerdict:
    """Read a verdict. Raises DataError, which names the file and the field, where it does not fit."""
    try:
        return DeliveryVerdict.model_validate_json(text)
    except ValidationError as error:
        raise DataError(
            f"The verdict {where} is none that this program knows: {misfit(error)}. Nothing is "
            "decided on data whose verdict cannot be read: mend what wrote it, or ingest that day again"
        ) from None
