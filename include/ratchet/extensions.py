"""Find what a contract names: sources, trainers, policies, checks, metrics.

An extension comes by three doors: built in, a file `<loop's folder>/<group>/<name>.py`, or an entry point of an
installed distribution, in the group `ratchet.<group>`. All three give a module, and what it holds is said by its
group's folder in `include/ratchet`. Listing names imports nothing; two of one name are an error.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from functools import cache
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Literal

from ratchet.errors import ContractError

Group = Literal["sources", "trainers", "policies", "checks", "metrics"]

BUILT_IN: dict[Group, str] = {
    "sources": "ratchet.data.sources",
    "trainers": "ratchet.training.trainers",
    "policies": "ratchet.decisions.policies",
    "checks": "ratchet.decisions.checks",
}
_PARTS = ("facts", "check")  # files of a group's folder that are no extensions but what its extensions share


def names(group: Group, folder: Path) -> list[str]:
    """List the extensions of a group that the loop in `folder` may name.

    Raises ContractError where two share a name.
    """
    return sorted(_found(group, folder))


def find(group: Group, name: str, folder: Path) -> ModuleType:
    """Import an extension. Raises ContractError where there is none, or where it cannot be imported."""
    found = _found(group, folder)
    if name not in found:
        raise ContractError(f"There is no {group[:-1]} {name!r}. There is: {', '.join(sorted(found))}")
    where = found[name]
    try:
        if isinstance(where, Path):
            return load(where, f"ratchet_loops.{folder.name}.{group}.{name}")
        if isinstance(where, metadata.EntryPoint):
            module: ModuleType = where.load()
            return module
        return importlib.import_module(where)
    except Exception as error:  # whatever a file of the user's own raises while it is imported
        raise ContractError(
            f"The {group[:-1]} {name!r} ({_place(where)}) cannot be imported: {error!r}. Mend it"
        ) from error


def source(group: Group, name: str, folder: Path) -> str:
    """Return the text of an extension: what is made by it depends on it."""
    module = find(group, name, folder)
    return Path(str(module.__file__)).read_text(encoding="utf-8")


def load(path: Path, name: str) -> ModuleType:
    """Import a file under a name of its own. A file that has changed is read anew."""
    known = sys.modules.get(name)
    stamp = path.stat().st_mtime_ns
    if known is not None and getattr(known, "__ratchet_stamp__", None) == (str(path), stamp):
        return known
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    module.__ratchet_stamp__ = (str(path), stamp)  # type: ignore[attr-defined]
    sys.modules[name] = module  # before it is executed, so that its classes and dataclasses find their module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


Where = str | Path | metadata.EntryPoint


def _found(group: Group, folder: Path) -> dict[str, Where]:
    """Return each extension's place: a module's name, a file of the loop, or an entry point."""
    found: dict[str, Where] = dict(_built_in(group))
    own: list[tuple[str, Where]] = [(path.stem, path) for path in sorted((folder / group).glob("[!_]*.py"))]
    for name, where in own + [(point.name, point) for point in _entry_points(group)]:
        if name in found:
            raise ContractError(
                f"Two {group} are named {name!r}: {_place(found[name])} and {_place(where)}. Rename one of them"
            )
        found[name] = where
    return found


@cache
def _built_in(group: Group) -> dict[str, str]:
    package = BUILT_IN.get(group)
    if package is None:  # metrics: the contract lists those that come with a task
        return {}
    folder = Path(__file__).parent.joinpath(*package.split(".")[1:])
    return {
        item.name: f"{package}.{item.name}" for item in pkgutil.iter_modules([str(folder)]) if item.name not in _PARTS
    }


@cache
def _entry_points(group: Group) -> tuple[metadata.EntryPoint, ...]:
    return tuple(metadata.entry_points(group=f"ratchet.{group}"))


def _place(where: Where) -> str:
    if isinstance(where, Path):
        return str(where)
    if isinstance(where, metadata.EntryPoint):
        return f"{where.value}, of the distribution {where.dist.name if where.dist else '?'}"
    return f"{where}, built in"
