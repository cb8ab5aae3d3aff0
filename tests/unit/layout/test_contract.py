"""The text of a contract."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa

from ratchet.contract import reading
from ratchet.layout import contract, look, roles
from ratchet.layout.contract import Source

HOURS = [dt.datetime(2024, 3, 1) + dt.timedelta(hours=hour) for hour in range(60)]
ROWS = pa.table(
    {"at": HOURS, "on": [f"s{n % 3}" for n in range(60)], "list": [[1]] * 60, "y": [n * 7 % 13 for n in range(60)]}
)
SOURCE = Source(("kind: files", "options:", "  tables:", "    no: a.csv"))


def test_the_text_is_a_contract_with_everything_in_force(tmp_path: Path) -> None:
    sample = look.at_table(ROWS)
    found = roles.find(sample, None, "y", (), None)
    text = contract.text("no", sample, found, SOURCE, roles.features(sample, found))
    path = tmp_path / "no" / "loop.yaml"
    path.parent.mkdir()
    path.write_text(text)
    loop = reading.read(path)
    assert loop.main == "no"
    assert dict(loop.main_table.columns) == {"at": "timestamp", "on": "string", "y": "int64"}
    assert loop.features.categorical == ("on",)
    assert "# list: left out, it is nested" in text
    for word in ("gate", "monitor", "schedule", "retrain", "keep"):
        assert f"# {word}:" in text
    assert max(map(len, text.splitlines())) <= 120


def test_a_target_that_a_later_moment_tells_is_known_at_that_moment(tmp_path: Path) -> None:
    """A ride takes as long as is known when it ends: without a word on it, the proof lets pass what is made of that."""
    ends = [hour + dt.timedelta(minutes=5 + n * 7 % 31) for n, hour in enumerate(HOURS)]
    took = [(end - hour).total_seconds() / 60 for end, hour in zip(ends, HOURS, strict=True)]
    sample = look.at_table(pa.table({"began": HOURS, "ended": ends, "no": [*range(60)], "took": took}))
    found = roles.find(sample, "began", "took", ("no",), None)
    path = tmp_path / "no" / "loop.yaml"
    path.parent.mkdir()
    path.write_text(contract.text("no", sample, found, SOURCE, roles.features(sample, found)))
    assert reading.read(path).main_table.known == {"took": "ended"}
