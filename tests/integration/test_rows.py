"""Rows of data live in DVC's bytes alone: never in Git, the ledger, a log or an XCom."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ratchet.lifecycle import dataset
from ratchet.settings import Settings
from tests.given import deliveries
from tests.given.killing import Killer

CANARIES = ("CANARY-quarantined", "CANARY-refused", "1048.515625", "71.140625")


def test_no_value_of_a_row_is_in_git_or_in_what_a_step_says(place: Path, killer: Killer) -> None:
    """Rows that are accepted, in quarantine, replaced and refused, each with values that nothing else has."""
    rows = deliveries.rows_of_day()
    rows[0] |= {"temp": 71.140625}
    rows[1] |= {"origin": CANARIES[0], "wind_speed": 1048.515625}
    said = _deliver(place, killer, rows)
    assert "1 rows in quarantine" in said
    said += _deliver(place, killer, rows[2:])
    file = place / "loops" / "wind" / "data" / "all.csv"
    file.write_text(file.read_text().replace(",50,", f",{CANARIES[1]},", 1))
    said += _live(killer)
    assert "1 rows of the days that are asked for hold in 'humid' a text that is no float64" in said
    said += killer.run("quarantine", "list", "wind").said + killer.run("pause", "wind", "--reason", "x").said
    registry = dataset.registry()
    listed = ["git", "-C", str(registry.root / ".git"), "cat-file", "--batch-all-objects", "--batch", "--unordered"]
    kept = subprocess.run(listed, capture_output=True, check=True).stdout
    kept += b"".join(path.read_bytes() for path in Path(Settings.current().git_remote).rglob("*") if path.is_file())
    assert b"Publish wind" in kept
    for canary in CANARIES:
        assert canary.encode() not in kept
        assert canary not in said
    parquet = b"".join(path.read_bytes() for path in registry.storage.cache.rglob("*") if path.is_file())
    assert CANARIES[0].encode() in parquet


def _deliver(place: Path, killer: Killer, rows: list[dict[str, object]]) -> str:
    """Live a delivery by the command line; return all that was said, the results included."""
    deliveries.deliver(place, rows)
    return _live(killer)


def _live(killer: Killer) -> str:
    said = ""
    for name in ("fetch", "validate", "publish"):
        said += killer.step(name, "wind", partitions=deliveries.DAY).said
    return said
