"""Whether what asks for a retraining can ask, be admitted as often as it asks, and find something to learn from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ratchet.contract.loop import Loop
from ratchet.contract.reading import fail
from ratchet.data import features
from ratchet.errors import ContractError
from ratchet.text import counted

WEEK = 7
WORKING = 5  # days of a week, where the calendar is weekdays


def mistakes(loop: Loop, found: Sequence[str]) -> Iterator[ContractError]:
    """Yield what can never happen: an alarm of more columns than there are, a training without a day to learn from.

    found: all features; none where the SQL does not run.
    """
    asked = int((loop.retrain.policies.get("drift") or {}).get("columns", 1))
    categorical, numeric = features.names(loop, [*found])
    watched = len(categorical) + 2 * len(numeric) + 1
    if found and asked > watched:
        yield fail(
            loop,
            ("retrain", "policies", "drift", "columns"),
            f"drift asks when {asked} columns are beyond their thresholds, and {watched} are watched (each feature, "
            f"whether a number is missing, the prediction): it never asks. Make it {watched} at most",
        )
    window, held = loop.training.window, loop.training.holdout_days
    if not isinstance(window, int) or loop.schedule.calendar != "weekdays":
        return
    most = _working(window)
    if most <= held:
        least = next(days for days in range(window, 10 * window + 2 * WEEK) if _working(days) > held)
        yield fail(
            loop,
            ("training", "window"),
            f"of a window of {counted(window, 'day')} at most {most} are weekdays, and {held} are held out: nothing is "
            f"ever left to train on. Make window at least {least}, or holdout_days smaller",
        )


def _working(days: int) -> int:
    """Return how many weekdays so many days in a row may have."""
    return days // WEEK * WORKING + min(days % WEEK, WORKING)


def remarks(loop: Loop) -> Iterator[str]:
    """Yield that a calendar is held up by the cool-down, or by the week's budget: it never is what it says."""
    rules = loop.retrain
    step = rules.calendar
    if step is None:
        return
    says = (
        f"retrain.policies.calendar asks every {step} days" if step > 1 else "retrain.policies.calendar asks every day"
    )
    if rules.cooldown > step:
        yield (
            f"{says}, and retrain.cooldown_days is {rules.cooldown}: it retrains every {rules.cooldown} days. "
            f"Make the cool-down {step}, or leave it out"
        )
    most = rules.per_week
    if most is not None and most * step < WEEK:
        yield f"{says}, and retrain.per_week is {most}: no more than {most} of {-(-WEEK // step)} a week are admitted"
