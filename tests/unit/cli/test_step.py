"""`ratchet step`."""

from __future__ import annotations

import json
from pathlib import Path

from ratchet import cli
from tests.unit.cli.conftest import Ratchet


def test_a_result_is_left_for_errors_too(place: Path, ratchet: Ratchet) -> None:
    result = place / "result.json"
    (place / "loops" / "wind" / "data").unlink()
    code, _, _ = ratchet("step", "fetch", "--loop", "wind", "--partitions", "2013-01-01", "--result", str(result))
    assert code == cli.RETRY
    error = json.loads(result.read_text())["error"]
    assert error["type"] == "SourceError"
    assert error["retriable"]


def test_what_was_done_is_told_and_left(place: Path, ratchet: Ratchet) -> None:
    result = place / "result.json"
    words = ("step", "fetch", "--loop", "wind", "--partitions=2013-01-05")
    code, out, _ = ratchet(*words, "--result", str(result))
    assert code == 0
    assert out == "fetch wind: fetched 72 rows of 1 days from query\n"
    assert json.loads(result.read_text())["rows"] == {"2013-01-05": 72}
    _, out, _ = ratchet(*words)
    assert "(unchanged)" in out.splitlines()[0]
    assert json.loads(out.partition("\n")[2])["outcome"] == "unchanged"


def test_a_refusal_has_an_exit_code_of_its_own(place: Path, ratchet: Ratchet) -> None:
    path = place / "loops" / "wind" / "loop.yaml"
    path.write_text(path.read_text().replace("SELECT * FROM", "SELECT * EXCLUDE (humid) FROM"))
    for name in ("fetch", "validate"):
        assert ratchet("step", name, "--loop", "wind", "--partitions", "2013-01-05")[0] == 0
    code, _, err = ratchet("step", "publish", "--loop", "wind", "--partitions", "2013-01-05")
    assert code == cli.REFUSED
    assert "dropped column humid" in err
