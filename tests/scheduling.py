"""How the tests are shared out among processes (`make unit`): by what they share, the dearest first.

pytest-xdist's own `--dist loadgroup` does nothing under pytest 9.2, which made node ids immutable (pytest-xdist #1386):
a process says here which group each test is of, and the scheduler reads it.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

TESTS = Path(__file__).resolve().parent
# What is made once and used by several files: one process runs all tests that use it.
SHARED = ("dueling", "replayed", "champion_made", "two_weeks")
# Seconds that the dearest groups take. They start first, so that all processes end together; the rest follows by name.
DEAREST: dict[str, float] = {
    "end_to_end": 480,
    "kills": 170,
    "lost": 140,
    "simulation/test_simulation.py": 130,
    "dueling": 120,
    "champion_made": 90,
    "two_weeks": 80,
    "integration/test_lives.py": 50,
    "integration/test_whole.py": 40,
    "replayed": 60,
    "integration/test_wheels.py": 50,
    "gradient_boosting": 25,
    "torch_mlp": 25,
    "integration/test_keeper.py": 30,
    "integration/test_two_clones.py": 30,
    "surroundings/test_places.py": 30,
    "airflow/test_added.py": 25,
    "unit/steps/test_publish.py": 20,
    "laid_out_regression": 18,
    "laid_out_binary": 18,
    "laid_out_multiclass": 18,
    "unit/adapters/test_data_registry.py": 15,
}
GROUPS = "ratchet_groups"  # of a worker's input: the file in which the groups of all tests are written down


class Groups(LoadScopeScheduling):
    """Hand each process a whole group at a time, in the order in which they were collected."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)
        self._groups: dict[str, str] = {}

    def _split_scope(self, nodeid: str) -> str:
        if not self._groups:
            self._groups = json.loads(_file(self.config).read_text())
        return self._groups[nodeid]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order the tests by group, and let the scheduler know."""
    groups = {item.nodeid: _group(item) for item in items}
    items.sort(key=lambda item: (-DEAREST.get(groups[item.nodeid], 0.0), groups[item.nodeid]))
    worker: dict[str, str] | None = getattr(config, "workerinput", None)
    if worker is not None and worker["workerid"] == "gw0":
        Path(worker[GROUPS]).write_text(json.dumps(groups))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker where to write."""
    node.workerinput[GROUPS] = str(_file(node.config))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Groups:
    """Schedule by group, whatever --dist says."""
    return Groups(config, log)


def _group(item: pytest.Item) -> str:
    """Return the group that a mark names, else what is shared, else the file."""
    if mark := item.get_closest_marker("xdist_group"):
        return str(mark.args[0])
    wanted = getattr(item, "fixturenames", ())
    return next((name for name in SHARED if name in wanted), str(item.path.relative_to(TESTS)))


def _file(config: pytest.Config) -> Path:
    if not hasattr(config, GROUPS):
        kept = tempfile.NamedTemporaryFile(suffix=".json")  # noqa: SIM115 (it lives as long as the run)
        setattr(config, GROUPS, kept)
    return Path(getattr(config, GROUPS).name)
