"""The contract that a run began with."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.adapters import writing
from ratchet.adapters.writing import Writer
from ratchet.contract.loop import Loop
from ratchet.errors import ContractError, DataError
from ratchet.lifecycle import contracts, dataset, renaming
from ratchet.settings import Settings
from tests.conftest import rename


def _edit(place: Path, old: str = "mae: {max: 10}", new: str = "mae: {max: 5}") -> None:
    path = place / "loops" / "wind" / "loop.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def _held(digest: str) -> Path:
    return Settings.current().var / "contracts" / digest / "wind"


def test_a_contract_is_taken_once_with_its_sql_and_without_its_data(place: Path) -> None:
    loop = catalog.load("wind")
    digest = contracts.take(loop)
    files = {path.relative_to(_held(digest)).as_posix() for path in _held(digest).rglob("*") if path.is_file()}
    assert files == {"loop.yaml", "features.sql"}
    for name in files:
        assert (_held(digest) / name).read_bytes() == (loop.folder / name).read_bytes()
    before = _held(digest).stat()
    assert contracts.take(loop) == digest
    assert _held(digest).stat() == before


@pytest.mark.parametrize("name", ["features.sql", "behaviour.yaml", "checks/light.py", "checks/bounds.json"])
def test_every_file_that_says_how_a_loop_lives_is_of_its_digest(place: Path, name: str) -> None:
    loop = catalog.load("wind")
    before = contracts.take(loop)
    path = loop.folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text((path.read_text() if path.exists() else "") + "\n")
    after = contracts.take(loop)
    assert after != before
    assert (_held(after) / name).read_bytes() == path.read_bytes()
    assert contracts.take(contracts.pinned(dataset.registry(), loop, before)) == before


@pytest.mark.parametrize("name", ["README.md", "checks/__pycache__/light.py", ".git/hook.py", "data/more.csv"])
def test_what_says_nothing_of_how_a_loop_lives_is_not(place: Path, name: str) -> None:
    loop = catalog.load("wind")
    before = contracts.take(loop)
    path = loop.folder / name
    if path.parent.is_symlink():
        path.parent.unlink()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    assert contracts.take(loop) == before


def test_a_run_lives_by_what_it_took_whatever_is_edited_since(place: Path) -> None:
    loop, registry = catalog.load("wind"), dataset.registry()
    digest = contracts.take(loop)
    assert contracts.pinned(registry, loop, digest) == loop
    assert contracts.pinned(registry, loop, "") == loop
    _edit(place)
    now = catalog.load("wind")
    then = contracts.pinned(registry, now, digest)
    assert (now.gate.floors["mae"].max, then.gate.floors["mae"].max) == (5, 10)
    assert then.folder == _held(digest)
    assert contracts.take(then) == digest
    assert contracts.pinned(registry, now, "") == now
    _edit(place, "mae: {max: 5}", "mae: {max: 10}")
    back = catalog.load("wind")
    assert contracts.pinned(registry, back, digest) == back  # edited back, it is the one of now again


def test_one_that_something_was_decided_by_is_kept_in_the_registry_once(place: Path) -> None:
    loop, registry = catalog.load("wind"), dataset.registry()
    with writing.held(registry) as writer:
        digest = contracts.keep(writer, loop)
        first = writer.commit("a contract")
        kept = [f"wind/contracts/{digest}/{name}" for name in ("features.sql", "loop.yaml")]
        assert sorted(writer.registry.texts_below("wind/contracts")) == kept
        assert contracts.keep(writer, loop) == digest
        assert writer.commit("the same") == first
        _edit(place)
        edited = contracts.keep(writer, catalog.load("wind"))
        second = writer.commit("another")
        # A loop that lives by an earlier contract keeps that one, and not the one of now.
        then = contracts.pinned(writer.registry, catalog.load("wind"), digest)
        assert contracts.keep(writer, then) == digest
        assert writer.commit("the first again") == second
    assert edited != digest
    assert len(registry.texts_below("wind/contracts")) == 2 * len(kept)
    assert "max: 10" in (registry.text(f"wind/contracts/{digest}/loop.yaml", first) or "")
    assert "max: 5" in (registry.text(f"wind/contracts/{edited}/loop.yaml") or "")


def test_a_copy_that_is_gone_is_restored_from_the_registry_byte_for_byte(place: Path) -> None:
    loop, registry = catalog.load("wind"), dataset.registry()
    (loop.folder / "checks").mkdir()
    (loop.folder / "checks" / "light.py").write_text("# \u2264 1\n")
    digest = contracts.take(loop)
    with writing.held(registry) as writer:
        assert contracts.keep(writer, loop) == digest
        writer.commit("a contract")
    taken = {path.relative_to(_held(digest)): path.read_bytes() for path in _held(digest).rglob("*") if path.is_file()}
    shutil.rmtree(Settings.current().var / "contracts")
    _edit(place)
    then = contracts.pinned(registry, catalog.load("wind"), digest)
    assert then.gate.floors["mae"].max == 10
    found = {path.relative_to(_held(digest)): path.read_bytes() for path in _held(digest).rglob("*") if path.is_file()}
    assert found == taken
    assert contracts.take(then) == digest


def test_a_copy_that_is_nowhere_is_told_with_what_to_do(place: Path) -> None:
    loop, registry = catalog.load("wind"), dataset.registry()
    digest = contracts.take(loop)
    shutil.rmtree(Settings.current().var / "contracts")
    assert contracts.pinned(registry, loop, digest) == loop  # the one of now needs no copy
    _edit(place)
    with pytest.raises(DataError, match=rf"The contract {digest} .* Start a new run"):
        contracts.pinned(registry, catalog.load("wind"), digest)
    assert not _held(digest).exists()


def test_a_contract_that_somebody_has_broken_meanwhile_is_not_taken(place: Path) -> None:
    """A run that had taken it failed for good, and its message named a copy that nobody edits."""
    loop = catalog.load("wind")
    path = place / "loops" / "wind" / "loop.yaml"
    _edit(place, "gate:\n", "gat:\n")
    with pytest.raises(ContractError, match="unknown key 'gat'") as caught:
        contracts.take(loop)
    assert str(caught.value).startswith(f"{path}:")
    assert not [file for file in (Settings.current().var / "contracts").rglob("*") if file.is_file()]


def test_one_from_before_a_rename_is_restored_as_the_loop_of_now(place: Path) -> None:
    loop = catalog.load("wind")
    digest = writing.change(dataset.registry(), lambda writer: _kept(writer, loop))
    writing.change(dataset.registry(), lambda writer: renaming._in_registry(writer, "wind", "gale"))
    rename(place, "wind", "gale")
    found = contracts.pinned(dataset.registry(), catalog.load("gale"), digest)
    assert (found.name, found.description) == ("gale", loop.description)
    assert contracts.pinned(dataset.registry(), catalog.load("gale"), digest) == found


def _kept(writer: Writer, loop: Loop) -> str:
    digest = contracts.keep(writer, loop)
    writer.commit("Keep a contract")
    return digest


def test_a_contract_that_was_taken_before_means_what_it_meant_then(place: Path) -> None:
    """A loop that said nothing of its gate had to be better, and what was judged was deployed."""
    _edit(place, "  aim: superior\n  deploy: evaluated\n", "")
    loop, registry = catalog.load("wind"), dataset.registry()
    assert (loop.gate.aim, loop.gate.deploy) == ("non_inferior", "refit")
    now = contracts.take(loop)
    older = contracts._digest(contracts._files(loop.folder), defaults="")
    shutil.copytree(_held(now), _held(older))
    then = contracts.pinned(registry, loop, older)
    assert (then.gate.aim, then.gate.deploy) == ("superior", "evaluated")
    assert then.gate.model_dump(exclude={"aim", "deploy"}) == loop.gate.model_dump(exclude={"aim", "deploy"})
    assert contracts.take(then) == older != now
    assert writing.change(registry, lambda writer: _kept(writer, then)) == older
    _edit(place, "gate:\n", "gate:\n  aim: non_inferior\n  margin: 2\n  deploy: refit\n")
    said = contracts._digest(contracts._files(loop.folder), defaults="")
    contracts.take(catalog.load("wind"))
    shutil.copytree(_held(contracts.take(catalog.load("wind"))), _held(said))
    assert contracts.pinned(registry, loop, said).gate == catalog.load("wind").gate
