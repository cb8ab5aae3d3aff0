"""A real PostgreSQL of this process's own: on the loopback address, with a password, gone when the tests are over.

The server refuses to run as root, so there it belongs to the system user `postgres`, which Debian's package has made.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.conftest import free_port

PASSWORD = "p@ss:w/rd?#%41"
# Nothing here outlives the tests: no write has to reach the disk.
_FAST = "-c fsync=off -c full_page_writes=off -c synchronous_commit=off -c shared_buffers=16MB -c autovacuum=off"


@dataclass(frozen=True)
class Postgres:
    """A server that answers, and its database `shop`."""

    port: int

    @property
    def url(self) -> sa.URL:
        """The owner's URL."""
        return sa.URL.create("postgresql", "postgres", PASSWORD, "127.0.0.1", self.port, "shop")

    @property
    def text(self) -> str:
        """The URL as a variable holds it."""
        return self.url.render_as_string(hide_password=False)

    def run(self, *statements: str) -> None:
        """Run statements, all or none."""
        engine = sa.create_engine(self.url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Start a server, once a process of the tests."""
    folder = Path(tempfile.mkdtemp(prefix="ratchet-postgres-"))  # pytest's own folders are shut to other users
    data, secret = folder / "data", folder / "password"
    secret.write_text(PASSWORD)
    if os.geteuid() == 0:
        for path in (folder, secret):
            shutil.chown(path, "postgres")
    port = free_port()
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' {_FAST}"
    control = ["pg_ctl", "--pgdata", str(data), "--log", str(folder / "log"), "--silent", "--wait"]
    try:
        init = ["initdb", "--pgdata", str(data), "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8"]
        _run([*init, "--no-sync", "--auth=scram-sha-256", "--pwfile", str(secret)])
        _run([*control, "--options", options, "start"])
        _run(["pg_isready", "--quiet", "--host=127.0.0.1", f"--port={port}"])
        found = Postgres(port)
        maintenance = sa.create_engine(found.url.set(database="postgres"), isolation_level="AUTOCOMMIT")
        with maintenance.connect() as connection:
            connection.exec_driver_sql("CREATE DATABASE shop")
        maintenance.dispose()
        yield found
    finally:
        if (data / "postmaster.pid").exists():
            _run([*control, "--mode=immediate", "stop"])
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str]) -> None:
    """Run one of PostgreSQL's programs, as its own user where this one is root."""
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    path = os.pathsep.join([os.environ["PATH"], *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin")))])
    done = subprocess.run(
        [*as_user, "env", f"PATH={path}", *command],
        cwd="/",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command[0]}: {done.stdout}"
