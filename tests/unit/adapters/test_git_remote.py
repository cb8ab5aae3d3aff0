"""The Git remote: it takes what follows its head or nothing, and the registries beside it keep up."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ratchet.adapters import git, git_objects, git_remote
from ratchet.adapters.git_objects import BRANCH, Lost, Objects
from ratchet.adapters.git_remote import Unreachable
from ratchet.errors import RegistryError
from tests.conftest import free_port


@dataclass
class Clone:
    """A registry of this machine, and the descriptor of the lock that its writer holds."""

    objects: Objects
    url: str
    lock: int

    def write(self, name: str) -> tuple[str, str]:
        """Write a commit aside; return the one that it follows, and it."""
        base = self.objects.head()
        return base, self.objects.write(base, {name: name.encode()}, name)

    def publish(self, name: str) -> str:
        """Write a commit that counts here and there."""
        git_remote.follow(self.objects, self.url, self.lock)
        base, tip = self.write(name)
        git_remote.push(self.objects, self.url, base, tip, self.lock)
        self.objects.move(base, tip)
        return tip

    def follow(self) -> str:
        git_remote.follow(self.objects, self.url, self.lock)
        return self.objects.head()

    def there(self) -> str:
        return git_remote.head(self.objects.root, self.url, self.lock)


@pytest.fixture(params=["folder", "url"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A remote that holds nothing yet: a folder that is made when it is needed, or a host's."""
    if request.param == "folder":
        return str(tmp_path / "on a disk" / "registry.git")
    git_objects.init(tmp_path / "host.git")
    return f"file://{tmp_path / 'host.git'}"


@pytest.fixture
def clones(tmp_path: Path, url: str) -> Iterator[tuple[Clone, Clone]]:
    """Two registries of one remote, as two machines have them."""
    made, locks = [], []
    for name in ("one", "two"):
        git_objects.init(tmp_path / name / ".git")
        locks.append(os.open(tmp_path / f"{name}.lock", os.O_CREAT | os.O_RDWR))
        made.append(Clone(Objects(tmp_path / name, tmp_path / name / ".git"), url, locks[-1]))
    yield made[0], made[1]
    for lock in locks:
        os.close(lock)


def _folder(url: str) -> Path:
    return Path(url.removeprefix("file://"))


def test_the_first_push_makes_the_remote_and_others_follow(clones: tuple[Clone, Clone]) -> None:
    one, two = clones
    assert (one.there(), one.follow()) == ("", "")
    first = one.publish("a")
    assert one.there() == two.there() == two.follow() == first
    second = two.publish("b")
    third = two.publish("c")
    assert one.follow() == one.there() == third
    assert git.run(one.objects.folder, "log", "--format=%H", "main").split() == [third, second, first]
    assert one.objects.files(third, "") == {"a": b"a", "b": b"b", "c": b"c"}
    assert one.follow() == third  # twice is once


def test_what_is_ahead_of_its_remote_stays_where_it_is_and_brings_it_on(clones: tuple[Clone, Clone]) -> None:
    one, two = clones
    first = one.publish("a")
    base, tip = one.write("b")
    one.objects.move(base, tip)  # the remote was not there, or was brought back from a copy
    assert (one.follow(), one.there()) == (tip, first)
    third = one.publish("c")
    assert two.follow() == third


def test_two_that_have_diverged_are_told_apart_and_nothing_moves(clones: tuple[Clone, Clone]) -> None:
    one, two = clones
    theirs = one.publish("a")
    base, ours = two.write("b")
    two.objects.move(base, ours)
    with pytest.raises(RegistryError) as caught:
        two.follow()
    assert not caught.value.retriable
    assert str(caught.value) == (
        f"The data registry {two.objects.root} is at {ours[:10]}, and its Git remote {two.url} at {theirs[:10]}, which "
        "does not follow it. One of the two belongs to another installation, or was restored from a copy. Move the "
        "wrong one away; ratchet registry restore makes the registry from the remote"
    )
    assert (two.objects.head(), one.there()) == (ours, theirs)


def test_a_push_that_another_clone_was_faster_than_is_lost_and_leaves_the_remote(clones: tuple[Clone, Clone]) -> None:
    one, two = clones
    one.publish("a")
    two.follow()
    base, ours = two.write("ours")
    theirs = one.publish("theirs")
    with pytest.raises(Lost, match=f"has moved {two.url} from {base[:10]} to {theirs[:10]}") as lost:
        git_remote.push(two.objects, two.url, base, ours, two.lock)
    assert lost.value.retriable
    assert (two.there(), two.objects.head()) == (theirs, base)
    again = two.publish("ours")  # decided again, upon what the other has written
    assert one.follow() == again
    assert one.objects.files(again, "") == {name: name.encode() for name in ("a", "ours", "theirs")}


def test_a_push_is_lost_too_where_what_the_other_wrote_is_known_here(clones: tuple[Clone, Clone]) -> None:
    one, _ = clones
    first = one.publish("a")
    _, ours = one.write("ours")
    theirs = one.publish("theirs")
    with pytest.raises(Lost):
        git_remote.push(one.objects, one.url, first, ours, one.lock)
    assert one.there() == theirs


def test_a_push_whose_answer_was_cut_off_has_landed(clones: tuple[Clone, Clone]) -> None:
    one, _ = clones
    one.publish("a")
    hook = _folder(one.url) / "hooks" / "post-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nkill -9 $PPID\n")  # who has taken it dies before it says so
    hook.chmod(0o755)
    base, tip = one.write("b")
    with pytest.raises(RegistryError):
        git.run(one.objects.folder, "push", "--quiet", one.url, f"{tip}:refs/heads/other")
    git_remote.push(one.objects, one.url, base, tip, one.lock)
    assert one.there() == tip


def test_a_remote_that_refuses_says_why_and_nothing_is_lost(clones: tuple[Clone, Clone]) -> None:
    one, _ = clones
    first = one.publish("a")
    hook = _folder(one.url) / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'error: the quota is used up' >&2\nexit 1\n")
    hook.chmod(0o755)
    base, tip = one.write("b")
    with pytest.raises(RegistryError, match="remote: error: the quota is used up") as caught:
        git_remote.push(one.objects, one.url, base, tip, one.lock)
    assert not isinstance(caught.value, Lost)
    assert str(caught.value).endswith("Nothing counts that it has not taken. Retry")
    assert one.there() == first
    hook.unlink()
    git_remote.push(one.objects, one.url, base, tip, one.lock)
    assert one.there() == tip


@pytest.mark.parametrize("lock", [f"{BRANCH}.lock", "HEAD.lock", "packed-refs.lock", "config.lock"])
@pytest.mark.parametrize("url", ["folder"], indirect=True)
def test_what_a_killed_push_has_locked_in_a_folder_is_cleared(clones: tuple[Clone, Clone], lock: str) -> None:
    one, two = clones
    one.publish("a")
    (_folder(one.url) / lock).touch()
    assert one.publish("b") == two.follow()
    assert not (_folder(one.url) / lock).exists()


@pytest.mark.parametrize("url", ["folder"], indirect=True)
def test_a_folder_that_vanished_is_made_again_with_all_that_it_held(clones: tuple[Clone, Clone]) -> None:
    one, two = clones
    one.publish("a")
    shutil.rmtree(_folder(one.url))
    second = one.publish("b")
    assert two.follow() == second
    assert two.objects.files(second, "") == {"a": b"a", "b": b"b"}


def test_a_remote_that_is_new_is_completed(clones: tuple[Clone, Clone], tmp_path: Path) -> None:
    one, two = clones
    one.publish("a")
    tip = one.publish("b")
    two.url = str(tmp_path / "moved" / "registry.git")
    git_remote.complete(one.objects, two.url)
    git_remote.complete(one.objects, two.url)
    assert two.there() == two.follow() == tip


@pytest.mark.parametrize("url", ["folder"], indirect=True)
def test_a_remote_that_does_not_answer_can_be_asked_again_later(clones: tuple[Clone, Clone]) -> None:
    one, _ = clones
    base, tip = one.write("a")
    one.url = f"http://127.0.0.1:{free_port()}/registry.git"
    for call in (one.there, one.follow, lambda: git_remote.push(one.objects, one.url, base, tip, one.lock)):
        with pytest.raises(Unreachable, match=f"Its Git remote {one.url} has to answer. Retry") as caught:
            call()
        assert caught.value.retriable
    assert one.objects.head() == ""
