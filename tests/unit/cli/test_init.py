"""The command's errors and exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from ratchet import cli
from tests.unit.cli.conftest import Ratchet


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("step", "fech", "--loop", "wind"), "did you mean 'fetch'"),
        (("step", "fetch", "--loop", "wnd", "--partitions", "2013-01-01"), "did you mean 'wind'"),
        (("step", "fetch", "--loop", "wind"), "The step fetch: partitions: field required"),
        (("step", "train", "--loop", "wind"), "The step train: run: field required; from a shell, say --run"),
        (("step", "refit", "--loop", "wind", "--run", "x", "--cost", "dear"), "takes no 'cost'"),
        (("step", "replay", "--loop", "wind", "--cost", "dear"), "cost: expected a number, as 15 or 0.5; found 'dear'"),
        (("step", "fetch", "--loop", "wind", "--partition", "2013-01-01"), "did you mean 'partitions'"),
        (("step", "fetch", "--loop", "wind", "--partitions"), "needs a value"),
        (("step", "fetch", "--loop", "wind", "--partitions", "2013-13-01"), "is not a partition"),
        (("step", "validate", "--loop", "wind", "--partitions", "2013-01-01"), "Run: ratchet step fetch"),
        (("step", "publish", "--loop", "wind", "--partitions", "2013-01-01"), "Run: ratchet step validate"),
        (("step", "train", "--loop", "wind", "--run", "x"), "Run: ratchet step snapshot"),
        (("step", "snapshot", "--loop", "wind", "--run", "x"), "Ingest days first"),
        (("quarantine", "readmit", "wind", "2013-01-01"), "is in quarantine"),
        (("champion", "wind", "--at", "then"), "is not a time"),
        (("data", "diff", "nonsense"), "there is no revision 'nonsense'"),
    ],
)
def test_an_error_is_one_sentence_that_says_what_to_do(
    place: Path, arguments: tuple[str, ...], words: str, ratchet: Ratchet
) -> None:
    code, _, err = ratchet(*arguments)
    assert code == cli.FAILED
    assert words in err
    assert "Traceback" not in err


def test_help_and_version_are_no_errors(ratchet: Ratchet) -> None:
    assert ratchet("--version")[0] == 0
    code, out, _ = ratchet("--help")
    assert code == 0
    for file in (Path(cli.__file__).parent).glob("[!_]*.py"):
        assert f"  {file.stem}" in out


def test_the_help_cuts_no_sentence(ratchet: Ratchet) -> None:
    """In a terminal of 80 columns, each command has one line and the whole of its sentence."""
    context = click.Context(cli.ratchet)
    every = {name: cli.ratchet.get_command(context, name) for name in cli.ratchet.list_commands(context)}
    groups = [name for name, command in every.items() if isinstance(command, click.Group)]
    assert groups
    for words in ([], *([name] for name in groups)):
        rows = ratchet(*words, "--help")[1].partition("Commands:\n")[2].splitlines()
        assert rows
        assert not [row for row in rows if not row.endswith(".") or row.endswith("...") or row.startswith("   ")]


def test_a_step_imports_no_other_command() -> None:
    """All of them together cost each of a night's ten steps 0.25 s."""
    code = """
import sys
from ratchet.cli import main
main(["step", "publish", "--help"])
print(sorted(name for name in sys.modules if name.startswith("ratchet.cli.")))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "['ratchet.cli.step']"


def test_a_word_that_is_no_command_is_an_error(ratchet: Ratchet) -> None:
    code, _, err = ratchet("pulish")
    assert code == cli.FAILED
    assert "No such command" in err


def test_a_command_reaches_this_machine_without_a_proxy_and_keeps_the_users_exceptions(
    ratchet: Ratchet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a proxy an MLflow that ran was said not to answer."""
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "corp.example")
    assert ratchet("--version")[0] == 0
    assert os.environ["NO_PROXY"] == os.environ["no_proxy"] == "corp.example,127.0.0.1,localhost,::1"
