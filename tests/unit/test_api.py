"""The public surface: name by name, and nothing heavy behind it until it is asked for."""

from __future__ import annotations

import ast
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ratchet import api, errors

SURFACE = {
    "a loop": {"Loop", "load_loop", "Part"},
    "a step": {
        "Partition",
        "Days",
        "Key",
        "Settings",
        "StepRequest",
        "StepResult",
        "atomic",
        "dataset",
        "days_between",
        "shift",
        "write_text",
    },
    "a source": {"Asked", "SourceModule"},
    "a trainer": {"Arrays", "Curve", "Job", "TrainerModule"},
    "a policy": {"NightFacts"},
    "a check": {"Check", "within"},
    "an error": {
        "ContractError",
        "DataError",
        "MissingPackage",
        "ModelLost",
        "OutOfMemory",
        "RatchetError",
        "FormatError",
        "LedgerError",
        "RegistryBusy",
        "RegistryError",
        "RequestError",
        "ServiceError",
        "SourceError",
        "StorageError",
        "TrackingError",
        "TrackingUnavailable",
        "TrainingError",
        "Unforeseen",
    },
}
HEAVY = {"pandas", "pyarrow", "mlflow", "torch", "duckdb", "sklearn", "scipy", "dvc", "great_expectations", "evidently"}


def _modules_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sorted(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(api.__file__).parents[1])},
    )
    return set(done.stdout.split())


def test_the_surface_is_what_is_listed_here() -> None:
    assert set(api.__all__) == set().union(*SURFACE.values())
    assert list(api.__all__) == sorted(api.__all__)
    assert dir(api) == api.__all__


def test_every_class_of_error_is_on_it() -> None:
    classes = {name for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, Exception)}
    assert classes == SURFACE["an error"]


@pytest.mark.parametrize("name", api.__all__)
def test_every_name_is_what_type_checkers_are_told(name: str) -> None:
    """The imports for type checkers and those of `__getattr__` are written apart: they agree."""
    told = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(ast.parse(Path(api.__file__).read_text()))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    module, original = told[name]
    scope: dict[str, object] = {}
    exec(f"from {module} import {original} as found", scope)
    assert getattr(api, name) is scope["found"]


def test_a_name_that_is_not_on_it() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Champion'"):
        api.Champion  # noqa: B018


def test_importing_it_imports_nothing_else() -> None:
    loaded = _modules_after("import ratchet.api")
    assert {name for name in loaded if name.startswith("ratchet")} == {"ratchet", "ratchet.api"}


def test_all_of_it_imports_nothing_heavy() -> None:
    loaded = _modules_after("from ratchet.api import *")
    assert not HEAVY & {name.partition(".")[0] for name in loaded}


def test_what_a_stored_model_needs_knows_nothing_of_steps_or_yaml() -> None:
    """MLflow serves a model with its trainer's code where neither YAML nor a registry is to be had."""
    loaded = _modules_after("from ratchet.api import Arrays, Curve, Job, Part, TrainingError")
    assert not {"ratchet.steps", "ratchet.catalog", "ratchet.adapters", "ruamel.yaml"} & loaded
