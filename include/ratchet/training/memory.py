"""How much memory is free: on the machine, and in the control group that a container or a service runs in."""

from __future__ import annotations

from pathlib import Path

GROUPS, OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def free(groups: Path = GROUPS, own: Path = OWN) -> int:
    """Return the bytes that this process may still take. groups, own: where Linux tells of control groups (v2)."""
    import psutil

    return max(0, min([int(psutil.virtual_memory().available), *_left(groups, own)]))


def _left(groups: Path, own: Path) -> list[int]:
    """Return what each control group above this process leaves, where it has a limit; file cache can be let go."""
    try:
        path = next(line[3:] for line in own.read_text(encoding="utf-8").splitlines() if line.startswith("0::"))
    except (OSError, StopIteration):
        return []
    place, found = groups / path.strip().lstrip("/"), []
    for folder in (place, *place.parents):
        if not folder.is_relative_to(groups):
            break
        try:
            limit = (folder / "memory.max").read_text(encoding="utf-8").strip()
            used = int((folder / "memory.current").read_text(encoding="utf-8"))
            cached = (line.split() for line in (folder / "memory.stat").read_text(encoding="utf-8").splitlines())
            reclaimable = sum(int(size) for name, size in cached if name in ("active_file", "inactive_file"))
        except (OSError, ValueError):
            continue
        if limit != "max":
            found.append(int(limit) - used + reclaimable)
    return found
