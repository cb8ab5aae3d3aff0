"""What is in force of a contract that says nothing."""

from __future__ import annotations

import re

import pytest
from ruamel.yaml import YAML

from ratchet.contract.loop import Loop
from ratchet.layout import defaults


@pytest.mark.parametrize("section", defaults.SECTIONS)
def test_comments_are_the_models_own_defaults(section: str) -> None:
    text = "\n".join(line[2:] for line in defaults.comments(section).splitlines() if not re.match(r"#\s+#", line))
    read = YAML(typ="safe").load(text)[section]
    model = Loop.model_fields[section].annotation
    assert model is not None
    assert model.model_validate(read) == model()
    assert {*read} == {*model.model_fields}


def test_what_is_written_is_no_comment() -> None:
    said = defaults.comments("training", ("trainer", "window", "holdout_days", "seed"))
    assert "trainer:" not in said
    assert said.startswith("#   intercept_days: 21 ")
    assert "\n#   device: auto\n" in said


@pytest.mark.parametrize("value", ["yes", "on", "null", "1", "a b", "a: b", "Köln", "it's", 'say "x"', "@x", "plain"])
def test_a_word_is_read_as_it_was_written(value: str) -> None:
    assert YAML(typ="safe").load(f"x: {defaults.word(value)}") == {"x": value}
    assert YAML(typ="safe").load(f"{defaults.word(value)}: 1") == {value: 1}
