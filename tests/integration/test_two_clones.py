"""Two machines with a registry each and the remotes in common: nothing that one of them publishes is lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.lifecycle import dataset
from ratchet.partitions import shift
from ratchet.settings import Settings
from ratchet.steps.fetch import staged
from tests.conftest import ROOT, step
from tests.given import deliveries, whole

EACH = 100  # days that a machine publishes
SCRIPT = """
import sys
from ratchet import catalog
from ratchet.decisions.entries import Paused
from ratchet.lifecycle import ledger
from ratchet.steps import publish
loop = catalog.load("wind")
for number, day in enumerate(sys.argv[2:]):
    publish.run(loop, publish.PublishRequest(partitions=day, delivery=f"of-{day}"))
    if number % 10 == 0:
        ledger.say(loop, Paused, f"{sys.argv[1]} {number}")
"""


def test_two_hundred_publishes_of_two_writers_in_two_clones(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliveries.deliver(place, deliveries.rows_of_day())
    for name in ("fetch", "validate"):
        step(name, "wind", partitions=deliveries.DAY)
    days = [shift("2014-01-01", n) for n in range(2 * EACH)]
    _stage(days)
    shared = tmp_path / "shared"
    monkeypatch.setenv("RATCHET_REMOTE", str(shared))
    shutil.rmtree(Settings.current().registry)
    head = dataset.registry().head()
    other = tmp_path / "other"
    shutil.copytree(Settings.current().var, other, symlinks=True)
    writers = [_start("one", Settings.current().var, days[::2]), _start("two", other, days[1::2])]
    for process in writers:
        said = process.communicate(timeout=300)[0]
        assert process.returncode == 0, said
    registry = dataset.registry()
    assert registry.partitions("wind", "weather", "HEAD") == days
    log = registry.git("log", "--format=%s", f"{head}..main").splitlines()
    assert sorted(title for title in log if title.startswith("Publish")) == [f"Publish wind {day}" for day in days]
    said = [entry.reason for entry in registry.ledger("wind")]
    assert sorted(said) == sorted(f"{who} {n}" for who in ("one", "two") for n in range(0, EACH, 10))
    assert {entry.key for entry in registry.ledger("wind")} == {f"paused:{n}" for n in range(len(said))}
    authors = [title.split()[-1] in {*days[::2]} for title in log if title.startswith("Publish")]
    assert any(a != b for a, b in pairwise(authors))  # they did write in turns
    whole.check_git(registry)
    whole.check_commits(registry, "wind")
    monkeypatch.setenv("RATCHET_VAR", str(other))
    assert dataset.registry().head() == registry.head()  # whoever looks has what the other has written


def _stage(days: list[str]) -> None:
    """Lay out deliveries as fetch and validate leave them, from one that they have left."""
    loop = catalog.load("wind")
    source = staged(loop, deliveries.DAY, deliveries.DAY)
    verdict = json.loads((source / "judged" / "verdict.json").read_text())
    for day in days:
        folder = staged(loop, f"of-{day}", day)
        shutil.copytree(source, folder)
        (folder / "judged" / "verdict.json").write_text(
            json.dumps({**verdict, "partition": day, "delivery": f"of-{day}"})
        )


def _start(name: str, var: Path, days: list[str]) -> subprocess.Popen[str]:
    environment = {**os.environ, "RATCHET_VAR": str(var), "PYTHONPATH": str(ROOT / "include")}
    command = [sys.executable, "-c", SCRIPT, name, *days]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
