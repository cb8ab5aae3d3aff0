"""What a replay's caches are named by: everything that a value in them depends on.

A key that holds too much costs time once; one that holds too little gives yesterday's numbers for today's code.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from ratchet import provenance
from ratchet.contract.loop import Loop
from ratchet.replay.data import DataVersion
from ratchet.training import recipe

LIBRARY = Path(__file__).parents[1]
FITTED = ("contract", "data", "training", "replay/fits.py", "replay/keys.py")  # code that a fit is made by
WATCHED = (*FITTED, "monitoring")  # and what it is watched by
LIVED = (*WATCHED, "decisions", "replay")  # and a life


def fit(loop: Loop, data: DataVersion, first: str, until: str) -> str:
    """Name what is made of the rows first..until: a model, what it predicts, and what was asked of it."""
    rules = {"recipe": recipe.name(loop), "device": loop.training.device, "loop": loop.name}
    asked = {"behaviour": _text(loop.folder / loop.gate.behaviour) if loop.gate.behaviour else ""}
    return _named(FITTED, {**rules, **asked, "rows": data.content(first, until)})


def reference(loop: Loop) -> str:
    """Name what a fit is watched by: its sample, and thresholds calibrated on it."""
    return _named(WATCHED, {"monitor": loop.monitor.model_dump(mode="json"), "seed": loop.training.seed})


def life(loop: Loop, **past: Any) -> str:
    """Name a life under a contract. past: its nights, rows, deliveries, and what people said."""
    folder = [file for file in sorted(loop.folder.rglob("*")) if file.is_file() and "__pycache__" not in file.parts]
    files = {str(file.relative_to(loop.folder)): _text(file) for file in folder if file.name != "loop.yaml"}
    return _named(LIVED, {"contract": loop.model_dump(mode="json"), "files": files, **past})


def _named(parts: tuple[str, ...], content: dict[str, Any]) -> str:
    whole = {**content, "code": _code(parts), **provenance.environment()}
    return hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()[:24]


@cache
def _code(parts: tuple[str, ...]) -> str:
    """Hash the files of parts of the library: folders, or files."""
    places = [LIBRARY / part for part in parts]
    files = [file for place in places for file in ([place] if place.is_file() else sorted(place.rglob("*.py")))]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _text(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
