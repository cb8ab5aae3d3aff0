"""The public surface: what authors of extensions, steps and operators import, and what stays when the inside moves.

`from ratchet.api import Arrays, Curve, Job, Part`. A name is imported from where it lives when it is asked for, and not
before: a model stored with its trainer's code loads where only that trainer's requirements are installed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ratchet.catalog import load as load_loop
    from ratchet.contract.loop import Loop
    from ratchet.contract.part import Part
    from ratchet.data.sources import Asked, SourceModule
    from ratchet.decisions.checks.check import Check, within
    from ratchet.decisions.policies.facts import NightFacts
    from ratchet.errors import (
        ContractError,
        DataError,
        FormatError,
        LedgerError,
        MissingPackage,
        ModelLost,
        OutOfMemory,
        RatchetError,
        RegistryBusy,
        RegistryError,
        RequestError,
        ServiceError,
        SourceError,
        StorageError,
        TrackingError,
        TrackingUnavailable,
        TrainingError,
        Unforeseen,
    )
    from ratchet.files import atomic, write_text
    from ratchet.lifecycle import dataset
    from ratchet.partitions import Days, Partition, days_between, shift
    from ratchet.settings import Settings
    from ratchet.steps import Key, StepRequest, StepResult
    from ratchet.training.trainers import Arrays, Curve, Job, TrainerModule

__all__ = [
    "Arrays",
    "Asked",
    "Check",
    "ContractError",
    "Curve",
    "DataError",
    "Days",
    "FormatError",
    "Job",
    "Key",
    "LedgerError",
    "Loop",
    "MissingPackage",
    "ModelLost",
    "NightFacts",
    "OutOfMemory",
    "Part",
    "Partition",
    "RatchetError",
    "RegistryBusy",
    "RegistryError",
    "RequestError",
    "ServiceError",
    "Settings",
    "SourceError",
    "SourceModule",
    "StepRequest",
    "StepResult",
    "StorageError",
    "TrackingError",
    "TrackingUnavailable",
    "TrainerModule",
    "TrainingError",
    "Unforeseen",
    "atomic",
    "dataset",
    "days_between",
    "load_loop",
    "shift",
    "within",
    "write_text",
]

_HOMES = {
    "ratchet.catalog": ("load_loop",),
    "ratchet.contract.loop": ("Loop",),
    "ratchet.contract.rules": ("Part",),
    "ratchet.data.sources": ("Asked", "SourceModule"),
    "ratchet.decisions.checks.check": ("Check", "within"),
    "ratchet.decisions.policies.facts": ("NightFacts",),
    "ratchet.files": ("atomic", "write_text"),
    "ratchet.lifecycle": ("dataset",),
    "ratchet.partitions": ("Partition", "Days", "days_between", "shift"),
    "ratchet.settings": ("Settings",),
    "ratchet.steps": ("Key", "StepRequest", "StepResult"),
    "ratchet.training.trainers": ("Arrays", "Curve", "Job", "TrainerModule"),
}
_HOME = {name: module for module, held in _HOMES.items() for name in held}
_ELSEWHERE = {"load_loop": "load"}  # names that are another where they live


def __getattr__(name: str) -> Any:
    """Import a name from where it lives; what is listed nowhere else is an error's class."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(_HOME.get(name, "ratchet.errors"))
    found = getattr(module, _ELSEWHERE.get(name, name), None)
    if found is None:  # a module of its own
        found = importlib.import_module(f"{module.__name__}.{name}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """List the surface."""
    return sorted(__all__)
