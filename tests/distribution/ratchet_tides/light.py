"""A check: a model stays small enough for the harbour's own computer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ratchet.api import Check, Part, within


class Options(Part):
    """kilobytes: at most."""

    kilobytes: float


def judge(options: Options, found: Mapping[str, Any]) -> list[Check]:
    """Check the size of the stored model."""
    return [within("light", found["size_mb"] * 1000, high=options.kilobytes)]
