"""A loop whose source, trainer, policy, check and metric are its own, by either door, from fetch to champion."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, bring

LIVE = """
import json
from click.testing import CliRunner
from ratchet import catalog
from ratchet.adapters import runs
from ratchet.cli import ratchet
from ratchet.contract.rules import Bound
from ratchet.decisions import checks, retrain
from ratchet.decisions.policies.facts import NightFacts
from ratchet.lifecycle import evaluations, proven
from ratchet.steps import snapshot
from tests.conftest import ingest, step

linted = CliRunner().invoke(ratchet, ["lint", NAME])
assert linted.exit_code == 0, linted.output
published = ingest(NAME, "2013-01-02..2013-01-14").published
step("snapshot", NAME, run="first")
run = step("train", NAME, run="first").mlflow_run
step("evaluate", NAME, run="first", mlflow_run=run)
gated = step("gate", NAME, run="first", mlflow_run=run)
step("refit", NAME, run="first", mlflow_run=run)
promoted = step("promote", NAME, run="first", mlflow_run=run)
loop = catalog.load(NAME)
found = json.loads(evaluations.text(loop, run))
with runs.connected():
    model = proven.run_model(loop, run)
rows = snapshot.read(loop, snapshot.pinned(loop, "first").snapshot, "holdout")
predicted = model.predict(rows).tolist()
asked = {
    night: retrain.decide(NightFacts(night, "1"), loop.retrain, catalog.policies(loop)).verdict
    for night in ("2013-01-15", "2013-01-16")
}
tighter = {"floors": {"worst": Bound(max=0.001)}, "checks": {"light": {"kilobytes": 0.1}}}
strict = loop.model_copy(update={"gate": loop.gate.model_copy(update=tighter)})
judged = checks.every(strict.gate, found, catalog.checks(strict))
print("RESULT", json.dumps({
    "refused": [check.name for check in judged if not check.passed],
    "lint": linted.output,
    "published": len(published),
    "verdict": gated.verdict,
    "reason": gated.reason,
    "summary": gated.summary,
    "version": promoted.version,
    "metrics": found["metrics"]["challenger"],
    "asked": asked,
    "rows": {name: rows.column(name).to_pylist() for name in ("level_now", "level_before")},
    "predicted": predicted,
}))
"""
LOAD = """
import json, sys
import mlflow, pandas
from ratchet.adapters import models, runs
frame = pandas.DataFrame(json.loads(sys.stdin.read()))
served = mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
with runs.connected() as client:
    champion = models.champion(client, NAME)
    ours = models.version_model(champion, client.tags(champion.run_id)[models.SHA256])
import pyarrow
print("RESULT", json.dumps({
    "served": served.predict(frame)["prediction"].tolist(),
    "ours": ours.predict(pyarrow.Table.from_pandas(frame)).tolist(),
    "code": ours.code.__name__,
    "requirements": mlflow.pyfunc.get_model_dependencies(f"models:/{NAME}@champion", format="pip"),
}))
"""


def _process(name: str, code: str, path: list[Path], given: str = "") -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", f"NAME = {name!r}\n{code}"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, [*path, ROOT / "include", ROOT]))},
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    found = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert found, done.stdout + done.stderr
    return dict(json.loads(found[0].removeprefix("RESULT ")))


@pytest.mark.parametrize("door", ["folder", "distribution"])
def test_a_loop_of_ones_own_parts_lives(
    door: str, tides: Path, tracked: Path, tides_distribution: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"tides_{door}"
    folder = tides.rename(tides.parent / name)  # its models in the shared MLflow server are its own
    path = folder / "loop.yaml"
    path.write_text(path.read_text().replace("name: tides\n", f"name: {name}\n", 1))
    if door == "folder":
        bring(folder)
    installed = [tides_distribution] if door == "distribution" else []
    lived = _process(name, LIVE, installed)
    assert f"{name}: regression, 1 table, 2 features, least_squares. In order" in lived["lint"]
    assert lived["published"] == 13
    assert 0 < lived["metrics"]["worst"] < 2
    assert (lived["verdict"], lived["version"]) == ("promote", "1")
    assert "light" in lived["summary"]
    assert "worst" in lived["summary"]
    assert lived["refused"] == ["worst", "light"]
    assert lived["asked"] == {"2013-01-15": "wait", "2013-01-16": "retrain"}

    # In another process and, where the loop brought its trainer, without the loop: the model brings it.
    shutil.rmtree(folder)
    shutil.rmtree(tracked / "var" / "models")
    loaded = _process(name, LOAD, installed, json.dumps(lived["rows"]))
    assert loaded["served"] == loaded["ours"] == lived["predicted"]
    needed = Path(loaded["requirements"]).read_text().split()
    assert [line.partition("==")[0] for line in needed if line.startswith(("safetensors", "scikit", "torch"))] == [
        "safetensors"
    ]
    assert ("ratchet-tides==1.2.0" in needed) == (door == "distribution")
    assert loaded["code"].startswith(
        "ratchet_loops.models.trainers.least_squares_" if door == "folder" else "ratchet_tides.least_squares"
    )
