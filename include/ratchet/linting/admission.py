"""Whether what asks for a retraining can be admitted as often as it asks."""

from __future__ import annotations

from collections.abc import Iterator

from ratchet.contract.loop import Loop

WEEK = 7


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
