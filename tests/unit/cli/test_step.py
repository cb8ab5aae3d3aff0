"""`ratchet step`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ratchet import cli, steps
from ratchet.cli.step import NIGHT, TRAINING
from ratchet.lifecycle import dataset
from ratchet.steps import fetch
from tests.unit.cli.conftest import Ratchet


def test_a_result_is_left_for_errors_too(place: Path, ratchet: Ratchet) -> None:
    result = place / "result.json"
    (place / "loops" / "wind" / "data").unlink()
    code, _, _ = ratchet("step", "fetch", "--loop", "wind", "--partitions", "2013-01-01", "--result", str(result))
    assert code == cli.RETRY
    error = json.loads(result.read_text())["error"]
    assert error["type"] == "SourceError"
    assert error["retriable"]


def _help(ratchet: Ratchet, *words: str) -> str:
    """Return what the help says, in one line, however wide the terminal is."""
    code, out, _ = ratchet("step", *words)
    assert code == 0
    return " ".join(out.split())


@pytest.mark.parametrize("words", [("train", "--help"), ("-h", "train"), ("--loop", "wind", "train", "--help")])
def test_the_help_of_a_step_lists_its_fields(ratchet: Ratchet, words: tuple[str, ...]) -> None:
    told = _help(ratchet, *words).partition("Fields of train: ")[2]
    assert told.startswith(
        "--run a key, of letters, digits and _.~:+@=-; needed. The key of this training, whose snapshot is pinned. "
        '--reason words; by default "asked for". Why it is trained. '
        "--asked-by a login; may be left out. Who has asked for it, as Airflow knows them"
    )


@pytest.mark.parametrize("name", steps.names())
def test_each_field_of_each_step_is_told_in_words(ratchet: Ratchet, name: str) -> None:
    told = _help(ratchet, name, "--help").partition(f"Fields of {name}: ")[2]
    fields = steps.find(name).request.model_fields
    assert fields
    for field, about in fields.items():
        assert about.description
        assert f"--{field.replace('_', '-')} " in told
        assert " ".join(about.description.split()) in told
    assert "class" not in told


def test_what_is_no_text_is_told_in_words_too(ratchet: Ratchet) -> None:
    assert "--answer Approve or Reject; needed. " in _help(ratchet, "answer", "--help")
    assert "--dry-run true or false; by default false. " in _help(ratchet, "prune", "--help")
    assert "--cost a number; may be left out. " in _help(ratchet, "replay", "--help")


def test_the_help_without_a_step_lists_the_steps_in_the_order_of_a_night(ratchet: Ratchet) -> None:
    for words in (("--help",), ("fecth", "--help")):
        told = _help(ratchet, *words).partition("Steps: ")[2].partition(" ratchet step fetch ")[0]
        assert told.startswith("turn Open the nights that an ingestion begins, and say what is missing before them. ")
        places = [told.index(steps.about(name)) for name in (*NIGHT, *TRAINING)]
        assert places == sorted(places)
        for name in steps.names():
            assert f"{name} {steps.about(name)}" in told


@pytest.mark.parametrize("name", steps.names())
def test_the_help_of_a_step_says_what_it_does_and_shows_its_own_examples(ratchet: Ratchet, name: str) -> None:
    told = _help(ratchet, name, "--help")
    assert told.startswith(f"Usage: ratchet step [OPTIONS] NAME {steps.about(name)} Options: ")
    shown = re.findall(r"ratchet step (\w+) +--loop", told)
    assert shown == ([name] if name in ("fetch", "snapshot") else [])


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


def test_what_a_runtime_asks_for_is_a_document_and_no_word(place: Path, ratchet: Ratchet) -> None:
    """A reason `--result=…` overwrote any file of Airflow's user."""
    file, result, victim = place / "request.json", place / "result.json", place / "victim"
    victim.write_text("whole")
    for text in (f"--result={victim}", f"--request={victim}", "--help", "-h", "--"):
        file.write_text(json.dumps({"run": "first", "reason": text}))
        code, _, _ = ratchet("step", "train", "--loop", "wind", "--request", str(file), "--result", str(result))
        assert code == cli.FAILED
        assert json.loads(result.read_text())["error"]["type"] == "DataError"  # nothing is pinned under that key
        assert victim.read_text() == "whole"


@pytest.mark.parametrize("text", ["", "[]", '"x"', "{", "[" * 100_000, "nul", '{"partitions": ["2013-01-01"]}'])
def test_a_document_that_is_none_is_refused(place: Path, ratchet: Ratchet, text: str) -> None:
    file = place / "request.json"
    file.write_text(text)
    code, _, err = ratchet("step", "fetch", "--loop", "wind", "--request", str(file))
    assert code == cli.FAILED
    assert err.startswith("RequestError: The")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("partitions", "20130201"),
        ("partitions", "2013-W05-5"),
        ("partitions", "2013-02-30"),
        ("partitions", "0001-01-01..9999-12-31"),
        ("partitions", "2999-01-01"),
        ("delivery", "../../x"),
        ("delivery", ".."),
        ("delivery", "a/b"),
        ("delivery", "a b"),
        ("delivery", "x\n"),
        ("delivery", "x" * 251),
        ("result", "/etc/passwd"),
    ],
)
def test_a_field_that_does_not_fit_is_named_and_nothing_is_done(
    place: Path, ratchet: Ratchet, field: str, value: str
) -> None:
    file = place / "request.json"
    file.write_text(json.dumps({"partitions": "2013-01-05", field: value}))
    code, _, err = ratchet("step", "fetch", "--loop", "wind", "--request", str(file))
    assert code == cli.FAILED
    assert err.startswith("RequestError: The step fetch")
    assert field in err
    assert not (place / "var" / "staging").exists()


@pytest.mark.parametrize("name", ["../../x", "..", "", "wind/../wind", "Wind", "wind\x00", "-h", "x" * 64])
def test_a_loops_name_is_a_name(place: Path, ratchet: Ratchet, name: str) -> None:
    code, _, err = ratchet("step", "fetch", f"--loop={name}", "--partitions", "2013-01-05")
    assert code == cli.FAILED
    assert "is not the name of a loop; " in err


def test_an_error_that_nobody_has_foreseen_is_a_sentence_and_left_as_a_result(
    place: Path, ratchet: Ratchet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise KeyError("temp")

    result = place / "result.json"
    monkeypatch.setattr(fetch, "run", fails)
    code, out, err = ratchet("step", "fetch", "--loop", "wind", "--partitions", "2013-01-05", "--result", str(result))
    assert code == cli.FAILED
    assert not out
    assert err.startswith("Unforeseen: KeyError: 'temp' (at test_step.py:")
    assert json.loads(result.read_text())["error"]["retriable"] is False


def test_a_refusal_has_an_exit_code_of_its_own(place: Path, ratchet: Ratchet) -> None:
    path = place / "loops" / "wind" / "loop.yaml"
    path.write_text(path.read_text().replace("SELECT * FROM", "SELECT * EXCLUDE (humid) FROM"))
    for name in ("fetch", "validate"):
        assert ratchet("step", name, "--loop", "wind", "--partitions", "2013-01-05")[0] == 0
    code, _, err = ratchet("step", "publish", "--loop", "wind", "--partitions", "2013-01-05")
    assert code == cli.REFUSED
    assert "dropped column humid" in err


@pytest.mark.parametrize("words", [("--approval", "Approve"), ("--approval=Approve",), ("--answer", "Approve")])
def test_an_approval_is_no_word_of_a_command_line(place: Path, ratchet: Ratchet, words: tuple[str, ...]) -> None:
    """What a person has answered is in the ledger alone."""
    code, _, err = ratchet("step", "promote", "--loop", "wind", "--run", "first", "--mlflow-run", "x", *words)
    assert code == cli.FAILED
    assert err.startswith("RequestError: The step promote")
    assert words[0].removeprefix("--").partition("=")[0] in err
    assert dataset.registry().ledger("wind") == []
