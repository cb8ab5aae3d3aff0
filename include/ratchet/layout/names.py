"""Names of columns that a contract can hold, for those that SQL has to quote."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def plain(columns: Sequence[str]) -> dict[str, str]:
    """Return the columns that need another name in the contract, with it: letters, digits and _ alone, each once."""
    taken = {name.lower() for name in columns if _holds(name)}
    found: dict[str, str] = {}
    for name in columns:
        if not _holds(name):
            ascii_ = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode()
            word = re.sub(r"[^A-Za-z0-9]+", "_", ascii_).strip("_") or "column"
            word = f"c_{word}" if word[0].isdigit() or word.lower().startswith("ratchet") else word
            number, base = 2, word
            while word.lower() in taken:
                word, number = f"{base}_{number}", number + 1
            taken.add(word.lower())
            found[name] = word
    return found


def _holds(name: str) -> bool:
    return bool(_PLAIN.fullmatch(name)) and not name.startswith("_ratchet")
