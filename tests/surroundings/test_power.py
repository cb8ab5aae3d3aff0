"""A power cut between any two writes of the files that `make up` lives by."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from deploy.local import services
from deploy.local.environment import LONGEST, Local
from ratchet import installation
from ratchet.settings import Settings
from tests.conftest import free_port


class PowerCut(BaseException):
    """The lights go out."""


class _Cut:
    """Counts writes below a folder, and lets the power go before one of them."""

    def __init__(self) -> None:
        self.folder, self.at, self.seen = "", 0, 0

    def hook(self, event: str, given: tuple[Any, ...]) -> None:
        if not self.folder or event not in ("open", "os.rename", "os.remove", "os.mkdir"):
            return
        if not str(given[0]).startswith(self.folder) or (event == "open" and not given[2] & (os.O_WRONLY | os.O_RDWR)):
            return
        self.seen += 1
        if self.seen == self.at:
            raise PowerCut


_CUT = _Cut()
sys.addaudithook(_CUT.hook)


@contextmanager
def _cut(folder: Path, at: int) -> Iterator[_Cut]:
    _CUT.folder, _CUT.at, _CUT.seen = str(folder), at, 0
    try:
        yield _CUT
    finally:
        _CUT.folder = ""


@pytest.fixture
def local(place: Path, monkeypatch: pytest.MonkeyPatch) -> Local:
    for name in ("RATCHET_AIRFLOW_PORT", "RATCHET_MLFLOW_PORT"):
        monkeypatch.setenv(name, str(free_port()))
    found = Local.current()
    for folder in (found.run, found.home):
        folder.mkdir(parents=True)
    return found


def test_after_a_cut_at_any_write_the_installation_is_described_and_its_login_stays(local: Local) -> None:
    var = Settings.current().var
    with _cut(var, 0) as cut:
        local.describe()
        writes = cut.seen
    assert writes > 6
    for known in (False, True):  # at the first start, and at a later one
        for at in range(1, writes + 1):
            for path in (installation.path(var), *local.home.iterdir()):
                if not known or path == installation.path(var):
                    path.unlink()
            password = local.password() if known else ""
            try:
                with _cut(var, at):
                    local.describe()
            except PowerCut:
                pass
            local.describe()
            found = installation.need(var)
            assert found.command_environment()["AIRFLOW__API_AUTH__JWT_SECRET"]
            assert not password or local.password() == password
            assert {path.stat().st_mode & 0o077 for path in local.home.iterdir()} == {0}


@pytest.mark.parametrize("text", ["", "{", "{}", '{"pid": 1}', '{"pid": 1, "created": 0.0}', "[]"])
def test_a_process_file_that_was_cut_short_or_names_another_process_is_nobodys(local: Local, text: str) -> None:
    services._pid_file(local, "mlflow").write_text(text)
    assert services._process(local, "mlflow") is None
    assert services.running(local) == []


def test_a_path_that_is_too_long_for_a_socket_gets_a_short_one(
    local: Local, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert local.socket.parent == local.run
    long = tmp_path / ("ä" * 60) / "var"
    monkeypatch.setenv("RATCHET_VAR", str(long))
    socket = Local.current().socket
    assert len(os.fsencode(socket)) <= LONGEST
    assert Local.current().socket == socket
    monkeypatch.setenv("RATCHET_VAR", str(long / "x"))
    assert Local.current().socket != socket
