"""`ratchet doctor`: what there is, and one next command for what is wrong."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.cli import doctor
from ratchet.lifecycle import dataset
from tests.conftest import ingest
from tests.unit.cli.conftest import Ratchet


def _wrong(out: str) -> list[str]:
    return [line.split()[1] for line in out.splitlines() if line.startswith("wrong")]


def test_an_installation_that_was_never_started_is_told_how(place: Path, ratchet: Ratchet) -> None:
    ingest("wind", "2013-01-05")
    code, out, _ = ratchet("doctor")
    assert code == 2
    assert "next: make up" in out
    for what in ("version", "packages", "environment", "disk", "memory", "data registry", "DVC remote", "Git remote"):
        assert what in out
    assert dataset.registry().head()[:10] in out
    assert {*_wrong(out)} == {"services"}
    assert "(on the same disk: no backup)" in out


def test_each_thing_that_is_wrong_has_a_sentence_and_a_command(
    place: Path, ratchet: Ratchet, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest("wind", "2013-01-05")
    (place / "var").chmod(0o755)
    contract = place / "loops" / "wind" / "loop.yaml"
    contract.write_text(contract.read_text().replace("task: regression", "task: regresion"))
    (place / "var" / "run").mkdir()
    done = {"airflow db clean": "failed: no such table", "task logs": "0.0 MB"}
    kept = {"at": time.time() - 3 * 86400, "done": done}
    (place / "var" / "run" / "keeper.json").write_text(json.dumps(kept))
    monkeypatch.setattr(doctor, "LEAST_DISK", 1e18)
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", "sqlite:///elsewhere.db")
    code, out, _ = ratchet("doctor")
    assert code == 2
    lines = out.splitlines()
    for at, line in enumerate(lines):
        if line.startswith("wrong"):
            assert lines[at + 1].strip().startswith("next: "), line
    assert {"state", "disk", "wind", "services", "upkeep"} <= {*_wrong(out)}
    assert f"next: chmod 700 {place / 'var'}" in out
    assert "next: ratchet lint wind" in out
    assert "airflow db clean failed: no such table" in out
    assert "MLFLOW_REGISTRY_URI" in next(line for line in lines if "environment" in line)


def test_what_stops_a_look_is_a_finding(place: Path, ratchet: Ratchet, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise KeyError("x")

    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: fails())
    _, out, _ = ratchet("doctor")
    assert "KeyError" in out
    assert "data registry" in out  # and the others go on


def test_one_loop_hides_no_other(place: Path, ratchet: Ratchet, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str) -> None:
        raise ValueError(f"Exceeds the limit in {name}")

    monkeypatch.setattr(catalog, "load", load)
    _, out, _ = ratchet("doctor")
    assert {"flight_classes", "flight_delays", "wind"} <= {*_wrong(out)}
    assert "ValueError: Exceeds the limit in wind" in out
