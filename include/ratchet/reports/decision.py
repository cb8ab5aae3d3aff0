"""The page about a decision: one self-contained HTML file, for whoever has to answer for the model.

Not a step, but what `gate` and `duel` leave: `report/<when>.html` of the MLflow run that was judged, and a copy for the
Airflow UI.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ratchet.adapters import runs
from ratchet.contract.loop import Loop
from ratchet.decisions import hypothesis
from ratchet.decisions.checks.check import Check
from ratchet.decisions.duel import Cluster, Verdict, curve
from ratchet.decisions.evaluation import Evaluation
from ratchet.decisions.gate import Decision
from ratchet.files import slug, write_text
from ratchet.reports import figures
from ratchet.reports.page import page as html_page
from ratchet.reports.page import picture, table
from ratchet.settings import Settings
from ratchet.text import markdown_code, markdown_escape

if TYPE_CHECKING:
    from ratchet.adapters.runs import Tracking


class About(Protocol):
    """What the page says of a model: what its record has of it."""

    @property
    def run(self) -> str:
        """Return its MLflow run."""

    @property
    def data(self) -> Mapping[str, str]:
        """Return its days: train, holdout; and their revision."""

    @property
    def reason(self) -> str:
        """Return why it was trained."""

    @property
    def code(self) -> str:
        """Return the revision of the project."""


VERDICTS = {"promote": "Promote", "reject": "Reject", "wait": "Wait"}


def decision(
    loop: Loop,
    client: Tracking,
    about: About,
    decided: Decision,
    days: Sequence[Cluster],
    evaluation: Evaluation | None,
    when: str,
) -> str:
    """Write the page, and return it. about: the model. evaluation: as it is stored, None for a rollback."""
    found = evaluation.model_dump() if evaluation else None
    clusters = hypothesis.grouped(loop, days)
    scale = (found or {}).get("champion_loss") or (found or {}).get("challenger_loss") or 1.0
    margin = loop.gate.margin if found is not None else 0.0
    parts = [
        f"<p class='verdict {decided.verdict}'>{VERDICTS[decided.verdict] if found is not None else 'Roll back'}</p>",
        f"<p>{html.escape(decided.reason)}.</p>",
        f"<p>{html.escape(_plain(loop, decided, found is not None))}</p>",
    ]
    if clusters and decided.evidence:
        points = curve(clusters, margin=margin, bound=hypothesis.bound(loop, scale))
        parts += [
            "<h2>The evidence, day by day</h2>",
            picture(figures.of_evidence(clusters, points, decided.evidence.needed, margin)),
        ]
        parts.append(
            table(
                (loop.gate.cluster, "rows", f"{loop.loss}: rival less champion"),
                (
                    (c.key, f"{c.rows:,}", f"{c.mean:+.4f}" if math.isfinite(c.mean) else "undefined")
                    for c in clusters[-60:]
                ),
            )
        )
    if decided.checks:
        parts.append("<h2>Checks</h2>")
        rows = (
            (c.name, _number(c.number), _bounds(c.low, c.high), "passed" if c.passed else "forbids it", c.text)
            for c in decided.checks
        )
        parts.append(
            table(("check", "found", "bound", "", "in words"), rows, marked=[not c.passed for c in decided.checks])
        )
    if found and found["calibration"]:
        parts += ["<h2>Calibration on the holdout</h2>", picture(figures.of_calibration(found["calibration"]))]
    if found and found["importance"]:
        parts += [
            "<h2>What predictions come from</h2>",
            "<p>Mean absolute SHAP value over held-out rows, in the prediction's units.</p>",
        ]
        parts.append(picture(figures.of_importance(dict(list(found["importance"].items())[:15]))))
    parts += ["<h2>Model card</h2>", table((), _card(loop, about, found))]
    page = html_page(f"{loop.name}: {when}", "\n".join(parts))
    write_text(folder(loop) / path(about.run, when), page)
    runs.log_files(client, about.run, {f"report/{slug(when.replace(' ', '-'))}.html": page})
    return page


def path(run: str, when: str) -> str:
    """Say where the page about a decision lies, below the folder of all."""
    return f"{slug(run)}/{slug(when.replace(' ', '-'))}.html"


def folder(loop: Loop) -> Path:
    """Say where the copies for the Airflow UI lie."""
    return Settings.current().reports / loop.name / "decisions"


def markdown(loop: Loop, run: str, verdict: Verdict, reason: str, listed: Sequence[Check]) -> str:
    """Tell a decision in Markdown, for the form in which a person approves it. listed: its checks."""
    uri = Settings.current().tracking_uri.rstrip("/")
    checks = "\n".join(
        f"| {markdown_code(c.name)} | {_number(c.number)} | {_bounds(c.low, c.high)} | {'✓' if c.passed else '✗'} |"
        for c in listed
    )
    table = f"\n\n| check | found | bound | |\n| --- | --- | --- | --- |\n{checks}" if checks else ""
    link = f"[MLflow run]({uri}/#/runs/{run})"
    return f"**{VERDICTS[verdict]}**: {markdown_escape(reason)}.{table}\n\n{link}"


def _plain(loop: Loop, decided: Decision, promotion: bool) -> str:
    """Say in words what the verdict means, for a reader who does not compute."""
    aim = (
        "is better than"
        if loop.gate.aim == "superior" or not promotion
        else f"loses at most {loop.gate.margin:g} of {loop.loss} more than"
    )
    if any(check.name.startswith("too good") and not check.passed for check in decided.checks):
        return (
            "Something is too good to be true, as where a model is given the answer. Whether it is known before the "
            "prediction, a person has to say; until one does, no model like this one is put to use."
        )
    if decided.evidence is None and promotion:
        return (
            "There is no model in use yet that this one could be measured against, so it only had to pass every check."
        )
    if any(not check.passed for check in decided.checks):
        return "At least one check forbids it, however well the model does on the whole. The model in use stays."
    odds = round(1 / math.exp(-min(decided.evidence.needed, 20))) if decided.evidence else 0
    text = {
        "promote": f"On days that neither model had seen, the rival {aim} the model in use; if it were not, evidence "
        f"as strong as this would come up at most once in {odds:,} such comparisons, however often one looks.",
        "reject": "On days that neither model had seen, the model in use does better. The rival is sent away.",
        "wait": f"The days so far do not show yet whether the rival {aim} the model in use. It goes on predicting in "
        "shadow, and each night's labels are added, until they do or its time is up.",
    }
    return text[decided.verdict]


def _card(loop: Loop, about: About, found: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Describe the model: data, window, intended use, limits.

    After Mitchell et al. 2019, "Model Cards for Model Reporting".
    """
    metrics = (found or {}).get("metrics", {}).get("challenger", {})
    window = loop.training.window if loop.training.window == "expanding" else f"{loop.training.window} days"
    return [
        ("Intended use", loop.description),
        ("Predicts", f"{loop.target.name} = {loop.target.sql} ({loop.task})"),
        ("Owner", loop.owner),
        (
            "Trained on",
            f"{about.data.get('train', '?')}, revision {about.data.get('revision', '?')[:10]}; window {window}",
        ),
        ("Judged on", about.data.get("holdout", "?")),
        ("Trained because", about.reason or "?"),
        ("Recipe", f"{loop.training.trainer}, seed {loop.training.seed}, {loop.training.params}"),
        ("Code", about.code[:10] or "?"),
        (
            "Holdout",
            ", ".join(f"{name} {value:.4f}" for name, value in metrics.items()) or "see the run that was judged",
        ),
        (
            "Deployed",
            "its recipe, fitted again on all labelled days"
            if loop.gate.deploy == "refit"
            else "the model that was judged",
        ),
        (
            "Limits",
            "Judged on the days above and on nothing else: where the world differs from them, what is said here need "
            "not hold. Differences beyond the bound count as the bound. SHAP values describe the model, not the world.",
        ),
    ]


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _bounds(low: float | None, high: float | None) -> str:
    return (
        " ".join(
            text
            for text in (f"≥ {low:g}" if low is not None else "", f"≤ {high:g}" if high is not None else "")
            if text
        )
        or "–"
    )
