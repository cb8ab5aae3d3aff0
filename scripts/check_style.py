"""Check what the linters do not: make lint.

Python files: no line over 120 columns (strings and pragmas included), no formatter's escape, and no docstring that
begins with "Give". Tests: tests/unit mirrors include/ratchet, so that what tests a module is found by its name.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

WIDTH = 120
FORMER = "tests/data/"  # made by earlier versions of Ratchet and kept as they were
ESCAPE = re.compile(r"fmt:\s*skip")
LIBRARY = Path("include/ratchet")
UNIT = Path("tests/unit")
ALONE = ("__main__.py",)  # starts the command line and holds nothing else


def main() -> int:
    """Print each finding as `file:line: what`, and return the exit code."""
    found = [*_texts(_tracked("*.py")), *_mirror(_tracked(f"{LIBRARY}/**.py"), _tracked(f"{UNIT}/**.py"))]
    print("\n".join(found) if found else "Style: nothing found")
    return 1 if found else 0


def _tracked(pattern: str) -> list[Path]:
    """List the files that Git tracks and that are there."""
    said = subprocess.run(["git", "ls-files", pattern], capture_output=True, text=True, check=True).stdout
    return [path for path in map(Path, said.splitlines()) if path.exists()]


def _texts(paths: list[Path]) -> Iterator[str]:
    """Find long lines, escapes from the formatter and docstrings that give."""
    for path in paths:
        if path.as_posix().startswith(FORMER):
            continue
        text = path.read_text(encoding="utf-8")
        for number, line in enumerate(text.splitlines(), 1):
            if len(line) > WIDTH:
                yield f"{path}:{number}: {len(line)} columns, at most {WIDTH}"
            if ESCAPE.search(line):
                yield f"{path}:{number}: an escape from the formatter; the expression wants a name, or a line more"
        for number, words in _docstrings(ast.parse(text)):
            if words[:1] in (["Give"], ["Gives"]) and "up" not in {
                word.strip(":,.") for word in words[:6]
            }:  # a verb of its own
                yield f"{path}:{number}: a docstring begins with {words[0]!r}; a function returns"


def _docstrings(tree: ast.Module) -> Iterator[tuple[int, list[str]]]:
    """Yield the line and the words of each docstring."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text is not None:
                yield node.body[0].lineno, text.replace(",", " ").split()


def _mirror(modules: list[Path], tests: list[Path]) -> Iterator[str]:
    """Find tests of no module, and modules that hold code and have no test file."""
    tested = {_test(module): module for module in modules}
    for test in tests:
        if test.name.startswith("test_") and test not in tested:
            yield f"{test}:1: tests no module of {LIBRARY}; name it after the one that it tests"
    for test, module in tested.items():
        if module.name not in ALONE and test not in tests and _holds_code(module):
            yield f"{module}:1: has no test file; it would be {test}"


def _test(module: Path) -> Path:
    """Name a module's test file: a/b.py is tested by a/test_b.py, and a package a/__init__.py by a/test_init.py."""
    return UNIT / module.relative_to(LIBRARY).parent / f"test_{module.stem.strip('_')}.py"


def _holds_code(module: Path) -> bool:
    """Tell whether a module holds more than a docstring, imports and constants such as `__version__`."""
    body = ast.parse(module.read_text(encoding="utf-8")).body
    said = [node for node in body if isinstance(node, ast.Expr | ast.Assign) and isinstance(node.value, ast.Constant)]
    return any(node not in said and not isinstance(node, ast.Import | ast.ImportFrom) for node in body)


if __name__ == "__main__":
    sys.exit(main())
