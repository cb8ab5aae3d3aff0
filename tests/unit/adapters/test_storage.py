"""DVC's storage, written without DVC's commands: they find in it what they would have written themselves."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from configobj import ConfigObj
from hypothesis import assume, given
from hypothesis import strategies as st

from ratchet.adapters import opening, storage, writing
from ratchet.adapters.data_registry import Registry
from ratchet.adapters.storage import Storage
from ratchet.adapters.writing import Writer
from ratchet.errors import DataError, RegistryError, RequestError
from ratchet.lifecycle import dataset
from ratchet.settings import Settings

FILES = {"loop/data/sales/2013-01-02.parquet": b"one", "loop/data/sales/2013-01-03.parquet": b"two" * 1000}
FIRST = next(iter(FILES))
# Commands one after another: DVC is imported once.
RUN = """
import json, sys
from dvc.cli import main
for words in json.loads(sys.argv[1]):
    print(f"\\n{main(words)}", end="\\0", flush=True)
"""


def dvc(folder: Path, *commands: str) -> list[str]:
    """Run DVC's commands in a folder; return what each has said."""
    command = [sys.executable, "-c", RUN, json.dumps([each.split(" ") for each in commands])]
    with tempfile.TemporaryDirectory() as own:  # SQLite's, which knows no path of more than 512 letters
        folders = {f"DVC_{name}_DIR": own for name in ("GLOBAL_CONFIG", "SYSTEM_CONFIG", "SITE_CACHE")}
        environment = {**os.environ, **folders}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    told = [each.rpartition("\n") for each in done.stdout.split("\0")[:-1]]
    assert [code for _, _, code in told] == ["0"] * len(commands), done.stdout + done.stderr
    return [said for said, _, _ in told]


def clone(registry: Registry, name: str = "clone") -> Path:
    """Clone a registry with Git, beside it."""
    folder = registry.root.with_name(name)
    subprocess.run(["git", "clone", "--quiet", str(registry.root), str(folder)], check=True)
    return folder


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, Path]:
    """Files as they are before a registry has them."""
    found = {}
    for number, (path, content) in enumerate(FILES.items()):
        found[path] = tmp_path / "sources" / str(number)
        found[path].parent.mkdir(exist_ok=True)
        found[path].write_bytes(content)
    return found


@pytest.fixture
def registry(place: Path) -> Registry:
    return dataset.registry()


def write(registry: Registry, files: dict[str, Path]) -> None:
    def act(writer: Writer) -> None:
        writer.add(files)
        writer.commit("Add")

    writing.change(registry, act)


def pointers(registry: Registry) -> dict[str, str]:
    return {path: registry.text(f"{path}.dvc") or "" for path in FILES}


def places(registry: Registry, path: str) -> tuple[Path, Path]:
    """Say where the bytes of a path lie, in the cache and in the remote."""
    digest, _ = storage.parse(registry.text(f"{path}.dvc") or "", path)
    return tuple(
        folder / "files" / "md5" / digest[:2] / digest[2:]
        for folder in (registry.root / ".dvc" / "cache", Path(registry.remote))
    )  # type: ignore[return-value]


def spoil(file: Path, content: bytes | None, mode: int) -> None:
    file.unlink()
    if content is not None:
        file.write_bytes(content)
        file.chmod(mode)


def test_dvcs_own_commands_find_what_they_would_have_written(registry: Registry, sources: dict[str, Path]) -> None:
    write(registry, sources)
    folder = clone(registry)
    missing = {f"{path}.dvc": [{"changed outs": {path: "not in cache"}}] for path in FILES}
    said = dvc(folder, "status --json", "fetch", "pull", "status --json", "status --cloud --json", "push", "pull")
    assert json.loads(said[0]) == missing
    assert "2 files fetched" in said[1]
    assert "2 files added" in said[2]
    assert json.loads(said[3]) == json.loads(said[4]) == {}
    assert "Everything is up to date" in said[5]
    assert "Everything is up to date" in said[6]
    assert {path: (folder / path).read_bytes() for path in FILES} == FILES
    # What DVC adds itself is what we have written.
    for path in FILES:
        (folder / f"{path}.dvc").unlink()
    dvc(folder, *(f"add {path}" for path in FILES))
    assert {path: (folder / f"{path}.dvc").read_text() for path in FILES} == pointers(registry)
    changed = subprocess.run(["git", "-C", str(folder), "status", "--porcelain"], capture_output=True, text=True)
    assert changed.stdout == ""


def test_a_file_is_got_from_the_registry_in_its_place(
    registry: Registry, sources: dict[str, Path], tmp_path: Path
) -> None:
    write(registry, sources)
    dvc(tmp_path, f"get {registry.root} {FIRST} --rev main -o out")
    assert (tmp_path / "out").read_bytes() == FILES[FIRST]
    assert {path.name for path in registry.root.iterdir()} == {".git", ".dvc"}


def test_what_dvc_has_added_and_pushed_is_read(registry: Registry, tmp_path: Path) -> None:
    folder, path = clone(registry), "loop/data/sales/2013-01-04.parquet"
    (folder / path).parent.mkdir(parents=True)
    (folder / path).write_bytes(b"three")
    dvc(folder, f"add {path}", "push")
    text = (folder / f"{path}.dvc").read_text()
    assert registry.storage.read({path: text}) == {path: b"three"}


def test_twice_changes_nothing_and_the_bytes_are_read_only(registry: Registry, sources: dict[str, Path]) -> None:
    write(registry, sources)
    head = registry.head()
    write(registry, sources)
    assert registry.head() == head
    for folder in (registry.root / ".dvc" / "cache", Path(registry.remote)):
        kept = [path for path in (folder / "files" / "md5").rglob("*") if path.is_file()]
        assert sorted(path.read_bytes() for path in kept) == sorted(FILES.values())
        assert all(path.stat().st_mode & 0o222 == 0 for path in kept)


def test_what_is_replaced_where_it_lay_leaves_what_was_added(registry: Registry, sources: dict[str, Path]) -> None:
    write(registry, sources)
    for source in sources.values():
        source.unlink()
        source.write_bytes(b"another delivery")
    assert registry.storage.read(pointers(registry)) == FILES


@pytest.mark.parametrize("mode", [0o444, 0o644])
@pytest.mark.parametrize("left", [b"", b"on", b"One", None])
def test_what_the_cache_has_lost_or_changed_is_taken_from_the_remote(
    registry: Registry,
    sources: dict[str, Path],
    caplog: pytest.LogCaptureFixture,
    left: bytes | None,
    mode: int,
) -> None:
    write(registry, sources)
    cached, _ = places(registry, FIRST)
    spoil(cached, left, mode)
    with caplog.at_level(logging.WARNING, logger="ratchet"):
        assert registry.storage.read(pointers(registry)) == FILES
    assert f"1 of the cache of {registry.root}, gone or damaged, taken from its remote" in caplog.text
    assert cached.read_bytes() == FILES[FIRST]
    assert cached.stat().st_mode & 0o222 == 0
    caplog.clear()
    assert registry.storage.read(pointers(registry)) == FILES
    assert not caplog.text


@pytest.mark.parametrize("left", [b"", b"One", None])
def test_what_is_damaged_here_and_there_is_named(
    registry: Registry, sources: dict[str, Path], left: bytes | None
) -> None:
    write(registry, sources)
    for file in places(registry, FIRST):
        spoil(file, left, 0o444)
    with pytest.raises(DataError) as caught:
        registry.storage.read(pointers(registry))
    assert str(caught.value) == (
        f"The bytes of {FIRST} are damaged or gone in the data registry {registry.root}, and its remote "
        f"{registry.remote} has none that are whole. What keep.data_days has let go of is gone for good; else ingest "
        "that day again"
    )
    write(registry, sources)  # which is what that does
    assert registry.storage.read(pointers(registry)) == FILES
    assert [file.read_bytes() for file in places(registry, FIRST)] == [FILES[FIRST]] * 2


@pytest.mark.parametrize("mode", [0o444, 0o644])
@pytest.mark.parametrize("where", [0, 1])
def test_a_file_that_a_power_cut_has_emptied_is_replaced_when_its_content_is_added(
    registry: Registry, sources: dict[str, Path], where: int, mode: int
) -> None:
    write(registry, sources)
    spoil(places(registry, FIRST)[where], b"", mode)
    write(registry, sources)
    assert [file.read_bytes() for file in places(registry, FIRST)] == [FILES[FIRST]] * 2
    assert registry.storage.has(storage.parse(pointers(registry)[FIRST], FIRST)[0])


@pytest.mark.parametrize("where", ["remote", "remote/files/md5"])
def test_a_remote_that_cannot_be_written_is_named_and_nothing_is_committed(
    registry: Registry, sources: dict[str, Path], where: str
) -> None:
    blocked = Settings.current().var / where
    blocked.parent.mkdir(parents=True, exist_ok=True)
    blocked.write_text("a file where the folder should be")
    head = registry.head()
    alone = Registry(registry.root, registry.remote)
    with pytest.raises(RegistryError, match=f"DVC's remote {registry.remote} cannot be written: "):
        write(alone, sources)
    assert registry.objects.head() == head
    blocked.unlink()
    write(alone, sources)
    assert alone.storage.read(pointers(alone)) == FILES


def test_two_paths_of_one_content_are_one_file(registry: Registry, sources: dict[str, Path]) -> None:
    twice = dict.fromkeys(FILES, sources[FIRST])
    write(registry, twice)
    spoil(places(registry, FIRST)[0], None, 0)
    assert registry.storage.read(pointers(registry)) == dict.fromkeys(FILES, FILES[FIRST])


def test_what_is_removed_is_gone_from_cache_and_remote(registry: Registry, sources: dict[str, Path]) -> None:
    write(registry, sources)
    digests = {path: storage.parse(text, path)[0] for path, text in pointers(registry).items()}
    assert registry.storage.remove([digests[FIRST]]) == len(FILES[FIRST])
    assert not [file for file in places(registry, FIRST) if file.exists()]
    assert not registry.storage.has(digests[FIRST])
    assert registry.storage.remove([digests[FIRST]]) == 0
    rest = {path: text for path, text in pointers(registry).items() if path != FIRST}
    assert registry.storage.read(rest) == {path: FILES[path] for path in rest}


@pytest.fixture
def odd(tmp_path: Path, request: pytest.FixtureRequest) -> Registry:
    """A registry whose remote has an odd name, elsewhere."""
    return opening.open_registry(tmp_path / "registry", str(tmp_path / request.param / "remote"))


@pytest.mark.parametrize(
    "odd", ["größer als & 日本", "#1, the first", "it's", '"so" #2', "[a] = $b; % 50%"], indirect=True
)
def test_dvc_finds_a_remote_whatever_its_name_is(odd: Registry, sources: dict[str, Path]) -> None:
    write(odd, sources)
    folder = clone(odd)
    dvc(folder, "pull")
    assert {path: (folder / path).read_bytes() for path in FILES} == FILES
    assert {*Path(odd.remote).parent.parent.iterdir()} >= {Path(odd.remote).parent, odd.root}


def test_a_remote_that_dvc_cannot_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"has %\(x\)s in its name, .* Name another folder: RATCHET_REMOTE"):
        opening.open_registry(tmp_path / "registry", str(tmp_path / "%(x)s" / "remote"))
    assert not (tmp_path / "registry").exists()


@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]) | st.just(" "), min_size=1, max_size=20))
def test_a_remotes_name_is_read_as_it_was_written_by_us_and_by_dvc(name: str) -> None:
    assume("%(" not in name and not (set(name) & {*"#,"} and {*"'\""} <= set(name)))
    url = f"../../{name.strip()}/remote"
    text = storage.config(url)
    assert storage.configured(text) == url
    assert ConfigObj(text.splitlines())[f'remote "{storage.REMOTE}"']["url"] == url


def test_a_configuration_of_no_remote_names_none() -> None:
    assert storage.configured("") == storage.configured("[core]\n    remote = elsewhere\n") == ""


def test_a_pointer_says_what_a_file_is_and_is_read_again(tmp_path: Path) -> None:
    source = tmp_path / "day.parquet"
    source.write_bytes(b"one")
    text = storage.pointer("loop/day.parquet", storage.md5(source), 3)
    assert storage.parse(text, "loop/day.parquet") == ("f97c5d29941bfb1b2fdab0874906ab82", 3)
    with pytest.raises(DataError, match=r"loop/day.parquet.dvc is not a pointer that Ratchet has written: 'outs"):
        storage.parse("outs:\n- path: day.parquet\n", "loop/day.parquet")


def test_nothing_is_asked_where_nothing_is_wanted(tmp_path: Path) -> None:
    nowhere = Storage(tmp_path / "registry", "http://127.0.0.1:9/remote")
    assert nowhere.add({}) == nowhere.read({}) == {}
    assert not (tmp_path / "registry").exists()
