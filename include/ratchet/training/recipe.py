"""The recipe of a model: everything it is made by, its data aside."""

from __future__ import annotations

import hashlib
import json

from ratchet import extensions
from ratchet.contract.loop import Loop


def name(loop: Loop) -> str:
    """Name the recipe of a model: code of the trainer, parameters, window rule, features and target.

    The data are no part of it.
    """
    content = {
        "training": loop.training.model_dump(mode="json", exclude={"device"}),
        "sql": (loop.folder / loop.features.sql).read_text(encoding="utf-8"),
        "contract": loop.model_dump(mode="json", include={"task", "target", "features"}),
        "code": extensions.source("trainers", loop.training.trainer, loop.folder),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
