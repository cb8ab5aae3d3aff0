"""Read a loop's dataset as of a revision, and compute features from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ratchet import catalog
from ratchet.adapters import models, runs, writing
from ratchet.adapters.data_registry import Registry
from ratchet.adapters.opening import open_registry, refuse_to_begin
from ratchet.contract.loop import Loop
from ratchet.data import conversion
from ratchet.data import features as feature_sql
from ratchet.errors import DataError, RegistryError, storage_errors
from ratchet.files import private
from ratchet.partitions import days_between, shift
from ratchet.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa


_NEAR = 7  # days: what lies between two is read with them


def registry() -> Registry:
    """Open this installation's data registry, with what other machines have written."""
    settings = Settings.current()
    with storage_errors(settings.var):
        private(settings.var)
    if not (settings.registry / ".git").exists():
        _refuse_where_a_champion_is_known(settings)
    found = open_registry(settings.registry, settings.remote, settings.git_remote)
    writing.keep_up(found)
    return found


def begun() -> bool:
    """Say whether there is a data registry. Raises RegistryError where it is gone, and where something else is."""
    settings = Settings.current()
    if (settings.registry / ".git").exists():
        return True
    refuse_to_begin(named())
    _refuse_where_a_champion_is_known(settings)
    return False


def existing() -> Registry:
    """Open the data registry to look into it. Raises RegistryError where there is none: it is not made by a look."""
    if not begun():
        raise RegistryError(
            f"There is no data registry in {Settings.current().registry}: nothing was ingested yet. Ingest some days "
            "first; where the state of the installation lies elsewhere, name its folder: RATCHET_VAR"
        )
    return registry()


def named() -> Registry:
    """Return the data registry that the settings name, there or not, of whatever format."""
    settings = Settings.current()
    return Registry(settings.registry, settings.remote, settings.git_remote)


def path(loop: Loop, table: str, partition: str) -> str:
    """Say where a partition of a table lies in the data registry."""
    return f"{loop.name}/data/{table}/{partition}.parquet"


def published(source: Registry, loop: Loop, revision: str, first: str = "", last: str = "9999") -> list[str]:
    """List the published partitions from `first` to `last`."""
    return [day for day in source.partitions(loop.name, loop.main, revision) if first <= day <= last]


def counts(source: Registry, loop: Loop, revision: str) -> dict[str, int]:
    """Count the rows to predict of each published partition: day -> rows."""
    verdicts = source.verdicts(loop.name, revision)
    return {
        day: verdict.tables[loop.main].accepted for day, verdict in verdicts.items() if verdict.status == "accepted"
    }


def features(source: Registry, loop: Loop, revision: str, first: str, last: str) -> pa.Table:
    """Compute the features of the published partitions from `first` to `last`. Raises DataError where there is none."""
    if not published(source, loop, revision, first, last):
        raise DataError(
            f"No partition of {loop.name} between {first} and {last} is published at {revision[:10]}. "
            f"Ingest some: ratchet data log {loop.name} shows what there is"
        )
    tables = {
        name: _table(source, loop, name, revision, shift(first, -loop.features.lookback_days), last)
        for name in loop.tables
    }
    labels = _table(source, loop, loop.label_table, revision, first, "9999") if loop.label_table else None
    return feature_sql.compute(loop, tables, first, last, labels)


def read_for(loop: Loop, first: str, last: str) -> str:
    """Say which days the features of days read: a range."""
    return f"{shift(first, -loop.features.lookback_days)}..{last}"


def features_of(source: Registry, loop: Loop, revision: str, days: list[str]) -> pa.Table:
    """Compute the features of published days, in order of days; what lies between two far apart is not read."""
    import pyarrow as pa

    spans = [[days[0], days[0]]]
    for day in days[1:]:
        if days_between(spans[-1][1], day) > _NEAR:
            spans.append([day, day])
        spans[-1][1] = day
    return pa.concat_tables([features(source, loop, revision, first, last) for first, last in spans])


def _refuse_where_a_champion_is_known(settings: Settings) -> None:
    """Raise RegistryError where MLflow knows a loop's champion and there is no registry: that is no fresh start."""
    if not runs.answers(settings.tracking_uri):
        return
    with runs.connected() as client:
        for name in catalog.names():
            if found := models.champion(client, name):
                raise RegistryError(
                    f"The data registry {settings.registry} is gone: MLflow says that v{found.number} is the champion "
                    f"of {name}. Bring it back: ratchet registry restore, from the remotes that RATCHET_REMOTE and "
                    "RATCHET_GIT_REMOTE name. Where that model is not Ratchet's, take its alias away"
                )


def _table(source: Registry, loop: Loop, name: str, revision: str, first: str, last: str) -> pa.Table:
    import pyarrow as pa

    days = [day for day in source.partitions(loop.name, name, revision) if first <= day <= last]
    files = source.read([path(loop, name, day) for day in days], revision)
    parts = []
    for day, table in zip(days, files.values(), strict=True):
        held = conversion.conform(table, loop.tables[name].columns)
        parts.append(held.append_column(feature_sql.PARTITION, pa.array([day] * held.num_rows, pa.string())))
    if parts and loop.tables[name].repeated_key == "update":
        return feature_sql.latest(pa.concat_tables(parts), loop.tables[name].key)
    if parts:
        return pa.concat_tables(parts)
    return feature_sql.empty(loop, name)
