"""Git's objects: what is read is what was written, what is lost is never taken for what was not there."""

from __future__ import annotations

import hashlib
import tempfile
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.adapters import git, git_objects
from ratchet.adapters.git_objects import BRANCH, Lost, Objects
from ratchet.errors import RegistryError

Changes = dict[str, bytes | None]
FILES = {"wind/ledger.jsonl": b"{}\n", "wind/data/day.dvc": b"md5", "format.json": b"3"}


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    """An empty repository."""
    git_objects.init(tmp_path / ".git")
    return Objects(tmp_path, tmp_path / ".git")


@pytest.fixture
def tip(objects: Objects) -> str:
    """A commit of three files that the branch is at."""
    made = objects.write("", FILES, "first")
    objects.move("", made)
    return made


# Names that Git sorts otherwise than Python does, and names of no ASCII.
NAMES = st.sampled_from(["a", "a.b", "a-b", "a0", "A", "b", "ü", "日 本", "%(x)s", "'", '"\\'])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


def _apart(changes: Changes) -> Changes:
    """Leave out what would be a file and a folder at once."""
    return {path: changes[path] for path in changes if not any(other.startswith(f"{path}/") for other in changes)}


CHANGES = st.dictionaries(PATHS, st.none() | st.binary(max_size=8), max_size=8).map(_apart)


def _follow(model: dict[str, bytes], changes: Changes) -> None:
    """Apply changes to what is to be there. A folder gives way to a file of its name, and a file to a folder."""
    for path, content in changes.items():
        above = {"/".join(path.split("/")[:depth]) for depth in range(1, path.count("/") + 1)}
        in_the_way = [each for each in model if each == path or each.startswith(f"{path}/")]
        in_the_way += [each for each in above & {*model} if content is not None]
        for each in in_the_way:
            del model[each]
        if content is not None:
            model[path] = content


def _listed(objects: Objects, tip: str) -> tuple[dict[str, str], set[str]]:
    """Ask Git itself what a commit holds: files with their hashes, and folders."""
    files, folders = {}, set()
    for line in git.run(objects.folder, "ls-tree", "-r", "-t", "-z", tip).split("\0")[:-1]:
        (mode, kind, name), path = line.partition("\t")[0].split(), line.partition("\t")[2]
        if kind == "tree":
            folders.add(path)
        else:
            assert (mode, kind) == ("100644", "blob")
            files[path] = name
    return files, folders


@settings(max_examples=20)
@given(st.lists(CHANGES, min_size=1, max_size=4))
def test_what_was_written_is_all_that_is_there_over_any_commits(history: list[Changes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        git_objects.init(Path(folder) / ".git")
        objects = Objects(Path(folder), Path(folder) / ".git")
        model: dict[str, bytes] = {}
        tip, known = "", list[tuple[str, dict[str, bytes]]]()
        for changes in history:
            before = dict(model)
            _follow(model, changes)
            base, tip = tip, objects.write(tip, changes, "a commit")
            assert (tip == base) == (bool(base) and model == before)
            known.append((tip, dict(model)))
        files, folders = _listed(objects, tip)
        blobs = {path: hashlib.sha1(b"blob %d\0%b" % (len(each), each)).hexdigest() for path, each in model.items()}
        assert files == blobs
        assert folders == {"/".join(path.split("/")[:n]) for path in model for n in range(1, path.count("/") + 1)}
        git.run(objects.folder, "fsck", "--strict", "--no-dangling", tip)
        for revision, there in known:
            assert objects.files(revision, "") == there
            assert all(objects.read(revision, path) == content for path, content in there.items())


def test_a_commit_that_changes_nothing_is_the_one_before(objects: Objects, tip: str) -> None:
    assert objects.write(tip, {}, "nothing") == tip
    assert objects.write(tip, FILES, "the same") == tip
    assert objects.write(tip, {"wind/never": None, "never/was": None, "format.json/x": None}, "gone before") == tip
    assert objects.head() == tip


def test_a_commit_is_aside_until_the_branch_is_moved_to_it(objects: Objects, tip: str) -> None:
    aside = objects.write(tip, {"wind/ledger.jsonl": None, "wind/data/day.dvc": None}, "aside")
    assert objects.head() == tip
    objects.move(tip, aside)
    objects.move(tip, aside)  # twice is once
    assert objects.head() == aside
    assert objects.names(aside, "", folders=True) == []
    assert git.run(objects.folder, "log", "--format=%s|%an|%ae|%P", "main").splitlines() == [
        f"aside|Ratchet|ratchet@localhost|{tip}",
        "first|Ratchet|ratchet@localhost|",
    ]


def test_a_branch_that_is_elsewhere_is_not_moved(objects: Objects, tip: str) -> None:
    ours, theirs = (objects.write(tip, {"who": who}, "faster") for who in (b"we", b"they"))
    objects.move(tip, theirs)
    with pytest.raises(Lost, match=f"Another writer has moved {objects.root} from {tip[:10]} to {theirs[:10]}") as lost:
        objects.move(tip, ours)
    assert lost.value.retriable
    with pytest.raises(Lost):
        objects.move("", ours)
    assert objects.head() == theirs
    objects.move(theirs, objects.write(theirs, {"who": b"we"}, "decided again"))  # no lock was left behind


def test_a_branch_that_another_has_locked_is_waited_for(
    objects: Objects, tip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, next_one = objects.folder / f"{BRANCH}.lock", objects.write(tip, {"more": b"1"}, "second")
    lock.touch()
    threading.Timer(0.1, lock.unlink).start()
    objects.move(tip, next_one)
    assert objects.head() == next_one
    lock.touch()
    monkeypatch.setattr(git_objects, "_LOCK_WAIT", 0.1)
    with pytest.raises(RegistryError, match="its branch main cannot be moved"):
        objects.move(next_one, tip)
    assert objects.head() == next_one


def test_a_file_is_absent_only_where_the_tree_has_none(objects: Objects, tip: str) -> None:
    for path in ("never", "wind/never", "wind/data/never/at/all", "format.json/below", "windy"):
        assert objects.read(tip, path) is None
        assert objects.folder_id(tip, path) == ""
        assert objects.names(tip, path) == []
        assert objects.files(tip, path) == {}
    assert objects.names(tip, "format.json") == []
    assert objects.names(tip, "wind/") == ["ledger.jsonl"]
    assert objects.names(tip, "wind", folders=True) == ["data"]
    assert objects.files(tip, "wind/") == {"ledger.jsonl": b"{}\n", "data/day.dvc": b"md5"}


def test_a_folder_is_known_by_all_that_lies_below_it(objects: Objects, tip: str) -> None:
    changed = objects.write(tip, {"wind/data/day.dvc": b"another"}, "another")
    back = objects.write(changed, {"wind/data/day.dvc": b"md5"}, "back")
    ids = [objects.folder_id(revision, "wind") for revision in (tip, changed, back)]
    assert ids[0] == ids[2] != ids[1]


def test_a_repository_without_a_commit_has_no_head(objects: Objects) -> None:
    assert objects.head() == ""
    tip = objects.write("", {}, "nothing in it")
    assert objects.files(tip, "") == {}


def test_revisions_are_found_by_name_and_compared(objects: Objects, tip: str) -> None:
    after = objects.write(tip, {"more": b"1"}, "second")
    assert objects.resolve("main") == objects.resolve(tip[:8]) == tip
    with pytest.raises(RegistryError, match="there is no revision 'nowhere'"):
        objects.resolve("nowhere")
    assert (objects.has(after), objects.has("1" * 40)) == (True, False)
    assert objects.descends(after, tip)
    assert objects.descends(tip, tip)
    assert not objects.descends(tip, after)
    with pytest.raises(RegistryError, match="cannot be compared"):
        objects.descends("1" * 40, tip)


@pytest.mark.parametrize("how", ["lost", "emptied", "cut off", "rotten", "another's"])
@pytest.mark.parametrize("which", ["commit", "", "wind", "wind/data", "wind/data/day.dvc"])
def test_an_object_that_is_damaged_is_an_error_and_never_taken_for_absent(
    objects: Objects, tip: str, which: str, how: str
) -> None:
    name = tip if which == "commit" else objects.folder_id(tip, which)
    other = objects.folder_id(tip, "format.json")
    file, others = (objects.folder / "objects" / each[:2] / each[2:] for each in (name, other))
    content = file.read_bytes()
    file.unlink()
    if how != "lost":
        half = content[: len(content) // 2]
        left = {"emptied": b"", "cut off": half, "rotten": half + b"\xff" * 20, "another's": others.read_bytes()}
        file.write_bytes(left[how])
    opened = Objects(objects.root, objects.folder)  # with nothing in memory
    for read in (lambda: opened.read(tip, "wind/data/day.dvc"), lambda: opened.files(tip, "wind")):
        with pytest.raises(RegistryError, match=str(objects.root)):
            read()
    if which == "commit":
        with pytest.raises(RegistryError, match=str(objects.root)):
            opened.resolve(tip[:12])
    if which in ("commit", "", "wind"):
        for read in (lambda: opened.read(tip, "wind/never"), lambda: opened.names(tip, "wind")):
            with pytest.raises(RegistryError):
                read()
        with pytest.raises(RegistryError):
            opened.write(tip, {"wind/data/new.dvc": b"2"}, "upon what is damaged")
    if which.startswith("wind"):
        assert opened.read(tip, "format.json") == b"3"
    assert opened.head() == tip


def test_what_is_packed_is_read_as_well(objects: Objects, tip: str) -> None:
    git.run(objects.folder, "repack", "-a", "-d", "--quiet")
    git.run(objects.folder, "pack-refs", "--all")
    assert not [*(objects.folder / "objects").glob("??/*")]
    opened = Objects(objects.root, objects.folder)
    assert opened.head() == objects.head() == tip
    assert opened.files(tip, "") == FILES
    assert objects.files(tip, "") == FILES  # open since before
    opened.move(tip, opened.write(tip, {"more": b"1"}, "upon a pack"))
    assert objects.read(objects.head(), "more") == b"1"


def test_a_folder_that_is_no_repository_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=f"{tmp_path}: cannot be opened"):
        Objects(tmp_path, tmp_path / ".git")


def test_what_is_written_bears_the_time_of_now(objects: Objects, tip: str) -> None:
    assert abs(int(git.run(objects.folder, "log", "-1", "--format=%ct", tip)) - time.time()) < 60
