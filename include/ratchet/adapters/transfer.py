"""Between the cache of a data registry and a DVC remote that is no folder: in a process of its own.

That process alone is given what the remote asks for (`AWS_*`, `GOOGLE_*`, `AZURE_*`, a proxy, certificates), and it is
stopped where it hangs. It reads what to bring from standard input, as JSON, and leaves what it could not.
"""

from __future__ import annotations

import contextlib
import json
import logging
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from ratchet import environment
from ratchet.adapters import git
from ratchet.errors import MissingPackage, RegistryBusy

PATIENCE = 3600.0  # seconds: what takes longer hangs
_log = logging.getLogger("ratchet")


def run(root: Path, way: Literal["push", "fetch", "remove"], remote: str, digests: Sequence[str]) -> None:
    """Bring files, named by their MD5. Raises RegistryBusy where the remote does not answer or take them."""
    if not digests:
        return
    asked = json.dumps({"way": way, "cache": str(root / ".dvc" / "cache"), "remote": remote, "digests": [*digests]})
    command = [sys.executable, "-m", __name__]
    try:
        done = subprocess.run(
            command,
            input=asked,
            env=given(root),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        said = f"DVC's remote {remote} has not answered for {PATIENCE:.0f} s"
        raise RegistryBusy(f"The data registry {root}: {said}. Retry") from None
    if done.returncode and "to be installed" in done.stderr:  # as DVC says of a remote whose package is missing
        raise MissingPackage(
            f"DVC's remote {remote}: {git.cause(done.stderr)}. Install it beside Ratchet, with pip and that name"
        )
    if done.returncode:
        raise RegistryBusy(f"The data registry {root}: DVC's remote {remote}: {git.cause(done.stderr)}. Retry")
    failed = json.loads(done.stdout)
    if failed and way == "remove":
        _log.warning("DVC's remote %s does not remove files; %d stay there that nothing needs", remote, len(failed))
    if failed and way == "push":
        why = f"did not take {len(failed)} files: {git.cause(done.stderr)}"
        raise RegistryBusy(f"The data registry {root}: DVC's remote {remote} {why}. Retry")


def given(root: Path) -> dict[str, str]:
    """Return what the process is given: what a remote asks for, and folders of the registry instead of the user's."""
    names = (*environment.CLOUDS, *environment.SSH, *environment.CERTIFICATES, *environment.PROXIES)
    found = environment.with_loopback(
        environment.pick("PATH", "PYTHONPATH", "HOME", "TMPDIR", "USER", "LOGNAME", *names)
    )
    tmp = root / ".dvc" / "tmp"
    found |= {name: str(tmp) for name in ("DVC_GLOBAL_CONFIG_DIR", "DVC_SYSTEM_CONFIG_DIR", "DVC_SITE_CACHE_DIR")}
    return found | {"DVC_NO_ANALYTICS": "1"}


def main() -> None:
    """Bring what standard input names; print what could not be brought."""
    from dvc.fs import LocalFileSystem, get_cloud_fs
    from dvc_data.hashfile.db import get_odb
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.transfer import transfer

    asked = json.load(sys.stdin)
    local: Any = LocalFileSystem()
    cache = get_odb(local, str(Path(asked["cache"]) / "files" / "md5"), hash_name="md5")
    kind, options, path = get_cloud_fs(None, url=asked["remote"])
    files = kind(**options)
    remote = get_odb(files, files.join(path, "files", "md5"), hash_name="md5")
    if asked["way"] == "remove":
        there = [path for digest in asked["digests"] if files.exists(path := remote.oid_to_path(digest))]
        try:
            files.remove(there)
            there = []
        except NotImplementedError:  # such as DVC's http
            pass
        print(json.dumps(there))
        return
    source, target = (cache, remote) if asked["way"] == "push" else (remote, cache)
    wanted = {HashInfo("md5", digest) for digest in asked["digests"]}
    failed = transfer(source, target, wanted).failed
    if lost := [digest for digest in asked["digests"] if asked["way"] == "fetch" and not cache.exists(digest)]:
        with contextlib.suppress(FileNotFoundError):  # it has none. DVC says the same of a host that is away
            files.cat_file(remote.oid_to_path(lost[0]))
    print(json.dumps(sorted(each.value for each in failed)))


if __name__ == "__main__":
    main()
