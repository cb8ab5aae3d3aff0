"""The model card on the page about a decision (Mitchell et al. 2019, "Model Cards for Model Reporting")."""

from __future__ import annotations

from ratchet.contract.loop import Loop
from ratchet.decisions.duel import Gathered, Verdict
from ratchet.decisions.evaluation import Evaluation
from ratchet.reports.parties import About, Back
from ratchet.text import counted

_DEPLOYED = {"promote": "To be deployed", "wait": "Would be deployed", "reject": "Would have been deployed"}


def card(
    loop: Loop, about: About, judged: Evaluation | Back, held: Gathered, verdict: Verdict
) -> list[tuple[str, str]]:
    """Describe a model: data, window, intended use, limits. held: the days of its duel, or of its successor's."""
    found = None if isinstance(judged, Back) else judged
    window = loop.training.window if loop.training.window == "expanding" else f"{loop.training.window} days"
    shifted = f"its answers are shifted after its last {counted(loop.training.intercept_days, 'labelled day')}"
    metrics = (found.metrics if found else {}).get("challenger", {})
    told = ", ".join(f"{name} {value:z.4f}" for name, value in metrics.items() if value is not None)
    return [
        ("Intended use", loop.description),
        ("Predicts", f"{loop.target.name} = {loop.target.sql} ({loop.task})"),
        *_decides(loop),
        ("Owner", loop.owner),
        (
            "Trained on",
            f"{about.data.get('train', '?')}, revision {about.data.get('revision', '?')[:10]}; window {window}",
        ),
        ("Trained because", about.reason or "?"),
        ("Recipe", _recipe(loop)),
        ("Code", about.code[:10] or "?"),
        ("Holdout", about.data.get("holdout", "?")),
        ("On the holdout", told or "see the run that was judged"),
        ("Days of the duel", _days(held)),
        ("Baseline", (found.baseline_words if found else "") or "none was trained with it"),
        ("Intercept", f"{shifted}; so is the baseline" if loop.training.intercept_days else "none"),
        _deployed(loop, judged, verdict),
        (
            "Limits",
            "Judged on the days above and on nothing else: where the world differs from them, what is said here need "
            "not hold. Differences beyond the bound count as the bound. SHAP values describe the model, not the world.",
        ),
    ]


def _recipe(loop: Loop) -> str:
    params = [f"{name} {value}" for name, value in loop.training.params.items()]
    return ", ".join([loop.training.trainer, f"seed {loop.training.seed}", *params])


def _days(held: Gathered) -> str:
    """Say which days the duel rests on, with the champion or, where there is none, with the baseline."""
    keys = [each.key for each in held.days or held.anchored]
    return f"{min(keys)}..{max(keys)}, {counted(len(keys), 'day')} with labels" if keys else "none yet"


def _deployed(loop: Loop, judged: Evaluation | Back, verdict: Verdict) -> tuple[str, str]:
    if isinstance(judged, Back):
        return "In its place", f"the {judged.who}, v{judged.version}, as it was"
    refit = loop.gate.deploy == "refit"
    return _DEPLOYED[verdict], "its recipe, fitted again on all labelled days" if refit else "the model that was judged"


def _decides(loop: Loop) -> list[tuple[str, str]]:
    """Say what a classifier decides by what its errors cost."""
    value = loop.gate.value
    if value is None or value.costs is None:
        return []
    by = f"what each costs in {value.unit}, as far as the probabilities are right (Elkan 2001)"
    if loop.task == "binary":
        return [("Decides", f"positive where the probability is at least {value.threshold:.3g}, by {by}")]
    return [("Decides", f"the class that is expected to cost least, by {by}")]
