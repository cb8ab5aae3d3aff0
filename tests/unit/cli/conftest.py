"""The command, run in this process."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ratchet import cli

Ratchet = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ratchet(capsys: pytest.CaptureFixture[str]) -> Ratchet:
    """Run `ratchet` with these words; return its exit code, output and errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            cli.main(list(arguments))
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return run
