"""Other people's variables and configuration, of Git and of DVC: a night is the same, nothing of theirs is touched."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ratchet.adapters import git, writing
from ratchet.lifecycle import dataset
from tests.given import deliveries, whole
from tests.given.killing import Killer

DAY = deliveries.DAY
CONFIG = """
[user]
    name =
    email =
[core]
    hooksPath = {home}/hooks
    autocrlf = true
    excludesFile = {home}/ignored
    fsmonitor = /bin/false
[commit]
    gpgSign = true
    template = {home}/nowhere
[gpg]
    program = /bin/false
[init]
    defaultBranch = trunk
    templateDir = {home}/template
    defaultObjectFormat = sha256
[push]
    default = nothing
    followTags = true
[url "ssh://nobody.invalid/"]
    insteadOf = /
[gc]
    auto = 1
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home with a configuration in which every Git command of ours would fail."""
    folder = tmp_path / "home"
    (folder / "hooks").mkdir(parents=True)
    for hook in ("pre-commit", "commit-msg", "pre-push", "reference-transaction", "post-commit"):
        (folder / "hooks" / hook).write_text("#!/bin/sh\necho a hook says no >&2\nexit 1\n")
        (folder / "hooks" / hook).chmod(0o755)
    (folder / "ignored").write_text("*\n")
    (folder / "template" / "hooks").mkdir(parents=True)
    (folder / ".gitconfig").write_text(CONFIG.format(home=folder))
    (folder / ".config" / "dvc").mkdir(parents=True)
    (folder / ".config" / "dvc" / "config").write_text("[core]\n    hardlink_lock = true\n    remote = elsewhere\n")
    for name, value in {"HOME": folder, "XDG_CONFIG_HOME": folder / ".config"}.items():
        monkeypatch.setenv(name, str(value))
    return folder


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Somebody's own repository, with a commit and something staged."""
    folder = tmp_path / "other"
    clean = git.given()
    for command in (["init", "-q", str(folder)], ["-C", str(folder), "commit", "-q", "--allow-empty", "-m", "theirs"]):
        subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@y", *command], env=clean, check=True)
    (folder / "staged").touch()
    subprocess.run(["git", "-C", str(folder), "add", "staged"], env=clean, check=True)
    return folder


def _night(killer: Killer, place: Path, day: str = DAY) -> None:
    """Live a night by the command line, in this environment."""
    for name in ("turn", "fetch", "validate", "publish"):
        about = {"partitions": day, "run": "night"} if name == "turn" else {"partitions": day}
        ended = killer.step(name, "wind", **about)
        assert ended.code == 0, ended.said
    ended = killer.run("pause", "wind", "--reason", "a test")
    assert ended.code == 0, ended.said
    whole.check("wind")


def test_a_users_configuration_changes_nothing(place: Path, home: Path, killer: Killer) -> None:
    _night(killer, place)
    assert len(dataset.registry().ledger("wind")) == 1


def test_what_a_git_hook_or_a_ci_leaves_in_the_environment_changes_nothing(
    place: Path, other: Path, killer: Killer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ledger of three entries was erased by `GIT_DIR` once, with exit code 0."""
    for number in range(3):
        assert killer.run("pause", "wind", "--reason", str(number)).code == 0
    before = _theirs(other)
    for name, value in {
        "GIT_DIR": other / ".git",
        "GIT_WORK_TREE": other,
        "GIT_INDEX_FILE": other / ".git" / "index",
        "GIT_OBJECT_DIRECTORY": other / ".git" / "objects",
        "GIT_NAMESPACE": "theirs",
        "GIT_CEILING_DIRECTORIES": "/",
        "GIT_AUTHOR_NAME": "",
        "GIT_COMMITTER_EMAIL": "",
        "GIT_CONFIG_PARAMETERS": "'core.bare=false'",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.hooksPath",
        "GIT_CONFIG_VALUE_0": "/nowhere",
        "GIT_SSH_COMMAND": "/bin/false",
        "GIT_ASKPASS": "/bin/false",
    }.items():
        monkeypatch.setenv(name, str(value))
    _night(killer, place)
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    assert [each.reason for each in dataset.registry().ledger("wind")] == ["0", "1", "2", "a test"]
    assert _theirs(other) == before


def test_what_dvc_is_told_in_the_environment_changes_nothing(
    place: Path, tmp_path: Path, killer: Killer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dvc").mkdir()
    (tmp_path / "dvc" / "config").write_text("[core]\n    hardlink_lock = true\n[cache]\n    dir = /nowhere\n")
    for name in ("DVC_GLOBAL_CONFIG_DIR", "DVC_SYSTEM_CONFIG_DIR", "DVC_SITE_CACHE_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "dvc"))
    monkeypatch.setenv("DVC_ROOT", "/nowhere")
    for name in ("USER", "LOGNAME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    _night(killer, place)
    assert {path.name for path in (tmp_path / "dvc").iterdir()} == {"config"}


def test_a_registry_of_another_account_is_read_and_not_taken_for_an_empty_one(place: Path, killer: Killer) -> None:
    """Git itself refuses one ("dubious ownership"), which once read as a loop without a champion."""
    with writing.held(dataset.registry()):
        pass
    assert killer.run("pause", "wind", "--reason", "theirs").code == 0
    root = dataset.registry().root
    if os.geteuid() == 0:
        for path in [root, *root.rglob("*")]:
            os.chown(path, 65534, 65534, follow_symlinks=False)
    ended = killer.run("history", "wind")
    assert ended.code == 0, ended.said
    assert "theirs" in ended.said
    assert killer.run("data", "log").code == 0


def test_a_git_that_is_not_there_is_named(place: Path, killer: Killer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(place))
    ended = killer.run("data", "log")
    assert (ended.code, "apt-get install git" in ended.said) == (2, True)


def _theirs(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
