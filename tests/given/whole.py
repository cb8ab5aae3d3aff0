"""What has to be true of a state at any moment, whatever was killed before."""

from __future__ import annotations

import re

import pyarrow.compute as pc

from ratchet import catalog
from ratchet.adapters import git, models, runs
from ratchet.adapters.data_registry import Registry
from ratchet.data import tables
from ratchet.decisions.entries import Promoted, RolledBack
from ratchet.lifecycle import dataset, ledger, predictions, verification
from ratchet.partitions import shift
from ratchet.settings import Settings
from ratchet.steps import publish

_TITLE = re.compile(r"^(Publish|Refuse|Note the empty) (\w+) (\d{4}-\d\d-\d\d)$")


def check(name: str) -> None:
    """Prove all of it of a loop."""
    registry = dataset.registry()
    check_git(registry)
    check_rows(registry, name)
    check_commits(registry, name)
    verification.verify(registry, name)
    check_predictions(name)


def check_git(registry: Registry) -> None:
    """Git finds nothing broken, and there is neither index nor worktree that could say something else."""
    git.run(registry.root / ".git", "fsck", "--strict", "--no-dangling", "--no-progress")
    assert not (registry.root / ".git" / "index").exists()
    assert {path.name for path in registry.root.iterdir()} == {".git", ".dvc"}
    remote = Settings.current().git_remote
    if remote != "none" and (registry.root.parent / "remote" / "registry.git").exists():
        there = git.run(registry.root / ".git", "ls-remote", remote, "refs/heads/main").split()
        assert not there or there[0] == registry.head()


def check_rows(registry: Registry, name: str) -> None:
    """What was accepted and what is in quarantine are what was fetched: as counted, and as it lies there."""
    loop, head = catalog.load(name), registry.head()
    for day, verdict in registry.verdicts(name).items():
        for table, counts in verdict.tables.items():
            assert counts.accepted + counts.quarantined == counts.fetched
            paths = [dataset.path(loop, table, day)] if verdict.status == "accepted" else []
            kept = publish.quarantine_path(loop, day, verdict.delivery, table)
            paths += [kept] if counts.quarantined else []
            rows = sum(found.num_rows for found in registry.read(paths, head).values())
            assert rows == (counts.fetched if verdict.status == "accepted" else counts.quarantined)


def check_commits(registry: Registry, name: str) -> None:
    """A commit that publishes a day holds that day's files and no others, and every path is written by one delivery."""
    for block in registry.git("log", "--format=%x00%s", "--name-only", "main").split("\0")[1:]:
        title, *paths = [line for line in block.splitlines() if line.strip()]
        found = _TITLE.match(title)
        if found is None or found[2] != name:
            continue
        day = found[3]
        mine = re.compile(
            rf"^{name}/(data/\w+/{day}\.parquet\.dvc|quarantine/{day}/.*|verdicts/{day}\.json|corrections/{day}/.*)$"
        )
        assert all(mine.match(path) for path in paths), (title, paths)
        assert f"{name}/verdicts/{day}.json" in paths


def check_predictions(name: str) -> None:
    """A row was predicted once."""
    loop = catalog.load(name)
    for path in predictions.live(loop, "").parent.glob("*.parquet"):
        found = tables.read_table(path)
        keys = found.select(list(loop.main_table.key))
        assert keys.group_by(keys.column_names).aggregate([]).num_rows == found.num_rows
        assert pc.count_distinct(found.column(predictions.VERSION)).as_py() >= 1


def check_champion(name: str) -> None:
    """MLflow's alias is where the ledger's last change of the champion was, and a run was registered once."""
    changes = [each for each in ledger.read(catalog.load(name)) if isinstance(each, Promoted | RolledBack)]
    with runs.connected() as client:
        found = models.champion(client, name)
        assert (found.number if found else None) == (changes[-1].version if changes else None)
        registered = [str(each.run_id) for each in client.raw.search_model_versions(f"name = '{name}'")]
        assert len(registered) == len(set(registered))


def days(first: str, count: int) -> list[str]:
    return [shift(first, n) for n in range(count)]
