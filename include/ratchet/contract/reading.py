"""Read a contract file, and say where and how it is wrong."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from ratchet.contract.loop import Loop
from ratchet.contract.part import MISPLACED, TASK
from ratchet.contract.value import ONE, SEVERAL
from ratchet.errors import ContractError, expected
from ratchet.text import one_line

LARGEST, MOST = 256_000, 20_000  # bytes of a contract, and values in it
WIDEST = 100  # brackets that a line may open: for each, YAML's scanner goes through all that are open before it


def read(path: Path) -> Loop:
    """Read `loop.yaml`.

    Raises ContractError with one line a mistake: file, line, what was found, what was expected, nearest right spelling.
    """
    document = _load(path)
    if not isinstance(document, dict):
        raise ContractError(f"{path}:1: expected a mapping of keys to values, found {type(document).__name__}")
    try:
        said = _plain(document)
        loop = Loop.model_validate({**said, "folder": path.parent}, context={TASK: said.get(TASK)})
    except ValidationError as error:
        raise ContractError("\n".join(_explain(path, document, item) for item in error.errors())) from None
    if loop.name != path.parent.name:
        raise ContractError(
            f"{locate(path, document, ('name',))}: name is {loop.name!r} but the folder is {path.parent.name!r}; "
            "make them the same"
        )
    return loop


def fail(loop: Loop, where: tuple[str | int, ...], message: str) -> ContractError:
    """Make a ContractError that points at the line of `where` in the loop's file."""
    path = loop.folder / "loop.yaml"
    return ContractError(f"{locate(path, _load(path), where)}: {message}")


def nearest(word: str, words: list[str]) -> str:
    """Suggest the nearest right spelling, and list what there is: words to stand after a semicolon."""
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.5)
    begun = f"did you mean {close[0]!r}? There" if close else "there"
    return f"{begun} is: {', '.join(sorted(words)) or 'nothing yet'}"


def locate(path: Path, document: Any, where: tuple[str | int, ...]) -> str:
    """Return `file:line` of the deepest part of `where` that the document has."""
    line, node = 1, document
    for part in where:
        try:
            if isinstance(node, dict) and part in node:
                line = node.lc.key(part)[0] + 1  # type: ignore[attr-defined]
            elif isinstance(node, list) and isinstance(part, int) and part < len(node):
                line = node.lc.item(part)[0] + 1  # type: ignore[attr-defined]
            else:
                break
            node = node[part]
        except (AttributeError, KeyError, TypeError):
            break
    return f"{path}:{line}"


def _load(path: Path) -> Any:
    """Read YAML, within bounds: what a file of a few bytes could grow to is counted before it grows."""
    try:
        if (size := path.stat().st_size) > LARGEST:
            raise ContractError(f"{path}: {size:,} bytes are no contract; it may have {LARGEST:,}")
        text = path.read_text(encoding="utf-8")
        for number, each in enumerate(text.split("\n"), 1):
            if (opened := each.count("[") + each.count("{")) > WIDEST:
                raise ContractError(f"{path}:{number}: {opened:,} brackets open; a line may open {WIDEST}. Break it up")
        document = YAML().load(text)
    except FileNotFoundError:
        raise ContractError(
            f"{path}: there is no such file. Lay a new loop out with: ratchet new {path.parent.name}"
        ) from None
    except UnicodeDecodeError as error:
        raise ContractError(f"{path}: not UTF-8 at byte {error.start}. Save it as UTF-8") from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ContractError(f"{path}:{line}: not YAML: {error.problem}. Mend the line and run: ratchet lint") from None
    except RecursionError:
        raise ContractError(f"{path}: not YAML: lists in lists, too deep. Mend it and run: ratchet lint") from None
    except (YAMLError, ValueError) as error:  # such as a NUL
        said = one_line(str(error), 200)
        raise ContractError(f"{path}: not YAML: {said}. Mend it and run: ratchet lint") from None
    if (count := _count(document, {})) > MOST:
        raise ContractError(f"{path}: {count:,} values, its aliases written out; a contract may have {MOST:,}")
    return document


def _count(node: Any, known: dict[int, int]) -> int:
    """Count a document's values as they are once every alias is written out. An alias of itself counts as endless."""
    if not isinstance(node, dict | list):
        return 1
    if id(node) not in known:
        known[id(node)] = MOST + 1  # while it is counted: who meets it again is within it
        inner = [*node.values()] if isinstance(node, dict) else node
        known[id(node)] = 1 + sum(_count(each, known) for each in inner)
    return known[id(node)]


def _explain(path: Path, document: Any, item: Any) -> str:
    where: tuple[str | int, ...] = item["loc"]
    if item["type"] == MISPLACED:
        where = (*where, *item["ctx"]["place"])
    place = locate(path, document, where)
    name = ".".join(str(part) for part in where if part not in ("expanding", "constrained-int", ONE, SEVERAL))
    if item["type"] == MISPLACED:
        known = item["ctx"]["words"]
        return f"{place}: {name}: {item['msg']}" + (f"; {nearest(item['ctx']['word'], known)}" if known else "")
    if item["type"] == "extra_forbidden":
        return f"{place}: unknown key {name!r}; {nearest(str(where[-1]), _fields(where[:-1]))}"
    if item["type"] == "missing":
        return f"{place}: {name!r} is missing"
    if item["type"] == "literal_error":
        known = [word.strip("'") for word in item["ctx"]["expected"].replace(" or ", ", ").split(", ")]
        return f"{place}: {name} is {item['input']!r}; {nearest(str(item['input']), known)}"
    if item["type"] == "value_error":
        return f"{place}: {name + ': ' if name else ''}{item['ctx']['error']}"
    found = f"found {one_line(repr(item['input']), 200)} ({type(item['input']).__name__})"
    return f"{place}: {name}: {expected(item)}; {found}"


def _fields(where: tuple[str | int, ...]) -> list[str]:
    """Names that are allowed at a place of the contract."""
    model: Any = Loop
    for part in where:
        if isinstance(model, type) and issubclass(model, BaseModel):
            field = model.model_fields.get(str(part))
            model = field.annotation if field else None
        else:
            model = next((a for a in get_args(model) if isinstance(a, type) and issubclass(a, BaseModel)), None)
        if model is None:
            return []
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        model = next((a for a in get_args(model) if isinstance(a, type) and issubclass(a, BaseModel)), None)
    return [name for name in model.model_fields if name != "folder"] if model else []


def _plain(node: Any) -> Any:
    if isinstance(node, dict):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    for kind in (bool, int, float, str):
        if isinstance(node, kind) and type(node) is not kind:
            return kind(node)
    return node
