"""The part of a contract that says where a step runs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ratchet.contract.part import Part

NAME = r"[a-z][a-z0-9_]{0,62}"  # of a loop, a table, a pool
KEY = r"^[A-Za-z0-9_][A-Za-z0-9_.~:+@=-]{0,249}$"  # of a training or a delivery: a safe file name, as Airflow's run ids
Name = Annotated[str, Field(pattern=f"^{NAME}$")]


class Runtime(Part):
    """Where a step runs."""

    kind: Literal["local"] = "local"
    pool: Name = "default_pool"
