"""Git's command line, in a clean environment: nothing of the user's, of a hook's or of a CI's reaches it.

Reading and writing the registry's own objects needs no process (`git_objects.py`); this is for remotes, history and
packs. What a remote needs (a token, an SSH key, certificates, a proxy) reaches only the process that speaks with it.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import subprocess
from collections.abc import Collection
from pathlib import Path

from ratchet import environment
from ratchet.errors import MissingPackage, RegistryBusy, RegistryError, StorageError

PATIENCE = 600.0  # seconds: what takes longer hangs
_CONFIG = {
    "core.hooksPath": "/dev/null",
    "core.autocrlf": "false",
    "core.quotePath": "false",
    "core.fsync": "all",
    "safe.directory": "*",  # a registry may belong to another account: who may write it is the file system's to say
    "commit.gpgSign": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "protocol.ext.allow": "never",
    "user.name": "Ratchet",
    "user.email": "ratchet@localhost",
}
_PLAIN = ("PATH", "TMPDIR", "LD_LIBRARY_PATH")
# What speaks with a remote is given besides: who one is there, and how one gets there.
_REMOTE = ("USER", "LOGNAME", *environment.SSH, *environment.CERTIFICATES, *environment.PROXIES)
TOKEN, KEY, CERTIFICATES = "RATCHET_GIT_TOKEN", "RATCHET_GIT_SSH_KEY", "RATCHET_GIT_CA"
_ASKED = f'!f() {{ test "$1" = get && echo username=ratchet && echo "password=${TOKEN}"; }}; f'
_DISK = re.compile(r"no space left|read-only file system|quota exceeded|: permission denied$", re.IGNORECASE)
_CAUSE = re.compile(
    r"^(fatal:|error:|remote: (error|fatal)|ssh:|! \[)|permission denied|verification failed|no space|could not",
    re.IGNORECASE,
)


def run(
    root: Path,
    *arguments: str,
    remote: bool = False,
    keep: Collection[int] = (),
    wait: float = PATIENCE,
) -> str:
    """Run git in a repository; return its output. Raises RegistryError, with the line that says what failed.

    remote: it speaks with a remote. keep: descriptors that it holds as long as it lives, such as a lock's.
    """
    config = {**_CONFIG, "credential.helper": _ASKED if remote and os.environ.get(TOKEN) else ""}
    options = [word for name, value in config.items() for word in ("-c", f"{name}={value}")]
    command = ["git", *options, "-C", str(root), *arguments]
    try:
        with subprocess.Popen(
            command,
            env=given(remote),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            pass_fds=tuple(keep),
        ) as process:
            try:
                out, err = process.communicate(timeout=wait)
            except BaseException:
                _stop(process.pid)
                raise
    except FileNotFoundError:
        raise MissingPackage("git is not installed. Install it (apt-get install git)") from None
    except subprocess.TimeoutExpired:
        said = f"git {arguments[0]} has not answered for {wait:.0f} s and was stopped"
        raise RegistryBusy(f"The data registry {root}: {said}. Retry") from None
    if process.returncode:
        why = cause(err) or cause(out) or f"exit code {process.returncode}"
        raise failure(root, f"git {arguments[0]}", why)
    return out


def given(remote: bool = False) -> dict[str, str]:
    """Return what a Git process is given: a list of names, and nothing of `GIT_*`."""
    found = environment.with_loopback(environment.pick(*_PLAIN, *_REMOTE)) if remote else environment.pick(*_PLAIN)
    found |= {
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }
    if not remote:
        return found
    ssh = "ssh -o BatchMode=yes -o ConnectTimeout=20"
    if key := os.environ.get(KEY):
        ssh += f" -o IdentitiesOnly=yes -i {shlex.quote(key)}"
    found["GIT_SSH_COMMAND"] = ssh
    if certificates := os.environ.get(CERTIFICATES):
        found["GIT_SSL_CAINFO"] = certificates
    if token := os.environ.get(TOKEN):
        found[TOKEN] = token
    return found


def _stop(number: int) -> None:
    """Kill a process and all that it has started: that would go on, and hold the lock that it was given."""
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(number)
        for process in (parent, *parent.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def failure(root: Path, what: str, why: str) -> RegistryError | StorageError:
    """Return the error that a failure is: a disk's, which a retry may mend, or the registry's own."""
    if _DISK.search(why):
        return StorageError(
            f"Cannot write {root}: {what}: {why}. Nothing counts; make room or fix the rights, then retry"
        )
    return RegistryError(f"The data registry {root}: {what}: {why}")


def cause(text: str) -> str:
    """Return the line that says what failed: the first that names an error, else the last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if _CAUSE.search(line)), lines[-1] if lines else "")
