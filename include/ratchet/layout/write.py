"""Lay a loop out: look at the sample, find the columns' roles, and write the files, all of them or none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ratchet.contract.loop import Task
from ratchet.data import tables
from ratchet.errors import RequestError
from ratchet.files import write_text
from ratchet.layout import contract, database, features, files, look, roles, suite
from ratchet.layout.contract import Source
from ratchet.layout.defaults import value, word
from ratchet.layout.dialect import Dialect
from ratchet.layout.files import Files
from ratchet.layout.roles import Roles
from ratchet.layout.sample import Sample
from ratchet.lifecycle import belongings, dataset
from ratchet.reports import data as pages
from ratchet.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Given:
    """What a person says of a loop beside where its rows are; what is left out is found."""

    target: str
    time: str | None = None
    key: tuple[str, ...] = ()
    task: str | None = None
    date_format: str | None = None


@dataclass(frozen=True)
class LaidOut:
    """What was written. notes: what a person should know of it, a sentence each."""

    contract: Path
    features: Path
    suite: Path
    dag: Path
    page: Path
    notes: tuple[str, ...]

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of the loop, its page aside."""
        return self.contract, self.features, self.suite, self.dag


def from_files(name: str, place: Path, given: Given, dags: Path | None = None) -> LaidOut:
    """Lay the loop `name` out from a file, or from the files of a folder. Raises RequestError."""
    places = _places(name, dags)
    found = files.listed(place)
    sample, dialect, days = look.at_files(found, given.date_format)
    given = _renamed(given, dialect.rename)
    known = _roles(sample, given)
    notes = [f"{name} is called {other} in the contract" for name, other in dialect.rename.items()]
    if days is not None and not _keep_to(sample, known.time, days):
        found = files.undated(found)
        notes.append(f"The names of the files hold days that their rows' {known.time} does not keep to: all are read")
    source = _source(name, found, dialect, places.contract.parent)
    return _write(name, places, sample, known, source, [*notes, *source.notes])


def from_database(
    name: str, url: str, query: str | None, table: str | None, given: Given, dags: Path | None = None
) -> LaidOut:
    """Lay the loop `name` out from a table or a query of a database. Raises RatchetError."""
    places = _places(name, dags)
    folder = places.contract.parent
    asked = database.query(url, query, table, folder, Settings.current().home)
    sample = look.at_table(database.rows(asked, folder), given.date_format)
    known = _roles(sample, given)
    lines = database.source(asked, name, database.select(asked, sample, known.time))
    notes = [] if asked.relative else [f"{url} enters the contract as an absolute path: it lies outside the project"]
    return _write(name, places, sample, known, Source(lines), notes)


def _renamed(given: Given, names: Mapping[str, str]) -> Given:
    """Return what a person says of columns by the names that the contract has for them."""
    key = tuple(names.get(each, each) for each in given.key)
    time = names.get(given.time, given.time) if given.time else None
    return replace(given, target=names.get(given.target, given.target), time=time, key=key)


def _roles(sample: Sample, given: Given) -> Roles:
    return roles.find(sample, given.time, given.target, given.key, cast("Task | None", given.task))


def _places(name: str, dags: Path | None) -> LaidOut:
    """Say where the files go. Raises RequestError where one is there, whose ever it is: nothing is overwritten."""
    settings = Settings.current()
    belongings.refuse_name(name)
    folder = settings.loops / name
    places = LaidOut(
        contract=folder / "loop.yaml",
        features=folder / "features.sql",
        suite=settings.suites / "expectations" / f"{name}.json",
        dag=(dags or settings.home / "dags") / f"{name}.py",
        page=settings.reports / name / "sample.html",
        notes=(),
    )
    if folder.exists():
        raise RequestError(f"{folder} exists already. Choose another name, or delete that folder first")
    if places.suite.exists():
        owners = belongings.suites(settings).get(name, [])
        whose = f"a suite of the loop {owners[0]}" if owners else "there, and no loop names it"
        then = "Choose another name" if owners else "Choose another name, or delete that file first"
        raise RequestError(f"{places.suite} is {whose}. {then}")
    if (settings.registry / ".git").exists() and name in dataset.registry().given_up():
        raise RequestError(f"{name} was the name of a loop that was renamed: its past is kept under it. Choose another")
    if places.dag.exists():
        raise RequestError(f"{places.dag} exists already. Choose another name, or delete that file first")
    return places


def _keep_to(sample: Sample, time: str, days: pa.Array) -> bool:
    """Say whether each row's time is of the day that its file is named by."""
    import pyarrow.compute as pc

    return bool(pc.all(pc.equal(tables.days(sample.table[time]), days)).as_py())


def _source(name: str, found: Files, dialect: Dialect, folder: Path) -> Source:
    """Return the source of files: the path, and of CSV what differs from the plain kind."""
    path, stays = files.seen_from(found.pattern, folder, Settings.current().home)
    plain, said = Dialect(), dict[str, Any](path=path)
    written = vars(dialect) if found.format == "csv" else {"rename": dialect.rename}
    said |= {key: each for key, each in written.items() if each != vars(plain)[key]}
    options = ", ".join(f"{key}: {value(each)}" for key, each in said.items())
    notes = () if stays else (f"{path} enters the contract as an absolute path: it lies outside the project",)
    told = () if stays else ("  # an absolute path: another machine has to have the files there too",)
    one = word(path) if len(said) == 1 else f"{{{options}}}"
    lines = (
        "kind: files                      # in production a URL, as s3://…; or kind: query, of a SQL database",
        "options:",
        *told,
        "  tables:",
        f"    {word(name)}: {one}",
    )
    return Source(lines, notes)


def _write(name: str, places: LaidOut, sample: Sample, known: Roles, source: Source, notes: list[str]) -> LaidOut:
    shown = roles.features(sample, known)
    texts = {
        places.features: features.text(name, sample, known, shown),
        places.suite: suite.text(name, sample, known),
        places.dag: (
            f'"""The loop {name}: five Airflow DAGs, from its contract."""\n\n'
            f'from ratchet_airflow.loop_dags import dags_of\n\nglobals().update(dags_of("{name}"))\n'
        ),
        places.page: pages.render(name, sample.table, known.time, known.target, known.leaks),
        places.contract: contract.text(name, sample, known, source, shown),
    }
    for path, text in texts.items():
        write_text(path, text)
    told = [*notes, *_told(sample, known)]
    return LaidOut(places.contract, places.features, places.suite, places.dag, places.page, tuple(told))


def _told(sample: Sample, known: Roles) -> list[str]:
    """Say what of the sample is not as it seems."""
    notes = []
    if sample.total > sample.rows:
        notes.append(f"{sample.rows:,} of {sample.total:,} rows were looked at, drawn at random")
    if late := roles.late(sample, known):
        notes.append(f"the newest {late} days have no {known.target} yet: their days are fetched again when it is due")
    notes += [f"{leak.words}: left out of the features" for leak in known.leaks]
    notes += [f"{name} is left out: it {why}" for name, why in sample.left_out.items()]
    notes += [f"{column.name}: {column.note}" for column in sample.columns.values() if column.note and not column.empty]
    notes += [f"{c.name} is written as {c.date_format}" for c in sample.columns.values() if c.date_format]
    notes += [f"{c.name} came with a zone: it is kept as UTC" for c in sample.columns.values() if c.zoned]
    return notes
