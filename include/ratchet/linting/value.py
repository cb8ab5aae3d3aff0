"""Whether what a row costs can be computed, and depends on what is predicted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ratchet.contract.loop import Loop
from ratchet.contract.reading import fail, nearest
from ratchet.contract.value import Value
from ratchet.data import features, sql
from ratchet.errors import ContractError
from ratchet.linting.target import is_number
from ratchet.training import value


def mistakes(loop: Loop, names: Sequence[str]) -> Iterator[ContractError]:
    """Yield what is wrong with gate.value. names: of the features."""
    told = loop.gate.value
    if told is not None and told.sql is not None:
        yield from _of_sql(loop, told.sql, names)
    elif told is not None and loop.task == "multiclass" and (known := sql.outcomes(loop.target.sql)) is not None:
        for name in told.classes:
            if name not in known:
                text = f"gate.value.costs names {name!r}, which target.sql never gives; {nearest(name, known)}"
                yield fail(loop, _place(told, name), text)


def _of_sql(loop: Loop, text: str, names: Sequence[str]) -> Iterator[ContractError]:
    """Yield what is wrong with an expression: it fails, is no number, or is the same whatever is predicted."""
    place = ("gate", "value", "sql")
    try:
        kind = value.type_of(loop, features.nothing(loop))
    except ContractError as error:
        yield error
        return
    for name in [*names, *loop.main_table.key]:
        if name.lower() in (value.PREDICTION, value.LABEL):
            said = f"{name} is a column of the row, and in gate.value.sql it is what was predicted, or what came true"
            yield fail(loop, place, f"{said}; give the column another name")
    read = [name.lower() for name in sql.columns(text)]
    if not any(name == value.PREDICTION or name.startswith(value.PROBABILITY) for name in read):
        yield fail(loop, place, "gate.value.sql does not read prediction, so that every model costs the same")
    elif not is_number(kind):
        yield fail(loop, place, f"gate.value.sql gives {kind}, and a cost is a number; CAST it, or write a CASE")


def _place(told: Value, name: str) -> tuple[str, ...]:
    """Return where costs name a class first."""
    costs = told.costs or {}
    if name in costs:
        return ("gate", "value", "costs", name)
    actual = next(each for each, said in costs.items() if isinstance(said, dict) and name in said)
    return ("gate", "value", "costs", actual, name)
