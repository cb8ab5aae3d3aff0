"""A multilayer perceptron over entity embeddings and standardised numbers (PyTorch).

Method: Guo & Berkhahn 2016, "Entity Embeddings of Categorical Variables", section 3; AdamW (Loshchilov & Hutter 2019).
The whole table is permuted once an epoch: a DataLoader of rows is three times slower on a CPU (51k against 150-200k
samples a second). On a card it lies in tensors there; on a CPU a batch is taken out of the arrays as they are given,
which may lie on the disk: of a row only its number and its target are held. Stored as safetensors, without pickle.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from ratchet.errors import OutOfMemory, TrainingError
from ratchet.text import one_line
from ratchet.training.trainers import Arrays, Curve, Job

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    Step = Callable[[torch.Tensor], torch.Tensor]  # the numbers of rows -> their loss

REQUIREMENTS = ("torch", "safetensors")
WATCHED = 262_144  # rows whose validation loss is computed at once
UNRECORDED = 3  # steps that libraries and optimiser need to set themselves up, before one can be recorded on a card


class Params(BaseModel):
    """Shape and optimisation of the perceptron."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    hidden: tuple[Annotated[int, Field(ge=1)], ...] = Field(default=(128, 64), min_length=1)
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    learning_rate: Annotated[float, Field(gt=0)] = 2e-3
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    batch_size: Annotated[int, Field(ge=1)] = 1024
    max_epochs: Annotated[int, Field(ge=1)] = 30
    patience: Annotated[int, Field(ge=1)] = 4


def fit(params: Params, job: Job, train: Arrays, valid: Arrays | None) -> tuple[Any, Curve]:
    """Fit until the validation loss has not improved for `patience` epochs; keep the best epoch.

    On a CUDA device the forward pass runs in bfloat16. Raises TrainingError where the loss stops being a number, and
    OutOfMemory where the card has no room.
    """
    import torch

    device = _device(job.device)
    try:
        with _on(device):
            return _fit(params, job, train, valid, device)
    except torch.OutOfMemoryError as error:
        raise OutOfMemory(
            f"{torch.cuda.get_device_name(device)} has no room for {len(train.target):,} rows in batches of "
            f"{params.batch_size:,} ({one_line(str(error), 120)}). Lower training.params.batch_size or hidden, "
            "shorten training.window, or say training.device: cpu"
        ) from None


def _fit(params: Params, job: Job, train: Arrays, valid: Arrays | None, device: torch.device) -> tuple[Any, Curve]:
    import numpy as np
    import torch

    torch.manual_seed(job.seed)
    scale = (float(train.target.mean()), float(train.target.std()) or 1.0) if job.task == "regression" else (0.0, 1.0)
    shape = {
        "task": job.task,
        "classes": job.classes,
        "cardinalities": list(job.cardinalities),
        "numbers": train.numbers.shape[1],
        "hidden": list(params.hidden),
        "dropout": params.dropout,
        "scale": list(scale),
    }
    model = _build(shape).to(device)
    rows, late = _tensors(train, shape, device), _tensors(valid, shape, device) if valid is not None else None
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=params.learning_rate,
        weight_decay=params.weight_decay,
        fused=True,
        capturable=device.type == "cuda",
    )
    step = _step(model, job, rows, optimizer, params.batch_size)
    shuffle = torch.Generator().manual_seed(job.seed)
    best, best_state, waited = math.inf, None, 0
    curve: tuple[list[float], list[float]] = ([], [])
    for epoch in range(job.rounds or params.max_epochs):
        model.train()
        order = torch.randperm(len(rows[2]), generator=shuffle).to(device)
        total = torch.zeros((), device=device)
        for batch in order.split(params.batch_size):
            total += step(batch) * len(batch)
        curve[0].append(float(total) / len(order))
        model.eval()
        with torch.inference_mode():
            watched = _watched(model, job, late) if late else curve[0][-1]
        curve[1].append(watched)
        if not np.isfinite(watched):
            raise TrainingError(
                f"The loss is {watched} after epoch {epoch + 1}: training diverged. Lower training.params.learning_rate"
            )
        if job.rounds is not None:
            continue
        if watched < best:
            best, best_state, waited = watched, {k: v.clone() for k, v in model.state_dict().items()}, 0
        else:
            waited += 1
            if waited >= params.patience:
                break
    model.load_state_dict(best_state or model.state_dict())
    return model.cpu().eval(), Curve(tuple(curve[0]), tuple(curve[1]) if valid is not None else ())


def predict(model: Any, codes: NDArray[np.int64], numbers: NDArray[np.float32]) -> NDArray[np.float64]:
    """Predict on the CPU, in float32."""
    import numpy as np
    import torch

    with torch.inference_mode():
        raw = model(
            torch.from_numpy(codes), torch.from_numpy(np.nan_to_num(numbers)), torch.from_numpy(np.isnan(numbers))
        )
        task = model.shape["task"]
        if task == "binary":
            raw = torch.sigmoid(raw[:, 0])
        elif task == "multiclass":
            raw = torch.softmax(raw, dim=1)
        else:
            mean, deviation = model.shape["scale"]
            raw = raw[:, 0] * deviation + mean
        return np.asarray(raw.double().numpy())


def save(model: Any, folder: Path) -> None:
    """Write weights.safetensors and shape.json."""
    from safetensors.torch import save_file

    save_file(model.state_dict(), folder / "weights.safetensors")
    (folder / "shape.json").write_text(json.dumps(model.shape, indent=1), encoding="utf-8")


def load(folder: Path) -> Any:
    """Read what `save` wrote."""
    from safetensors.torch import load_file

    model = _build(json.loads((folder / "shape.json").read_text(encoding="utf-8")))
    model.load_state_dict(load_file(folder / "weights.safetensors"))
    return model.eval()


def _device(wanted: str) -> torch.device:
    import torch

    if wanted == "cuda" and not torch.cuda.is_available():
        raise TrainingError(
            "training.device is cuda but this machine has no CUDA device. Say auto, or run the step where one is"
        )
    return torch.device("cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu")


@contextmanager
def _on(device: torch.device) -> Iterator[None]:
    """Let a card give the same bits each time, and work on a stream of its own, for only there can it be recorded.

    The switches are PyTorch's (notes/randomness); without them batches of more than some thousand rows differ.
    """
    import torch

    if device.type != "cuda":
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        with torch.cuda.stream(torch.cuda.Stream(device)):  # type: ignore[no-untyped-call]
            yield
    finally:
        torch.use_deterministic_algorithms(before)


def _step(
    model: torch.nn.Module, job: Job, rows: tuple[torch.Tensor, ...], optimizer: torch.optim.Optimizer, size: int
) -> Step:
    """Return what makes a step of the optimiser on the rows that it is given the numbers of, and returns their loss.

    On a card the step of a whole batch is recorded once and replayed. size: rows of a whole batch.
    """

    def step(batch: torch.Tensor) -> torch.Tensor:
        optimizer.zero_grad(set_to_none=True)
        loss = _loss(model, job, rows, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return loss.detach()

    return _replayed(step, _record, size) if rows[0].device.type == "cuda" else step


def _replayed(step: Step, record: Callable[[Step, torch.Tensor], Step], size: int) -> Step:
    """Take the first steps, and those of batches that are not whole, one by one; record one of a whole batch, once."""
    taken, replay = 0, None

    def one(batch: torch.Tensor) -> torch.Tensor:
        nonlocal taken, replay
        if len(batch) < size or taken < UNRECORDED:
            taken += 1
            return step(batch)
        replay = replay or record(step, batch)
        return replay(batch)

    return one


def _record(step: Step, batch: torch.Tensor) -> Step:
    """Record a step as a CUDA graph, without taking it, and return what takes it on any batch of that size.

    Launched one by one from Python, its hundred small kernels leave the card waiting for most of the step
    (benchmarks/gpu.py).
    """
    import torch

    held, graph = batch.clone(), torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=torch.cuda.current_stream(batch.device)):
        loss = step(held)

    def replay(chosen: torch.Tensor) -> torch.Tensor:
        held.copy_(chosen)
        graph.replay()
        return loss

    return replay


def _build(shape: dict[str, Any]) -> torch.nn.Module:
    import torch
    from torch import nn

    class Perceptron(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.shape = shape
            # Width of an embedding: the rule of thumb of fast.ai's tabular models.
            widths = [min(50, round(1.6 * n**0.56)) for n in shape["cardinalities"]]
            self.embeddings = nn.ModuleList(
                nn.Embedding(n, w) for n, w in zip(shape["cardinalities"], widths, strict=True)
            )
            size = sum(widths) + 2 * shape["numbers"]
            layers: list[nn.Module] = []
            for width in shape["hidden"]:
                layers += [nn.Linear(size, width), nn.ReLU(), nn.Dropout(shape["dropout"])]
                size = width
            self.layers = nn.Sequential(
                *layers, nn.Linear(size, shape["classes"] if shape["task"] == "multiclass" else 1)
            )

        def forward(self, codes: torch.Tensor, numbers: torch.Tensor, missing: torch.Tensor) -> torch.Tensor:
            parts = [embedding(codes[:, i]) for i, embedding in enumerate(self.embeddings)]
            return self.layers(torch.cat([*parts, numbers, missing.float()], dim=1))  # type: ignore[no-any-return]

    return Perceptron()


def _tensors(arrays: Arrays, shape: dict[str, Any], device: torch.device) -> tuple[torch.Tensor, ...]:
    """Return codes, numbers and target, on the device; on a CPU the first two are the arrays themselves."""
    import torch

    target = torch.from_numpy(arrays.target)
    mean, deviation = shape["scale"]
    target = target.long() if shape["task"] == "multiclass" else ((target - mean) / deviation).float()
    tensors = (torch.from_numpy(arrays.codes), torch.from_numpy(arrays.numbers), target)
    return tuple(tensor.to(device) for tensor in tensors)


def _watched(model: Any, job: Job, late: tuple[torch.Tensor, ...]) -> float:
    """Return the mean loss of rows, some at a time."""
    import torch

    rows = len(late[2])
    if rows <= WATCHED:
        return float(_loss(model, job, late, None))
    total = 0.0
    for batch in torch.arange(rows, device=late[2].device).split(WATCHED):
        total += float(_loss(model, job, late, batch)) * len(batch)
    return total / rows


def _loss(model: Any, job: Job, rows: tuple[torch.Tensor, ...], batch: torch.Tensor | None) -> torch.Tensor:
    import torch
    from torch.nn import functional

    codes, numbers, target = rows if batch is None else tuple(tensor[batch] for tensor in rows)
    missing = torch.isnan(numbers)
    with torch.autocast(codes.device.type, dtype=torch.bfloat16, enabled=codes.device.type == "cuda"):
        raw = model(codes, torch.nan_to_num(numbers), missing)
    raw = raw.float()
    if job.task == "binary":
        return functional.binary_cross_entropy_with_logits(raw[:, 0], target)
    if job.task == "multiclass":
        return functional.cross_entropy(raw, target)
    return functional.mse_loss(raw[:, 0], target)
