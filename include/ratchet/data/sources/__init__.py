"""Where data come from. One file a source: `Options`, and `fetch(options, day, folder) -> {table: pyarrow.Table}`.

To add one, write `sources/<kind>.py` in the loop's folder, or give a distribution an entry point in the group
`ratchet.sources` (see ratchet.extensions); its name is what `source.kind` of a loop.yaml says.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel

if TYPE_CHECKING:
    import pyarrow as pa


class SourceModule(Protocol):
    """What the file of a source holds."""

    Options: type[BaseModel]

    def fetch(self, options: Any, day: date, folder: Path) -> dict[str, pa.Table]:
        """Deliver the tables of one day.

        `folder` is the loop's own, for files that options name relative to it. An empty day is a table of no rows.
        Raises SourceError where the source cannot be read.
        """
        ...
