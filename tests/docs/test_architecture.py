"""docs/architecture.md and its drawing say what the code is."""

from __future__ import annotations

import contextlib
import io
import re
import tomllib

import pytest

from scripts import draw_imports
from scripts.draw_imports import Arrow
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def listed() -> set[tuple[str, str]]:
    """The arrows, as the script prints them: who imports, and what."""
    with contextlib.redirect_stdout(io.StringIO()) as text:
        draw_imports.main(["--list"])
    return {tuple(line.split()[:3:2]) for line in text.getvalue().splitlines()}


def test_the_page_names_the_rooms_of_the_code():
    table = PAGE.partition("## The rooms")[2].partition("\n## ")[0]
    named = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    library = ROOT / "include" / "ratchet"
    packages = {path.parent.name for path in library.glob("*/__init__.py")}
    modules = {path.stem for path in library.glob("*.py")} - {"__init__", "__main__"}
    assert set(named) == {"deploy", "ratchet_airflow"} | packages | modules
    assert named == draw_imports.rooms()


def test_the_places_that_the_page_names_are_there():
    places = re.findall(r"`((?:include|plugins|deploy|dags)/[\w/.]*)`", PAGE)
    assert len(places) > 10
    assert [place for place in places if not (ROOT / place).exists()] == []


def test_import_linters_layers_allow_every_arrow(listed):
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    forbidden = {
        (source, target)
        for contract in contracts
        if contract["type"] == "forbidden"
        for source in contract["source_modules"]
        for target in contract["forbidden_modules"]
    }
    layer = {name.strip().split(".")[1]: i for i, names in enumerate(layers) for name in re.split("[|:]", names)}
    assert len(listed) > 50
    for source, target in listed:
        if source in layer and target in layer:
            assert layer[source] < layer[target], (source, target)
        else:
            assert target in layer, (source, target)
            assert (source, target) not in forbidden


def test_the_picture_is_of_this_code(listed):
    text = draw_imports.PICTURE.read_text(encoding="utf-8")
    drawn = set(re.findall(r'id="(\w+)-to-(\w+)"', text))
    assert drawn == listed, "the imports have changed: make drawing"


def test_an_import_against_the_order_is_red(tmp_path, monkeypatch):
    monkeypatch.setattr(draw_imports, "PICTURE", tmp_path / "imports.svg")
    order = draw_imports.rooms()
    draw_imports.draw(order, [Arrow("steps", "errors", 1, False)])
    assert draw_imports.WRONG not in draw_imports.PICTURE.read_text()
    draw_imports.draw(order, [Arrow("errors", "steps", 1, True)])
    assert draw_imports.WRONG in draw_imports.PICTURE.read_text()
