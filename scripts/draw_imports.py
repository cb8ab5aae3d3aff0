"""Draw which room of the code imports which, from the code itself: make drawing.

A room is a package or a module directly in `include/ratchet` (not its `__init__` and `__main__`, which are doors), and
`deploy` and the plugin as a whole. Their order, from top to bottom, is that of import-linter's layers in
pyproject.toml. They stand on a diagonal: an import goes right along the row of who imports, and at a dot down to what
is imported. So no two arrows are mistaken for each other, and one against the order would stand alone, in red, below
the diagonal. With --list the arrows are printed instead, one a line.
"""

from __future__ import annotations

import argparse
import re
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grimp
import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch, Rectangle
from matplotlib.path import Path as Line

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "images" / "imports.svg"
ABOVE = ("deploy", "ratchet_airflow")  # above the library's layers, and so named in pyproject.toml's other contracts
FOLDERS = {"deploy": "deploy/", "ratchet_airflow": "plugins/", "ratchet": "include/ratchet/"}
DOORS = ("__init__", "__main__")

WIDTH, GUTTER, STEP, ROW, TOP = 1000, 176, 39, 35, 62  # pixels
INK, LINE, DOT, WRONG = "#1f2a44", "#a9b6cf", "#3a5fb0", "#c22222"
BANDS = {"deploy": "#f6efe3", "ratchet_airflow": "#eef4ea", "ratchet": "#f3f5fa"}


@dataclass(frozen=True)
class Arrow:
    """A room imports another, by so many pairs of modules."""

    source: str
    target: str
    imports: int
    upward: bool

    @property
    def label(self) -> str:
        """The arrow's id in the picture."""
        return f"{self.source}-to-{self.target}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw, or list."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--list", action="store_true", help="print the arrows instead, one a line")
    order = rooms()
    found = arrows(order)
    if parser.parse_args(arguments).list:
        for arrow in found:
            print(f"{arrow.source} -> {arrow.target}  {arrow.imports}{'  UPWARD' if arrow.upward else ''}")
    else:
        draw(order, found)
        print(f"{PICTURE.relative_to(ROOT)}: {len(order)} rooms, {len(found)} arrows")


def rooms() -> list[str]:
    """Return the rooms from top to bottom. Raises SystemExit where a room has no layer."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    named = [name.strip().split(".")[1] for layer in layers for name in re.split("[|:]", layer)]
    order = [*ABOVE, *dict.fromkeys(named)]
    paths = sorted((ROOT / "include" / "ratchet").iterdir())
    there = {p.stem for p in paths if p.suffix == ".py" or (p / "__init__.py").exists()}.difference(DOORS)
    if missing := sorted(there.difference(order)):
        raise SystemExit(f"No layer in pyproject.toml's [tool.importlinter] for {', '.join(missing)}: give it one")
    return [room for room in order if room in there or room in ABOVE]


def arrows(order: list[str]) -> list[Arrow]:
    """Return the imports between rooms, in the rooms' order."""
    graph = grimp.build_graph(*FOLDERS, exclude_type_checking_imports=True, cache_dir=None)
    pairs = (
        (_room(one), _room(other)) for one in graph.modules for other in graph.find_modules_directly_imported_by(one)
    )
    counts = Counter((one, other) for one, other in pairs if one != other and {one, other} <= set(order))
    place = {room: i for i, room in enumerate(order)}
    found = [Arrow(one, other, n, place[one] > place[other]) for (one, other), n in counts.items()]
    return sorted(found, key=lambda arrow: (place[arrow.source], place[arrow.target]))


def draw(order: list[str], found: list[Arrow]) -> None:
    """Write the picture: the same bytes for the same code."""
    height = TOP + len(order) * ROW + 14
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "ratchet", "font.family": "sans-serif"}):
        figure = Figure(figsize=(WIDTH / 72, height / 72), facecolor="white")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, WIDTH), ylim=(height, 0))
        axes.axis("off")
        _legend(axes)
        _bands(axes, order)
        for arrow in found:
            _arrow(axes, arrow, order)
        for room in order:
            _box(axes, room, order)
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(PICTURE, format="svg", metadata={"Date": None, "Creator": None})


def _room(module: str) -> str:
    """Return the room that a module is in."""
    root, *rest = module.split(".")
    return root if root in ABOVE else rest[0] if rest else root


def _at(room: str, order: list[str]) -> tuple[float, float]:
    """Return where arrows leave and reach a room."""
    i = order.index(room)
    return GUTTER + i * STEP, TOP + (i + 0.5) * ROW


def _legend(axes: Axes) -> None:
    axes.text(14, 24, "Who imports whom", fontsize=15, color=INK, weight="bold", va="center")
    text = "Along the row of who imports, and at a dot down to what is imported; the bigger the dot, the more modules."
    axes.text(14, 46, text, fontsize=11, color=INK, va="center")


def _bands(axes: Axes, order: list[str]) -> None:
    for root, folder in FOLDERS.items():
        inside = [i for i, room in enumerate(order) if (room if room in ABOVE else "ratchet") == root]
        top, height = TOP + inside[0] * ROW, len(inside) * ROW
        axes.add_patch(Rectangle((0, top), WIDTH, height, facecolor=BANDS[root], edgecolor="white", linewidth=2))
        axes.text(14, top + ROW / 2, folder, fontsize=11, color="#6b7280", va="center")


def _arrow(axes: Axes, arrow: Arrow, order: list[str]) -> None:
    (x, y), (end, bottom) = _at(arrow.source, order), _at(arrow.target, order)
    side, colour = (-1, WRONG) if arrow.upward else (1, LINE)
    stop = bottom - side * (ROW / 2 - 4)
    path = Line([(x, y), (end, y), (end, stop - side * 5)])
    axes.add_patch(
        PathPatch(path, fill=False, edgecolor=colour, linewidth=1.2, gid=arrow.label, zorder=1 + arrow.upward)
    )
    head = Line([(end - 3.5, stop - side * 7), (end + 3.5, stop - side * 7), (end, stop), (0, 0)], closed=True)
    axes.add_patch(PathPatch(head, facecolor=WRONG if arrow.upward else DOT, linewidth=0, zorder=3))
    dot: dict[str, Any] = {"color": WRONG if arrow.upward else DOT, "linewidths": 0, "zorder": 3}
    axes.scatter([end], [y], s=[16 + 5 * arrow.imports], **dot)


def _box(axes: Axes, room: str, order: list[str]) -> None:
    x, y = _at(room, order)
    width, height = 7.6 * len(room) + 18, ROW - 11
    box = FancyBboxPatch(
        (x + 12 - width, y - height / 2), width, height, boxstyle="round,pad=0,rounding_size=5", zorder=4
    )
    box.set(facecolor="white", edgecolor=INK, linewidth=1)
    axes.add_patch(box)
    axes.text(x + 12 - width / 2, y + 0.5, room, fontsize=12, color=INK, ha="center", va="center", zorder=5)


if __name__ == "__main__":
    main()
