"""The recipe of a model: everything it is made by, its data aside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ratchet import catalog
from ratchet.contract.loop import Loop
from ratchet.contract.rules import Gate
from ratchet.training import recipe


def _training(loop: Loop, **changes: Any) -> Loop:
    return loop.model_copy(update={"training": loop.training.model_copy(update=changes)})


@pytest.mark.parametrize(
    "changes",
    [{"seed": 8}, {"params": {"max_iter": 61}}, {"window": 21}, {"holdout_days": 5}, {"trainer": "torch_mlp"}],
)
def test_another_training_is_another_recipe(place: Path, changes: dict[str, Any]) -> None:
    loop = catalog.load("wind")
    assert recipe.name(_training(loop, **changes)) != recipe.name(loop)


def test_features_and_target_belong_to_it_and_device_and_gate_do_not(place: Path) -> None:
    loop = catalog.load("wind")
    before = recipe.name(loop)
    assert recipe.name(_training(loop, device="cpu")) == before
    assert recipe.name(loop.model_copy(update={"gate": Gate()})) == before
    assert recipe.name(loop.model_copy(update={"target": loop.target.model_copy(update={"sql": "temp"})})) != before
    path = loop.folder / "features.sql"
    path.write_text(path.read_text() + "-- another")
    assert recipe.name(loop) != before
