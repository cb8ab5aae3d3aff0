"""What of Great Expectations is used: its metrics on an engine, and its verdict on them. Nothing of it is kept."""

from __future__ import annotations

import datetime as dt
import logging
import os
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from ratchet.errors import MissingPackage

if TYPE_CHECKING:
    import pandas as pd

_BATCH = "delivery"
COMPLETE, COUNTS = "COMPLETE", "BOOLEAN_ONLY"  # formats of a result: with every row that breaks it, with none


@cache
def great_expectations() -> Any:
    """Import it, quiet."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    try:
        import great_expectations as gx
    except ImportError as error:
        raise MissingPackage(f"great_expectations cannot be imported ({error}). Run: make install") from error
    return gx


def engine(frame: pd.DataFrame | None = None) -> Any:
    """Return an engine that holds a frame.

    A frame that comes by a data source is hashed twice, for a fingerprint that nobody reads: as dear as all metrics.
    """
    from great_expectations.execution_engine import PandasExecutionEngine

    return PandasExecutionEngine(batch_data_dict={} if frame is None else {_BATCH: frame})


def ordered(suite: Any) -> list[Any]:
    """Return the configurations of a suite in the order in which they are validated: by column."""
    return list(_validator(engine()).process_expectations_for_validation(suite.expectation_configurations))


def results(frame: pd.DataFrame, configurations: Sequence[Any]) -> list[Any]:
    """Validate a frame: a result for each configuration, those that could not be evaluated first."""
    told = {"result_format": COMPLETE}
    return list(_validator(engine(frame)).graph_validate(list(configurations), runtime_configuration=told))


def metrics(of: Any, configurations: Sequence[Any], form: str) -> list[dict[str, Any] | None]:
    """Compute on an engine what a verdict on each configuration rests on; None where one cannot be computed."""
    from great_expectations.exceptions import GreatExpectationsError
    from great_expectations.validator.metrics_calculator import MetricsCalculator
    from great_expectations.validator.validation_graph import ValidationGraph

    calculator = MetricsCalculator(execution_engine=of, show_progress_bars=False)
    edges, asked = [], list[dict[str, Any] | None]()
    for each in configurations:
        try:
            needed = _needed(each, of, form)
            graph = calculator.build_metric_dependency_graph(list(needed.values()), {"result_format": form})
        except (GreatExpectationsError, LookupError, NotImplementedError, TypeError, ValueError):
            asked.append(None)
        else:
            edges += graph.edges
            asked.append(needed)
    graph = ValidationGraph(execution_engine=of, edges=edges)
    found, _ = calculator.resolve_validation_graph(graph, runtime_configuration={"result_format": form})
    return [
        {name: found[one.id] for name, one in needed.items()}
        if needed is not None and all(one.id in found for one in needed.values())
        else None
        for needed in asked
    ]


def names(configuration: Any) -> list[str]:
    """Name the metrics that the verdict on a configuration rests on."""
    return [*_needed(configuration, engine(), COMPLETE)]


def verdict(configuration: Any, found: dict[str, Any]) -> Any:
    """Return the result of a configuration by metrics that were computed before."""
    on = engine()
    known = {one.id: found[name] for name, one in _needed(configuration, on, COMPLETE).items()}
    told = {"result_format": COMPLETE}
    return configuration.to_domain_obj().metrics_validate(known, execution_engine=on, runtime_configuration=told)


def whole(suite: str, found: Sequence[Any]) -> Any:
    """Return the result of a suite, of the results of its expectations."""
    from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult

    good, count = sum(bool(each.success) for each in found), len(found)
    return ExpectationSuiteValidationResult(
        results=[*found],
        success=good == count,
        suite_name=suite,
        statistics={
            "evaluated_expectations": count,
            "successful_expectations": good,
            "unsuccessful_expectations": count - good,
            "success_percent": good / count * 100 if count else None,
        },
        meta={
            "great_expectations_version": great_expectations().__version__,
            "batch_spec": {"batch_data": "PandasDataFrame", "data_asset_name": suite},
            "batch_markers": {"ge_load_time": dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S.%fZ")},
        },
    )


def exception(result: Any) -> str:
    """Say why an expectation could not be evaluated; nothing where it was."""
    return _raised(result.exception_info) if result.exception_info else ""


def aborted(result: Any) -> bool:
    """Say whether what an expectation rests on could not be computed: told by metric."""
    return "raised_exception" not in (result.exception_info or {"raised_exception": False})


def _raised(info: dict[str, Any]) -> str:
    if "raised_exception" in info:
        return str(info.get("exception_message") or "") if info["raised_exception"] else ""
    return next((text for nested in info.values() if isinstance(nested, dict) and (text := _raised(nested))), "")


def _needed(configuration: Any, on: Any, form: str) -> dict[str, Any]:
    told = {"result_format": form}
    needed = configuration.to_domain_obj().get_validation_dependencies(on, told).metric_configurations
    return dict(needed)


def _validator(on: Any) -> Any:
    from great_expectations.validator.validator import Validator

    return Validator(execution_engine=on, data_context=_context())


@cache
def _context() -> Any:
    """Return a context that is in memory: parallel tasks that share one in files corrupt it (great_expectations #8294).

    It is the same for a process: making one, or a data source within it, costs as much as a small table.
    """
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = great_expectations().get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context
