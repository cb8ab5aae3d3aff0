"""The table at the end of `make run`: what the story came to."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.console import Console
from rich.table import Table

from deploy.local.environment import Local
from deploy.local.story import Story
from ratchet import catalog
from ratchet.adapters import models, runs
from ratchet.contract.loop import Loop
from ratchet.decisions.deliveries import DeliveryVerdict
from ratchet.decisions.entries import Entries, Judged, Left, Promoted, Requested, RolledBack, Vetoed, only
from ratchet.lifecycle import corrections, dataset


def show(story: Story, local: Local, console: Console) -> None:
    """Print the table, from what the data registry and MLflow hold."""
    loop, registry = catalog.load(story.loop), dataset.registry()
    table = Table(
        title=f"What happened to {story.loop}", show_header=False, title_justify="left", expand=False, pad_edge=False
    )
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    verdicts, entries = registry.verdicts(loop.name), registry.ledger(loop.name)
    for name, text in (
        ("Days ingested", _days(loop, verdicts)),
        ("Quarantined", _quarantined(verdicts)),
        ("Sent again", _corrected(corrections.facts(registry, loop.name))),
        ("Dataset revision", registry.head()),
        *_champion(loop),
        *((f"Retraining {i}", text) for i, text in enumerate(_retrainings(entries), 1)),
        ("Drift reports", str(local.settings.reports / loop.name)),
        ("Data Docs", str(local.settings.data_docs / loop.name)),
        ("MLflow", f"experiment {loop.name} and model {loop.name}; make up serves them at {local.mlflow_url}"),
        (
            "Seconds",
            ", ".join(f"{phase} {seconds:.0f}" for phase, seconds in story.seconds.items())
            + f"; in all {sum(story.seconds.values()):.0f}",
        ),
    ):
        table.add_row(name, text)
    console.print()
    console.print(table)


def _days(loop: Loop, verdicts: dict[str, DeliveryVerdict]) -> str:
    counts = Counter(verdict.status for verdict in verdicts.values())
    rows = sum(verdict.tables[loop.main].accepted for verdict in verdicts.values())
    return (
        f"{len(verdicts)}: "
        + ", ".join(f"{n} {status}" for status, n in sorted(counts.items()))
        + f"; {rows:,} rows of {loop.main}"
    )


def _quarantined(verdicts: dict[str, DeliveryVerdict]) -> str:
    lines = []
    for day, verdict in sorted(verdicts.items()):
        for name, part in verdict.tables.items():
            if part.quarantined:
                why = ", ".join(f"{n} × {what}" for what, n in part.broke.items())
                lines.append(f"{day}: {part.quarantined} of {part.fetched} rows of {name} ({why})")
    return "\n".join(lines) or "no row"


def _corrected(facts: list[dict[str, Any]]) -> str:
    lines = []
    for fact in facts:
        rows = ", ".join(f"{count} {what}" for what, count in fact["rows"].items() if count)
        lines.append(
            f"{fact['partition']}: {rows}; {fact['labels']} labels came; known from the night of {fact['known']}"
        )
    return "\n".join(lines) or "no day"


def _champion(loop: Loop) -> list[tuple[str, str]]:
    with runs.connected() as client:
        champion = models.champion(client, loop.name)
        if champion is None:
            return [("Champion", "none")]
        tags, measured = client.tags(champion.run_id), client.metrics(champion.run_id)
    metrics = {
        k.removeprefix("challenger/"): v
        for k, v in measured.items()
        if k.startswith("challenger/") and k != "challenger/loss"
    }
    how = "its recipe judged on" if loop.gate.deploy == "refit" else "judged on"
    text = f"v{champion.number}, trained on {tags['data.train']}, {how} {tags['data.holdout']}\n"
    return [("Champion", text + ", ".join(f"{name} {value:.4f}" for name, value in sorted(metrics.items())))]


def _retrainings(entries: Entries) -> list[str]:
    judged = {entry.run: entry for entry in only(entries, Judged)}
    lines = []
    for entry in entries:
        if isinstance(entry, RolledBack | Left):
            lines.append(f"{entry.kind.replace('_', ' ')}: {entry.reason}")
        elif isinstance(entry, Requested):
            outcome = judged.get(entry.evidence)
            version = f"v{outcome.version}, " if isinstance(outcome, Promoted) else ""
            became = f"{version}{outcome.reason}" if outcome else "not judged yet"
            lines.append(f"asked on {entry.partition}: {entry.reason}\n→ {became}")
        elif isinstance(entry, Vetoed):
            lines.append(f"vetoed on {entry.partition}: {entry.reason}")
    return lines or ["none was asked for"]
