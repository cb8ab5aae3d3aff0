"""`ratchet registry`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ratchet import cli
from ratchet.lifecycle import dataset
from ratchet.settings import Settings
from tests.conftest import free_port, ingest
from tests.unit.cli.conftest import Ratchet

DAY = "2013-01-02"


def _rows() -> int:
    registry, path = dataset.registry(), f"wind/data/weather/{DAY}.parquet"
    return int(registry.read([path], registry.head())[path].num_rows)


def test_a_registry_that_is_gone_is_restored_once(place: Path, ratchet: Ratchet) -> None:
    ingest("wind", DAY)
    settings, head = Settings.current(), dataset.registry().head()
    shutil.rmtree(settings.registry)
    code, _, err = ratchet("data", "log", "wind")
    assert code == cli.FAILED
    assert err.startswith(f"RegistryError: The data registry {settings.registry} is gone, and its Git remote ")
    assert err.endswith("Bring it back: ratchet registry restore\n")
    code, out, _ = ratchet("registry", "restore")
    assert code == 0
    assert out.splitlines() == [
        f"{settings.registry}: {head[:10]} from {settings.git_remote}",
        f"1 files from {settings.remote}",
    ]
    assert (dataset.registry().head(), _rows()) == (head, 72)
    code, out, err = ratchet("registry", "restore")
    assert (code, out) == (cli.FAILED, "")
    assert err == (
        f"RequestError: There is a data registry in {settings.registry}. Move it away, if it is to be made from its "
        "remote\n"
    )


def test_remotes_that_hold_nothing_are_named(place: Path, ratchet: Ratchet, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.current()
    shutil.rmtree(settings.registry)
    code, _, err = ratchet("registry", "restore")
    assert code == cli.FAILED
    assert err.startswith(f"RequestError: The Git remote {settings.git_remote} holds no data registry. Name the one ")
    assert not settings.registry.exists()
    monkeypatch.setenv("RATCHET_GIT_REMOTE", f"http://127.0.0.1:{free_port()}/registry.git")
    code, _, err = ratchet("registry", "restore")
    assert code == cli.RETRY
    assert "has to answer. Retry, or set RATCHET_GIT_REMOTE" in err


def test_new_remotes_are_pushed_to_and_gone_on_with(
    place: Path, ratchet: Ratchet, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest("wind", DAY)
    old = Settings.current()
    monkeypatch.setenv("RATCHET_REMOTE", str(place / "new"))
    code, _, err = ratchet("data", "log", "wind")
    assert code == cli.FAILED
    assert err.endswith("else bring the data over: ratchet registry push\n")
    code, out, _ = ratchet("registry", "push")
    assert code == 0
    head = dataset.registry().head()
    assert out.splitlines() == [f"{place / 'new'}: 1 files", f"{place / 'new' / 'registry.git'}: {head[:10]}"]
    for folder in (old.registry, Path(old.remote)):
        shutil.rmtree(folder)
    assert ratchet("registry", "restore")[0] == 0
    assert (dataset.registry().head(), _rows()) == (head, 72)
    ingest("wind", "2013-01-03")
    assert not Path(old.remote).exists()


def test_the_commands_say_what_they_do(ratchet: Ratchet) -> None:
    code, out, _ = ratchet("registry", "--help")
    assert code == 0
    assert "restore" in out
    assert "push" in out
