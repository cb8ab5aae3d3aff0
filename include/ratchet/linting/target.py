"""Whether a target is one that its task can learn."""

from __future__ import annotations

from collections.abc import Iterator

from ratchet.contract.loop import Loop
from ratchet.contract.reading import fail
from ratchet.data import sql, targets
from ratchet.errors import ContractError

_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
_CONTINUOUS = ("FLOAT", "DOUBLE")


def mistakes(loop: Loop) -> Iterator[ContractError]:
    """Yield what is wrong with target.sql: it fails, is the same in each row, or is of a type that the task is not."""
    try:
        kind = targets.type_of(loop)
    except ContractError as error:
        yield error
        return
    named = [*loop.main_table.columns, *(loop.tables[loop.label_table].columns if loop.label_table else ())]
    if not {name.lower() for name in named} & {name.lower() for name in sql.columns(loop.target.sql)}:
        text = f"target.sql names no column of {loop.main}, so that it is the same in each row"
        yield fail(loop, ("target", "sql"), f"{text}; there is: {', '.join(named)}")
    elif why := _unfit(loop.task, kind):
        yield fail(loop, ("target", "sql"), f"target.sql gives {kind}, and the task is {loop.task}: {why}")


def is_number(kind: str) -> bool:
    """Say whether a type of DuckDB is one of numbers."""
    return kind in (*_WHOLE, *_CONTINUOUS) or kind.startswith("DECIMAL")


def _unfit(task: str, kind: str) -> str:
    """Say why a type is none for a task; nothing where it is one."""
    number = is_number(kind)
    if task == "regression" and kind == "BOOLEAN":
        return "true and false are task: binary"
    if task == "regression" and not number:
        return "expected a number; a text is task: multiclass, a time wants a difference, as date_diff('hour', a, b)"
    if task == "binary" and kind not in ("BOOLEAN", *_WHOLE):
        return "expected true and false, or 0 and 1: write a comparison, as x > 15, or CAST(… AS BIGINT)"
    if (
        task == "multiclass"
        and kind not in ("VARCHAR", "BOOLEAN", *_WHOLE)
        and not kind.startswith(("DECIMAL", "ENUM"))
    ):
        return "each value would be a class of its own; CAST it AS VARCHAR or BIGINT, or say task: regression"
    return ""
