"""Ratchet's pages in the Airflow UI.

An overview of the loops, Data Docs, drift and decision reports, commits of the data registry.

Airflow does not authenticate a plugin's routes; the dependency below does, as for the plugins' own view.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
from airflow.api_fastapi.core_api.security import requires_access_view
from fastapi import Depends, FastAPI, HTTPException
from fastapi.responses import FileResponse, HTMLResponse

from ratchet import catalog
from ratchet.errors import RatchetError
from ratchet.lifecycle import dataset, ledger
from ratchet.reports.page import page
from ratchet.settings import Settings

if TYPE_CHECKING:
    from ratchet.decisions.entries import Entry

app = FastAPI(
    title="Ratchet", docs_url=None, redoc_url=None, dependencies=[Depends(requires_access_view(AccessView.PLUGINS))]
)

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_REVISION = re.compile(r"[0-9a-f]{7,40}")


@app.get("/", response_class=HTMLResponse)
def overview() -> HTMLResponse:
    """Show each loop: its champion, its newest data, and what was decided last."""
    return HTMLResponse(
        page("Ratchet", "".join(_loop(name) for name in catalog.names()) or "<p>There is no loop yet.</p>")
    )


@app.get("/data-docs/{loop}/{table}/{day}.html")
def data_docs(loop: str, table: str, day: str) -> FileResponse:
    """Show Great Expectations' page about a day's delivery."""
    _check((_NAME, loop), (_NAME, table), (_DAY, day))
    return _file(Settings.current().data_docs / loop / table / f"{day}.html")


@app.get("/reports/{loop}/{day}/drift.html")
def drift_report(loop: str, day: str) -> FileResponse:
    """Show Evidently's report of a night."""
    _check((_NAME, loop), (_DAY, day))
    folder = Settings.current().reports / loop / day
    pages = sorted(folder.glob("drift*.html"), key=lambda path: path.stat().st_mtime)
    if not pages and (folder / "drift.json").exists():
        raise HTTPException(
            404,
            "Evidently's report of that night was not made, for nothing had drifted, or was pruned. "
            f"Make it: ratchet step drift --loop {loop} --partition {day} --report true",
        )
    first = folder / "drift.html"
    return _file(first if first.exists() or not pages else pages[-1])


@app.get("/decisions/{loop}/{run}/{name}.html")
def decision(loop: str, run: str, name: str) -> FileResponse:
    """Show the page about a decision."""
    _check((_NAME, loop), (_SLUG, run), (_SLUG, name))
    return _file(Settings.current().reports / loop / "decisions" / run / f"{name}.html")


@app.get("/replays/{loop}/{name}.html")
def replay(loop: str, name: str) -> FileResponse:
    """Show the page about a replay."""
    _check((_NAME, loop), (_SLUG, name))
    return _file(Settings.current().reports / loop / "replays" / f"{name}.html")


@app.get("/commits/{revision}", response_class=HTMLResponse)
def commit(revision: str) -> HTMLResponse:
    """Show a commit of the data registry: message, and the files it touched."""
    _check((_REVISION, revision))
    try:
        registry = dataset.registry()
        text = registry.git("show", "--stat", "--format=fuller", registry.resolve(revision))
    except RatchetError as error:
        raise HTTPException(404, str(error)) from None
    return HTMLResponse(page(f"Data registry, {revision[:10]}", f"<pre>{html.escape(text)}</pre>"))


def _loop(name: str) -> str:
    try:
        loop = catalog.load(name)
        registry = dataset.registry()
        entries, days = registry.ledger(name), registry.partitions(name, loop.main, "HEAD")
        verdicts = registry.verdicts(name)
    except RatchetError as error:
        return f"<h2>{html.escape(name)}</h2><pre class=bad>{html.escape(str(error))}</pre>"
    champion = next(reversed(ledger.champions(entries)), None)
    held = sum(verdict.quarantined for verdict in verdicts.values())
    facts = {
        "Champion": f"v{champion.version}, since {champion.at[:16].replace('T', ' ')} UTC" if champion else "none yet",
        "Data": f"{len(days)} days, {days[0]} to {days[-1]}; {held} row{'' if held == 1 else 's'} in quarantine"
        if days
        else "none yet",
    }
    rows = "".join(f"<tr><th>{k}</th><td>{html.escape(v)}</td></tr>" for k, v in facts.items())
    decided = "".join(_entry(entry) for entry in reversed(entries[-30:]))
    about = f"<h2>{html.escape(name)}</h2><p>{html.escape(loop.description)}</p><table>{rows}</table>"
    return f"{about}<h3>What was decided</h3><table class=ledger>{decided or '<tr><td>nothing yet</td></tr>'}</table>"


def _entry(entry: Entry) -> str:
    cells = (entry.at[:16].replace("T", " "), entry.kind.replace("_", " "), ledger.what(entry), entry.reason)
    return f"<tr class={html.escape(entry.kind)}>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}</tr>"


def _check(*checked: tuple[re.Pattern[str], str]) -> None:
    if not all(pattern.fullmatch(text) for pattern, text in checked):
        raise HTTPException(404, "There is no such page")


def _file(path: Path) -> FileResponse:
    if not path.is_file():
        raise HTTPException(
            404, f"There is no {path.name} here: the step that writes it has not run, or its state was deleted"
        )
    return FileResponse(path, media_type="text/html")
