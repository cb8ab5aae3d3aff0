"""A finding, as the terminal shows it."""

from __future__ import annotations

import click

from ratchet.cli.health.finding import Finding


def test_what_is_in_order_is_a_line_and_what_is_wrong_names_the_next_command() -> None:
    assert Finding("memory", "8.0 GB").text() == "ok     memory         8.0 GB"
    said, then = click.unstyle(Finding("services", "nothing is running", "make up").text()).split("\n")
    assert said == "wrong  services       nothing is running"
    assert then.strip() == "next: make up"


def test_nothing_that_is_quoted_makes_a_line_of_its_own() -> None:
    assert Finding("DAG file", "a\nok     b\x1b[2K").text().count("\n") == 0
