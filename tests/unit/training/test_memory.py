"""How much memory is free."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from ratchet.training import memory


def group(folder: Path, limit: str, used: int, cached: int) -> None:
    """Lay a control group out, as Linux shows it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\nactive_file {cached}\ninactive_file 1\n")


def test_the_tightest_group_above_a_process_counts_and_cache_can_be_let_go(tmp_path: Path) -> None:
    (tmp_path / "own").write_text("0::/pods/mine\n")
    group(tmp_path / "groups" / "pods", "4000", 3000, 99)
    group(tmp_path / "groups" / "pods" / "mine", "2000", 1500, 199)
    assert memory.free(tmp_path / "groups", tmp_path / "own") == 700
    group(tmp_path / "groups" / "pods", "3500", 3400, 99)
    assert memory.free(tmp_path / "groups", tmp_path / "own") == 200
    group(tmp_path / "groups" / "pods", "3500", 3900, 0)
    assert memory.free(tmp_path / "groups", tmp_path / "own") == 0


@pytest.mark.parametrize("own", [None, "1:cpu:/\n", "0::/elsewhere\n", "0::/pods\n"])
def test_without_a_limit_it_is_the_machines(tmp_path: Path, own: str | None) -> None:
    group(tmp_path / "groups" / "pods", "max", 10, 0)
    if own is not None:
        (tmp_path / "own").write_text(own)
    found = memory.free(tmp_path / "groups", tmp_path / "own")
    assert 0 < found <= psutil.virtual_memory().total
