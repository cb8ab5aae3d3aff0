"""Between the cache and a DVC remote that is no folder: a real one, over HTTP."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ratchet.adapters import opening, storage, transfer, writing
from ratchet.adapters.storage import Storage
from ratchet.errors import DataError, MissingPackage, RegistryBusy, RegistryError
from ratchet.lifecycle import dataset
from tests.conftest import free_port
from tests.unit.adapters.test_storage import clone, dvc

FILES = {"loop/one.parquet": b"one" * 10, "loop/two.parquet": b"two" * 100_000}


@dataclass
class Host:
    """A host that keeps what it is sent, as DVC's HTTP remote speaks with it."""

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)  # method and target
    refuses: bool = False
    silent: threading.Event | None = None  # until which it does not answer

    def paths(self) -> list[str]:
        return sorted(path.partition("/remote/")[2] for path in self.files)


@pytest.fixture
def host() -> Iterator[Host]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._note()
            content = found.files.get(self.path)
            self.send_response(200 if content is not None else 404)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            if self.command == "GET" and content is not None:
                self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815

        def do_POST(self) -> None:
            self._note()
            content = b"".join(self._chunks())
            if not found.refuses:
                found.files[self.path] = content
            self.send_response(403 if found.refuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _note(self) -> None:
            found.asked.append((self.command, self.path))
            if found.silent:
                found.silent.wait(20)

        def _chunks(self) -> Iterator[bytes]:
            if "Content-Length" in self.headers:
                yield self.rfile.read(int(self.headers["Content-Length"]))
                return
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    found = Host(f"http://127.0.0.1:{server.server_port}/remote")
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, Path]:
    found = {}
    for path, content in FILES.items():
        found[path] = tmp_path / "sources" / path
        found[path].parent.mkdir(parents=True, exist_ok=True)
        found[path].write_bytes(content)
    return found


def _cached(store: Storage, path: Path) -> Path:
    digest = storage.md5(path)
    return store.cache / digest[:2] / digest[2:]


def test_what_is_added_lies_on_the_host_as_dvc_has_it_and_is_brought_back(
    host: Host, sources: dict[str, Path], tmp_path: Path
) -> None:
    store = Storage(tmp_path / "registry", host.url)
    pointers = store.add(sources)
    digests = {path: storage.md5(source) for path, source in sources.items()}
    assert host.paths() == sorted(f"files/md5/{digest[:2]}/{digest[2:]}" for digest in digests.values())
    assert sorted(host.files.values()) == sorted(FILES.values())
    posted = [path for method, path in host.asked if method == "POST"]
    assert len(posted) == 2
    store.push(digests.values())
    assert [path for method, path in host.asked if method == "POST"] == posted  # what it has it is not sent again
    # One is gone, the other changed where it lay and still read-only.
    one, two = (_cached(store, source) for source in sources.values())
    one.unlink()
    two.unlink()
    two.write_bytes(b"")
    two.chmod(0o444)
    assert store.read(pointers) == FILES
    assert all(file.stat().st_mode & 0o222 == 0 for file in (one, two))


def test_a_host_that_has_lost_or_changed_a_file_is_named(host: Host, sources: dict[str, Path], tmp_path: Path) -> None:
    store = Storage(tmp_path / "registry", host.url)
    pointers = store.add(sources)
    shutil.rmtree(store.cache)
    lost, changed = sorted(host.files, key=lambda path: len(host.files[path]))
    del host.files[lost]
    host.files[changed] = b"?" * len(host.files[changed])
    for path, text in pointers.items():
        with pytest.raises(
            DataError, match=f"{path} are damaged or gone .* its remote {host.url} has none that are whole"
        ):
            store.read({path: text})


def test_a_host_that_takes_nothing_says_why_and_can_be_asked_again(
    host: Host, sources: dict[str, Path], tmp_path: Path
) -> None:
    store = Storage(tmp_path / "registry", host.url)
    host.refuses = True
    with pytest.raises(
        RegistryError, match=rf"DVC's remote {host.url} did not take 2 files: .*403.*\. Retry"
    ) as caught:
        store.add(sources)
    assert caught.value.retriable
    assert not host.files
    host.refuses = False
    store.add(sources)
    assert sorted(host.files.values()) == sorted(FILES.values())


def test_a_host_that_removes_nothing_says_so_and_stops_nothing(
    host: Host, sources: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As DVC's http does not: a retry would never help, and the cache is let go all the same."""
    store = Storage(tmp_path / "registry", host.url)
    store.add(sources)
    digests = [storage.md5(source) for source in sources.values()]
    assert store.remove([*digests, "0" * 32]) == sum(map(len, FILES.values()))
    assert not any(store.has(digest) for digest in digests)
    assert f"{host.url} does not remove files; 2 stay there" in caplog.text


def test_a_host_that_is_away_is_named_and_not_taken_for_one_that_has_nothing(
    host: Host, sources: dict[str, Path], tmp_path: Path
) -> None:
    store = Storage(tmp_path / "registry", host.url)
    pointers = store.add(sources)
    shutil.rmtree(store.cache)
    away = Storage(store.root, f"http://127.0.0.1:{free_port()}/remote")
    for call in (lambda: away.add(sources), lambda: away.read(pointers)):
        shutil.rmtree(store.cache, ignore_errors=True)
        with pytest.raises(RegistryError, match=f"DVC's remote {away.remote}.*: .*Cannot connect to host") as caught:
            call()
        assert caught.value.retriable
        assert "\n" not in str(caught.value)
    assert store.read(pointers) == FILES


def test_a_host_that_does_not_answer_is_let_go(
    host: Host, sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.silent = threading.Event()
    monkeypatch.setattr(transfer, "PATIENCE", 2.0)
    begun = time.monotonic()
    with pytest.raises(RegistryBusy, match=f"DVC's remote {host.url} has not answered for 2 s. Retry") as caught:
        Storage(tmp_path / "registry", host.url).add(sources)
    host.silent.set()
    assert caught.value.retriable
    assert time.monotonic() - begun < 10


def test_a_proxy_is_gone_through(
    host: Host, sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", host.url)
    monkeypatch.setenv("http_proxy", host.url)
    Storage(tmp_path / "registry", "http://data.invalid/remote").add(sources)
    assert {target.startswith("http://data.invalid/remote/files/md5/") for _, target in host.asked} == {True}
    assert sorted(host.files.values()) == sorted(FILES.values())


def test_a_clone_is_filled_from_the_host_by_dvc_itself(host: Host, sources: dict[str, Path], tmp_path: Path) -> None:
    registry = opening.open_registry(tmp_path / "registry", host.url)

    def act(writer: writing.Writer) -> None:
        writer.add(sources)
        writer.commit("Add")

    writing.change(registry, act)
    folder = clone(registry)
    dvc(folder, "pull")
    assert {path: (folder / path).read_bytes() for path in FILES} == FILES


def test_the_process_is_given_what_a_remote_asks_for_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {
        "AWS_SECRET_ACCESS_KEY": "1",
        "GOOGLE_APPLICATION_CREDENTIALS": "/key.json",
        "AZURE_STORAGE_KEY": "2",
        "https_proxy": "http://proxy:3128",
        "SSL_CERT_FILE": "/ca.pem",
        "SSH_AUTH_SOCK": "/agent",
        "HOME": "/home/ada",
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
    }
    kept = {
        "AIRFLOW__CORE__FERNET_KEY": "secret",
        "AIRFLOW_HOME": "/airflow",
        "GIT_DIR": "/nowhere",
        "RATCHET_GIT_TOKEN": "secret",
        "MLFLOW_TRACKING_TOKEN": "secret",
        "DVC_TEST": "1",
        "PYTHONSTARTUP": "/x.py",
    }
    for name, value in {**given, **kept, "DVC_SITE_CACHE_DIR": "/the/users"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("USER", raising=False)
    found = transfer.given(tmp_path)
    assert given.items() <= found.items()
    assert not {*kept} & {*found}
    folders = {f"DVC_{name}_DIR" for name in ("GLOBAL_CONFIG", "SYSTEM_CONFIG", "SITE_CACHE")}
    assert {found[name] for name in folders} == {str(tmp_path / ".dvc" / "tmp")}
    assert {name for name in found if name.startswith("DVC_")} == {*folders, "DVC_NO_ANALYTICS"}
    assert found["USER"]


def test_nothing_to_bring_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "PATIENCE", 0.0)
    transfer.run(tmp_path, "push", "http://127.0.0.1:9/remote", [])


def test_a_remote_whose_package_is_missing_names_it(place: Path) -> None:
    """A retry would not help."""
    with pytest.raises(MissingPackage, match="dvc-s3") as caught:
        transfer.run(dataset.registry().root, "push", "s3://bucket/x", ["0" * 32])
    assert not caught.value.retriable
