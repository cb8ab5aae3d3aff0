"""Policies and gates by a short text, as the command line and the form of the replay DAG take them.

`calendar:days=7` is one policy; `drift+degradation:margin=0.1` two, any of which may ask; `never` none. Rules of
admission go with them: `calendar:days=1,cooldown_days=0`. A gate is a list of its keys: `aim=superior,margin=0`.
`contract` is the loop's own, of either.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ratchet import extensions
from ratchet.contract.loop import Loop
from ratchet.contract.rules import Gate, Retrain
from ratchet.errors import RequestError, misfit

OWN, NEVER = "contract", "never"
# Those that are tried where nobody names any: by the command, the form of the DAG, and the step alike.
_EVERY = " ".join(f"calendar:days={days},cooldown_days=0" for days in (1, 7, 30))
POLICIES = f"{OWN} {NEVER} {_EVERY} drift degradation"
M = TypeVar("M", bound=BaseModel)


def policy(loop: Loop, text: str) -> Retrain:
    """Read a policy. Raises RequestError."""
    if text == OWN:
        return loop.retrain
    rules = {name for name in Retrain.model_fields if name != "policies"}
    chosen: dict[str, Any] = {}
    changed: dict[str, Any] = {}
    for part in [] if text == NEVER else text.split("+"):
        name, _, options = part.partition(":")
        known = extensions.names("policies", loop.folder)
        if name not in known:
            raise RequestError(f"{text!r}: there is no policy {name!r}. There is: {', '.join([*known, NEVER, OWN])}")
        values = _values(text, options)
        changed |= {key: values.pop(key) for key in rules & set(values)}
        chosen[name] = _options(loop, text, name, values)
    document = {**loop.retrain.model_dump(exclude={"policies"}), **changed, "policies": chosen}
    return _validated(Retrain, document, f"{text!r}: ")


def gate(loop: Loop, text: str) -> Gate:
    """Read a gate: the loop's own, with keys changed. Raises RequestError."""
    if text == OWN:
        return loop.gate
    return _validated(Gate, {**loop.gate.model_dump(), **_values(text, text)}, f"{text!r}: ")


def _options(loop: Loop, text: str, name: str, values: dict[str, Any]) -> dict[str, Any]:
    options = extensions.find("policies", name, loop.folder).Options
    checked: BaseModel = _validated(options, values, f"{text!r}: policies.{name}.")
    return checked.model_dump(mode="json")


def _values(text: str, options: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for option in options.split(",") if options else []:
        key, sign, value = option.partition("=")
        if not sign:
            raise RequestError(f"{text!r}: {option!r} is not of the form key=value")
        found[key.strip()] = value.strip()
    return found


def _validated(kind: type[M], document: dict[str, Any], where: str) -> M:
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        raise RequestError(f"{where}{misfit(error)}") from None
