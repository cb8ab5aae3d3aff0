"""Text that leaves: into a terminal, a log, a note, a commit, a page."""

from __future__ import annotations

import re
import unicodedata

_MARKS = re.compile(r"[\\`*_{}\[\]<>|~&!#]")  # characters that mean something in the midst of a line of Markdown
_JOINERS = "\u200c\u200d"  # which some scripts are written with
_HIDDEN = {"Cc", "Cf", "Zl", "Zp", "Cs", "Co"}  # Unicode categories that are not seen, or that move what is


def one_line(text: str, longest: int = 0) -> str:
    """Return a text in one line: line ends and tabs as spaces, other control characters escaped.

    So nobody's text forges a line of a log, a trailer of a commit or a colour of a terminal. longest: characters that
    are kept, where it is given; what is cut off is told by an ellipsis.
    """
    plain = "".join(character if _seen(character) else _escaped(character) for character in " ".join(text.split()))
    return plain if not longest or len(plain) <= longest else f"{plain[: longest - 1]}…"


def counted(number: int, noun: str) -> str:
    """Return a number of things: one day, two days."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def signed(number: float, digits: int = 4) -> str:
    """Return a number with its sign; zero, and what is rounded to it, has none."""
    text = f"{number:+.{digits}f}"
    return text[1:] if float(text) == 0 else text


def lines(text: str) -> str:
    """Return a text of several lines, each as `one_line` has it, its indentation kept."""
    return "\n".join(f"{line[: len(line) - len(line.lstrip(' '))]}{one_line(line)}" for line in text.split("\n"))


def markdown_escape(text: str) -> str:
    """Return a text as one line of Markdown that says it: no picture, table, HTML, nor a link by another name.

    An address is left as it is: where the reader's program makes a link of one, it leads to what it says.
    """
    return _MARKS.sub(r"\\\g<0>", one_line(text))


def markdown_code(text: str) -> str:
    """Return a text as a span of code for a cell of a Markdown table, where an address is no link either."""
    shown = re.sub(r"[\\|]", r"\\\g<0>", one_line(text))
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    return f"{fence} {shown} {fence}" if "`" in shown else f"`{shown}`"


def _seen(character: str) -> bool:
    return unicodedata.category(character) not in _HIDDEN or character in _JOINERS


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")
