"""Ratchet's pages in the Airflow UI.

An overview of the loops, Data Docs, drift and decision reports, commits of the data registry.

Airflow does not authenticate a plugin's routes; the dependencies below do: who may see plugins may see the overview,
and of it the loops whose DAGs they may read; a page about a loop is for those alone. What steps have written is served
as a document of no origin (CSP's sandbox), which reaches neither Airflow's session nor anything outside.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView, DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_view
from fastapi import Depends, FastAPI, HTTPException
from fastapi.responses import FileResponse, HTMLResponse, Response

from ratchet import catalog
from ratchet.decisions.entries import Certified, only
from ratchet.errors import RatchetError, explain
from ratchet.lifecycle import dataset, ledger, records
from ratchet.reports import importance
from ratchet.reports.page import page
from ratchet.settings import Settings
from ratchet.text import counted, lines, one_line
from ratchet_airflow import making

if TYPE_CHECKING:
    from ratchet.adapters.data_registry import Registry
    from ratchet.contract import loop as contract
    from ratchet.decisions.entries import Entry

app = FastAPI(
    title="Ratchet",
    docs_url=None,
    redoc_url=None,
    openapi_url=None,
    dependencies=[Depends(requires_access_view(AccessView.PLUGINS))],
)

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,199}")
_REVISION = re.compile(r"[0-9a-f]{7,40}")
_OWN = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_SCRIPTS = f"sandbox allow-scripts; {_OWN}; script-src 'unsafe-inline'; font-src data:; worker-src 'none'"
_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "private, no-cache"}
_ABOUT: dict[str, tuple[tuple[str, ...], str]] = {}  # loop -> what its part of the overview was made of, and it


def may_read(loop: str, user: GetUserDep) -> bool:
    """Say whether a user may read the DAGs of a loop."""
    return bool(get_auth_manager().is_authorized_dag(method="GET", details=DagDetails(id=f"{loop}.monitor"), user=user))


def _of_loop(loop: str, user: GetUserDep) -> str:
    """Let in who may read the loop's DAGs; to others there is no such page."""
    if not _NAME.fullmatch(loop) or not may_read(loop, user):
        raise HTTPException(404, "There is no such page")
    return loop


Loop = Annotated[str, Depends(_of_loop)]


@app.get("/", response_class=HTMLResponse)
def overview(user: GetUserDep) -> HTMLResponse:
    """Show each loop that the user may read: its champion, its newest data, and what was decided last."""
    loops = [name for name in catalog.names() if may_read(name, user)]
    return _page("Ratchet", "".join(_loop(name) for name in loops) or "<p>There is no loop to show.</p>")


@app.get("/data-docs/{loop}/{table}/{day}.html")
def data_docs(loop: Loop, table: str, day: str) -> FileResponse:
    """Show Great Expectations' page about a day's delivery."""
    _check((_NAME, table), (_DAY, day))
    return _file(Settings.current().data_docs, loop, f"{table}/{day}.html")


@app.get("/reports/{loop}/{day}/drift.html")
def drift_report(loop: Loop, day: str) -> Response:
    """Show Evidently's report of a night; where nobody has looked at it yet, let it be made."""
    _check((_DAY, day))
    folder = Settings.current().reports / loop / day
    pages = sorted(folder.glob("drift*.html"), key=lambda path: path.lstat().st_mtime)
    if not pages and (folder / "drift.json").exists():
        return _making(loop, "partition", day) or drift_report(loop, day)
    first = folder / "drift.html"
    name = "drift.html" if first.exists() or not pages else pages[-1].name
    return _file(Settings.current().reports, loop, f"{day}/{name}", _SCRIPTS)


@app.get("/reports/{loop}/{day}/explanation.html")
def explanation(loop: Loop, day: str) -> FileResponse:
    """Show in which rows a night has found that the champion got worse."""
    _check((_DAY, day))
    return _file(Settings.current().reports, loop, f"{day}/explanation.html")


@app.get("/decisions/{loop}/{run}/{name}.html")
def decision(loop: Loop, run: str, name: str) -> Response:
    """Show the page about a decision, or about what a model's predictions come from, which is made when looked at."""
    _check((_SLUG, run), (_SLUG, name))
    path = Settings.current().reports / loop / "decisions" / run / f"{name}.html"
    if name == importance.NAME and not path.exists() and (key := _trained(loop, run)):
        return _making(loop, "run", key) or decision(loop, run, name)
    return _file(Settings.current().reports, loop, f"decisions/{run}/{name}.html")


@app.get("/replays/{loop}/{name}.html")
def replay(loop: Loop, name: str) -> FileResponse:
    """Show the page about a replay."""
    _check((_SLUG, name))
    return _file(Settings.current().reports, loop, f"replays/{name}.html")


@app.get("/commits/{revision}", response_class=HTMLResponse)
def commit(revision: str, user: GetUserDep) -> HTMLResponse:
    """Show a commit of the data registry, message and files, to who may read every loop that it is about."""
    _check((_REVISION, revision))
    try:
        registry = dataset.registry()
        at = registry.resolve(revision)
        files = registry.git("show", "--name-only", "--format=", at).split("\n")
        loops = {path.partition("/")[0] for path in files if "/" in path and not path.startswith(".")}
        if not all(may_read(loop, user) for loop in loops):
            raise HTTPException(404, "There is no such page")
        text = registry.git("show", "--stat", "--format=fuller", at)
    except RatchetError as error:
        raise HTTPException(404, str(error)) from None
    return _page(f"Data registry, {revision[:10]}", f"<pre>{html.escape(text)}</pre>")


def _making(loop: str, field: str, value: str) -> Response | None:
    """Let a page be made that is not there, and say so; None where it is made now."""
    found = making.make(loop, field, value)
    if found == "":
        return None
    command = html.escape(f"ratchet step explain --loop {loop} --{field} {value}")
    if found is None:
        said = (
            f"<p>Nobody has looked at this page yet: it is being made, and shown here in a moment.</p><p>{command}</p>"
        )
        shown = _page("Being made", said)
        shown.status_code, shown.headers["Refresh"] = 202, "2"
        return shown
    shown = _page("It could not be made", f"<pre class=bad>{html.escape(lines(found))}</pre><p>{command}</p>")
    shown.status_code = 404
    return shown


def _trained(loop: str, run: str) -> str:
    """Return the key of the training that an MLflow run is of; empty where it is of none."""
    try:
        record = records.find(catalog.load(loop), run)
    except RatchetError:
        return ""
    return record.key if record else ""


def _page(title: str, body: str) -> HTMLResponse:
    return HTMLResponse(page(title, body), headers={**_HEADERS, "Content-Security-Policy": _OWN})


def _loop(name: str) -> str:
    """Return a loop's part of the overview, made once a revision of registry and contract."""
    try:
        loop, registry = catalog.load(name), dataset.registry()
        made_of = (registry.head(), str((loop.folder / "loop.yaml").stat().st_mtime_ns))
        if _ABOUT.get(name, ((), ""))[0] != made_of:
            _ABOUT[name] = (made_of, _about(name, loop, registry))
        return _ABOUT[name][1]
    except Exception as error:  # noqa: BLE001 (one loop's error is that loop's: the others are shown too)
        return f"<h2>{html.escape(one_line(name))}</h2><pre class=bad>{html.escape(lines(str(explain(error))))}</pre>"


def _about(name: str, loop: contract.Loop, registry: Registry) -> str:
    entries, days = registry.ledger(name), registry.partitions(name, loop.main, "HEAD")
    verdicts = registry.verdicts(name)
    champion = next(reversed(ledger.champions(entries)), None)
    held = sum(verdict.quarantined for verdict in verdicts.values())
    facts = {
        "Champion": f"v{champion.version}, since {champion.at[:16].replace('T', ' ')} UTC" if champion else "none yet",
        "Data": f"{len(days)} days, {days[0]} to {days[-1]}; {counted(held, 'row')} in quarantine"
        if days
        else "none yet",
    }
    if told := only(entries, Certified)[-1:]:
        facts["Certificate"] = f"{told[0].partition}: {told[0].reason}"
    rows = "".join(f"<tr><th>{k}</th><td>{html.escape(v)}</td></tr>" for k, v in facts.items())
    latest = [entry for entry in entries if not isinstance(entry, Certified)][-30:]
    decided = "".join(_entry(entry) for entry in reversed(latest))
    about = f"<h2>{html.escape(name)}</h2><p>{html.escape(loop.description)}</p><table>{rows}</table>"
    return f"{about}<h3>What was decided</h3><table class=ledger>{decided or '<tr><td>nothing yet</td></tr>'}</table>"


def _entry(entry: Entry) -> str:
    cells = (entry.at[:16].replace("T", " "), entry.kind.replace("_", " "), ledger.what(entry), entry.reason)
    return f"<tr class={html.escape(entry.kind)}>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}</tr>"


def _check(*checked: tuple[re.Pattern[str], str]) -> None:
    if not all(pattern.fullmatch(text) for pattern, text in checked):
        raise HTTPException(404, "There is no such page")


def _file(root: Path, loop: str, name: str, policy: str = f"sandbox; {_OWN}") -> FileResponse:
    """Serve what a step has written for a loop below a root, and nothing that a link there leads to.

    The loop's own folder and those in it may be links as much as the file: only the root may lie behind one.
    """
    path = root / loop / name
    try:
        there = path.is_file()
        inside = path.resolve().is_relative_to(root.resolve() / loop)
    except (OSError, RuntimeError):  # such as a name that is too long, or a link to itself
        there = inside = False
    if not there or not inside:
        raise HTTPException(
            404, f"There is no {path.name} here: the step that writes it has not run, or its state was deleted"
        )
    return FileResponse(path, media_type="text/html", headers={**_HEADERS, "Content-Security-Policy": policy})
