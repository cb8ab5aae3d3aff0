"""What a source does not read, wherever its contract points: this installation's state, and the system's."""

from __future__ import annotations

from pathlib import Path

from ratchet import settings
from ratchet.errors import ContractError

_SYSTEM = tuple(map(Path, ("/proc", "/sys", "/dev")))


def data(path: str | Path, field: str, folder: Path) -> Path:
    """Return the file that a path is, its links followed: open that one, for it is the one that was looked at.

    field: the place in the contract of the loop in `folder`. Raises ContractError where the file is no data.
    """
    where = f"{folder / 'loop.yaml'}: {field}"
    try:
        found = Path(path).resolve()
    except (ValueError, OSError, RuntimeError) as error:  # a NUL, a name too long, links in a circle
        raise ContractError(f"{where} names {str(path)[:200]!r}, which is no path: {error}. Name a file") from None
    if any(found.is_relative_to(place) for place in (*_state(), *_SYSTEM)):
        raise ContractError(f"{where} names {found}, which is no data. Name the files you mean")
    return found


def _state() -> list[Path]:
    """List the folders of this installation's state: each can be moved out of `var`."""
    now = settings.Settings.current()
    remotes = [settings.folder(remote.removeprefix("file://")) for remote in (now.remote, now.git_remote)]
    return [place.resolve() for place in (now.var, now.registry, *remotes) if place is not None]
