"""Great Expectations: what of it is used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ratchet.adapters.expectations import library


def test_the_projects_suites_open_as_a_file_context() -> None:
    import shutil
    import tempfile

    import great_expectations as gx
    from tests.conftest import ROOT

    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "great_expectations", Path(folder) / "great_expectations")
        context = gx.get_context(mode="file", context_root_dir=str(Path(folder) / "great_expectations"))
        assert {suite.name for suite in context.suites.all()} >= {"flights", "weather"}
        assert len(context.suites.get("flights").expectations) == 15


def _suite(*given: dict[str, Any]) -> list[Any]:
    return library.ordered(library.great_expectations().ExpectationSuite(name="s", expectations=[*given]))


def test_the_verdict_on_counts_is_the_one_on_the_rows() -> None:
    (below,) = _suite({"type": "expect_column_values_to_be_between", "kwargs": {"column": "x", "max_value": 5}})
    frame = pd.DataFrame({"x": [1, 6, 7]})
    (found,) = library.metrics(library.engine(frame), [below], library.COMPLETE)
    assert found is not None
    (whole,) = library.results(frame, [below])
    assert library.verdict(below, found).to_json_dict() == whole.to_json_dict()


def test_what_cannot_be_computed_is_none_and_said() -> None:
    (absent,) = _suite({"type": "expect_column_values_to_be_between", "kwargs": {"column": "y", "max_value": 5}})
    frame = pd.DataFrame({"x": [1]})
    assert library.metrics(library.engine(frame), [absent], library.COMPLETE) == [None]
    (result,) = library.results(frame, [absent])
    assert library.aborted(result)
    assert '"y" in BatchData does not exist' in library.exception(result)


def test_no_frame_is_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame that came by a data source was hashed twice: half of what a large day cost."""

    def hashed(*_: Any, **__: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr(pd.util, "hash_pandas_object", hashed)
    (there,) = _suite({"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "x"}})
    (result,) = library.results(pd.DataFrame({"x": [1]}), [there])
    assert result.success
