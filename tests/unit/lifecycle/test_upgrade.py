"""The state that 0.1 left is brought forward, and goes on: the same history, one night more."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ratchet import catalog, cli
from ratchet.adapters import data_registry, git, opening, storage, writing
from ratchet.adapters.data_registry import Registry
from ratchet.errors import FormatError
from ratchet.lifecycle import dataset, ledger, nights, records, upgrade, verification
from ratchet.settings import Settings
from tests.conftest import ROOT, MlflowServer, free_port, ingest, step, train
from tests.data.unpack import unpack
from tests.given import whole


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What 0.1.0 left on a disk, and an MLflow server over its database."""
    unpack(tmp_path)
    monkeypatch.setattr(opening, "_CHECKED", set())
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
    settings = Settings.current()
    text = Registry(settings.registry, settings.remote).text("wind/ledger.jsonl")
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
    assert verification.verify(dataset.registry(), "wind").entries == len(before)
    cli.main(["history", "wind"])
    told = capsys.readouterr().out
    assert all(e["reason"] in told for e in before)
    whole.check_git(dataset.registry())
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
    assert verification.verify(dataset.registry(), "wind").entries >= len(after)
    refused = nights.ended(dataset.registry(), "wind", "2013-01-07")
    assert refused is not None
    assert refused["state"] == "refused"


def _as_format_2(registry: Registry) -> None:
    """Let a registry have an index and a worktree with all files in it, those of DVC too, as format 2 had them."""
    with writing.held(registry) as writer:
        writer.write(data_registry.FORMAT_FILE, json.dumps({"format": 2}) + "\n")
        writer.commit("The format of then")
    git.run(registry.root / ".git", "config", "core.bare", "false")
    git.run(registry.root, "reset", "--hard")
    for path, text in registry.texts_below("wind").items():
        if path.endswith(".dvc"):
            digest, _ = storage.parse(text, path)
            os.link(registry.storage.cache / digest[:2] / digest[2:], registry.root / path.removesuffix(".dvc"))


def test_a_state_of_format_2_loses_its_worktree_and_nothing_that_is_nowhere_else(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest("wind", "2013-01-02..2013-01-05")
    monkeypatch.setattr(opening, "_CHECKED", set())
    registry = dataset.registry()
    root, before = registry.root, registry.texts_below("wind")
    paths = [f"wind/data/weather/{day}.parquet" for day in registry.partitions("wind", "weather", "HEAD")]
    rows = registry.read(paths, registry.head())
    _as_format_2(registry)
    # What a person has laid there, edited, or what is damaged, is held by neither Git nor DVC.
    own = {"notes.txt": b"mine", "wind/verdicts/2013-01-03.json": b"{}", paths[0]: b"damaged", paths[1]: None}
    for path, content in own.items():
        if content is not None:
            (root / path).unlink(missing_ok=True)
            (root / path).write_bytes(content)
    digest, _ = storage.parse(before[f"{paths[1]}.dvc"], paths[1])
    (registry.storage.cache / digest[:2] / digest[2:]).unlink()  # the worktree has the last copy on this machine
    monkeypatch.setattr(opening, "_CHECKED", set())
    with pytest.raises(FormatError, match="ratchet upgrade"):
        dataset.registry()

    assert upgrade.upgrade(print)
    left = {path.relative_to(root) for path in root.rglob("*") if path.is_file()}
    assert {path.as_posix() for path in left if path.parts[0] not in (".git", ".dvc")} == {*own}
    assert not (root / ".git" / "index").exists()
    assert git.run(root / ".git", "rev-parse", "--is-bare-repository").strip() == "true"
    now = dataset.registry()
    assert (now.format(), now.texts_below("wind")) == (data_registry.FORMAT, before)
    assert now.read(paths, now.head()) == rows
    assert not upgrade.upgrade(print)
    assert ingest("wind", "2013-01-06").outcome == "done"
    whole.check_commits(now, "wind")
    whole.check_rows(now, "wind")


def test_a_state_of_format_3_gets_the_records_of_its_trainings(wind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What MLflow says at that moment is believed, and from then on the records are."""
    promoted = train(wind, "first")
    records.amend(catalog.load(wind), promoted.mlflow_run, baseline=None, lock="")  # there were none at that time
    registry = dataset.registry()
    made = [path for path in registry.texts_below(wind) if path.split("/")[1] in ("runs", "keys", "duels")]
    assert len(made) == 3
    before = registry.texts_of(made)
    with writing.held(registry) as writer:
        writer.write(data_registry.FORMAT_FILE, json.dumps({"format": 3}) + "\n")
        for path in made:
            writer.remove(path)
        writer.commit("The format of then")
    monkeypatch.setattr(opening, "_CHECKED", set())
    told: list[str] = []
    assert upgrade.upgrade(told.append)
    assert f"{wind}: 1 trainings have a record" in told
    assert dataset.registry().texts_of(made) == before
    assert step("promote", wind, run="first").outcome == "unchanged"


def test_an_older_program_refuses_a_newer_state(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = dataset.registry()
    with writing.held(registry) as writer:
        writer.write(data_registry.FORMAT_FILE, json.dumps({"format": data_registry.FORMAT + 1}))
        writer.commit("A later format")
    monkeypatch.setattr(opening, "_CHECKED", set())
    for refused in (dataset.registry, lambda: upgrade.upgrade(print)):
        with pytest.raises(FormatError, match=rf"has the format {data_registry.FORMAT + 1}.*Install"):
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
