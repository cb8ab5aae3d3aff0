"""A trained model: an encoder and a trainer's estimator, stored in a folder, loadable by MLflow.

MLflow's pyfunc flavour calls `_load_pyfunc(folder)`, so a stored model has no pickle: its folder holds `ratchet.json`
(task, trainer, encoder) and the trainer's own files, its code too where that is the loop's own.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ratchet import extensions
from ratchet.training import encoding
from ratchet.training.trainers import TrainerModule

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray


TRAINER = "trainer.py"  # beside a model whose trainer is a file of its loop: its code


@dataclass(frozen=True)
class Model:
    """An estimator that knows how its inputs are encoded."""

    trainer: str  # its name
    encoder: encoding.Encoder
    estimator: Any
    code: TrainerModule  # the trainer itself

    def predict(self, table: pa.Table) -> NDArray[np.float64]:
        """Predict from a feature table: (n,) probability or value, (n, k) for multiclass."""
        import numpy as np

        if not table.num_rows:
            return np.zeros((0, len(self.encoder.classes)) if self.encoder.task == "multiclass" else 0)
        blocks = (table.slice(start, encoding.BLOCK) for start in range(0, table.num_rows, encoding.BLOCK))
        return np.concatenate([self.of_arrays(*self.encoder.inputs(block)) for block in blocks])

    def of_arrays(self, codes: NDArray[np.int64], numbers: NDArray[np.float32]) -> NDArray[np.float64]:
        """Predict from encoded features, as the encoder gives them."""
        return self.code.predict(self.estimator, codes, numbers)

    def save(self, folder: Path) -> None:
        """Write the model into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        self.code.save(self.estimator, folder)
        if is_of_a_loop(self.code):
            shutil.copyfile(str(self.code.__file__), folder / TRAINER)
        content = {"trainer": self.trainer, "encoder": self.encoder.model_dump(mode="json")}
        (folder / "ratchet.json").write_text(json.dumps(content, indent=1), encoding="utf-8")


def load(folder: Path) -> Model:
    """Read a model from its folder."""
    content = json.loads((folder / "ratchet.json").read_text(encoding="utf-8"))
    code = trainer(content["trainer"], folder)
    return Model(content["trainer"], encoding.Encoder.model_validate(content["encoder"]), code.load(folder), code)


def digest(folder: Path) -> str:
    """Hash a stored model: SHA-256 over the names and contents of its files, in hexadecimal."""
    files = sorted((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if path.is_file())
    lines = (f"{name}:{hashlib.sha256(path.read_bytes()).hexdigest()}\n" for name, path in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def trainer(name: str, folder: Path) -> TrainerModule:
    """Import the trainer of a stored model, or fit: the copy beside it where it came from a loop's folder."""
    own = folder / TRAINER
    if own.exists():
        digest = hashlib.sha256(own.read_bytes()).hexdigest()[:16]
        return cast("TrainerModule", extensions.load(own, f"ratchet_loops.models.trainers.{name}_{digest}"))
    return cast("TrainerModule", extensions.find("trainers", name, folder))


def is_of_a_loop(code: TrainerModule) -> bool:
    """Say whether a trainer is a file of a loop's own."""
    return code.__name__.startswith("ratchet_loops.")


class PyfuncModel:
    """The model as MLflow serves it: pandas in, pandas out."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def predict(self, frame: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Predict: a column `prediction`, or a column a class for multiclass."""
        import pandas as pd
        import pyarrow as pa

        values = self.model.predict(pa.Table.from_pandas(frame, preserve_index=False))
        columns = list(self.model.encoder.classes) if values.ndim == 2 else ["prediction"]
        return pd.DataFrame(values.reshape(len(frame), -1), columns=columns)


def _load_pyfunc(path: str) -> PyfuncModel:
    return PyfuncModel(load(Path(path)))
