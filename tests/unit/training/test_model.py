"""A trained model in a folder, and as MLflow serves it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ratchet.training import model
from tests.given.rows import fitted, rows


def test_a_model_is_its_folder(tmp_path: Path) -> None:
    made, _ = fitted("multiclass", "gradient_boosting", params={"max_iter": 5})
    made.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"ratchet.json", "model.skops"}
    loaded = model._load_pyfunc(str(tmp_path))
    unseen = rows("multiclass", 50, 2).drop_columns(["y"])
    answered = loaded.predict(unseen.to_pandas())
    assert list(answered) == ["low", "mid", "top"]
    assert np.array_equal(answered.to_numpy(), made.predict(unseen))
    assert made.predict(unseen.slice(0, 0)).shape == (0, 3)


def test_a_trainer_of_the_loops_own_goes_with_its_model(tmp_path: Path) -> None:
    own = tmp_path / "loop" / "trainers"
    own.mkdir(parents=True)
    (own / "middle.py").write_text(
        """import json
import numpy as np
from pydantic import BaseModel
from ratchet.training.trainers import Curve

REQUIREMENTS = ()


class Params(BaseModel):
    pass


def fit(params, job, train, valid):
    return float(train.target.mean()), Curve((0.0,), ())


def predict(model, codes, numbers):
    return np.full(len(codes), model)


def save(model, folder):
    (folder / "mean.json").write_text(json.dumps(model))


def load(folder):
    return json.loads((folder / "mean.json").read_text())
"""
    )
    from ratchet import extensions
    from ratchet.training import encoding

    code = extensions.find("trainers", "middle", tmp_path / "loop")
    table = rows("regression")
    encoder = encoding.learn("regression", "y", ["kind"], ["x"], table)
    estimator, _ = code.fit(code.Params(), None, encoder.arrays(table), None)
    model.Model("middle", encoder, estimator, code).save(tmp_path / "stored")  # type: ignore[arg-type]
    (own / "middle.py").unlink()
    loaded = model.load(tmp_path / "stored")
    assert loaded.predict(table)[0] == pytest.approx(np.mean(table.column("y")))
    assert json.loads((tmp_path / "stored" / "ratchet.json").read_text())["trainer"] == "middle"
