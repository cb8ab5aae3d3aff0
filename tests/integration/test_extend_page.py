"""docs/extend.md: what it shows runs as it stands, by either door."""

from __future__ import annotations

import dataclasses
import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ratchet.api import NightFacts
from ratchet.training import evaluation
from tests.conftest import ROOT

RUN = """
from click.testing import CliRunner
from ratchet import catalog, extensions
from ratchet.cli import ratchet
from ratchet.data import features
from ratchet.decisions import checks, retrain
from ratchet.decisions.policies.facts import NightFacts
from ratchet.lifecycle import dataset, feature_days
from ratchet.training import evaluation, fit, model
from tests.conftest import ingest
from pathlib import Path
import numpy as np

linted = CliRunner().invoke(ratchet, ["lint", "river"])
assert linted.exit_code == 0, linted.output
assert len(ingest("river", "2013-01-02..2013-01-14").published) == 13
loop = catalog.load("river")
registry = dataset.registry()
rows = feature_days.of_range(registry, loop, "HEAD", "2013-01-02", "2013-01-14")
made, curve = fit.fit(loop, rows)
made.save(Path("model"))
read = model.load(Path("model"))
assert np.array_equal(read.predict(rows), made.predict(rows))
found = evaluation.compare(loop, rows, evaluation.of_model(made, rows), None) | evaluation.probe(loop, made, rows)
judged = {check.name: check for check in checks.floors.judge(loop.gate, found)}
judged |= {check.name: check for judge in catalog.checks(loop) for check in judge(found)}
assert set(judged) == {"mae", "bias", "every_day"} and all(check.passed for check in judged.values()), judged
for night, verdict in (("2013-01-16", "wait"), ("2013-01-17", "retrain"), ("2013-01-19", "wait")):
    assert retrain.decide(NightFacts(night, "1", "2013-01-14"), loop.retrain, catalog.policies(loop)).verdict == verdict
print("RESULT", made.code.__name__, extensions.requirement("trainers", "nearest"))
"""


@pytest.mark.parametrize("door", ["folder", "distribution"])
def test_the_page_about_extending_runs_as_it_stands(door: str, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "extend.md").read_text()
    written = dict(re.findall(r"```\w+ file=(\S+)\n(.*?)```", page, flags=re.DOTALL))
    assert len(written) == 9
    for name, text in written.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    installed = tmp_path / "installed"
    if door == "distribution":
        package = tmp_path / "river" / "our_rivers"
        package.mkdir()
        (package / "__init__.py").touch()
        for path in (tmp_path / "include" / "loops" / "river").glob("*/*.py"):
            shutil.move(path, package)
        pip = [sys.executable, "-m", "pip", "--quiet", "install", "--no-index", "--no-deps", "--no-build-isolation"]
        subprocess.run([*pip, "--target", str(installed), str(tmp_path / "river")], check=True)
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, [installed, ROOT / "include", ROOT])),
            "RATCHET_HOME": str(tmp_path),
            "RATCHET_VAR": str(tmp_path / "var"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert "RESULT " in done.stdout, done.stdout + done.stderr
    module, distribution = done.stdout.split("RESULT ")[1].split()
    assert module == ("ratchet_loops.river.trainers.nearest" if door == "folder" else "our_rivers.nearest")
    assert distribution == ("None" if door == "folder" else "our-rivers==1.0.0")


def test_the_page_names_all_that_a_policy_and_a_check_may_look_at() -> None:
    page = (ROOT / "docs" / "extend.md").read_text()
    for field in dataclasses.fields(NightFacts):
        assert f"`{field.name}`" in page, field.name
    compared = re.findall(r'^        "(\w+)":', inspect.getsource(evaluation.compare), flags=re.MULTILINE)
    for key in {*compared, "behaviour", "latency_ms", "size_mb", "signatures", "unaccepted"} - {
        "loss",
        "rows",
        "compared",
    }:
        assert f"`{key}`" in page, key


def test_the_page_is_found_from_where_newcomers_begin() -> None:
    for page in ("README.md", "CONTRIBUTING.md", "docs/add_an_operator.md"):
        assert "extend.md" in (ROOT / page).read_text()
