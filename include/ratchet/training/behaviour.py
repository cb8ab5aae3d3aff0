"""Behavioural tests: rows in the loop's folder that say how a prediction has to answer to a change.

Invariance and directional expectation tests of Ribeiro et al. 2020, "Beyond Accuracy: Behavioral Testing of NLP Models
with CheckList", section 2.2, for rows of features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ratchet.contract.loop import Loop
from ratchet.errors import ContractError

if TYPE_CHECKING:
    from ratchet.training.model import Model

Value = str | float | int | bool | None


class Behaviour(BaseModel):
    """One test."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(min_length=1)
    row: dict[str, Value]  # features; those left out are null
    change: dict[str, Value] = Field(min_length=1)  # what is then different
    expect: Literal["same", "higher", "lower"]
    tolerance: Annotated[float, Field(ge=0)] = 0.0  # in the prediction's units


def read(loop: Loop) -> list[Behaviour]:
    """Read the loop's tests; none where it names no file. Raises ContractError."""
    if loop.gate.behaviour is None:
        return []
    path = loop.folder / loop.gate.behaviour
    if loop.task == "multiclass":
        raise ContractError(
            f"{path}: behavioural tests compare one number, and a multiclass loop predicts several. "
            "Remove gate.behaviour"
        )
    try:
        content = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
        tests = [Behaviour.model_validate(item) for item in content]
    except FileNotFoundError:
        raise ContractError(
            f"{path}: gate.behaviour names this file, which does not exist. Write the tests there"
        ) from None
    except (YAMLError, TypeError) as error:
        raise ContractError(
            f"{path}: not a YAML list of tests: {error}. Each needs name, row, change and expect"
        ) from None
    except ValidationError as error:
        item = error.errors()[0]
        where = ".".join(map(str, item["loc"]))
        raise ContractError(f"{path}: {where}: {item['msg'].lower()}; found {item['input']!r}") from None
    names = [test.name for test in tests]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ContractError(f"{path}: two tests are named {min(twice)!r}; give each a name of its own")
    return tests


def run(model: Model, tests: list[Behaviour]) -> dict[str, tuple[float, float, str, float]]:
    """Predict each row before and after its change: name -> (before, after, expected, tolerance).

    Raises ContractError.
    """
    import pyarrow as pa

    encoder = model.encoder
    found: dict[str, tuple[float, float, str, float]] = {}
    for test in tests:
        unknown = [name for name in {**test.row, **test.change} if name not in encoder.features]
        if unknown:
            raise ContractError(
                f"The behavioural test {test.name!r} names {unknown[0]!r}, which is not a feature. "
                f"There is: {', '.join(encoder.features)}"
            )
        rows: list[dict[str, Any]] = [
            {**dict.fromkeys(encoder.features), **test.row, **more} for more in ({}, test.change)
        ]
        fields = [(name, pa.string() if name in encoder.vocabularies else pa.float64()) for name in encoder.features]
        for row in rows:
            row.update({name: str(row[name]) for name in encoder.vocabularies if row[name] is not None})
            row.update({name: float(row[name]) for name in encoder.numbers if row[name] is not None})
        before, after = model.predict(pa.Table.from_pylist(rows, schema=pa.schema(fields)))
        found[test.name] = (float(before), float(after), test.expect, test.tolerance)
    return found
