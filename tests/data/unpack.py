"""Unpack the state of a small installation as version 0.1.0 left it: `state_0_1.tar.gz`, made by `make_state_0_1.py`.

    loops/wind/          loop.yaml, features.sql, data/*.csv (the real weather of January 2013 at two airports)
    suites/expectations/ wind.json
    var/registry/        the data registry: a Git repository with DVC, its ledger, verdicts and quarantine
    var/remote/          the registry's DVC remote
    var/mlflow/          mlflow.db and artifacts/, as `make up` lays them out
    var/predictions/, var/reports/, var/snapshots/

In the archive the placeholder `@STATE@` stands wherever the folder of the state stood: in text files, and in the text
columns of SQLite databases. Git's objects are compressed and named by their content, so nothing can be replaced in
them, and none needs it: the registry was made with a DVC remote that is relative to it (`RATCHET_REMOTE=../remote`),
so its committed `.dvc/config` says `url = ../../remote` wherever the state lies. What is safe to delete (staging,
Data Docs, downloaded models), and the big pages and figures among reports and artifacts, were left out; `code/` is
kept with the models of registered versions alone.
"""

from __future__ import annotations

import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

ARCHIVE = Path(__file__).with_name("state_0_1.tar.gz")
PLACEHOLDER = "@STATE@"


def unpack(target: Path) -> None:
    """Unpack the archive into a folder, made if need be, and put its absolute path in the placeholder's place."""
    target.mkdir(parents=True, exist_ok=True)
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(target, filter="data")
    replace(target, PLACEHOLDER, str(target.resolve()))


def replace(folder: Path, old: str, new: str) -> None:
    """Replace a text in every text file and SQLite database below a folder. Files that are neither stay as they are."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.is_symlink():
            continue
        content = path.read_bytes()
        if content.startswith(b"SQLite format 3\0"):
            _replace_in_database(path, old, new)
        elif old.encode() in content and b"\0" not in content:
            path.write_bytes(content.replace(old.encode(), new.encode()))


def _replace_in_database(path: Path, old: str, new: str) -> None:
    listing = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    with closing(sqlite3.connect(path)) as connection, connection:
        for (table,) in connection.execute(listing).fetchall():
            for _, column, *_ in connection.execute(f'PRAGMA table_info("{table}")').fetchall():
                change = f'UPDATE "{table}" SET "{column}" = replace("{column}", ?, ?)'
                where = f"""WHERE typeof("{column}") = 'text' AND instr("{column}", ?)"""
                connection.execute(f"{change} {where}", (old, new, old))
