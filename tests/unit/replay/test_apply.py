"""A recommendation written into the contract."""

from __future__ import annotations

from pathlib import Path

from ratchet import catalog
from ratchet.contract import reading
from ratchet.replay import apply, spec


def test_a_recommendation_changes_nothing_else_in_the_contract(place: Path) -> None:
    loop = catalog.load("flight_delays")
    path = loop.folder / "loop.yaml"
    before = path.read_text()
    text = apply.changed(loop, "calendar:days=3,cooldown_days=1", "aim=superior,margin=0")
    lines = [line for line in apply.diff(loop, text).splitlines()[2:] if line[:1] in "+-" and line[1:].strip()]
    assert all(
        line.startswith("-") or "calendar" in line or "days" in line or "aim" in line or "margin" in line
        for line in lines
    )
    path.write_text(text)
    changed = reading.read(path)
    assert changed.retrain == spec.policy(loop, "calendar:days=3,cooldown_days=1")
    assert changed.gate == spec.gate(loop, "aim=superior,margin=0")
    assert changed.model_copy(update={"retrain": loop.retrain, "gate": loop.gate}) == loop
    assert before.count("#") <= text.count("#") + 3  # the comments beside what was replaced go with it
