"""Sources, partitions, tables and features."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet import catalog, partitions
from ratchet.data import features, tables
from ratchet.data.sources import nycflights, query
from ratchet.errors import ContractError, DataError, MissingPackage, RequestError, SourceError
from ratchet.files import slug

days_of_any_year = st.dates(dt.date(1990, 1, 1), dt.date(2060, 12, 31))


@given(days_of_any_year)
def test_any_day_finds_flights_of_the_same_weekday(day: dt.date) -> None:
    stored = nycflights.stored_day(day)
    assert stored.year == 2013
    assert stored.weekday() == day.weekday()
    season = abs((stored - dt.date(2013, day.month, min(day.day, 28))).days)
    assert min(season, 365 - season) <= 11
    if day.year == 2013:
        assert stored == day


def test_the_source_delivers_every_flight_once() -> None:
    delivered = [nycflights.fetch(nycflights.Options(), dt.date(2013, 2, day), Path()) for day in range(1, 29)]
    assert sum(d["flights"].num_rows for d in delivered) == 24_951  # flights of February 2013 in the package
    keys = pa.concat_tables([d["flights"].select(["sched_dep", "carrier", "flight", "origin"]) for d in delivered])
    assert keys.group_by(keys.column_names).aggregate([]).num_rows == 24_951


def test_arrivals_agree_with_the_time_in_the_air() -> None:
    flights = nycflights.fetch(nycflights.Options(), dt.date(2013, 7, 10), Path())["flights"].to_pandas()
    flown = flights.dropna(subset=["arrived_at", "departed_at"])
    minutes = (flown.arrived_at - flown.departed_at).dt.total_seconds() / 60
    assert minutes.between(25, 900).all()
    assert (minutes.groupby(flown.dest).median() / flown.groupby("dest").distance.first() < 0.75).all()


def test_a_day_outside_2013_is_moved_there() -> None:
    flights = nycflights.fetch(nycflights.Options(), dt.date(2026, 11, 20), Path())["flights"]
    moments = flights.column("sched_dep").to_pylist()
    assert min(moments).date() == dt.date(2026, 11, 20)
    assert max(moments) < dt.datetime(2026, 11, 21, 6)


@given(st.dates(), st.integers(0, 60))
def test_a_range_is_its_days(first: dt.date, count: int) -> None:
    if first > dt.date(9999, 10, 1):
        return
    last = first + dt.timedelta(days=count)
    days = partitions.parse(f"{first}..{last}")
    assert len(days) == count + 1
    assert days == sorted(days)
    assert partitions.days_between(days[0], days[-1]) == count


@pytest.mark.parametrize("text", ["", "2013", "2013-02-30", "2013-01-02..2013-01-01", "x..y", "2013-01-01.."])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(RequestError):
        partitions.parse(text)


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_slugs_of_different_names_differ(one: str, other: str) -> None:
    assert (slug(one) == slug(other)) == (one == other)
    assert "/" not in slug(one)


rows = st.lists(
    st.tuples(st.integers(-9, 9), st.one_of(st.none(), st.floats(allow_nan=False)), st.text(max_size=3)), max_size=20
)


@given(rows, st.randoms(use_true_random=False))
def test_the_content_hash_is_of_content_alone(values: list[tuple[int, float | None, str]], random: object) -> None:
    def table(data: list[tuple[int, float | None, str]]) -> pa.Table:
        schema = pa.schema([("a", pa.int64()), ("b", pa.float64()), ("c", pa.string())])
        return pa.Table.from_pylist([dict(zip("abc", row, strict=True)) for row in data], schema=schema)

    shuffled = list(values)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    whole = table(values)
    assert tables.content_hash(whole) == tables.content_hash(table(shuffled).select(["c", "a", "b"]))
    halves = pa.concat_tables([whole.slice(0, len(values) // 2), whole.slice(len(values) // 2)])
    assert tables.content_hash(halves) == tables.content_hash(whole)
    if values:
        assert tables.content_hash(table(values[1:])) != tables.content_hash(whole)


def test_conform() -> None:
    delivered = pa.table({"a": ["1", "2"], "b": [1, 2], "extra": [True, False]})
    table, notes = tables.conform(delivered, {"a": "int64", "b": "float64"})
    assert table.schema.field("a").type == pa.int64()
    assert table.column_names == ["a", "b", "extra"]
    assert any("new column extra" in note for note in notes)
    with pytest.raises(DataError, match="dropped column c"):
        tables.conform(delivered, {"c": "int64"})
    with pytest.raises(DataError, match="type change of a"):
        tables.conform(pa.table({"a": ["1", "many"]}), {"a": "int64"})


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    tables.write_table(pa.table({"a": [1]}), path)
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(DataError, match=r"x\.parquet is damaged"):
        tables.read_table(path)


def _query(place: Path, **options: object) -> dict[str, pa.Table]:
    return query.fetch(query.Options.model_validate(options), dt.date(2013, 1, 5), place)


@pytest.mark.parametrize("form", ["csv", "parquet", "json"])
def test_the_query_source_reads_files(tmp_path: Path, form: str) -> None:
    import duckdb

    duckdb.execute(
        f"""COPY (
                SELECT TIMESTAMP '2013-01-04 12:00' + to_days(CAST(range AS INTEGER)) AS moment, range AS n
                FROM range(3)
            ) TO '{tmp_path}/x.{form}'"""
    )
    sql = "SELECT moment, n FROM x WHERE moment >= $start AND moment < $end"
    found = _query(tmp_path, files={"x": f"*.{form}"}, tables={"t": sql})["t"]
    assert found.to_pylist() == [{"moment": dt.datetime(2013, 1, 5, 12), "n": 1}]


def test_the_query_source_reads_a_url(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("n\n1\n2\n")
    found = _query(tmp_path, files={"x": f"file://{tmp_path}/x.csv"}, tables={"t": "SELECT sum(n) AS n FROM x"})["t"]
    assert found.column("n").to_pylist() == [3]


def test_the_query_source_reads_a_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/shop.db")
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE sales (day TEXT, amount REAL)"))
        connection.execute(sa.text("INSERT INTO sales VALUES ('2013-01-05 10:00:00', 2.5), ('2013-01-06 10:00:00', 9)"))
    monkeypatch.setenv("SHOP", f"{tmp_path}/shop.db")
    sql = "SELECT * FROM sales WHERE day >= :start AND day < :end"
    assert _query(tmp_path, database="sqlite:///${SHOP}", tables={"t": sql})["t"].column("amount").to_pylist() == [2.5]
    monkeypatch.delenv("SHOP")
    with pytest.raises(SourceError, match="SHOP, which is not set"):
        _query(tmp_path, database="sqlite:///${SHOP}", tables={"t": sql})


def test_what_the_query_source_cannot_read(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none\.csv") as caught:
        _query(tmp_path, files={"x": "none.csv"}, tables={"t": "SELECT 1"})
    assert caught.value.retriable
    (tmp_path / "x.csv").write_text("n\n1\n")
    with pytest.raises(SourceError, match="SQL fails"):
        _query(tmp_path, files={"x": "x.csv"}, tables={"t": "SELECT nothing FROM x"})
    with pytest.raises(MissingPackage, match="nodriver"):
        _query(tmp_path, database="sqlite+nodriver:///x", tables={"t": "SELECT 1"})


def _tables(first: str, last: str) -> dict[str, pa.Table]:
    parts: dict[str, list[pa.Table]] = {"flights": [], "weather": []}
    for day in partitions.parse(f"{first}..{last}"):
        for name, table in nycflights.fetch(nycflights.Options(), dt.date.fromisoformat(day), Path()).items():
            parts[name].append(table.append_column(features.PARTITION, pa.array([day] * table.num_rows, pa.string())))
    return {name: pa.concat_tables(found) for name, found in parts.items()}


@pytest.fixture(scope="module")
def ten_days() -> dict[str, pa.Table]:
    return _tables("2013-02-01", "2013-02-10")


@settings(max_examples=12, deadline=None)
@given(
    at=st.datetimes(dt.datetime(2013, 2, 9, 10), dt.datetime(2013, 2, 11, 2)),
    delay=st.integers(-40, 900),
    wind=st.floats(0, 90),
)
def test_nothing_after_the_moment_of_the_question_changes_a_feature(
    ten_days: dict[str, pa.Table], at: dt.datetime, delay: int, wind: float
) -> None:
    """Rewrite all that happened after a moment: departures, arrivals, weather.

    Features asked before it stay as they are.

    What happens after `at` is put to other times after `at`, cancelled, or given other values; a flight's own early
    departure is among it.
    """
    loop = catalog.load("flight_delays")
    flights, weather = (ten_days[name].to_pandas() for name in ("flights", "weather"))
    later = flights.departed_at > at
    moved = at + dt.timedelta(minutes=1) + dt.timedelta(minutes=abs(delay))
    flights.loc[later, "departed_at"] = moved
    flights.loc[later, "dep_delay"] = delay
    arrives = flights.arrived_at > at
    flights.loc[arrives, "arrived_at"] = moved + dt.timedelta(minutes=30)
    flights.loc[arrives, "arr_delay"] = delay
    cancelled = later & (flights.flight % 3 == 0)
    flights.loc[cancelled, ["departed_at", "arrived_at", "dep_delay", "arr_delay"]] = None
    weather.loc[weather.observed_at > at, ["wind_speed", "temp", "pressure", "visib", "precip", "humid"]] = wind
    columns = loop.tables
    changed = {
        name: tables.conform(pa.Table.from_pandas(frame, preserve_index=False), columns[name].columns)[0]
        for name, frame in (("flights", flights), ("weather", weather))
    }
    before, after = (features.compute(loop, given, "2013-02-09", "2013-02-10") for given in (ten_days, changed))
    asked = pc.less_equal(before.column("event_time"), pa.scalar(at, pa.timestamp("us")))
    categorical, numeric = features.names(loop, before.column_names)
    names = [*loop.main_table.key, *categorical, *numeric]
    assert before.filter(asked).select(names).equals(after.filter(asked).select(names))


def test_the_features_see_what_came_before(ten_days: dict[str, pa.Table]) -> None:
    loop = catalog.load("flight_delays")
    flights = ten_days["flights"].to_pandas()
    flights.loc[flights.departed_at < dt.datetime(2013, 2, 9), "dep_delay"] = 0
    changed = {
        **ten_days,
        "flights": pa.Table.from_pandas(flights, schema=ten_days["flights"].schema, preserve_index=False),
    }
    before, after = (features.compute(loop, given, "2013-02-08", "2013-02-08") for given in (ten_days, changed))
    assert not before.column("origin_late_3h").equals(after.column("origin_late_3h"))


def test_the_same_rows_in_another_order_give_the_same_features(ten_days: dict[str, pa.Table]) -> None:
    loop = catalog.load("flight_delays")
    turned = {name: table.take(list(range(table.num_rows))[::-1]) for name, table in ten_days.items()}
    one, other = (features.compute(loop, given, "2013-02-10", "2013-02-10") for given in (ten_days, turned))
    assert tables.content_hash(one) == tables.content_hash(other)


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT 1 AS x", "lacks the column"),
        ("SELECT observed_at, origin, observed_at AS event_time FROM weather", "gives no feature"),
        ("SELECT * FROM nowhere", "fails"),
        ("SELECT observed_at, origin, observed_at AS event_time, temp FROM weather CROSS JOIN range(2)", None),
    ],
)
def test_sql_that_is_wrong_is_told_early(place: Path, sql: str, words: str | None) -> None:
    loop = catalog.load("wind")
    (loop.folder / "features.sql").write_text(sql)
    loop = loop.model_copy(update={"features": loop.features.model_copy(update={"categorical": ()})})
    if words:
        with pytest.raises(ContractError, match=words):
            features.dry_run(loop)
    else:
        one = {
            "observed_at": dt.datetime(2013, 1, 1),
            "origin": "EWR",
            "temp": 1.0,
            "humid": 1.0,
            "wind_speed": 1.0,
            "pressure": 1.0,
        }
        table = tables.conform(pa.Table.from_pylist([one]), loop.main_table.columns)[0]
        given = {"weather": table.append_column(features.PARTITION, pa.array(["2013-01-01"]))}
        with pytest.raises(ContractError, match="each key exactly once"):
            features.compute(loop, given, "2013-01-01", "2013-01-01")
