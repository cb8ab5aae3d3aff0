"""Where data come from. One file a source: `Options`, and `fetch(options, day, folder) -> {table: pyarrow.Table}`.

To add one, write `include/ratchet/data/sources/<kind>.py`; its name is what `source.kind` of a loop.yaml says.
"""

from __future__ import annotations

import importlib
import pkgutil
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

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


def kinds() -> list[str]:
    """List the sources there are."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def find(kind: str) -> SourceModule:
    """Import a source's file."""
    return cast("SourceModule", importlib.import_module(f"{__name__}.{kind}"))
