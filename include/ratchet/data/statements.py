"""One statement that reads, in whatever SQL a database speaks.

No parser knows them all, so this one reads quotes, comments and words, and refuses what two databases would read in two
ways. Comments are not sent, and nothing in quotes is a parameter: what runs is what was looked at. It is a guard before
the database's own, a transaction that only reads, and no substitute for a role that may only read (docs/security.md).
"""

from __future__ import annotations

import re
from itertools import pairwise

from ratchet.errors import ContractError

_LETTER = r"A-Za-z_\x80-\U0010ffff"  # whatever is not ASCII may stand in a name, and in a dollar quote's tag
_TOKEN = re.compile(
    rf"""
      (?P<quoted> '(?:[^']|'')*' | "(?:[^"]|"")*" | `(?:[^`]|``)*` )
    | (?P<dollar> \$(?P<tag>(?:[{_LETTER}][{_LETTER}0-9]*)?)\$ .*? \$(?P=tag)\$ )
    | (?P<comment> --[^\r\n]* | /\*(?:(?!/\*|\*/).)*\*/ )
    | (?P<word> [{_LETTER}][{_LETTER}0-9$]* )
    | (?P<space> \s+ )
    | (?P<sign> /\* | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_READS = ("SELECT", "WITH")
_WRITES = ("INSERT", "UPDATE", "DELETE", "MERGE", "COPY")


def reading(text: str, kind: str, where: str) -> str:
    r"""Return a statement for `sqlalchemy.text` that is one SELECT: without comments, each colon in quotes as `\:`.

    kind: SQLAlchemy's name of the database's kind. where: the place that an error names. Raises ContractError.
    """
    sent: list[str] = []
    code: list[str] = []  # the words and signs; all that is in quotes is one sign
    for token in _TOKEN.finditer(text):
        found, piece = token.lastgroup or "", token.group()
        if reason := _unclear(found, piece, kind):
            raise _refusal(where, f"holds {reason}")
        if found == "comment":
            sent.append(" ")
        elif found in ("quoted", "dollar"):
            sent.append(piece.replace("\\:", ":").replace(":", "\\:"))
            code.append("''")
        elif found == "space":
            sent.append(piece)
        else:
            sent.append(piece)
            code.append(piece.upper())
    while code[-1:] == [";"]:
        code.pop()
    if reason := _no_reading(code):
        raise _refusal(where, reason)
    return re.sub(r"[;\s]+\Z", "", "".join(sent))


def _unclear(found: str, piece: str, kind: str) -> str | None:
    """Say what of a token another database, or another setting, would read in another way."""
    if found == "quoted" and f"\\{piece[0]}" in piece:
        return "a backslash before a quote. Write a quote in quotes twice"
    if found == "dollar" and kind != "postgresql":
        return f"a $ that is part of no name, which {kind} may read as another thing. Use plain quotes"
    if found == "sign" and piece in ("'", '"', "`"):
        return f"a quote {piece} that is not closed. Close it"
    if found == "sign" and piece == "/*":
        return "a comment that is not closed, or holds another. Write it with --"
    if found == "sign" and piece == "#" and kind in ("mysql", "mariadb"):
        return "a comment that begins with #. Write it with --"
    return None


def _no_reading(code: list[str]) -> str | None:
    """Say why words and signs are no single statement that reads; None where they are."""
    if not code:
        return "holds no statement. Write a SELECT"
    if ";" in code:
        return "holds several statements. Write one SELECT"
    if code[0] not in _READS:
        return f"begins with {code[0][:40]}. Write one SELECT, or WITH … SELECT"
    for before, word in pairwise(code):
        if before in ("(", ")") and word in _WRITES:
            return f"holds {word} in a WITH, which writes. Write a SELECT, and a column of that name in quotes"
    if "INTO" in code:
        return "holds INTO, and a SELECT … INTO writes. Write a SELECT without"
    return None


def _refusal(where: str, reason: str) -> ContractError:
    return ContractError(f"{where}: expected one SELECT that reads, and the SQL {reason}, and run: ratchet lint")
