"""Years of a loop's history in a minute: what a lived night leaves is written again, day for day, for other days.

The template is a night that was lived. What it has left in the data registry, commit for commit, goes through
`git fast-import` with other dates; what it has left in `var` and in MLflow is copied. `check` compares what is written
so with what was lived: the same files, but for their days.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ratchet.adapters import git
from ratchet.adapters.data_registry import Registry
from ratchet.partitions import days_between, shift

BEGUN = 1_600_000_000  # of the first commit that is written, in seconds since 1970
_DATE = re.compile(rb"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Commit:
    """What one commit of the template has done: path -> content, None where it removed it."""

    title: str
    files: dict[str, bytes | None]


def template(registry: Registry, loop: str, night: str) -> list[Commit]:
    """Read the commits of a night that was lived, the oldest first."""
    found, inside = [], False
    for block in registry.git("log", "--reverse", "--format=%x00%H %s", "--name-status", "--no-renames", "main").split(
        "\0"
    )[1:]:
        about, *lines = [line for line in block.splitlines() if line.strip()]
        revision, _, title = about.partition(" ")
        if loop not in title or night not in title:
            continue
        inside = True
        changed = [line.split("\t") for line in lines]
        files = {path: None if how == "D" else registry.objects.read(revision, path) for how, path in changed}
        found.append(Commit(title, files))
    assert inside, night
    return found


def write(registry: Registry, loops: dict[str, list[Commit]], night: str, days: list[str]) -> None:
    """Write the template's commits for other days, for several loops: name -> the commits that it lives a night by.

    Bytes of DVC's are the template's: whoever reads a day reads those rows. The branch moves when all is written.
    """
    stream = subprocess.Popen(
        ["git", "-C", str(registry.root / ".git"), "fast-import", "--quiet", "--force"],
        stdin=subprocess.PIPE,
        env=git.given(),
    )
    assert stream.stdin
    head = registry.head()
    for number, day in enumerate(days):
        for commits in loops.values():
            for commit in commits:
                title = commit.title.replace(night, day).encode()
                stream.stdin.write(
                    b"commit refs/heads/main\ncommitter Ratchet <ratchet@localhost> %d +0000\n"
                    % (BEGUN + number * 86400)
                )
                stream.stdin.write(b"data %d\n%s\n" % (len(title), title))
                if head:
                    stream.stdin.write(b"from %s\n" % head.encode())
                    head = ""
                for path, content in commit.files.items():
                    where = moved(path.encode(), night, day)
                    if content is None:
                        stream.stdin.write(b"D %s\n" % where)
                    else:
                        text = moved(content, night, day)
                        stream.stdin.write(b"M 100644 inline %s\ndata %d\n%s\n" % (where, len(text), text))
    stream.stdin.close()
    assert stream.wait() == 0


def renamed(commits: list[Commit], old: str, new: str) -> list[Commit]:
    """Let commits be of another loop."""
    return [
        Commit(
            each.title.replace(old, new),
            {
                path.replace(old, new): None if content is None else content.replace(old.encode(), new.encode())
                for path, content in each.files.items()
            },
        )
        for each in commits
    ]


def moved(text: bytes, night: str, day: str) -> bytes:
    """Move every date in a text by the days between two."""
    by = days_between(night, day)
    return _DATE.sub(lambda found: shift(found.group().decode(), by).encode(), text)


def copy_looks(var: Path, loop: str, night: str, days: list[str]) -> None:
    """Copy what the night's monitor has seen, and what was predicted, for other days."""
    reports, predictions = var / "reports" / loop, var / "predictions" / loop
    texts = {path.name: path.read_bytes() for path in (reports / night).glob("*.json")}
    for day in days:
        (reports / day).mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (reports / day / name).write_bytes(moved(text, night, day))
        shutil.copyfile(predictions / f"{night}.parquet", predictions / f"{day}.parquet")


def copy_metrics(database: Path, run: str, days: list[str]) -> None:
    """Copy the metrics of a run's newest day in MLflow's database, for other days."""
    with closing(sqlite3.connect(database, timeout=60)) as connection, connection:
        rows = connection.execute(
            "SELECT key, value, timestamp, is_nan, step FROM metrics WHERE run_uuid = ? AND key LIKE 'live/%'", (run,)
        ).fetchall()
        last = max(row[4] for row in rows)
        newest = [row for row in rows if row[4] == last]
        made = [
            (key, value, time, run, nan, days_between("2000-01-01", day))
            for day in days
            for key, value, time, nan, _ in newest
        ]
        insert = (
            "INSERT OR IGNORE INTO metrics (key, value, timestamp, run_uuid, is_nan, step) VALUES (?, ?, ?, ?, ?, ?)"
        )
        connection.executemany(insert, made)


def paths(registry: Registry, loop: str, days: list[str]) -> set[str]:
    """Return the paths that days have at the newest revision, their day taken out."""
    found: set[str] = set()
    for path in registry.texts_below(loop):
        if any(day in path for day in days):
            found.add(_DATE.sub(b"DAY", path.encode()).decode())
    return found


def titles(registry: Registry, loop: str, day: str) -> Iterator[str]:
    """Yield the titles of a day's commits, its day taken out."""
    for title in registry.git("log", "--reverse", "--format=%s", "main").splitlines():
        if loop in title and day in title:
            yield title.replace(day, "DAY")
