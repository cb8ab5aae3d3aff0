"""Git's command line in its clean environment: what reaches it, what it says, and that it ends."""

from __future__ import annotations

import base64
import fcntl
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.adapters import git
from ratchet.errors import MissingPackage, RegistryBusy, RegistryError
from tests.conftest import free_port

SECRET = "s3cret-t0ken"
OURS = {
    *("LC_ALL", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_ATTR_NOSYSTEM"),
    *("GIT_NO_REPLACE_OBJECTS", "GIT_TERMINAL_PROMPT"),
}
# Git shows its caller's words and what its children are given.
TELL = ("-c", "alias.tell=!tr '\\0' '\\n' </proc/$PPID/cmdline; echo ---; env", "tell")


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user whose configuration and environment break every commit."""
    home, hooks = tmp_path / "home", tmp_path / "hooks"
    for folder in (home / "git", hooks):
        folder.mkdir(parents=True)
    for name in ("pre-commit", "reference-transaction", "post-commit"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch '{tmp_path}/hooked'\nexit 1\n")
        (hooks / name).chmod(0o755)
    (home / ".gitconfig").write_text(
        f"[core]\n\thooksPath = {hooks}\n\tautocrlf = true\n[commit]\n\tgpgSign = true\n"
        "[user]\n\tname = Somebody\n\temail = somebody@localhost\n"
        "[gpg]\n\tprogram = /bin/false\n[alias]\n\thello = !echo hello\n"
    )
    (home / "git" / "config").write_text((home / ".gitconfig").read_text())
    for name, value in {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "GIT_DIR": str(tmp_path / "nowhere"),
        "GIT_INDEX_FILE": str(tmp_path / "index"),
        "GIT_AUTHOR_NAME": "Nobody",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "commit.gpgSign",
        "GIT_CONFIG_VALUE_0": "true",
    }.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def test_nothing_of_the_users_configuration_or_of_a_hooks_environment_changes_a_commit(hostile: Path) -> None:
    root = hostile / "root"
    root.mkdir()
    (root / "file").write_bytes(b"a\r\nb\n")
    git.run(root, "init", "--quiet")
    git.run(root, "add", "file")
    git.run(root, "commit", "--quiet", "--message", "first")
    assert git.run(root, "log", "--format=%an %cn %G?").split() == ["Ratchet", "Ratchet", "N"]
    assert git.run(root, "cat-file", "blob", "HEAD:file").encode() == b"a\nb\n"  # the pipe's; its size is the file's
    assert git.run(root, "cat-file", "-s", "HEAD:file").strip() == "5"
    assert not (hostile / "hooked").exists()
    with pytest.raises(RegistryError, match="git hello"):
        git.run(root, "hello")
    # Git as the user starts it obeys all of that.
    theirs = {name: value for name, value in os.environ.items() if name not in ("GIT_DIR", "GIT_INDEX_FILE")}
    command = ["git", "-C", str(root), "commit", "--quiet", "--allow-empty", "--message", "second"]
    assert subprocess.run(command, env=theirs, capture_output=True).returncode != 0
    assert (hostile / "hooked").exists()


@settings(max_examples=50)
@given(
    st.dictionaries(
        st.from_regex(r"GIT_[A-Z_]{1,12}", fullmatch=True) | st.sampled_from([*OURS, "HOME", "SSH_ASKPASS", "EDITOR"]),
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5),
    )
)
def test_no_variable_of_git_is_handed_on_whatever_it_is(given_to_us: dict[str, str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        clean = {remote: git.given(remote) for remote in (False, True)}
        for name, value in given_to_us.items():
            patch.setenv(name, value)
        assert {remote: git.given(remote) for remote in (False, True)} == clean
    assert {*clean[False]} - {"PATH", "TMPDIR", "LD_LIBRARY_PATH"} == OURS


def test_a_token_reaches_what_speaks_with_a_remote_alone_and_is_no_argument(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(git.TOKEN, SECRET)
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    for remote in (True, False):
        arguments, _, environment = git.run(tmp_path, *TELL, remote=remote).partition("---\n")
        assert SECRET not in arguments
        assert (f"{git.TOKEN}={SECRET}\n" in environment) == remote
        assert ("https_proxy=" in environment) == remote


def test_a_key_and_certificates_reach_what_speaks_with_a_remote_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(git.KEY, "/etc/keys/of the registry")
    monkeypatch.setenv(git.CERTIFICATES, "/etc/ca.pem")
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    found = git.given(remote=True)
    assert found["GIT_SSH_COMMAND"].startswith("ssh -o BatchMode=yes ")
    assert found["GIT_SSH_COMMAND"].endswith(" -o IdentitiesOnly=yes -i '/etc/keys/of the registry'")
    assert (found["GIT_SSL_CAINFO"], found["SSH_AUTH_SOCK"]) == ("/etc/ca.pem", "/run/agent")
    assert not {"GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "SSH_AUTH_SOCK"} & {*git.given()}


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str]]]:
    """A host that asks who one is, and then says that it has no such repository; with what it was told."""
    told: list[str] = []

    class Host(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.append(self.headers.get("Authorization", ""))
            self.send_response(404 if told[-1] else 401)
            self.send_header("WWW-Authenticate", 'Basic realm="registry"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/registry.git", told
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_host_that_asks_is_told_the_token(
    tmp_path: Path, asked: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, told = asked
    monkeypatch.setenv(git.TOKEN, SECRET)
    with pytest.raises(RegistryError, match="could not read Username"):
        git.run(tmp_path, "ls-remote", url)
    assert told == [""]
    with pytest.raises(RegistryError, match=r"repository '.*' not found") as caught:
        git.run(tmp_path, "ls-remote", url, remote=True)
    assert told[1:] == ["", "Basic " + base64.b64encode(f"ratchet:{SECRET}".encode()).decode()]
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", ""),
        ("exit\n", "exit"),
        ("fatal: not a git repository (or any of the parent directories): .git\n", "fatal: not a git repository"),
        (
            "To /srv/registry.git\n ! [rejected]        1c0ffee -> main (fetch first)\n"
            "error: failed to push some refs to '/srv/registry.git'\nhint: Updates were rejected because the remote\n",
            "! [rejected]        1c0ffee -> main (fetch first)",
        ),
        (
            "remote: error: insufficient permission for adding an object to repository database ./objects        \n"
            "remote: fatal: failed to write object        \nerror: remote unpack failed: unpack-objects abnormal exit",
            "remote: error: insufficient permission for adding an object",
        ),
        (
            "git@example.org: Permission denied (publickey).\nfatal: Could not read from remote repository.\n\n"
            "Please make sure you have the correct access rights\nand the repository exists.\n",
            "git@example.org: Permission denied (publickey).",
        ),
        (
            "Host key verification failed.\nfatal: Could not read from remote repository.\n",
            "Host key verification failed.",
        ),
        (
            "ssh: connect to host example.org port 22: Connection refused\n"
            "fatal: Could not read from remote repository.\n",
            "ssh: connect to host example.org port 22: Connection refused",
        ),
        (
            "remote: Repository not found.\nfatal: repository 'https://example.org/registry.git/' not found\n",
            "fatal: repository 'https://example.org/registry.git/' not found",
        ),
        (
            "fatal: unable to access 'https://example.org/registry.git/': Could not resolve host: example.org\n",
            "fatal: unable to access 'https://example.org/registry.git/': Could not resolve host: example.org",
        ),
        (
            "warning: redirecting to https://example.org/registry.git/\n"
            "error: file write error: No space left on device\nfatal: unable to write rev-file\n",
            "error: file write error: No space left on device",
        ),
        (
            "Traceback (most recent call last):\n  File \"/x.py\", line 1, in <module>\nKeyError: 'remote'\n",
            "KeyError: 'remote'",
        ),
    ],
)
def test_the_line_that_says_what_failed_is_told(said: str, why: str) -> None:
    assert git.cause(said).startswith(why)
    assert bool(git.cause(said)) == bool(why)


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=20), max_size=5), st.sampled_from(["error", "fatal"]))
def test_a_line_of_errors_is_told_whatever_follows_it(after: list[str], kind: str) -> None:
    line = f"{kind}: the disk is gone"
    assert git.cause("\n".join(["hint: wait", line, *after])) == line


def test_a_command_that_fails_says_what_it_was_and_why(tmp_path: Path) -> None:
    with pytest.raises(RegistryError) as caught:
        git.run(tmp_path, "rev-parse", "HEAD")
    assert not caught.value.retriable
    assert str(caught.value) == (
        f"The data registry {tmp_path}: git rev-parse: fatal: not a git repository (or any of the parent directories): "
        ".git"
    )
    with pytest.raises(RegistryError, match="exit code 3"):
        git.run(tmp_path, "-c", "alias.quiet=!exit 3", "quiet")


def test_a_machine_without_git_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPackage, match="git is not installed"):
        git.run(tmp_path, "version")


def test_a_command_over_its_time_is_stopped_with_its_children_and_lets_go_of_the_lock(tmp_path: Path) -> None:
    silent = ThreadingHTTPServer(("127.0.0.1", free_port()), BaseHTTPRequestHandler)  # accepts, and never answers
    try:
        with (tmp_path / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            begun = time.monotonic()
            with pytest.raises(RegistryBusy, match="git ls-remote has not answered for 0 s and was stopped"):
                url = f"http://127.0.0.1:{silent.server_port}/registry.git"
                git.run(tmp_path, "ls-remote", url, remote=True, keep=(lock.fileno(),), wait=0.4)
            assert time.monotonic() - begun < 5
        with (tmp_path / "lock").open("w") as again:
            while time.monotonic() - begun < 5:
                try:
                    fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:  # what was killed is ending
                    time.sleep(0.01)
                else:
                    return
        raise AssertionError("a child of Git's has outlived it, and holds the lock")
    finally:
        silent.server_close()
