"""Find what a contract names: sources, trainers, policies, checks, metrics.

An extension comes by three doors: built in, a file `<loop's folder>/<group>/<name>.py`, or an entry point of an
installed distribution, in the group `ratchet.<group>`. All three give a module, and what it holds is said by its
group's folder in `include/ratchet`. Listing names imports nothing; two of one name are an error. docs/extend.md shows
one of each.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import pkgutil
import sys
from functools import cache
from importlib import metadata
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Literal

import ratchet
from ratchet.errors import ContractError

Group = Literal["sources", "trainers", "policies", "checks", "metrics"]

BUILT_IN: dict[Group, str] = {
    "sources": "ratchet.data.sources",
    "trainers": "ratchet.training.trainers",
    "policies": "ratchet.decisions.policies",
    "checks": "ratchet.decisions.checks",
}
HOLDS: dict[Group, tuple[str, ...]] = {
    "sources": ("Options", "fetch"),
    "trainers": ("Params", "REQUIREMENTS", "fit", "predict", "save", "load"),
    "policies": ("Options", "ask"),
    "checks": ("judge",),
    "metrics": ("measure",),
}
NOUN: dict[Group, str] = {
    "sources": "source",
    "trainers": "trainer",
    "policies": "policy",
    "checks": "check",
    "metrics": "metric",
}
_PARTS = ("facts", "check")  # files of a group's folder that are no extensions but what its extensions share

# A module's name, a file of the loop, or an entry point. Of the last, never ask isinstance: once some library has
# imported the backport importlib_metadata (MLflow's tracing does), the entry points found are of its class.
Where = str | Path | metadata.EntryPoint


def names(group: Group, folder: Path) -> list[str]:
    """List the extensions of a group that the loop in `folder` may name. Raises ContractError: two of one name."""
    return sorted(_found(group, folder))


def built_in(group: Group) -> list[str]:
    """List Ratchet's own extensions of a group."""
    return sorted(_built_in(group))


def find(group: Group, name: str, folder: Path) -> ModuleType:
    """Import an extension.

    Raises ContractError where there is none, where it cannot be imported, and where it does not hold what it must.
    """
    found = _found(group, folder)
    if name not in found:
        raise ContractError(f"There is no {NOUN[group]} {name!r}. There is: {', '.join(sorted(found)) or 'none'}")
    where = found[name]
    said = f"The {NOUN[group]} {name!r} ({_place(where)})"
    try:
        if isinstance(where, Path):
            module: ModuleType = load(where, f"ratchet_loops.{folder.name}.{group}.{name}")
        elif isinstance(where, str):
            module = importlib.import_module(where)
        else:
            module = where.load()
    except Exception as error:  # whatever a file of the user's own raises while it is imported
        raise ContractError(f"{said} cannot be imported: {error!r}. Mend it") from error
    missing = [each for each in HOLDS[group] if not hasattr(module, each)]
    if missing:
        raise ContractError(f"{said} holds no {', no '.join(missing)}. A {NOUN[group]} has {', '.join(HOLDS[group])}")
    return module


def source(group: Group, name: str, folder: Path) -> str:
    """Return the text of an extension, and the distribution that it is of: what is made by it depends on both."""
    module = find(group, name, folder)
    text = Path(str(module.__file__)).read_text(encoding="utf-8")
    where = _found(group, folder)[name]
    return text if isinstance(where, str | Path) else f"{text}\n# {_distribution(where)}"


def requirement(group: Group, name: str) -> str | None:
    """Return the installed distribution that an extension is of, as `name==version`; None where it is of none."""
    return next((_distribution(point) for point in _entry_points(group) if point.name == name), None)


def load(path: Path, name: str) -> ModuleType:
    """Import a file under a name of its own. A file that has changed is read anew, and nothing is written beside it."""
    known = sys.modules.get(name)
    stamp = (str(path), hashlib.sha256(path.read_bytes()).hexdigest())
    if known is not None and getattr(known, "__ratchet_stamp__", None) == stamp:
        return known
    loader = _Loader(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    if spec is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    module.__ratchet_stamp__ = stamp  # type: ignore[attr-defined]
    sys.modules[name] = module  # before it is executed, so that its classes and dataclasses find their module
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


class _Loader(SourceFileLoader):
    """Compile a file each time: cached bytecode is known by second and size, and a file may change within both."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)  # type: ignore[no-any-return]


def _found(group: Group, folder: Path) -> dict[str, Where]:
    """Return each extension's place. Raises ContractError where two share a name."""
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
    folders = [str(Path(entry).joinpath(*package.split(".")[1:])) for entry in ratchet.__path__]
    return {item.name: f"{package}.{item.name}" for item in pkgutil.iter_modules(folders) if item.name not in _PARTS}


def _entry_points(group: Group) -> tuple[metadata.EntryPoint, ...]:
    return tuple(_installed().select(group=f"ratchet.{group}"))


@cache
def _installed() -> Any:  # whose class differs from Python to Python: ask `select` alone
    """Return the entry points of all distributions: one look at their files serves every group."""
    return metadata.entry_points()


def _place(where: Where) -> str:
    if isinstance(where, Path):
        return str(where)
    if isinstance(where, str):
        return f"{where}, built in"
    return f"{where.value}, of the distribution {where.dist.name if where.dist else '?'}"


def _distribution(point: metadata.EntryPoint) -> str:
    return f"{point.dist.name}=={point.dist.version}" if point.dist else point.value
