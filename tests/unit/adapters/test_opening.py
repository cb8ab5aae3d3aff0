"""A registry is made where there has never been one, and never in the place of one that is gone."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ratchet.adapters import data_registry, opening, storage
from ratchet.errors import FormatError, RegistryError
from ratchet.lifecycle import dataset
from ratchet.settings import Settings
from tests.conftest import ingest
from tests.unit.adapters.test_data_registry import places, rows, spoil
from tests.unit.adapters.test_storage import clone, dvc

FORKS = multiprocessing.get_context("fork")
DAY = "2013-01-02"
PATH = f"wind/data/weather/{DAY}.parquet"


@pytest.mark.parametrize("at", ["_begin", "write_text"])
def test_a_registry_whose_making_was_killed_is_made_anew(place: Path, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    shutil.rmtree(Settings.current().registry)

    def make() -> None:
        setattr(opening, at, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        dataset.registry()

    killed = FORKS.Process(target=make)
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    assert not Settings.current().registry.exists()
    assert dataset.registry().git("log", "--format=%s", "main").strip() == "Begin the data registry"


def test_two_that_make_it_at_once_make_one(tmp_path: Path) -> None:
    remote = str(tmp_path / "remote")
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda _: opening.open_registry(tmp_path / "registry", remote), range(2)))
    assert made[0].head() == made[1].head()
    assert [item.name for item in tmp_path.iterdir() if item.is_dir()] == ["registry"]


def test_a_new_registry_holds_what_a_clone_needs_and_no_worktree(tmp_path: Path) -> None:
    registry = opening.open_registry(tmp_path / "registry", str(tmp_path / "remote"))
    text = f"[core]\n    analytics = false\n    remote = {storage.REMOTE}\n"
    assert (registry.text(".dvc/config") or "").startswith(text)
    assert storage.configured((registry.root / ".dvc" / "config").read_text()) == "../../remote"
    assert registry.format() == data_registry.FORMAT
    assert {path.name for path in registry.root.iterdir()} == {".git", ".dvc"}
    assert registry.git("rev-parse", "--is-bare-repository").strip() == "true"


def test_a_folder_with_other_things_is_not_taken(place: Path) -> None:
    folder = Settings.current().registry
    shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(RegistryError, match="neither empty nor a data registry"):
        dataset.registry()
    assert (folder / "thesis.txt").exists()


def test_an_empty_folder_is_taken(place: Path) -> None:
    folder = Settings.current().registry
    shutil.rmtree(folder)
    folder.mkdir()
    assert dataset.registry().format() == data_registry.FORMAT


@pytest.mark.parametrize("git_remote", ["", "none"])
def test_a_registry_that_is_gone_is_not_begun_anew_while_its_remotes_hold_one(
    place: Path, monkeypatch: pytest.MonkeyPatch, git_remote: str
) -> None:
    monkeypatch.setenv("RATCHET_GIT_REMOTE", git_remote)
    ingest("wind", DAY)
    settings = Settings.current()
    shutil.rmtree(settings.registry)
    said = {
        "": f"The data registry {settings.registry} is gone, and its Git remote {settings.git_remote} holds one. ",
        "none": f"There is no data registry in {settings.registry}, and its DVC remote {settings.remote} holds data. ",
    }
    with pytest.raises(RegistryError) as caught:
        dataset.registry()
    assert str(caught.value).startswith(said[git_remote])
    assert "ratchet registry restore" in str(caught.value)
    assert not settings.registry.exists()


def test_a_remote_that_was_changed_is_refused_until_the_data_are_brought_there(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest("wind", DAY)
    head = dataset.registry().head()
    there = place / "var" / "remote"
    monkeypatch.setenv("RATCHET_REMOTE", str(place / "elsewhere"))
    with pytest.raises(RegistryError) as caught:
        ingest("wind", "2013-01-03")
    assert str(caught.value) == (
        f"The DVC remote is {place / 'elsewhere'} by the settings, and the data of the registry "
        f"{place / 'var' / 'registry'} lie in {there}. Where that is their place, set RATCHET_REMOTE={there} for every "
        "command, and for the services (make down, make up); else bring the data over: ratchet registry push"
    )
    monkeypatch.setenv("RATCHET_REMOTE", "../remote")  # seen from the registry: the same place
    assert dataset.registry().head() == head
    assert not (place / "elsewhere").exists()


def test_an_installation_that_was_moved_goes_on(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ingest("wind", DAY)
    (place / "var").rename(place / "moved")
    monkeypatch.setenv("RATCHET_VAR", str(place / "moved"))
    assert rows(dataset.registry()) == 72
    ingest("wind", "2013-01-03")
    registry = dataset.registry()
    assert registry.root == place / "moved" / "registry"
    spoil(places(registry)[0])
    assert rows(registry) == 72
    folder = clone(registry)
    dvc(folder, "pull")
    assert (folder / PATH).read_bytes() == places(registry)[1].read_bytes()
    assert not (place / "var").exists()


@pytest.mark.parametrize(
    "name", ["Größe und Maß", "%(x)s, #1", "/".join(["a very long name, " * 11] * 16)], ids=["umlauts", "signs", "long"]
)
def test_a_folder_may_have_any_name(place: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("RATCHET_VAR", str(place / name / "var"))
    ingest("wind", DAY)
    registry = dataset.registry()
    assert registry.root == place / name / "var" / "registry"
    assert rows(registry) == 72
    folder = clone(registry)
    dvc(folder, "pull")
    assert (folder / PATH).read_bytes() == places(registry)[0].read_bytes()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            json.dumps({"format": data_registry.FORMAT + 1}),
            f"which is newer than this program's, {data_registry.FORMAT}. Install the version",
        ),
        (
            json.dumps({"format": 2}),
            r"was written by an older Ratchet \(format 2; .* Bring it forward: ratchet upgrade",
        ),
        (None, r"was written by an older Ratchet \(format 1; "),
    ],
)
def test_a_state_of_another_version_is_refused(tmp_path: Path, text: str | None, said: str) -> None:
    registry = opening.open_registry(tmp_path / "registry", str(tmp_path / "remote"))
    objects, head = registry.objects, registry.head()
    content = None if text is None else text.encode()
    objects.move(head, objects.write(head, {"format.json": content}, "another version"))
    registry.root.rename(tmp_path / "another")  # one that this process has not seen
    with pytest.raises(FormatError, match=said):
        opening.open_registry(tmp_path / "another", str(tmp_path / "remote"))
