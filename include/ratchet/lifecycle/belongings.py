"""What a loop has on this machine, and where: its files, and what its nights have left in the folder of all state."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML, YAMLError

from ratchet import installation
from ratchet.contract.runtime import NAME
from ratchet.errors import RequestError
from ratchet.settings import Settings


@dataclass(frozen=True)
class Belongings:
    """The files and folders of a loop, those that there are. A contract may be broken: it is only looked for suites."""

    folder: Path | None  # with contract and SQL
    dag: Path | None
    suites: tuple[Path, ...]  # that no other loop names
    shared: tuple[Path, ...]  # suites that another loop names too
    work: tuple[Path, ...]  # what can be made again, and what was told of nights

    @property
    def all(self) -> tuple[Path, ...]:
        """All that is the loop's own, its folder last: as long as that is there, the rest is found."""
        return (
            *((self.dag,) if self.dag else ()),
            *self.work,
            *self.suites,
            *((self.folder,) if self.folder else ()),
        )


def refuse_name(name: str) -> None:
    """Raise RequestError where a text is no name of a loop."""
    if not re.fullmatch(NAME, name):
        raise RequestError(f"{name!r} is not a name for a loop: small letters, digits and _ only, a letter first")


def find(name: str) -> Belongings:
    """Find what there is of a loop."""
    settings = Settings.current()
    folder, dag = settings.loops / name, _dag(settings, name)
    owners = suites(settings)
    named = [settings.suites / "expectations" / f"{suite}.json" for suite, loops in owners.items() if name in loops]
    own = [path for path in named if owners[path.stem] == [name]]
    return Belongings(
        folder=folder if folder.is_dir() else None,
        dag=dag if dag.is_file() else None,
        suites=tuple(path for path in own if path.is_file()),
        shared=tuple(path for path in named if path not in own and path.is_file()),
        work=tuple(path for path in work(settings, name) if path.exists()),
    )


def work(settings: Settings, name: str) -> Iterator[Path]:
    """Yield the folders in which a loop's work lies."""
    for place in (
        settings.staging,
        settings.snapshots,
        settings.features,
        settings.predictions,
        settings.reports,
        settings.models,
        settings.data_docs,
        settings.var / "replay",
    ):
        yield place / name


def suites(settings: Settings) -> dict[str, list[str]]:
    """Say which loops name each expectation suite; a contract that cannot be read names none."""
    found: dict[str, list[str]] = {}
    for path in sorted(settings.loops.glob("*/loop.yaml")):
        try:
            document = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
            for suite in sorted({str(table["suite"]) for table in document["tables"].values()}):
                found.setdefault(suite, []).append(path.parent.name)
        except (YAMLError, OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return found


def _dag(settings: Settings, name: str) -> Path:
    """Say where a loop's DAG file is: in the project, or where the running installation looks for it."""
    described = installation.read(settings.var)
    own = settings.home / "dags" / f"{name}.py"
    return own if own.is_file() or described is None else described.dags_folder / f"{name}.py"
