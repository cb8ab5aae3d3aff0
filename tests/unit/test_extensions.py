"""What a contract names: three doors, and what is said where one does not open."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ratchet import catalog, extensions
from ratchet.adapters import models
from ratchet.errors import ContractError, MissingPackage
from ratchet.training import encoding, model, recipe
from tests.conftest import ROOT, TIDES, bring


@pytest.fixture
def own(tides: Path) -> Path:
    """The loop with its five extensions in its folder."""
    bring(tides)
    return tides


def _process(code: str, *path: Path) -> str:
    """Run code in a process of its own, with folders on its path."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, [*path, ROOT / "include"]))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _model(loop_name: str) -> model.Model:
    """A model of a loop's trainer, which has learnt nothing."""
    import numpy as np
    import pyarrow as pa

    loop = catalog.load(loop_name)
    table = pa.table({"level": [1.0, 2.0], "level_now": [1.0, 2.0]})
    encoder = encoding.learn("regression", "level", [], ["level_now"], table)
    trainer = extensions.find("trainers", loop.training.trainer, loop.folder)
    return model.Model(loop.training.trainer, encoder, np.array([1.0, 0.5]), trainer)


@pytest.mark.parametrize("group", TIDES)
def test_a_file_in_the_loops_folder_is_found(own: Path, group: extensions.Group) -> None:
    assert TIDES[group] in extensions.names(group, own)
    found = extensions.find(group, TIDES[group], own)
    assert found.__name__ == f"ratchet_loops.tides.{group}.{TIDES[group]}"
    assert all(hasattr(found, name) for name in extensions.HOLDS[group])
    assert TIDES[group] not in extensions.names(group, own.parent / "wind")  # it is that loop's alone


@pytest.mark.parametrize("group", extensions.BUILT_IN)
def test_every_built_in_holds_what_its_group_must(group: extensions.Group) -> None:
    assert extensions.built_in(group) == extensions.names(group, Path("nowhere"))
    for name in extensions.built_in(group):
        assert extensions.find(group, name, Path("nowhere"))


def test_an_installed_distribution_is_found(tides: Path, tides_distribution: Path) -> None:
    code = f"""
from pathlib import Path
from ratchet import catalog, extensions
for group, name in {TIDES!r}.items():
    for folder in (Path({str(tides)!r}), Path("nowhere")):
        assert name in extensions.names(group, folder)
        assert extensions.find(group, name, folder).__name__ == "ratchet_tides." + name
    assert extensions.requirement(group, name) == "ratchet-tides==1.2.0"
print(catalog.load("tides").training.trainer)
"""
    assert _process(code, tides_distribution) == "least_squares"


def test_an_installed_distribution_is_found_beside_the_backport_of_metadata(
    tides: Path, tides_distribution: Path
) -> None:
    """MLflow's tracing imports `importlib_metadata`, whose finder gives entry points of a class of its own."""
    code = """
import importlib_metadata
from pathlib import Path
from ratchet import extensions
(point,) = [point for point in extensions._entry_points("trainers") if point.name == "least_squares"]
assert isinstance(point, importlib_metadata.EntryPoint)
folder = Path("nowhere")
text = extensions.source("trainers", "least_squares", folder).splitlines()[-1]
print(extensions.find("trainers", "least_squares", folder).__name__, text)
"""
    assert _process(code, tides_distribution) == "ratchet_tides.least_squares # ratchet-tides==1.2.0"


def test_listing_imports_nothing(own: Path, tides_distribution: Path) -> None:
    """Airflow parses a DAG file again for every task: what a loop does not name is not imported."""
    code = f"""
import sys
from pathlib import Path
from ratchet import extensions
before = set(sys.modules)
for group in extensions.HOLDS:
    for folder in (Path({str(own.parent / "wind")!r}), Path("nowhere")):
        assert extensions.names(group, folder)
print(sorted(n for n in set(sys.modules) - before if n.startswith(("ratchet", "pandas", "pyarrow", "torch", "numpy"))))
"""
    assert _process(code, tides_distribution) == "[]"


def test_two_of_one_name_are_an_error_that_names_both_places(own: Path, tides_distribution: Path) -> None:
    code = """
from ratchet import catalog
from ratchet.errors import ContractError
try:
    catalog.load("tides")
except ContractError as error:
    print(error)
"""
    said = _process(code, tides_distribution)
    assert "Two sources are named 'sine'" in said
    assert str(own / "sources" / "sine.py") in said
    assert "ratchet_tides.sine, of the distribution ratchet-tides" in said


def test_a_file_does_not_take_the_name_of_a_built_in(own: Path) -> None:
    (own / "trainers" / "least_squares.py").rename(own / "trainers" / "torch_mlp.py")
    with pytest.raises(ContractError, match=r"torch_mlp, built in and /.*/trainers/torch_mlp\.py\. Rename one"):
        catalog.load("tides")


def test_a_metric_does_not_take_the_name_of_one_of_the_task(own: Path) -> None:
    (own / "metrics" / "mae.py").write_text("def measure(target, prediction):\n    return 0.0\n")
    with pytest.raises(
        ContractError, match=r"Two metrics are named 'mae': /.*/metrics/mae\.py and the one of every reg"
    ):
        catalog.load("tides")


@pytest.mark.parametrize("group", TIDES)
def test_a_file_that_cannot_be_imported_is_named(own: Path, group: extensions.Group) -> None:
    path = own / group / f"{TIDES[group]}.py"
    said = _said_of(path, "import nothing_of_that_name\n")
    assert f"The {extensions.NOUN[group]} {TIDES[group]!r} ({path}) cannot be imported" in said
    assert "nothing_of_that_name" in said
    assert not [name for name in sys.modules if name == f"ratchet_loops.tides.{group}.{TIDES[group]}"]


@pytest.mark.parametrize("group", TIDES)
def test_a_file_that_does_not_hold_what_it_must_is_named(own: Path, group: extensions.Group) -> None:
    path = own / group / f"{TIDES[group]}.py"
    said = _said_of(path, '"""Nothing yet."""\n')
    for name in extensions.HOLDS[group]:
        assert f"no {name}" in said
    assert str(path) in said


def _said_of(path: Path, text: str) -> str:
    """Return the error of the loop `tides` where a file of its own holds this text."""
    path.write_text(text)
    with pytest.raises(ContractError) as caught:
        catalog.load("tides")
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("kind: sine", "kind: sin", ("unknown source 'sin'", "did you mean 'sine'?")),
        ("trainer: least_squares", "trainer: least_square", ("unknown trainer", "did you mean 'least_squares'?")),
        ("weekday: {", "weekdays: {", ("unknown policy 'weekdays'", "did you mean 'weekday'?")),
        ("light: {", "ligt: {", ("unknown check 'ligt'", "did you mean 'light'?")),
        ("worst: {", "wors: {", ("not a metric of regression", "did you mean 'worst'?")),
        ("harbour: Battery", "harbor: Battery", ("source.options.harbor", "did you mean 'harbour'?")),
        ("day: Wednesday", "day: Wensday", ("retrain.policies.weekday.day", "'Wensday'")),
        ("kilobytes: 50", "kilobytes: few", ("gate.checks.light.kilobytes", "'few'")),
        ("light: {kilobytes: 50}", "slices: {}", ("gate.checks names those that are not",)),
    ],
)
def test_a_mistake_about_an_extension_is_explained(own: Path, old: str, new: str, words: tuple[str, ...]) -> None:
    path = own / "loop.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ContractError) as caught:
        catalog.load("tides")
    for word in (f"{path}:", *words):
        assert word in str(caught.value)


def test_a_file_that_changed_is_read_anew_and_leaves_nothing_beside_it(own: Path) -> None:
    """Within one second and to one size, which cached bytecode would take for the same."""
    path = own / "metrics" / "worst.py"
    for number in range(1, 4):
        path.write_text(f"def measure(target, prediction):\n    return {number}.0\n")
        os.utime(path, (1_000_000_000, 1_000_000_000))
        assert extensions.find("metrics", "worst", own).measure(None, None) == number
    assert extensions.find("metrics", "worst", own) is extensions.find("metrics", "worst", own)
    assert [item.name for item in (own / "metrics").iterdir()] == ["worst.py"]


def test_the_schema_knows_the_extensions_of_every_loop(own: Path) -> None:
    document = catalog.schema()
    assert "sine" in document["$defs"]["Source"]["properties"]["kind"]["enum"]
    assert "least_squares" in document["$defs"]["Training"]["properties"]["trainer"]["enum"]
    assert "weekday" in document["$defs"]["Retrain"]["properties"]["policies"]["properties"]


def test_the_recipe_follows_the_trainers_code(own: Path) -> None:
    loop = catalog.load("tides")
    before = recipe.name(loop)
    assert recipe.name(loop) == before
    path = own / "trainers" / "least_squares.py"
    path.write_text(path.read_text().replace("np.nan_to_num(", "-np.nan_to_num("))
    assert recipe.name(loop) != before


def test_the_recipe_follows_the_version_of_a_trainers_distribution(tides: Path, tides_distribution: Path) -> None:
    code = """
from ratchet import catalog, extensions
from ratchet.training import recipe
loop = catalog.load("tides")
one, text = recipe.name(loop), extensions.source("trainers", "least_squares", loop.folder)
(point,) = [p for p in extensions._entry_points("trainers") if p.name == "least_squares"]
type(point.dist).version = property(lambda self: "1.3.0")
print(one != recipe.name(loop), text.endswith("# ratchet-tides==1.2.0"))
"""
    assert _process(code, tides_distribution) == "True True"


def test_a_stored_model_asks_for_its_trainers_requirements(own: Path) -> None:
    names = [line.partition("==")[0] for line in models._requirements(_model("tides"))]
    assert names == ["mlflow", "numpy", "pandas", "pyarrow", "pydantic", "safetensors"]
    path = own / "trainers" / "least_squares.py"
    path.write_text(path.read_text().replace('("safetensors",)', '("scikit-learn", "safe_tensorz")'))
    with pytest.raises(MissingPackage, match="'least_squares' names the package 'safe_tensorz' in REQUIREMENTS"):
        models._requirements(_model("tides"))


def test_a_models_trainer_goes_with_it(own: Path, tmp_path: Path) -> None:
    """A trainer that has changed since, or is gone, is not the one that reads the model."""
    import numpy as np

    made = _model("tides")
    made.save(tmp_path / "model")
    path = own / "trainers" / "least_squares.py"
    assert (tmp_path / "model" / model.TRAINER).read_text() == path.read_text()
    path.unlink()
    read = model.load(tmp_path / "model")
    numbers = np.array([[1.0], [3.0]], dtype=np.float32)
    codes = np.zeros((2, 0), dtype=np.int64)
    assert read.of_arrays(codes, numbers).tolist() == made.of_arrays(codes, numbers).tolist() == [1.5, 3.5]
    read.save(tmp_path / "again")  # and a copy of the copy has it too
    assert (tmp_path / "again" / model.TRAINER).exists()
