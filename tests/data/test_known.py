"""The one strict inequality: known before the day, not on it; windows hold exactly their days."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import ibis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.known import calendar, known, known_within

D = date(2026, 6, 1)
SCHEMA = {"row": "int64", "on": "date", "known_on": "date"}
quick = settings(
    max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def rows(*pairs: tuple[date, date]) -> Any:
    """Rows numbered from 0: the day they are about, and the day that stamped them."""
    days = {"row": list(range(len(pairs))), "on": [on for on, _ in pairs], "known_on": [k for _, k in pairs]}
    return ibis.memtable(days, schema=SCHEMA)


def ago(days: int) -> date:
    return D - timedelta(days=days)


def seen(engine: Any, table: Any, column: str = "row") -> list[Any]:
    return sorted(engine.execute(table)[column].tolist())


def test_known_the_day_after_the_stamp_and_not_before(engine: Any) -> None:
    stamped = rows((ago(1), ago(1)), (D, D), (ago(-1), ago(-1)), (ago(400), ago(400)))
    assert seen(engine, known(stamped, calendar([D]))) == [0, 3]
    assert seen(engine, known(stamped, calendar([D + timedelta(days=1)]))) == [0, 1, 3]


def test_a_row_stands_beside_every_day_that_knows_it(engine: Any) -> None:
    days = [ago(10), ago(5), D]
    found = engine.execute(known(rows((ago(7), ago(7))), calendar(days)))
    assert sorted(found["as_of"].astype("datetime64[us]").dt.date) == [ago(5), D]


def test_a_window_of_28_days_holds_28_days(engine: Any) -> None:
    table = rows(*[(ago(n), ago(n)) for n in range(-2, 40)])
    found = known_within(table, calendar([D]), day="on", days=28)
    assert seen(engine, found, "age_days") == list(range(1, 29))


def test_a_window_of_one_day_is_yesterday(engine: Any) -> None:
    table = rows((D, D), (ago(1), ago(1)), (ago(2), ago(2)))
    assert seen(engine, known_within(table, calendar([D]), day="on", days=1)) == [1]


def test_a_late_row_is_in_its_window_once_it_is_recorded(engine: Any) -> None:
    late = rows((ago(5), D))  # about five days ago, recorded today
    assert seen(engine, known_within(late, calendar([D]), day="on", days=7)) == []
    assert seen(engine, known_within(late, calendar([D + timedelta(days=1)]), day="on", days=7), "age_days") == [6]
    # so late that its window is over: it never counts
    assert seen(engine, known_within(late, calendar([D + timedelta(days=4)]), day="on", days=7)) == []


@quick
@given(
    stamps=st.lists(st.tuples(st.integers(-5, 40), st.integers(0, 10)), min_size=1, max_size=12),
    asked=st.lists(st.integers(-5, 20), min_size=1, max_size=4, unique=True),
    days=st.integers(1, 30),
)
def test_a_window_is_what_a_loop_would_find(
    stamps: Sequence[tuple[int, int]], asked: Sequence[int], days: int, engine: Any
) -> None:
    pairs = [(ago(n), ago(n - late)) for n, late in stamps]
    as_ofs = [ago(n) for n in asked]
    expected = sorted(
        (i, day, (day - on).days)
        for day in as_ofs
        for i, (on, known_on) in enumerate(pairs)
        if known_on < day and 1 <= (day - on).days <= days
    )
    found = engine.execute(known_within(rows(*pairs), calendar(as_ofs), day="on", days=days))
    found_days = found["as_of"].astype("datetime64[us]").dt.date
    assert sorted(zip(found["row"], found_days, found["age_days"], strict=True)) == expected
