"""`ratchet doctor`: what there is, and one next command for what is wrong."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.adapters import git
from ratchet.cli import doctor
from ratchet.lifecycle import dataset
from tests.conftest import ingest
from tests.unit.cli.conftest import Ratchet


def _wrong(out: str) -> list[str]:
    return [line.split()[1] for line in out.splitlines() if line.startswith("wrong")]


def _said_wrong(out: str) -> str:
    return "\n".join(line for line in out.splitlines() if line.startswith("wrong"))


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


def test_one_cause_is_told_once(place: Path, ratchet: Ratchet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATCHET_GIT_REMOTE", "https://ada:secret@example.org/x.git")
    code, out, _ = ratchet("doctor")
    assert (code, out.count("RATCHET_GIT_REMOTE holds a password")) == (2, 1)
    assert _wrong(out) == ["environment"]
    assert "1 to mend" in out


def test_what_the_shell_says_and_ratchet_does_not_read_is_told(
    place: Path, ratchet: Ratchet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", "sqlite:///elsewhere.db")
    monkeypatch.setenv("RATCHET_REMOTEE", "/elsewhere")
    monkeypatch.setenv("RATCHET_FOO", "x")
    monkeypatch.setenv("RATCHET_AIRFLOW_PORT", "abc")
    _, out, _ = ratchet("doctor")
    [row] = [line for line in out.splitlines() if "set in your shell and ignored by Ratchet: " in line]
    assert "GIT_DIR, " in row
    assert "MLFLOW_REGISTRY_URI (set MLFLOW_TRACKING_URI instead)" in row
    assert "RATCHET_REMOTEE is no variable of Ratchet's; did you mean RATCHET_REMOTE?" in out
    assert "RATCHET_FOO is no variable of Ratchet's; there is: RATCHET_AIRFLOW_PORT, " in out
    assert out.count("RATCHET_AIRFLOW_PORT is 'abc', which is no port. Give a number from 1 to 65535") == 1


def test_a_remote_that_is_gone_is_not_told_as_one_that_is_behind(
    place: Path, ratchet: Ratchet, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest("wind", "2013-01-05")
    kept = Path(dataset.registry().remote)
    kept.rename(place / "away")
    _, out, _ = ratchet("doctor")
    assert f"{kept} is not there, or not mounted" in out
    assert "next: mount it, or name another: RATCHET_REMOTE" in out
    assert "Git remote" not in _said_wrong(out)  # it lies there too: one cause
    kept.mkdir()
    _, out, _ = ratchet("doctor")
    assert f"{kept} is empty, as where nothing is mounted" in out


def test_a_git_remote_is_gone_or_empty_or_behind(
    place: Path, ratchet: Ratchet, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest("wind", "2013-01-05")
    elsewhere = place / "elsewhere.git"
    monkeypatch.setenv("RATCHET_GIT_REMOTE", str(elsewhere))
    _, out, _ = ratchet("doctor")
    assert f"{elsewhere} is not there, or not mounted" in out
    assert "next: mount it, or name another: RATCHET_GIT_REMOTE" in out
    assert "ratchet registry push" not in out
    elsewhere.mkdir()
    assert f"{elsewhere} is empty" in ratchet("doctor")[1]
    ratchet("registry", "push")
    assert "Git remote" not in _said_wrong(ratchet("doctor")[1])
    head = (elsewhere / "refs" / "heads" / "main").read_text().strip()
    git.run(elsewhere, "update-ref", "refs/heads/main", f"{head}~1")
    _, out, _ = ratchet("doctor")
    assert f"{elsewhere} is behind: at " in out
    assert "next: ratchet registry push" in out


def test_every_row_begins_like_the_others(place: Path, ratchet: Ratchet) -> None:
    _, out, _ = ratchet("doctor")
    row = next(line for line in out.splitlines() if "memory" in line)
    assert re.fullmatch(r"ok     memory         [\d.]+ GB, [\d.]+ GB of them free", row)
