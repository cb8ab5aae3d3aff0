"""The state that 0.1 left is brought forward, and goes on: the same history, one night more."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ratchet import catalog, cli
from ratchet.adapters import data_registry
from ratchet.adapters.data_registry import Registry
from ratchet.decisions import chain
from ratchet.errors import FormatError
from ratchet.lifecycle import dataset, ledger, nights, upgrade
from tests.conftest import ROOT, MlflowServer, free_port, ingest, step
from tests.data.unpack import unpack


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What 0.1.0 left on a disk, and an MLflow server over its database."""
    unpack(tmp_path)
    monkeypatch.setattr(data_registry, "_CHECKED", set())
    for name, value in {
        "RATCHET_HOME": ROOT,
        "RATCHET_VAR": tmp_path / "var",
        "RATCHET_LOOPS": tmp_path / "loops",
        "RATCHET_SUITES": tmp_path / "suites",
    }.items():
        monkeypatch.setenv(name, str(value))
    server = MlflowServer(tmp_path / "var" / "mlflow", free_port())
    server.start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
    yield tmp_path
    server.stop()


def test_the_state_of_0_1_is_brought_forward_and_goes_on(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = Registry(state / "var" / "registry").text("wind/ledger.jsonl")
    assert text
    before = [json.loads(line) for line in text.splitlines()]
    with pytest.raises(FormatError, match="ratchet upgrade"):
        dataset.registry()
    cli.main(["upgrade"])
    assert f"wind: {len(before)} entries in the ledger" in capsys.readouterr().out
    after = ledger.read(catalog.load("wind"))
    # The same history, line by line: kinds have today's names, and the chain is whole.
    assert "held" in {e["kind"] for e in before}
    assert [e.kind for e in after] == [{"held": "rejected"}.get(e["kind"], e["kind"]) for e in before]
    for same in ("reason", "at", "by"):
        assert [getattr(e, same) for e in after] == [e[same] for e in before]
    assert chain.broken(dataset.registry().ledger_lines("wind")) is None
    cli.main(["history", "wind"])
    told = capsys.readouterr().out
    assert all(e["reason"] in told for e in before)
    # Twice is once.
    head = dataset.registry().head()
    cli.main(["upgrade"])
    assert "nothing to bring forward" in capsys.readouterr().out
    assert dataset.registry().head() == head
    # And a night: the champion of then scores what has come since.
    night = "2013-01-24"
    step("turn", "wind", partitions=night, run="night")
    assert ingest("wind", night, "night").nights == [night]
    assert step("score", "wind", partition=night).new > 0
    for name in ("drift", "performance", "decide", "duel"):
        assert step(name, "wind", partition=night).outcome in ("done", "unchanged", "skipped")
    step("close", "wind", partition=night)
    assert ledger.read(catalog.load("wind"))[: len(after)] == after
    assert chain.broken(dataset.registry().ledger_lines("wind")) is None
    refused = nights.ended(dataset.registry(), "wind", "2013-01-07")
    assert refused is not None
    assert refused["state"] == "refused"


def test_an_older_program_refuses_a_newer_state(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = dataset.registry()
    with registry.writer() as writer:
        writer.write(data_registry.FORMAT_FILE, json.dumps({"format": data_registry.FORMAT + 1}))
        writer.commit([data_registry.FORMAT_FILE], "A later format")
    monkeypatch.setattr(data_registry, "_CHECKED", set())
    for refused in (dataset.registry, lambda: upgrade.upgrade(print)):
        with pytest.raises(FormatError, match=r"has the format 3.*Install"):
            refused()


def test_a_contract_gets_todays_names_and_keeps_its_comments() -> None:
    old = """name: x
gate:
  margin: 0.1   # how much
  ring: 2       # at once
retrain:
  policies:
    harm: {margin: 0.1}
    drift: {columns: 1}
"""
    new = upgrade.contract(old)
    assert re.search(r"  shadows: 2 +# at once", new)
    assert "degradation: {margin: 0.1}" in new
    assert "# how much" in new
    assert "ring" not in new
    assert upgrade.contract(new) == new
