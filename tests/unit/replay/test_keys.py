"""What a cache of a replay is named by: another value, another name; what it does not depend on changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ratchet import catalog, provenance
from ratchet.contract.loop import Loop
from ratchet.replay import history, keys
from ratchet.replay.data import DataVersion
from tests.given import rows


@pytest.fixture
def data(place: Path) -> DataVersion:
    folder = place / "loops" / "wind"
    (folder / "behaviour.yaml").write_text("[]\n")
    text = (folder / "loop.yaml").read_text()
    (folder / "loop.yaml").write_text(text.replace("gate:\n", "gate:\n  behaviour: behaviour.yaml\n", 1))
    return history.of_rows(catalog.load("wind"), rows.wind("2013-01-02..2013-01-04"), place / "cache").now


def _names(data: DataVersion, loop: Loop) -> tuple[str, str, str]:
    return keys.fit(loop, data, "2013-01-02", "2013-01-03"), keys.reference(loop), keys.life(loop, nights=["x"])


def _part(name: str, **changes: Any) -> Callable[[Loop, pytest.MonkeyPatch], Loop]:
    return lambda loop, _: loop.model_copy(update={name: getattr(loop, name).model_copy(update=changes)})


def _file(name: str) -> Callable[[Loop, pytest.MonkeyPatch], Loop]:
    def change(loop: Loop, _: pytest.MonkeyPatch) -> Loop:
        (loop.folder / name).parent.mkdir(exist_ok=True)
        (loop.folder / name).write_text("[ ]\n")
        return loop

    return change


def _installed(loop: Loop, patch: pytest.MonkeyPatch) -> Loop:
    patch.setattr(provenance, "environment", lambda: {"environment.hash": "of other packages"})
    return loop


def _edited(part: str) -> Callable[[Loop, pytest.MonkeyPatch], Loop]:
    """Let one file of the library be another."""

    def change(loop: Loop, patch: pytest.MonkeyPatch) -> Loop:
        read = Path.read_bytes
        patch.setattr(Path, "read_bytes", lambda self: read(self) + b"#" * self.as_posix().endswith(part))
        keys._code.cache_clear()
        return loop

    return change


@pytest.mark.parametrize(
    ("change", "fit", "reference", "life"),
    [
        (_part("training", seed=8), True, True, True),
        (_part("training", device="cpu"), True, False, True),
        (_part("monitor", alarms_per_year=9.0), False, True, True),
        (_part("gate", level=0.01), False, False, True),
        (_file("behaviour.yaml"), True, False, True),
        (_file("policies/own.py"), False, False, True),
        (_installed, True, True, True),
        (_edited("training/fit.py"), True, True, True),
        (_edited("training/encoding.py"), True, True, True),
        (_edited("monitoring/thresholds.py"), False, True, True),
        (_edited("decisions/duel.py"), False, False, True),
        (_edited("reports/page.py"), False, False, False),
        (lambda loop, _: loop, False, False, False),
    ],
)
def test_whatever_a_value_depends_on_is_in_its_name(
    data: DataVersion, monkeypatch: pytest.MonkeyPatch, change: Any, fit: bool, reference: bool, life: bool
) -> None:
    loop = data.loop
    before = _names(data, loop)
    after = _names(data, change(loop, monkeypatch))
    keys._code.cache_clear()
    assert tuple(a != b for a, b in zip(after, before, strict=True)) == (fit, reference, life)


def test_other_rows_are_another_fit(data: DataVersion) -> None:
    loop = data.loop
    assert keys.fit(loop, data, "2013-01-02", "2013-01-03") != keys.fit(loop, data, "2013-01-02", "2013-01-04")
