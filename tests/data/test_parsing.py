"""Moments: whatever zone, form or unit they come in, they become the instant's UTC time, and its UTC day."""

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from data.parsing import parsed
from data.sources import connect

quick = settings(
    max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
# whole, half and three-quarter hours from UTC; clocks that change by an hour, by half of one, and never
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "America/St_Johns", "Asia/Tokyo", "Asia/Kathmandu",
         "Australia/Lord_Howe", "Pacific/Kiritimati", "Pacific/Pago_Pago"]  # fmt: skip


@pytest.fixture(scope="module")
def connection() -> Iterator[Any]:
    opened = connect()
    yield opened
    opened.close()


def read(connection: Any, values: pa.Array, into: Any) -> list[Any]:
    """A column of a source, read as the contract's type."""
    connection.register("source", pa.table({"x": values}))
    (described,) = connection.execute("DESCRIBE source").fetchall()
    found = connection.execute(f"SELECT {parsed('x', described[1], into)} FROM source").fetchall()  # noqa: S608  ours
    connection.unregister("source")
    return [row[0] for row in found]


@pytest.mark.parametrize(
    ("told", "utc"),
    [
        ("2026-05-31T23:30-05:00", "2026-06-01 04:30:00"),
        ("2026-05-31T23:30:00-0500", "2026-06-01 04:30:00"),
        ("2026-05-31 23:30-05", "2026-06-01 04:30:00"),
        ("2026-05-31 23:30:00 -0500", "2026-06-01 04:30:00"),
        ("2026-05-31 23:30:00 +05:45", "2026-05-31 17:45:00"),
        ("2026-05-31 23:30:00 Z", "2026-05-31 23:30:00"),
        ("2026-06-01T00:30+02:00", "2026-05-31 22:30:00"),
        ("2026-06-01T05:15+05:45", "2026-05-31 23:30:00"),
        ("2026-06-01T13:59+14:00", "2026-05-31 23:59:00"),
        ("2026-05-31T13:00-11:00", "2026-06-01 00:00:00"),
        ("2026-06-01T00:00Z", "2026-06-01 00:00:00"),
        ("2026-05-31T23:59:59.999999999", "2026-05-31 23:59:59.999999"),  # never rounded up into the next day
        ("2024-02-29T23:30-01:00", "2024-03-01 00:30:00"),
        ("2023-03-01T00:30+01:00", "2023-02-28 23:30:00"),
        ("2023-02-29T10:00Z", None),
        ("2026-05-31 23:30 Europe/Berlin", None),  # a zone by its name may be told, but not yet be believed
        ("1780270200", None),
    ],
)
def test_text_with_an_offset_is_its_utc_time_and_its_utc_day(connection: Any, told: str, utc: str | None) -> None:
    expected = dt.datetime.fromisoformat(utc) if utc else None
    assert read(connection, pa.array([told]), "timestamp") == [expected]
    assert read(connection, pa.array([told]), "date") == [expected.date() if expected else None]


@quick
@given(
    moment=st.datetimes(dt.datetime(2015, 1, 1), dt.datetime(2035, 1, 1)),
    zone=st.sampled_from(ZONES),
    unit=st.sampled_from(["s", "ms", "us", "ns"]),
)
@example(moment=dt.datetime(2026, 3, 29, 0, 59, 59), zone="Europe/Berlin", unit="ms")  # before the lost hour
@example(moment=dt.datetime(2026, 3, 29, 1), zone="Europe/Berlin", unit="ns")
@example(moment=dt.datetime(2026, 10, 25, 0, 30), zone="Europe/Berlin", unit="us")  # 02:30, the first time
@example(moment=dt.datetime(2026, 10, 25, 1, 30), zone="Europe/Berlin", unit="us")  # 02:30, the second time
@example(moment=dt.datetime(2026, 4, 4, 15, 0), zone="Australia/Lord_Howe", unit="s")
def test_a_moment_is_the_same_in_every_zone_form_and_unit(
    connection: Any, moment: dt.datetime, zone: str, unit: str
) -> None:
    moment = moment.replace(microsecond=0)
    local = moment.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(zone))
    texts = [local.isoformat(), local.isoformat(" "), local.strftime("%Y-%m-%d %H:%M:%S %z")]
    for values in (pa.array([moment], pa.timestamp(unit, tz=zone)), *(pa.array([text]) for text in texts)):
        assert read(connection, values, "timestamp") == [moment]
        assert read(connection, values, "date") == [moment.date()]


@pytest.mark.parametrize(
    ("day", "hours", "by_utc_day"),
    [
        # Berlin's day of 23 hours begins an hour before UTC's and ends two before it
        (dt.date(2026, 3, 29), 23, {dt.date(2026, 3, 28): 2, dt.date(2026, 3, 29): 44}),
        (dt.date(2026, 10, 25), 25, {dt.date(2026, 10, 24): 4, dt.date(2026, 10, 25): 46}),
    ],
)
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_days_of_23_and_of_25_hours_lose_no_row_and_move_none(
    day: dt.date, hours: int, by_utc_day: dict[dt.date, int], form: str, tmp_path: Path, good_company: Any,
    write_csv: Any, checked: Callable[..., Any],
) -> None:  # fmt: skip
    """An answer every half-hour of a local day, all alike: what the clock shows twice is two moments, and no copy."""
    berlin = ZoneInfo("Europe/Berlin")
    starts = dt.datetime.combine(day, dt.time(), berlin).astimezone(dt.UTC)
    moments = [starts + dt.timedelta(minutes=30 * i) for i in range(2 * hours)]
    assert (moments[-1] + dt.timedelta(minutes=30)).astimezone(berlin).date() == day + dt.timedelta(days=1)
    del good_company["surveys"]
    folder = write_csv(good_company, tmp_path)
    if form == "csv":
        rows = [
            {"account_id": "A-1", "answered_at": m.astimezone(berlin).isoformat(timespec="minutes"), "nps": "9"}
            for m in moments
        ]
        write_csv({"surveys": rows}, folder)
    else:
        at = pa.array(moments, pa.timestamp("us", tz="Europe/Berlin"))
        columns = {"account_id": ["A-1"] * len(moments), "answered_at": at, "nps": [9] * len(moments)}
        pq.write_table(pa.table(columns), folder / "surveys.parquet")
    kept = checked(folder).kept["surveys"]
    assert [row["answered_at"] for row in kept] == [m.replace(tzinfo=None) for m in moments]
    days = [row["known_on"] for row in kept]
    assert {one: days.count(one) for one in sorted(set(days))} == by_utc_day
