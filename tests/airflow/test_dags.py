"""The DAGs as Airflow reads them.

Nothing heavy while parsing, everything that is named exists, one broken loop is alone.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import ROOT

HEAVY = {
    "torch",
    "mlflow",
    "great_expectations",
    "evidently",
    "sklearn",
    "pandas",
    "pyarrow",
    "duckdb",
    "dvc",
    "scipy",
    "matplotlib",
}
PARTS = ("ingest", "train", "score", "monitor", "replay")


@pytest.fixture(scope="module")
def bag() -> Any:
    sys.path.insert(0, str(ROOT / "plugins"))
    from airflow.dag_processing.dagbag import DagBag

    # The project's own loop alone: what a user adds beside it is the user's to test.
    file = ROOT / "dags" / "flight_delays.py"
    return DagBag(dag_folder=str(file), bundle_path=ROOT / "dags", bundle_name="dags-folder")


def test_the_dag_file_can_be_imported(bag: Any) -> None:
    assert bag.import_errors == {}
    assert set(bag.dags) == {f"flight_delays.{part}" for part in PARTS}


def test_nothing_heavy_is_imported_while_parsing() -> None:
    code = f"""
import sys; sys.path[:0] = ["plugins", "include"]
import airflow.sdk
before = set(sys.modules)
import runpy; runpy.run_path("dags/flight_delays.py")
print(sorted({HEAVY!r} & {{name.partition('.')[0] for name in set(sys.modules) - before}}))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_parsing_costs_less_than_importing_airflow() -> None:
    """A worker parses the file again for every task.

    Counted in modules: what it imports beside Airflow is a fraction of what it has paid anyway.
    """
    code = """
import sys; sys.path[:0] = ["plugins", "include"]
import airflow.sdk
airflow.sdk.DAG, airflow.sdk.BaseOperator, airflow.sdk.Asset
imported = len(sys.modules)
import runpy; runpy.run_path("dags/flight_delays.py")
print((len(sys.modules) - imported) / imported)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert float(done.stdout.strip().splitlines()[-1]) < 0.5


def test_pools_and_triggered_dags_exist(bag: Any) -> None:
    pools = {"default_pool", *json.loads((ROOT / "deploy" / "pools.json").read_text())}
    for dag in bag.dags.values():
        for task in dag.tasks:
            assert task.pool in pools
            triggered = getattr(task, "trigger_dag_id", None)
            assert triggered is None or triggered in bag.dags


def test_nobody_waits_for_what_explains_a_decision(bag: Any) -> None:
    """No task comes after it, so that none waits and no failure of it gives a night up; the night has ended before."""
    explains = [task for dag in bag.dags.values() for task in dag.tasks if getattr(task, "step", "") == "explain"]
    assert {(task.dag.dag_id, *task.upstream_task_ids) for task in explains} == {("flight_delays.monitor", "close")}
    assert all(not task.downstream_task_ids for task in explains)


def test_a_person_who_is_asked_finds_what_predictions_come_from(
    tmp_path: Path, loops_folder: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ratchet_airflow import loop_dags
    from tests.conftest import lay

    lay(tmp_path / "var", loops_folder, tmp_path, monkeypatch.setenv)
    contract = tmp_path / "loops" / "wind" / "loop.yaml"
    contract.write_text(contract.read_text().replace("gate:\n", "gate:\n  approval: [ada]\n"))
    dags = loop_dags.dags_of("wind")
    for dag in (dags["wind_train"], dags["wind_monitor"]):
        task = dag.get_task("explain_model")
        assert task.upstream_task_ids == {"ask"}
        assert not task.downstream_task_ids


def test_every_asset_that_is_waited_for_has_a_producer(bag: Any) -> None:
    produced = {outlet.name for dag in bag.dags.values() for task in dag.tasks for outlet in task.outlets}
    waited = {asset.name for dag in bag.dags.values() for asset in _condition(dag)}
    assert waited == {"flight_delays.data", "flight_delays.predictions"}
    assert waited <= produced


def _condition(dag: Any) -> list[Any]:
    condition = getattr(dag.timetable, "asset_condition", None)
    return getattr(condition, "objects", [condition]) if condition else []


def test_serialisation_is_stable(bag: Any) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    from ratchet_airflow import loop_dags

    again = {dag.dag_id: dag for dag in loop_dags.dags_of("flight_delays").values()}
    for name, dag in bag.dags.items():
        one, other = (DagSerialization.to_dict(each)["dag"] for each in (dag, again[name]))
        for volatile in ("fileloc", "relative_fileloc", "_processor_dags_folder"):
            one.pop(volatile, None)
            other.pop(volatile, None)
        assert json.dumps(one, sort_keys=True, default=str) == json.dumps(other, sort_keys=True, default=str)


def test_every_task_and_dag_is_documented(bag: Any) -> None:
    for dag in bag.dags.values():
        assert "flight" in dag.doc_md
        assert dag.description
        assert dag.owner == "operations"
        for task in dag.tasks:
            assert type(task).__doc__


def test_what_follows_a_verdict_is_told_why_there_is_nothing_to_do(bag: Any) -> None:
    """By the judge, and after a refit by that: one that was refused, or is measured again on a later night."""
    for name, judge in (("flight_delays.train", "gate"), ("flight_delays.monitor", "duel")):
        environment = bag.dags[name].get_template_env()
        lost = {"verdict": "reject", "reason": "rejected: worse", "run": "x"}
        for given, refitted, told in (
            (lost, {"outcome": "skipped", "reason": "rejected: worse"}, ("rejected: worse", "rejected: worse")),
            ({**lost, "verdict": "promote"}, {"outcome": "done", "reason": "refitted"}, ("", "")),
            ({**lost, "verdict": "promote"}, {"outcome": "skipped", "reason": "waits: slow"}, ("", "waits: slow")),
        ):
            xcoms = {judge: given, "refit": refitted}
            ti = SimpleNamespace(xcom_pull=lambda task_ids, xcoms=xcoms: xcoms[task_ids])
            tasks = [bag.dags[name].get_task(each) for each in ("refit", "promote")]
            assert tuple(environment.from_string(each.nothing).render(ti=ti) for each in tasks) == told


def test_operators_take_their_requests_fields(bag: Any) -> None:
    from ratchet import steps
    from ratchet_airflow import operators
    from ratchet_airflow.operators.base import StepOperator

    found: dict[str, type[StepOperator]] = {}
    for item in pkgutil.iter_modules(operators.__path__):
        for operator in vars(importlib.import_module(f"{operators.__name__}.{item.name}")).values():
            if isinstance(operator, type) and issubclass(operator, StepOperator) and "step" in vars(operator):
                found[operator.step] = operator
    assert set(found) <= set(steps.names())
    ours = {task.step for dag in bag.dags.values() for task in dag.tasks if isinstance(task, StepOperator)}
    assert ours <= set(found)
    assert len(ours) > 12
    for name, operator in found.items():
        fields = operator.request_fields or operator.template_fields
        assert set(fields) == set(steps.find(name).request.model_fields)


def test_the_upkeep_has_a_task_for_each_loop(bag: Any) -> None:
    from airflow.dag_processing.dagbag import DagBag

    from ratchet import catalog

    found = DagBag(dag_folder=str(ROOT / "dags" / "upkeep.py"), bundle_path=ROOT / "dags", bundle_name="dags-folder")
    assert found.import_errors == {}
    dag = found.dags["ratchet.upkeep"]
    assert dag.task_ids == [f"prune_{name}" for name in catalog.names()]
    assert not dag.catchup


def test_a_broken_loop_is_an_import_error_of_its_own(
    tmp_path: Path, loops_folder: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.dag_processing.dagbag import DagBag

    from tests.conftest import lay

    lay(tmp_path / "var", loops_folder, tmp_path, monkeypatch.setenv)
    path = tmp_path / "loops" / "wind" / "loop.yaml"
    path.write_text(path.read_text().replace("holdout_days: 4", "holdot_days: 4"))
    dags = tmp_path / "dags"
    dags.mkdir()
    for name in ("wind", "flight_classes"):
        (dags / f"{name}.py").write_text(
            '"""A loop for airflow: dag file."""\nfrom ratchet_airflow.loop_dags import dags_of\n\n'
            f'globals().update(dags_of("{name}"))\n'
        )
    bag = DagBag(dag_folder=str(dags), bundle_path=dags, bundle_name="broken")
    assert set(bag.dags) == {f"flight_classes.{part}" for part in PARTS}
    ((file, error),) = bag.import_errors.items()
    assert Path(file).name == "wind.py"
    assert "loop.yaml:" in error
    assert "did you mean 'holdout_days'" in error


def test_the_plugin_folder_shows_airflow_one_file(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk._shared.module_loading import find_path_from_directory  # what the plugins loader walks with

    seen = {Path(path).name for path in find_path_from_directory(str(ROOT / "plugins"), ".airflowignore", "glob")}
    assert {name for name in seen if name.endswith(".py")} == {"ratchet_plugin.py"}
