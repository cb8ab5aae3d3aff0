"""Names for columns that SQL has to quote."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ratchet.layout import names


def test_a_name_is_kept_as_far_as_a_contract_can_hold_it() -> None:
    columns = [
        "id",
        "Mess-Nr",
        "Temp. Vortag",
        "Temperatur °F",
        "Küstenlage",
        "Straße",
        "2024",
        "%",
        "Mess_Nr",
        "_ratchet_x",
    ]
    assert names.plain(columns) == {
        "Mess-Nr": "Mess_Nr_2",
        "Temp. Vortag": "Temp_Vortag",
        "Temperatur °F": "Temperatur_F",
        "Küstenlage": "Kustenlage",
        "Straße": "Strasse",
        "2024": "c_2024",
        "%": "column",
        "_ratchet_x": "c_ratchet_x",
    }


@given(st.lists(st.text(min_size=1), unique=True))
def test_no_two_columns_get_one_name(columns: list[str]) -> None:
    renamed = names.plain(columns)
    kept = [renamed.get(name, name).lower() for name in columns if name in renamed]
    assert len({*kept}) == len(kept)
    assert not {*kept} & {name.lower() for name in columns if name not in renamed}
