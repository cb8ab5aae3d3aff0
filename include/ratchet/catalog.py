"""Find the loops, and check that everything a contract names exists."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from ratchet.contract import reading
from ratchet.contract.loop import Loop
from ratchet.data import sources
from ratchet.errors import ContractError
from ratchet.settings import Settings
from ratchet.training import behaviour, trainers


def names() -> list[str]:
    """List the loops of this installation: folders that hold a loop.yaml."""
    return sorted(path.parent.name for path in Settings.current().loops.glob("*/loop.yaml"))


def load(name: str) -> Loop:
    """Read a loop and check what it names. Raises ContractError."""
    path = Settings.current().loops / name / "loop.yaml"
    if not path.exists():
        raise ContractError(f"{path.parent}: there is no loop {name!r}; {reading.nearest(name, names())}")
    return _load(path, path.stat().st_mtime_ns)


def schema() -> dict[str, Any]:
    """Build the JSON schema of `loop.yaml` for editors: the options of every source and trainer included."""
    document = Loop.model_json_schema()
    document["properties"].pop("folder")
    document["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    for part, name, field, modules in (
        ("Source", "kind", "options", {k: sources.find(k).Options for k in sources.kinds()}),
        ("Training", "trainer", "params", {k: trainers.find(k).Params for k in trainers.kinds()}),
    ):
        shape = document["$defs"][part]
        shape["properties"][name]["enum"] = sorted(modules)
        shape["allOf"] = []
        for kind, model in sorted(modules.items()):
            options = model.model_json_schema(ref_template=f"#/$defs/{part}.{kind}.{{model}}")
            for key, value in options.pop("$defs", {}).items():
                document["$defs"][f"{part}.{kind}.{key}"] = value
            shape["allOf"].append(
                {
                    "if": {"properties": {name: {"const": kind}}, "required": [name]},
                    "then": {"properties": {field: options}},
                }
            )
    return document


@cache
def _load(path: Path, modified: int) -> Loop:
    loop = reading.read(path)
    _check_named(loop, ("source", "kind"), loop.source.kind, sources.kinds(), "source")
    _check_options(loop, ("source", "options"), loop.source.options, sources.find(loop.source.kind).Options)
    _check_named(loop, ("training", "trainer"), loop.training.trainer, trainers.kinds(), "trainer")
    _check_options(loop, ("training", "params"), loop.training.params, trainers.find(loop.training.trainer).Params)
    suites = [file.stem for file in (Settings.current().suites / "expectations").glob("*.json")]
    for name, table in loop.tables.items():
        _check_named(loop, ("tables", name, "suite"), table.suite, suites, "expectation suite")
    if not (loop.folder / loop.features.sql).is_file():
        raise reading.fail(
            loop,
            ("features", "sql"),
            f"there is no file {loop.features.sql!r} in {loop.folder}; write the features' SELECT there",
        )
    behaviour.read(loop)
    for step in loop.runtime:
        _check_named(loop, ("runtime", step), step, STEPS, "step")
    return loop


STEPS = [
    "fetch",
    "validate",
    "publish",
    "snapshot",
    "train",
    "evaluate",
    "gate",
    "refit",
    "promote",
    "score",
    "drift",
    "performance",
    "duel",
    "decide",
    "replay",
]


def _check_named(loop: Loop, where: tuple[str, ...], word: str, words: list[str], noun: str) -> None:
    if word not in words:
        raise reading.fail(loop, where, f"unknown {noun} {word!r}; {reading.nearest(word, words)}")


def _check_options(loop: Loop, where: tuple[str, ...], options: dict[str, Any], model: type[BaseModel]) -> None:
    try:
        model.model_validate(options)
    except ValidationError as error:
        item = error.errors()[0]
        place = (*where, *item["loc"])
        name = ".".join(str(part) for part in place)
        if item["type"] == "extra_forbidden":
            message = f"unknown key {name!r}; {reading.nearest(str(place[-1]), list(model.model_fields))}"
        elif item["type"] == "missing":
            message = f"{name!r} is missing"
        else:
            message = f"{name}: {item['msg']}; found {item['input']!r}"
        raise reading.fail(loop, place, message) from None
