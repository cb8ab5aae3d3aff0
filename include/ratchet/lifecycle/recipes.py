"""Whether what models are made by has changed since the last training, and by which commit."""

from __future__ import annotations

from ratchet import provenance
from ratchet.contract.loop import Loop
from ratchet.decisions.entries import Entries, Judged, only
from ratchet.lifecycle import records
from ratchet.settings import Settings
from ratchet.training import recipe

RECIPE, LOCK = "features.sql, trainer or parameters", "the installed packages (requirements.txt)"


def changed(loop: Loop, entries: Entries) -> str:
    """Say what has changed since the last training that was judged; nothing where that was made by what is there now.

    A training that failed was judged by nobody, so that the change is told until one is.
    """
    judged = only(entries, Judged)
    made = records.find(loop, judged[-1].evaluated) if judged else None
    if made is None:
        return ""
    settings = Settings.current()
    home, lock = settings.home, provenance.lock(settings.home)
    parts = [RECIPE] if made.recipe != recipe.name(loop) else []
    parts += [LOCK] if made.lock and lock and made.lock != lock else []
    if not parts:
        return ""
    places = {RECIPE: settings.loops / loop.name, LOCK: home / provenance.LOCK}  # a night's contract lies elsewhere
    commit = provenance.last_commit(home, *(places[each] for each in parts))
    told = f": commit {commit}" if commit else ""
    return f"{' and '.join(parts)} changed since {made.key} was trained{told}"
