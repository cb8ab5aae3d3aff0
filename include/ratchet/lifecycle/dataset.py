"""Read a loop's dataset as of a revision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ratchet import catalog
from ratchet.adapters import models, runs, writing
from ratchet.adapters.data_registry import Registry
from ratchet.adapters.opening import open_registry, refuse_to_begin
from ratchet.contract.loop import Loop
from ratchet.data import conversion, known
from ratchet.data import features as feature_sql
from ratchet.data.known import PARTITION
from ratchet.errors import RegistryError, storage_errors
from ratchet.files import private
from ratchet.partitions import shift
from ratchet.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa


Held = dict[tuple[str, str], "pa.Table"]  # days that were read: (table, day) -> its rows


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


def table(
    source: Registry, loop: Loop, name: str, revision: str, first: str, last: str, held: Held | None = None
) -> pa.Table:
    """Read a table's days from `first` to `last`: of one that says `repeated_key: update` a key's latest row stands."""
    whole, spec = rows(source, loop, name, revision, first, last, held), loop.tables[name]
    return feature_sql.latest(whole, spec.key) if spec.repeated_key == "update" and whole.num_rows else whole


def rows(
    source: Registry, loop: Loop, name: str, revision: str, first: str, last: str, held: Held | None = None
) -> pa.Table:
    """Read every row of a table's days from `first` to `last`, each with its partition, in the contract's types.

    held: days that were read before, to which what is read now is added.
    """
    import pyarrow as pa

    held = {} if held is None else held
    days = [day for day in source.partitions(loop.name, name, revision) if first <= day <= last]
    missing = {path(loop, name, day): day for day in days if (name, day) not in held}
    for where, found in source.read(missing, revision).items():
        plain = conversion.conform(found, loop.tables[name].columns)
        days_of = pa.array([missing[where]] * plain.num_rows, pa.string())
        held[name, missing[where]] = plain.append_column(PARTITION, days_of)
    parts = [held[name, day] for day in days]
    return pa.concat_tables(parts) if parts else known.nothing(loop, name)


def read_for(loop: Loop, first: str, last: str) -> str:
    """Say which days the features of days read: a range."""
    return f"{shift(first, -loop.features.lookback_days)}..{last}"


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
