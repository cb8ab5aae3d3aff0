"""Prove a ledger: that nothing in it was changed, lost or forged since it was written, nor what it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ratchet.adapters.data_registry import Registry
from ratchet.decisions import chain, entries
from ratchet.errors import LedgerError


@dataclass(frozen=True)
class Proof:
    """What was proved of a ledger."""

    entries: int  # each follows the one before it
    commits: int  # each only lengthens what the one before it has left
    facts: int  # files that entries rest on: each is what it was


def verify(registry: Registry, loop: str) -> Proof:
    """Prove a loop's ledger, over all its history. Raises LedgerError or DataError, which say where it breaks."""
    commits = registry.git("log", "--format=%H", "--first-parent", "main", "--", *registry.ever(_path(loop))).split()
    text = registry.text(_path(loop)) or ""
    try:
        lines = chain.read(text, _path(loop), "")
    except LedgerError as error:
        raise LedgerError(_broken(registry, loop, commits[::-1])) from error
    later = text
    for number, revision in enumerate(commits):
        earlier = registry.text(_path(loop), revision) or ""
        if not later.startswith(earlier) and '"before": ' in earlier:
            raise LedgerError(_said(registry, loop, commits[number - 1], revision, "takes entries away"))
        later = earlier
    found = entries.parse(lines, _path(loop))
    facts = {(digest, Path(name).suffix) for entry in found for name, digest in entry.facts.items()}
    for digest, suffix in sorted(facts):
        registry.fact(loop, digest, suffix)
    return Proof(len(found), len(commits), len(facts))


def _broken(registry: Registry, loop: str, commits: list[str]) -> str:
    """Say which commit has broken the chain. commits: those that touched it, oldest first."""
    whole = ""
    for revision in commits:
        try:
            chain.read(registry.text(_path(loop), revision) or "", _path(loop), "")
        except LedgerError as error:
            if whole:
                return _said(registry, loop, revision, whole, str(error).partition(":")[0])
        else:
            whole = revision
    return f"The ledger {_path(loop)} in {registry.root} was never whole. See: ratchet data log {loop}"


def _said(registry: Registry, loop: str, revision: str, whole: str, what: str) -> str:
    who = registry.git("log", "-1", "--format=%an <%ae>, %ad, “%s”", revision).strip()
    return (
        f"The ledger {_path(loop)} in {registry.root} was changed by the commit {revision[:10]} ({who}): {what}. It "
        f"was whole at {whole[:10]}. Stop the DAGs, find out who wrote that, and take the registry back: "
        f"git -C {registry.root} update-ref refs/heads/main {whole}, and the same in its Git remote"
    )


def _path(loop: str) -> str:
    return f"{loop}/ledger.jsonl"
