"""The parts of a rename; from the command on, in tests/unit/cli/test_rename.py and tests/integration/test_rename.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from ratchet.adapters import writing
from ratchet.lifecycle import dataset, renaming
from tests.conftest import ingest


@pytest.mark.parametrize(
    "text",
    [
        "# mine\nname: wind  # ours\ntask: regression\n",
        "task: regression\n'name' : \"wind\"\nname_of: wind\n",
        "{name: wind, task: regression}\n",
    ],
)
def test_a_contract_keeps_all_but_its_name(text: str) -> None:
    changed = renaming._named(text, "gale")
    before, after = (YAML(typ="safe").load(each) for each in (text, changed))
    assert {**before, "name": "gale"} == after
    assert ("# ours" in changed) == ("# ours" in text)


def test_the_registry_moves_in_one_commit_and_back_to_a_third_name(place: Path) -> None:
    ingest("wind", "2013-01-02")
    registry, first = dataset.registry(), dataset.registry().head()
    for old, new in (("wind", "gale"), ("gale", "storm")):
        assert writing.change(registry, lambda writer, old=old, new=new: renaming._in_registry(writer, old, new))
    assert writing.change(registry, lambda writer: renaming._in_registry(writer, "wind", "gale")) is False
    assert registry.folders() == [".dvc", "storm"]
    assert registry.former("storm") == ["gale", "wind"]
    assert registry.given_up() == {"gale", "wind"}
    assert registry.ever("storm/data") == ["storm/data", "gale/data", "wind/data"]
    assert len(registry.renamed()) == 2
    # A revision from before is read under the name of then, whatever is asked of it.
    assert registry.partitions("storm", "weather", first) == ["2013-01-02"]
    assert registry.verdict("storm", "2013-01-02", first) == registry.verdict("storm", "2013-01-02")
    assert registry.names("storm/verdicts/", first) == ["storm/verdicts/2013-01-02.json"]
    assert registry.content_id("storm/data", first) == registry.content_id("storm/data")
    assert registry.pointers("storm", first) == registry.pointers("storm")
    assert registry.verdict("other", "2013-01-02", first) is None
