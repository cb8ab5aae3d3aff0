"""A registry that is gone comes back from its remotes alone, and a remote that is new is given all of it."""

from __future__ import annotations

import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ratchet.adapters import git, git_remote, keeping, storage, writing
from ratchet.adapters.data_registry import Registry
from ratchet.errors import FormatError, RegistryBusy, RegistryError, RequestError
from ratchet.lifecycle import dataset
from ratchet.settings import Settings
from tests.conftest import free_port, ingest, lay
from tests.given import whole
from tests.given.entries import entry

FIRST, SECOND = "2013-01-02", "2013-01-03"


def _now() -> Registry:
    """Return the registry that the settings name, there or not."""
    settings = Settings.current()
    return Registry(settings.registry, settings.remote, settings.git_remote)


def _held(registry: Registry, revision: str = "HEAD") -> dict[str, object]:
    """Say what a registry holds at a revision: small files, and the rows of tables."""
    paths = [f"wind/data/weather/{day}.parquet" for day in registry.partitions("wind", "weather", revision)]
    tables = registry.read(paths, registry.resolve(revision))
    return {**registry.texts_below("", revision), **{path: table.num_rows for path, table in tables.items()}}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, loops_folder: tuple[Path, Path]) -> Path:
    """The state of two days of one loop, with an entry of its ledger and a page, made once for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("kept")
        lay(folder / "var", loops_folder, folder, patch.setenv)
        ingest("wind", f"{FIRST}..{SECOND}")
        with writing.held(dataset.registry()) as writer:
            writer.append("wind", [entry("asked", key="a", reason="why")])
            writer.keep("wind", ".html", "<p>why</p>")
            writer.commit("Ask")
    return folder / "var"


@pytest.fixture
def full(made: Path, place: Path) -> Registry:
    """A copy of it that a test may change."""
    shutil.rmtree(place / "var")
    shutil.copytree(made, place / "var", symlinks=True)
    return dataset.registry()


@pytest.fixture
def let_go(full: Registry) -> Registry:
    """The same after a day was taken out again: its bytes belong to an earlier revision alone."""
    with writing.held(full) as writer:
        writer.remove(f"wind/data/weather/{FIRST}.parquet.dvc")
        writer.commit("Prune")
    return full


def test_a_registry_that_is_gone_comes_back_whole(full: Registry) -> None:
    held, tip, said = _held(full), full.head(), list[str]()
    shutil.rmtree(full.root)
    keeping.restore(_now(), said.append)
    assert said == [f"{full.root}: {tip[:10]} from {full.git_remote}", f"3 files from {full.remote}"]
    found = dataset.registry()
    assert found.head() == tip
    assert _held(found) == held
    assert [each.key for each in found.ledger("wind")] == ["a"]
    assert {path.name for path in found.root.iterdir()} == {".git", ".dvc"}
    assert all(found.storage.has(storage.parse(text, path)[0]) for path, text in keeping._pointers(found))
    ingest("wind", "2013-01-04")  # it goes on
    assert dataset.registry().partitions("wind", "weather", "HEAD") == [FIRST, SECOND, "2013-01-04"]


def test_what_was_let_go_before_is_read_again_from_the_remote(let_go: Registry) -> None:
    earlier = let_go.git("log", "-1", "--format=%P", "main").strip()
    held = _held(let_go, earlier)
    shutil.rmtree(let_go.root)
    keeping.restore(_now(), lambda _: None)
    assert _held(_now(), earlier) == held


def test_a_registry_that_is_there_is_not_touched(full: Registry) -> None:
    held = _held(full)
    with pytest.raises(RequestError, match=f"There is a data registry in {full.root}. Move it away"):
        keeping.restore(_now(), print)
    assert _held(full) == held


def test_a_folder_with_other_things_is_not_touched(full: Registry) -> None:
    shutil.rmtree(full.root / ".git")  # the cache may have what no remote has
    shutil.rmtree(full.remote)
    with pytest.raises(RequestError, match="neither empty nor a data registry"):
        keeping.restore(_now(), print)
    assert [*(full.root / ".dvc" / "cache").rglob("*")]
    shutil.rmtree(full.root)
    full.root.mkdir()
    with pytest.raises(RequestError, match=f"The Git remote {full.git_remote} holds no data registry"):
        keeping.restore(_now(), print)
    assert [*full.root.iterdir()] == []


@pytest.mark.parametrize("git_url", ["none", "/never/was/registry.git"])
def test_a_git_remote_that_holds_nothing_is_named(
    full: Registry, monkeypatch: pytest.MonkeyPatch, git_url: str
) -> None:
    shutil.rmtree(full.root)
    monkeypatch.setenv("RATCHET_GIT_REMOTE", git_url)
    with pytest.raises(RequestError) as caught:
        keeping.restore(_now(), print)
    assert str(caught.value) == (
        f"The Git remote {git_url} holds no data registry. Name the one that does: RATCHET_GIT_REMOTE, a folder or URL"
    )
    assert not full.root.exists()


def test_a_git_remote_that_is_away_is_asked_again_later(full: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(full.root)
    monkeypatch.setenv("RATCHET_GIT_REMOTE", f"http://127.0.0.1:{free_port()}/registry.git")
    with pytest.raises(RegistryBusy, match="has to answer"):
        keeping.restore(_now(), print)
    assert not full.root.exists()


def test_a_dvc_remote_that_lacks_files_is_named_and_they_are_brought_when_it_has_them(full: Registry) -> None:
    held, aside = _held(full), Path(full.remote).with_name("aside")
    shutil.rmtree(full.root)
    (Path(full.remote) / "files").rename(aside)
    said = (
        f"The DVC remote {full.remote} lacks 3 of 3 files: wind/data/weather/{FIRST}.parquet …. Name the remote "
        "that has them: RATCHET_REMOTE; or ingest those days again"
    )
    with pytest.raises(RegistryError) as caught:
        keeping.restore(_now(), print)
    assert str(caught.value) == said
    aside.rename(Path(full.remote) / "files")
    assert _held(dataset.registry()) == held


def test_a_state_of_another_version_is_brought_back_as_it_is_and_refused(full: Registry) -> None:
    with writing.held(full) as writer:
        writer.write("format.json", '{"format": 99}\n')
        writer.commit("a newer version's")
    shutil.rmtree(full.root)
    with pytest.raises(FormatError, match="Install the version of Ratchet that wrote it"):
        keeping.restore(_now(), print)


def test_remotes_that_are_new_are_given_everything_and_suffice(
    let_go: Registry, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Path(let_go.remote)
    earlier = let_go.git("log", "-1", "--format=%P", "main").strip()
    held = [{**_held(let_go, revision), ".dvc/config": ""} for revision in (earlier, "HEAD")]
    remote, git_url = str(place / "disk" / "remote"), str(place / "another disk" / "registry.git")
    monkeypatch.setenv("RATCHET_REMOTE", remote)
    monkeypatch.setenv("RATCHET_GIT_REMOTE", git_url)
    said = list[str]()
    keeping.push(_now(), said.append)
    found = dataset.registry()
    assert said == [f"{remote}: 3 files", f"{git_url}: {found.head()[:10]}"]
    assert found.git("log", "-1", "--format=%s").strip() == "Keep the data in ../../../disk/remote"
    assert storage.configured((found.root / ".dvc" / "config").read_text()) == "../../../disk/remote"
    keeping.push(_now(), said.append)  # twice is once
    assert said[2:] == said[:2]
    assert git_remote.head(found.root, git_url) == found.head()
    for folder in (found.root, old):
        shutil.rmtree(folder)
    keeping.restore(_now(), print)
    found = dataset.registry()
    assert [{**_held(found, revision), ".dvc/config": ""} for revision in (earlier, "HEAD")] == held
    ingest("wind", FIRST)
    assert not old.exists()


def test_a_git_remote_alone_that_is_new_is_given_everything(
    full: Registry, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, git_url = _held(full), str(place / "another disk" / "registry.git")
    monkeypatch.setenv("RATCHET_GIT_REMOTE", git_url)
    said = list[str]()
    keeping.push(_now(), said.append)
    assert said == [f"{full.remote}: 3 files", f"{git_url}: {full.head()[:10]}"]
    shutil.rmtree(full.root)
    keeping.restore(_now(), print)
    assert _held(dataset.registry()) == held


def test_what_the_cache_lacks_is_taken_from_the_remote_before(
    let_go: Registry, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = let_go.git("log", "-1", "--format=%P", "main").strip()
    held = _held(let_go, earlier)
    shutil.rmtree(let_go.root / ".dvc" / "cache")
    lost = storage.parse(let_go.text(f"wind/data/weather/{SECOND}.parquet.dvc") or "", SECOND)[0]
    monkeypatch.setenv("RATCHET_REMOTE", str(place / "new"))
    said = list[str]()
    keeping.push(_now(), said.append)
    assert said[0] == f"{place / 'new'}: 3 files"
    shutil.rmtree(let_go.root / ".dvc" / "cache")
    shutil.rmtree(let_go.remote)
    assert _held(dataset.registry(), earlier) == held
    # Where that is gone too, it is said, and what there is is brought.
    _now().storage.remove([lost])
    keeping.push(_now(), said.append)
    assert said[-3:-1] == [f"{place / 'new'}: 2 files", f"1 files are neither in the cache nor in {place / 'new'}"]


def test_a_remote_seen_from_another_place_is_named_anew(
    full: Registry, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = _held(full)
    monkeypatch.setenv("RATCHET_REGISTRY", str(place / "another" / "machine" / "registry"))
    keeping.restore(_now(), print)
    with pytest.raises(RegistryError, match="else bring the data over: ratchet registry push"):
        dataset.registry()
    keeping.push(_now(), print)
    assert {**_held(dataset.registry()), ".dvc/config": ""} == {**held, ".dvc/config": ""}


def test_a_git_remote_of_another_installation_is_not_written(
    full: Registry, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = str(place / "other.git")
    monkeypatch.setenv("RATCHET_VAR", str(place / "other"))
    monkeypatch.setenv("RATCHET_GIT_REMOTE", other)
    with writing.held(dataset.registry()) as writer:
        writer.write("theirs", "x")
        theirs = writer.commit("theirs")
    monkeypatch.setenv("RATCHET_VAR", str(place / "var"))
    with pytest.raises(RegistryError, match="One of the two belongs to another installation"):
        keeping.push(_now(), print)
    assert git_remote.head(full.root, other) == theirs


def test_a_restore_that_was_interrupted_goes_on(full: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry was in its place, and its bytes had not come."""
    shutil.rmtree(full.root)
    with monkeypatch.context() as later:
        later.setattr(storage.Storage, "fetch", lambda *_: (_ for _ in ()).throw(RegistryBusy("the host is away")))
        with pytest.raises(RegistryBusy):
            keeping.restore(_now(), print)
    keeping.restore(_now(), print)
    assert _now().text("format.json")
    with pytest.raises(RequestError, match="There is a data registry"):
        keeping.restore(_now(), print)


def test_a_registry_that_is_not_there_has_nothing_to_push(place: Path) -> None:
    shutil.rmtree(Settings.current().registry)
    with pytest.raises(RequestError, match=r"There is no data registry in .*: ratchet registry restore"):
        keeping.push(_now(), print)


def test_loose_objects_are_packed_here_and_there_and_nothing_is_lost(
    full: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, tip = _held(full), full.head()
    folders = [full.root / ".git", Path(full.git_remote)]
    young, old = (full.root / ".git" / "objects" / f"tmp_{age}" for age in ("young", "old"))
    for left in (young, old):
        left.touch()
    os.utime(old, (time.time() - 2 * 86400.0,) * 2)
    keeping.pack(_now())
    assert all([*(folder / "objects").glob("??/*")] for folder in folders)  # too few to be worth it
    assert (young.exists(), old.exists()) == (True, False)
    monkeypatch.setattr(keeping, "_LOOSE", 0)
    keeping.pack(_now())
    for folder in folders:
        assert [*(folder / "objects" / "pack").glob("*.pack")]
        assert not [*(folder / "objects").glob("??/*")]
        git.run(folder, "fsck", "--strict", "--no-dangling")
    assert full.head() == tip
    assert _held(full) == _held(_now()) == held
    ingest("wind", "2013-01-04")
    keeping.pack(_now())
    assert len(_held(dataset.registry())) > len(held)


def test_packing_is_one_processs_at_a_time_and_the_others_pass_on(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every loop's upkeep packs the one registry, all at the same minute."""
    monkeypatch.setattr(keeping, "_LOOSE", 5)
    registry = dataset.registry()
    for number in range(30):
        with writing.held(registry) as writer:
            writer.write(f"wind/{number}", str(number))
            writer.commit(str(number))
    with ThreadPoolExecutor(5) as pool:
        for done in [pool.submit(keeping.pack, dataset.registry()) for _ in range(10)]:
            done.result()
    assert [*(registry.root / ".git" / "objects" / "pack").glob("*.pack")]
    assert dataset.registry().text("wind/29") == "29"
    whole.check_git(dataset.registry())
