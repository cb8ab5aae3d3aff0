"""The page about a decision: one self-contained HTML file, for whoever has to answer for the model.

Not a step, but what `gate` and `duel` leave: `report/<when>.html` of the MLflow run that was judged, and a copy for the
Airflow UI.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.adapters import runs
from ratchet.contract.loop import Loop
from ratchet.decisions import anchors, hypothesis
from ratchet.decisions.checks.check import Check
from ratchet.decisions.duel import Gathered, Verdict
from ratchet.decisions.evaluation import Evaluation
from ratchet.decisions.gate import Decision
from ratchet.files import slug, write_text
from ratchet.lifecycle import ledger
from ratchet.reports import card as cards
from ratchet.reports import days, figures, importance, parties
from ratchet.reports.page import page as html_page
from ratchet.reports.page import picture, table
from ratchet.reports.parties import About, Back
from ratchet.settings import Settings
from ratchet.text import markdown_code, markdown_escape

if TYPE_CHECKING:
    from ratchet.adapters.runs import Tracking


VERDICTS = {"promote": "Promote", "reject": "Reject", "wait": "Wait"}


def decision(
    loop: Loop,
    client: Tracking,
    about: About,
    decided: Decision,
    held: Gathered,
    judged: Evaluation | Back,
    when: str,
    needed: str = "",
) -> str:
    """Write the page, and return it.

    about: the record of the challenger or, of a rollback, of who is left. judged: a challenger's evaluation, as it is
    stored, or who comes back. held: the days. when: which look it is. needed: how many days a duel will need.
    """
    evaluation, who = None if isinstance(judged, Back) else judged, parties.who(judged)
    found = evaluation.model_dump() if evaluation else None
    said = parties.words(about, judged, held, when, decided.against is not None)
    parts = [
        f"<p>{html.escape(said)}.</p>",
        f"<p class='verdict {decided.verdict}'>{VERDICTS[decided.verdict] if found is not None else 'Roll back'}</p>",
        f"<p>{html.escape(decided.reason)}.</p>",
        *_units(loop, decided),
        f"<p>{html.escape(_plain(loop, decided, who))}</p>",
    ]
    parts += [f"<p>{html.escape(needed)}.</p>"] if needed else []
    parts += _holdout(found) if found else []
    shifts = _shifts(evaluation, held.anchor)
    for title, known, shown, other in (
        ("The evidence, day by day", held.days, decided.evidence, "champion"),
        (f"Against the anchor, {anchors.shown(held.anchor)}", held.anchored, decided.against, "anchor"),
    ):
        if shown and (clusters := hypothesis.grouped(loop, known)):
            whom = parties.against(held) if other == "anchor" else other
            listed = days.evidence(loop, clusters, shown, whom, shifts["challenger"], shifts[other], who)
            parts += [f"<h2>{html.escape(title)}</h2>", *listed]
    parts += days.costs(evaluation.value if evaluation else None)
    parts += days.certificates(loop, ledger.read(loop))
    if decided.checks:
        parts.append("<h2>Checks</h2>")
        rows = ((c.name, _number(c.number), _bounds(c.low, c.high), _outcome(c), c.text) for c in decided.checks)
        parts.append(
            table(("check", "found", "bound", "", "in words"), rows, marked=[not c.passed for c in decided.checks])
        )
    if found and found["calibration"]:
        parts += ["<h2>Calibration on the holdout</h2>", _calibration(found["calibration"])]
    if found and found.get("importance"):  # of an evaluation of before: it is made after the decision now
        parts += importance.drawn(loop, found["importance"])
    elif found:
        parts += [
            f"<p><a href='{importance.NAME}.html'>What predictions come from</a> (SHAP), made when it is asked "
            f"for: <code>ratchet step explain --loop {loop.name} --run {html.escape(about.key)}</code></p>"
        ]
    whose = f" of v{judged.left}, which is left" if isinstance(judged, Back) else ""
    parts += [f"<h2>Model card{whose}</h2>", table((), cards.card(loop, about, judged, held, decided.verdict))]
    page = html_page(f"{loop.name}: {parties.title(about, judged)}, {when}", "\n".join(parts))
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
        f"| {markdown_code(c.name)} | {_number(c.number)} | {_bounds(c.low, c.high)} | {_mark(c)} |" for c in listed
    )
    table = f"\n\n| check | found | bound | |\n| --- | --- | --- | --- |\n{checks}" if checks else ""
    link = f"[MLflow run]({uri}/#/runs/{run})"
    return f"**{VERDICTS[verdict]}**: {markdown_escape(reason)}.{table}\n\n{link}"


def _plain(loop: Loop, decided: Decision, who: str) -> str:
    """Say in words what the verdict means, for a reader who does not compute. who: is judged."""
    shown, promotion = decided.evidence or decided.against, who == "challenger"
    aim = (
        f"loses at most {shown.margin:g} ({loop.loss_words}) more than"
        if shown and shown.margin and promotion
        else "is better than"
    )
    if any(check.name.startswith("too good") and check.forbids for check in decided.checks):
        return (
            "Something is too good to be true, as where a model is given the answer. Whether it is known before the "
            "prediction, a person has to say; until one does, no model like this one is put to use."
        )
    if decided.verdict == "wait" and any(check.delays for check in decided.checks):
        return (
            "It takes longer to answer than the contract allows, as measured on a machine that may have been busy. "
            "That refuses no model: it waits, and is measured again each night; the best of all counts."
        )
    if shown is None and promotion:
        return (
            "There is no champion yet that the challenger could be measured against, so it only had to pass every "
            "check."
        )
    if any(check.forbids for check in decided.checks):
        return "At least one check forbids it, however well the challenger does on the whole. The champion stays."
    odds = round(1 / math.exp(-min(shown.needed, 20))) if shown else 0
    whom = "the champion" if decided.evidence else "the baseline, which knows no more than what is usual"
    better = "the champion, or the anchor," if _both(decided) else whom if decided.evidence else f"{whom},"
    anchor = " It holds against the anchor, the best model before it, as well." if _both(decided) else ""
    text = {
        "promote": f"On days that neither had seen, the {who} {aim} {whom}; if it were not, evidence as strong as "
        f"this would come up at most once in {odds:,} such comparisons, however often one looks.{anchor}",
        "reject": f"On days that neither had seen, {better} does better. The {who} is sent away.",
        "wait": f"The days so far do not show yet whether the {who} {aim} {whom}"
        f"{', and holds against the anchor' if _both(decided) else ''}. It goes on predicting in shadow, and each "
        "night's labels are added, until they do or its time is up.",
    }
    return text[decided.verdict]


def _units(loop: Loop, decided: Decision) -> list[str]:
    """Say what the differences are means of."""
    shown = decided.evidence or decided.against
    if shown is None or not shown.clusters:
        return []
    return [f"<p>Differences are means of {loop.gate.cluster}s; what the brackets say stands under the evidence.</p>"]


def _both(decided: Decision) -> bool:
    """Say whether it was compared with the champion, and with an anchor that is another."""
    return decided.evidence is not None and decided.against is not None


def _holdout(found: Mapping[str, Any]) -> list[str]:
    """Show each metric of the holdout beside the champion's and the baseline's, and say where rows are too few."""
    metrics = found["metrics"]
    sides = [who for who in ("challenger", "champion", "baseline") if who in metrics]
    rows = [(name, *(_number(metrics[who].get(name)) for who in sides)) for name in metrics["challenger"]]
    if value := found["value"]:
        rows.append((f"{value['unit']}, a row", *(_number(value[who]) for who in sides)))
    told = [f"<p class='wait'>{html.escape(text)}.</p>" for text in found["too_few"].values()]
    means = "<p>Of all rows together: losses are means of rows. The verdict goes by means of days.</p>"
    note = "<p>–: not measured. A baseline answers alike for all rows of a day, so it says nothing of their order.</p>"
    unmeasured = "baseline" in metrics and metrics["challenger"].keys() - metrics["baseline"].keys()
    return ["<h2>On the holdout</h2>", *told, means, table(("metric", *sides), rows), *([note] if unmeasured else [])]


def _calibration(points: Sequence[Sequence[float]]) -> str:
    told = ", ".join(f"{said:.2f} {true:.2f}" for said, true, _ in points)
    about = f"Points near a diagonal, by tenths of the predictions: mean predicted and share that came true, {told}."
    return picture(figures.of_calibration(points), about)


def _shifts(found: Evaluation | None, anchor: str) -> Mapping[str, days.Shifts]:
    """Return what the answers of challenger, champion and anchor were shifted by on the holdout's days.

    anchor: its name now; of one that was not evaluated with it nothing is known.
    """
    sides = ("challenger", "champion", "anchor")
    if found is None:
        return {who: {} for who in sides}
    told = dict(found.shifts)
    told.setdefault("anchor", told.get("champion" if found.anchor == found.champion else "baseline", {}))
    known: dict[str, days.Shifts] = {who: {day: told.get(who, {}).get(day, ()) for day in found.days} for who in sides}
    return known if anchor == found.anchor else {**known, "anchor": {}}


def _outcome(check: Check) -> str:
    return "told" if check.told else "passed" if check.passed else "lets it wait" if check.delays else "forbids it"


def _mark(check: Check) -> str:
    return "told" if check.told else "✓" if check.passed else "waits" if check.delays else "✗"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value + 0.0:.4g}"  # -0.0 is 0


def _bounds(low: float | None, high: float | None) -> str:
    return (
        " ".join(
            text
            for text in (f"≥ {low:g}" if low is not None else "", f"≤ {high:g}" if high is not None else "")
            if text
        )
        or "–"
    )
