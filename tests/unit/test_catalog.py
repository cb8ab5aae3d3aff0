"""Which loops there are, and whether everything that they name exists."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from ratchet import catalog
from ratchet.errors import ContractError
from tests.given.contracts import HOSTILE, broken, refused


def test_the_loops_of_the_project_are_in_order(place: Path) -> None:
    assert catalog.names() == ["flight_classes", "flight_delays", "wind"]
    for name in catalog.names():
        assert catalog.load(name).name == name


def test_an_unknown_loop_suggests_the_nearest(place: Path) -> None:
    with pytest.raises(ContractError, match="did you mean 'flight_delays'"):
        catalog.load("flight_delay")


def test_one_broken_loop_leaves_the_others_alone(place: Path) -> None:
    broken(place, "task: binary", "task: none")
    assert catalog.load("wind").task == "regression"


def test_the_schema_accepts_what_the_contract_accepts(place: Path) -> None:
    schema = catalog.schema()
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    for name in catalog.names():
        document = YAML(typ="safe").load((place / "loops" / name / "loop.yaml").read_text())
        assert not list(validator.iter_errors(json.loads(json.dumps(document, default=str))))
    document["training"]["params"] = {"max_itr": 3}
    assert list(validator.iter_errors(document))


@pytest.mark.parametrize(("old", "new"), HOSTILE)
def test_whatever_a_contract_brings_about_is_a_sentence_that_names_its_file(place: Path, old: str, new: str) -> None:
    path, message = refused(place, old, new)
    assert message.startswith(str(path))
    assert len(message.splitlines()) == 1
    assert len(message) < 1000


def test_a_contract_that_is_a_folder_is_told(place: Path) -> None:
    path = place / "loops" / "wind" / "loop.yaml"
    path.unlink()
    path.mkdir()
    with pytest.raises(ContractError, match=f"{path}: IsADirectoryError"):
        catalog.load("wind")


@pytest.mark.parametrize("file", ["../../features.sql", "/etc/passwd", "link.sql"])
@pytest.mark.parametrize("field", ["features:\n  sql", "gate:\n  behaviour"])
def test_a_file_outside_the_loops_folder_is_not_read(place: Path, field: str, file: str) -> None:
    folder = place / "loops" / "wind"
    (place / "features.sql").write_text("SELECT 1")
    (folder / "link.sql").symlink_to(place / "features.sql")
    contract, part = folder / "loop.yaml", field.partition(":")[0]
    contract.write_text(contract.read_text().replace(f"{part}:\n", f"{field}: {file}\n"))
    with pytest.raises(ContractError, match=f"loop.yaml:[0-9]+: '{file}' lies outside .*a loop's files are in its"):
        catalog.load("wind")


def test_a_folder_beside_the_loops_that_holds_none_is_a_stray(place: Path) -> None:
    for name in ("shop", "_old", ".cache"):
        (place / "loops" / name).mkdir()
    (place / "loops" / "README.md").write_text("x")
    assert [path.name for path in catalog.strays()] == ["shop"]
    assert "shop" not in catalog.names()


def test_a_contract_of_now_says_how_late_labels_come_and_one_of_then_need_not(place: Path) -> None:
    assert "nothing says how" in broken(place, "label_delay_days: 1", "label_delay_days: 3")
    then = place / "then" / "flight_delays"
    (place / "loops" / "flight_delays").rename(then.parent.mkdir() or then)
    assert catalog.read(then / "loop.yaml").label_delay_days == 3
