"""Which loops there are, whether everything that their contracts name exists, and the JSON schema of a contract."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from ratchet import extensions
from ratchet.contract import reading
from ratchet.contract.loop import METRICS, Loop
from ratchet.contract.rules import ANYBODY
from ratchet.contract.runtime import NAME
from ratchet.decisions.checks import Judge
from ratchet.decisions.policies import Ask
from ratchet.errors import ContractError, RatchetError
from ratchet.extensions import Group
from ratchet.settings import Settings
from ratchet.text import one_line
from ratchet.training import behaviour

Where = tuple[str, ...]
_NAME = re.compile(NAME)


def names() -> list[str]:
    """List the loops of this installation: folders that hold a loop.yaml."""
    return sorted(path.parent.name for path in Settings.current().loops.glob("*/loop.yaml"))


def strays() -> list[Path]:
    """List the folders beside the loops that hold no loop.yaml."""
    folders = (path for path in Settings.current().loops.glob("*/") if path.name[0] not in "._")
    return sorted(path for path in folders if not (path / "loop.yaml").exists())


def steps() -> list[str]:
    """List the steps: the files of their folder."""
    return sorted(item.name for item in pkgutil.iter_modules([str(Path(__file__).parent / "steps")]))


def load(name: str) -> Loop:
    """Read a loop and check what it names. Raises ContractError."""
    folder = Settings.current().loops
    if not _NAME.fullmatch(name):
        raise ContractError(f"{name!r} is not the name of a loop; {reading.nearest(name, names())}")
    path = folder / name / "loop.yaml"
    with _naming(path):
        if not path.exists():
            raise ContractError(f"{path.parent}: there is no loop {name!r}; {reading.nearest(name, names())}")
    return read(path)


def read(path: Path) -> Loop:
    """Read a contract and check what it names. Raises ContractError."""
    with _naming(path):
        return _load(path, path.stat().st_mtime_ns)


def policies(loop: Loop) -> dict[str, Ask]:
    """Return the policies that a loop names, their options bound. Raises ContractError."""
    return {
        name: partial(module.ask, options=_checked(loop, ("retrain", "policies", name), options, module.Options))
        for name, options in loop.retrain.policies.items()
        for module in [extensions.find("policies", name, loop.folder)]
    }


def checks(loop: Loop) -> list[Judge]:
    """Return the checks that a loop names beside Ratchet's own, their options bound. Raises ContractError."""
    found: list[Judge] = []
    for name, options in loop.gate.checks.items():
        module = extensions.find("checks", name, loop.folder)
        bound = _checked(loop, ("gate", "checks", name), options, getattr(module, "Options", None))
        found.append(partial(module.judge, bound))
    return found


def schema() -> dict[str, Any]:
    """Build the JSON schema of `loop.yaml` for editors: the options of every source, trainer and policy included."""
    document = Loop.model_json_schema()
    document["properties"].pop("folder")
    document["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    for part, name, field, group, options in (
        ("Source", "kind", "options", "sources", "Options"),
        ("Training", "trainer", "params", "trainers", "Params"),
    ):
        models = _models(group, options)  # type: ignore[arg-type]
        shape = document["$defs"][part]
        shape["properties"][name]["enum"] = sorted(models)
        shape["allOf"] = [
            {
                "if": {"properties": {name: {"const": kind}}, "required": [name]},
                "then": {"properties": {field: _inlined(document, f"{part}.{kind}", model)}},
            }
            for kind, model in sorted(models.items())
        ]
    kinds = _models("policies", "Options")
    shape = document["$defs"]["Retrain"]["properties"]["policies"]
    shape["properties"] = {
        kind: {"anyOf": [_inlined(document, f"Retrain.{kind}", model), {"type": "null"}]}
        for kind, model in kinds.items()
    }
    shape["additionalProperties"] = False
    return document


def _models(group: Group, name: str) -> dict[str, type[BaseModel]]:
    """Return the options of each extension of a group: built in, installed, or of any loop."""
    found: dict[str, type[BaseModel]] = {}
    for folder in [Path(), *(Settings.current().loops / loop for loop in names())]:
        for kind in extensions.names(group, folder):
            found.setdefault(kind, getattr(extensions.find(group, kind, folder), name))
    return found


def _inlined(document: dict[str, Any], prefix: str, model: type[BaseModel]) -> dict[str, Any]:
    """Return a model's schema, its own definitions put beside the document's."""
    shape = model.model_json_schema(ref_template=f"#/$defs/{prefix}.{{model}}")
    for key, value in shape.pop("$defs", {}).items():
        document["$defs"][f"{prefix}.{key}"] = value
    return shape


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Turn whatever a contract brings about into a ContractError that names its file, so that it stays that loop's."""
    try:
        yield
    except RatchetError:
        raise
    except Exception as error:  # such as a path with a NUL, a folder, or a number too long to be told
        said = one_line(str(error), 200) or "no more is said"
        raise ContractError(f"{path}: {type(error).__name__}: {said}. Mend it and run: ratchet lint") from error


@cache
def _load(path: Path, modified: int) -> Loop:
    loop = reading.read(path)
    options: tuple[tuple[Group, str, Where, Where, dict[str, Any], str], ...] = (
        ("sources", loop.source.kind, ("source", "kind"), ("source", "options"), loop.source.options, "Options"),
        (
            "trainers",
            loop.training.trainer,
            ("training", "trainer"),
            ("training", "params"),
            loop.training.params,
            "Params",
        ),
    )
    for group, name, where, place, given, model in options:
        _check_named(loop, where, name, extensions.names(group, loop.folder), extensions.NOUN[group])
        _checked(loop, place, given, getattr(extensions.find(group, name, loop.folder), model))
    suites = [file.stem for file in (Settings.current().suites / "expectations").glob("*.json")]
    for name, table in loop.tables.items():
        _check_named(loop, ("tables", name, "suite"), table.suite, suites, "expectation suite")
    for place, file in ((("features", "sql"), loop.features.sql), (("gate", "behaviour"), loop.gate.behaviour)):
        if file and not (loop.folder / file).resolve().is_relative_to(loop.folder.resolve()):
            raise reading.fail(loop, place, f"{file!r} lies outside {loop.folder}; a loop's files are in its folder")
    if not (loop.folder / loop.features.sql).is_file():
        raise reading.fail(
            loop,
            ("features", "sql"),
            f"there is no file {loop.features.sql!r} in {loop.folder}; write the features' SELECT there",
        )
    if ANYBODY in loop.gate.approval and loop.folder.parent == Settings.current().loops:
        raise reading.fail(
            loop, ("gate", "approval"), "approval names the logins of those who may answer, as approval: [ada, grace]"
        )
    if loop.label_delay_days > 1 and loop.labels is None and loop.folder.parent == Settings.current().loops:
        raise reading.fail(
            loop,
            ("label_delay_days",),
            f"labels come {loop.label_delay_days} days late, and nothing says how. Say it with labels: delivered (each "
            "row comes with its label, which counts from then on), labels: fetched_again (the partition is fetched "
            "again when its labels are due), or labels: TABLE (a table that brings them by the key of "
            f"{loop.main})",
        )
    for name in loop.gate.floors:
        known = [*METRICS[loop.task], *_own_metrics(loop)]
        if name not in known:
            text = f"gate.floors names {name!r}, which is not a metric of {loop.task}"
            raise reading.fail(loop, ("gate", "floors", name), f"{text}; {reading.nearest(name, known)}")
    for name in loop.gate.checks:
        own = [each for each in extensions.names("checks", loop.folder) if each not in extensions.built_in("checks")]
        if name in extensions.built_in("checks"):
            text = f"the check {name!r} is Ratchet's own and always asked; gate.checks names those that are not"
            raise reading.fail(loop, ("gate", "checks", name), text)
        _check_named(loop, ("gate", "checks", name), name, own, "check")
    for name in loop.retrain.policies:
        known = extensions.names("policies", loop.folder)
        _check_named(loop, ("retrain", "policies", name), name, known, "policy")
    behaviour.read(loop)
    for step in loop.runtime:
        _check_named(loop, ("runtime", step), step, steps(), "step")
    checks(loop)
    for name in set(loop.gate.floors) - set(METRICS[loop.task]):
        extensions.find("metrics", name, loop.folder)
    return _with_defaults(loop)


def _own_metrics(loop: Loop) -> list[str]:
    """List the metrics of the loop's own. Raises ContractError where one is named as one that comes with the task."""
    own = extensions.names("metrics", loop.folder)
    for name in own:
        if name in METRICS[loop.task]:
            place = Path(str(extensions.find("metrics", name, loop.folder).__file__))
            raise ContractError(
                f"Two metrics are named {name!r}: {place} and the one of every {loop.task}. Rename the first"
            )
    return own


def _with_defaults(loop: Loop) -> Loop:
    """Write out what a policy's options are where the contract leaves them open."""
    whole = {
        name: ask.keywords["options"].model_dump(mode="json")  # type: ignore[attr-defined]
        for name, ask in policies(loop).items()
    }
    return loop.model_copy(update={"retrain": loop.retrain.model_copy(update={"policies": whole})})


def _check_named(loop: Loop, where: Where, word: str, words: list[str], noun: str) -> None:
    if word not in words:
        raise reading.fail(loop, where, f"unknown {noun} {word!r}; {reading.nearest(word, words)}")


def _checked(loop: Loop, where: Where, options: dict[str, Any], model: type[BaseModel] | None) -> Any:
    """Read an extension's options by its own model; one without a model takes them as they stand."""
    if model is None:
        return options
    try:
        return model.model_validate(options)
    except ValidationError as error:
        item = min(
            error.errors(), key=lambda each: each["type"] != "extra_forbidden"
        )  # a misspelt key is also a missing one
        place = (*where, *item["loc"])
        name = ".".join(str(part) for part in place)
        if item["type"] == "extra_forbidden":
            message = f"unknown key {name!r}; {reading.nearest(str(place[-1]), list(model.model_fields))}"
        elif item["type"] == "missing":
            message = f"{name!r} is missing"
        else:
            message = f"{name}: {item['msg']}; found {one_line(repr(item['input']), 200)}"
        raise reading.fail(loop, place, message) from None
