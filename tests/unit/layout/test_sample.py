"""A sample, and its columns by name."""

from __future__ import annotations

import pyarrow as pa
import pytest

from ratchet.errors import RequestError
from ratchet.layout.sample import Column, Sample

SAMPLE = Sample(
    pa.table({"amount": [1, 2]}), {"amount": Column("amount", "int64", 2, 0, 2)}, 2, left_out={"x": "is new"}
)


def test_a_column_is_found_by_its_name_and_another_told_with_the_nearest() -> None:
    assert SAMPLE.need("amount", "the target").name == "amount"
    with pytest.raises(RequestError, match=r"no column 'amuont'.*amount"):
        SAMPLE.need("amuont", "the target")
    with pytest.raises(RequestError, match="'x' cannot be the target: it is new"):
        SAMPLE.need("x", "the target")


def test_a_column_without_a_value_is_empty() -> None:
    assert Column("gone", "string", 2, 2, 0).empty
    assert not SAMPLE.columns["amount"].empty
