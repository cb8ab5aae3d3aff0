"""A finding of `ratchet doctor`."""

from __future__ import annotations

from dataclasses import dataclass

import click

from ratchet.text import one_line


@dataclass(frozen=True)
class Finding:
    """What was looked at: a sentence, and where it is wrong, the command that comes next."""

    what: str
    said: str
    next: str = ""  # empty where it is in order

    def text(self) -> str:
        """Return it for a terminal: a line, and another with what comes next where it is wrong."""
        mark = click.style("wrong", fg="red") if self.next else "ok   "
        line = f"{mark}  {self.what:14} {one_line(self.said)}"
        return f"{line}\n{'':23}next: {one_line(self.next)}" if self.next else line
