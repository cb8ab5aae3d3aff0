"""What a source may know and a contract may not hold: passwords and addresses, by the names of variables.

A contract names one as `${RATCHET_SOURCE_X}`. It is an environment variable; where that is not set, a task takes the
Airflow connection or the Airflow variable `ratchet_source_x` for it (ratchet_airflow.connections).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import quote, quote_plus

from ratchet.environment import SOURCE
from ratchet.errors import ContractError, SourceError

NAMED = re.compile(r"\$\{(\w+)\}")


def named(options: Any) -> list[str]:
    """List the names that a source's options hold, however deep, that a contract may name."""
    if isinstance(options, str):
        return sorted(name for name in set(NAMED.findall(options)) if name.startswith(SOURCE))
    held = options.values() if isinstance(options, dict) else options if isinstance(options, list | tuple) else ()
    return sorted({name for each in held for name in named(each)})


def value(name: str, field: str) -> str:
    """Return what a name stands for. Raises ContractError where a contract may not name it, SourceError where none is.

    field: the place in the contract that the error names.
    """
    if not name.startswith(SOURCE):
        raise ContractError(
            f"{field} names the environment variable {name}. A contract may name those alone that begin with {SOURCE}"
        )
    if name not in os.environ:
        raise SourceError(
            f"{field} names {name}, which is not set. Set the environment variable, or make the Airflow connection "
            f"{name.lower()}, and retry"
        )
    return os.environ[name]


def filled(text: str, field: str, write: Callable[[str], str] = str) -> str:
    """Return a text with each `${RATCHET_SOURCE_X}` replaced by what it stands for, as `write` writes it.

    field: the place in the contract that an error names. Raises as `value` does.
    """
    return NAMED.sub(lambda found: write(value(found.group(1), field)), text)


def masked(text: str, hidden: Collection[str]) -> str:
    """Put *** for each hidden value, as it is and as a URL writes it."""
    forms = {form for value in hidden for form in (value, quote(value, safe=""), quote_plus(value)) if form}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, "***")
    return text
