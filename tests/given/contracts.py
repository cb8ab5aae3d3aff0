"""A contract with a mistake in it, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.errors import ContractError


def broken(place: Path, old: str, new: str) -> str:
    path = place / "loops" / "flight_delays" / "loop.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ContractError) as caught:
        catalog.load("flight_delays")
    message = str(caught.value)
    file, line, _ = message.split(":", 2)
    assert Path(file) == path
    assert int(line) >= 1
    return message
