"""The part of a contract that says where a step runs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ratchet.contract.rules import Part

NAME = r"[a-z][a-z0-9_]{0,62}"  # of a loop, a table, a pool
Name = Annotated[str, Field(pattern=f"^{NAME}$")]


class Runtime(Part):
    """Where a step runs."""

    kind: Literal["local"] = "local"
    pool: Name = "default_pool"
