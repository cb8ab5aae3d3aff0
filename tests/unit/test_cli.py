"""The command: its errors, its exit codes, what it lays out, and the warm server that runs it faster."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ratchet import catalog, cli, fork_server
from ratchet.cli import new
from ratchet.errors import RequestError


def _ratchet(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    try:
        cli.main(list(arguments))
        code = 0
    except SystemExit as ended:
        code = int(ended.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def test_lint_finds_all_in_order(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _ratchet("lint", capsys=capsys)
    assert code == 0
    assert out.count("In order") == 3


def test_lint_tells_every_mistake_at_once(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "loops" / "wind" / "features.sql").write_text("SELECT nothing FROM weather")
    (place / "suites" / "expectations" / "flights.json").write_text("{")
    code, _, err = _ratchet("lint", capsys=capsys)
    assert code == cli.FAILED
    assert "features.sql" in err
    assert "flights.json is not an expectation suite" in err
    assert _ratchet("lint", "wnd", capsys=capsys)[2].count("did you mean 'wind'") == 1


def test_schema(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _ratchet("schema", capsys=capsys)
    assert code == 0
    assert json.loads(out)["title"] == "Loop"
    assert _ratchet("schema", "--output", str(place / "schema.json"), capsys=capsys)[0] == 0
    assert json.loads((place / "schema.json").read_text()) == json.loads(out)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("step", "fech", "--loop", "wind"), "did you mean 'fetch'"),
        (("step", "fetch", "--loop", "wnd", "--partitions", "2013-01-01"), "did you mean 'wind'"),
        (("step", "fetch", "--loop", "wind"), "--partitions: field required"),
        (("step", "fetch", "--loop", "wind", "--partition", "2013-01-01"), "did you mean 'partitions'"),
        (("step", "fetch", "--loop", "wind", "--partitions"), "needs a value"),
        (("step", "fetch", "--loop", "wind", "--partitions", "2013-13-01"), "is not a partition"),
        (("step", "validate", "--loop", "wind", "--partitions", "2013-01-01"), "Run: ratchet step fetch"),
        (("step", "publish", "--loop", "wind", "--partitions", "2013-01-01"), "Run: ratchet step validate"),
        (("step", "train", "--loop", "wind", "--run", "x"), "Run: ratchet step snapshot"),
        (("step", "snapshot", "--loop", "wind", "--run", "x"), "Ingest more days"),
        (("quarantine", "readmit", "wind", "2013-01-01"), "is in quarantine"),
        (("champion", "wind", "--at", "then"), "is not a time"),
        (("data", "diff", "nonsense"), "there is no revision 'nonsense'"),
    ],
)
def test_an_error_is_one_sentence_that_says_what_to_do(
    place: Path, arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = _ratchet(*arguments, capsys=capsys)
    assert code == cli.FAILED
    assert words in err
    assert "Traceback" not in err


def test_a_result_is_left_for_errors_too(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = place / "result.json"
    (place / "loops" / "wind" / "data").unlink()
    code, _, _ = _ratchet(
        "step", "fetch", "--loop", "wind", "--partitions", "2013-01-01", "--result", str(result), capsys=capsys
    )
    assert code == cli.RETRY
    error = json.loads(result.read_text())["error"]
    assert error["type"] == "SourceError"
    assert error["retriable"]


def test_new_lays_out_a_loop_that_is_in_order(
    place: Path, observations: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = ("observed_at", "origin")
    for name, target, task in (("gusts", "wind_speed", "regression"), ("where_is_it", "origin", "multiclass")):
        given = key if target in key else ()
        written = new.lay_out(name, observations, None, target, given, None, dags=place / "dags")
        assert {path.name for path in written} == {"loop.yaml", "features.sql", f"{name}.json", f"{name}.py"}
        assert catalog.load(name).task == task
        assert _ratchet("lint", name, capsys=capsys)[0] == 0
        assert f'dags_of("{name}")' in (place / "dags" / f"{name}.py").read_text()


@pytest.mark.parametrize(
    ("content", "target", "words"),
    [
        ("a,b\n1,2\n", "b", "no column of timestamps"),
        ("at,b\n2013-01-01 10:00:00,2\n", "c", "no column 'c'"),
        ("at,my col\n2013-01-01 10:00:00,2\n", "at", "has a name that SQL has to quote"),
        ("at,b\n2013-01-01 10:00:00,2\n2013-01-01 10:00:00,2\n", "b", "Say which do"),
    ],
)
def test_new_refuses_a_sample_that_will_not_do(place: Path, content: str, target: str, words: str) -> None:
    (place / "sample.csv").write_text(content)
    with pytest.raises(RequestError, match=words):
        new.lay_out("fresh", place / "sample.csv", None, target, (), None, dags=place / "dags")
    assert not (place / "loops" / "fresh").exists()


def test_new_never_overwrites(place: Path, observations: Path) -> None:
    with pytest.raises(RequestError, match="exists already"):
        new.lay_out("wind", observations, None, "wind_speed", (), None, dags=place / "dags")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    path = tmp_path / "warm.sock"
    code = (
        "import sys, pathlib; from ratchet import fork_server; "
        "fork_server.LIBRARIES = ('click',); fork_server.serve(pathlib.Path(sys.argv[1]))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(path)])
    while not path.exists():
        assert process.poll() is None
    with socket.socket(socket.AF_UNIX) as probe:
        while probe.connect_ex(str(path)):
            pass
    yield path, process
    process.terminate()
    process.wait(timeout=10)


def _warm(path: Path, output: Path, *arguments: str) -> int | None:
    with output.open("wb") as stream:
        return fork_server.run(path, list(arguments), dict(os.environ), stream.fileno(), stream.fileno())


def test_the_warm_server_runs_the_command(server: tuple[Path, subprocess.Popen[bytes]], place: Path) -> None:
    path, output = server[0], place / "output"
    assert path.stat().st_mode & 0o077 == 0
    assert _warm(path, output, "lint", "wind") == 0
    assert "In order" in output.read_text()
    assert _warm(path, output, "step", "fech", "--loop", "wind") == cli.FAILED
    assert "did you mean 'fetch'" in output.read_text()


def test_without_a_warm_server_there_is_no_answer(server: tuple[Path, subprocess.Popen[bytes]], tmp_path: Path) -> None:
    assert _warm(tmp_path / "nothing.sock", tmp_path / "output", "lint") is None
    path, process = server
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert _warm(path, tmp_path / "output", "lint") is None
