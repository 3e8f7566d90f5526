import datetime
import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import BadInput
from models import columns
from models.outcome import target
from models.table import Preparation, times


def learn(table: pa.Table, **how: object) -> Preparation:
    made = Preparation.learn(table, target="won", positive="yes", **how)  # type: ignore[arg-type]
    return Preparation.from_json(json.loads(json.dumps(made.to_json())))


@pytest.mark.parametrize(
    ("values", "positive", "negative"),
    [
        ([0, 1], "1", "0"),
        ([0.0, 1.0], "1", "0"),
        ([False, True], "true", "false"),
        (["no", "Yes"], "Yes", "no"),
        (["T", "F"], "T", "F"),
        ([2, 1], "2", "1"),
        ([-1, 1], "1", "-1"),
        (["negative", "positive"], "positive", "negative"),
        ([Decimal(0), Decimal(1)], "1", "0"),
    ],
)
def test_which_value_is_the_positive_one(values: list, positive: str, negative: str) -> None:
    found = target(pa.chunked_array([values * 60]), "won")
    assert (found.positive, found.negative) == (positive, negative)
    is_positive = [f"{value:g}" if isinstance(value, float | Decimal) else str(value) for value in values * 60]
    np.testing.assert_array_equal(found.y, [value.casefold() == positive.casefold() for value in is_positive])


def test_of_two_words_the_rarer_is_positive_and_the_person_may_say_otherwise() -> None:
    column = pa.chunked_array([["lost", "lost", "won"] * 50])
    assert target(column, "won").positive == "won"
    assert target(column, "won", "LOST").rate == pytest.approx(2 / 3)
    three = pa.chunked_array([["lost", "open", "won"] * 50])
    assert target(three, "won", "won").negative == "anything else"
    with pytest.raises(BadInput, match="has no value sold; it has lost, open, won"):
        target(three, "won", "sold")


def test_gaps_in_a_target_are_left_out_however_they_are_written() -> None:
    column = pa.chunked_array([["1", "0", "0", "NA", None, " "] * 100])
    found = target(column, "won")
    assert found.is_known.tolist() == [True, True, True, False, False, False] * 100
    assert found.y.tolist() == [1.0, 0.0, 0.0] * 100


def test_moments_become_days_before_the_row_months_and_weekdays() -> None:
    table = pa.table({
        "won": [1, 0, 1],
        "day": [datetime.date(2026, 6, 1), datetime.date(2026, 6, 2), datetime.date(2026, 6, 3)],
        "seen_at": pa.array([datetime.datetime(2026, 5, 31, 12), None, datetime.datetime(2025, 12, 29)]),
    })  # fmt: skip
    X = learn(table, time="day").features(table)
    assert list(X) == ["seen_at: days before", "seen_at: month", "seen_at: weekday"]
    np.testing.assert_array_equal(X.to_numpy(), [[0.5, 5, 6], [np.nan] * 3, [156, 12, 0]])
    since = learn(table.drop(["day"])).features(table)
    assert since["seen_at: days"].tolist()[2] == (datetime.date(2025, 12, 29) - datetime.date(1970, 1, 1)).days


def test_a_date_after_its_row_is_told() -> None:
    table = pa.table({
        "won": [1, 0],
        "day": ["2026-06-01", "2026-06-02"],
        "closed_on": ["2026-07-01", "2026-06-01"],
    })  # fmt: skip
    assert learn(table, time="day").notes == (
        "closed_on lies after the row's own time in 1 of 2 rows: was it known by then?",
    )


def test_every_arrow_type_is_read_or_left_out_with_the_cause() -> None:
    n = 4
    good = {
        "int8": pa.array([1, None, 3, 4], pa.int8()),
        "uint64": pa.array([2**63, 1, 2, 3], pa.uint64()),
        "half": pa.array(np.array([1, 2, 3, 9], dtype="float16")),
        "decimal": pa.array([Decimal("1.10"), None, Decimal(3), Decimal(4)]),
        "bool": pa.array([True, False, None, True]),
        "date32": pa.array([1, 2, 3, 5], pa.date32()),
        "date64": pa.array([0, 86_400_000, None, 3 * 86_400_000], pa.date64()),
        "zoned": pa.array([1, 2, 3, 7 * 10**15], pa.timestamp("us", "Asia/Tokyo")),
        "seconds": pa.array([1, 2, 3, 10**9], pa.timestamp("s")),
        "time32": pa.array([0, 3600, None, 7200], pa.time32("s")),
        "time64": pa.array([0, 1, 2, 3 * 3600 * 10**6], pa.time64("us")),
        "duration": pa.array([0, 86_400, 1, 5], pa.duration("s")),
        "string": pa.array(["a", "b", None, "a"]),
        "large": pa.array(["a", "b", "b", "c"], pa.large_string()),
        "coded": pa.array(["x", "y", None, "y"]).dictionary_encode(),
        "coded_ints": pa.array([5, 7, 5, 8]).dictionary_encode(),
        "mixed": pa.array(["1", "two", "3", "IV"]),
    }
    bad = {
        "list": pa.array([[1], [2], None, [3]]),
        "struct": pa.array([{"a": 1}] * n),
        "binary": pa.array([b"a", b"b", b"c", b"d"]),
        "null": pa.nulls(n),
        "blank": pa.array(["", " ", None, ""]),
    }
    table = pa.table({**good, **bad, "won": [1, 0, 1, 0]})
    made = learn(table)
    assert set(made.kinds) == set(good)
    assert {made.dropped[name] for name in ("null", "blank")} == {"empty"}
    for name in ("list", "struct", "binary"):
        assert made.dropped[name] == f"its type is {bad[name].type}, and a number, text or date was expected"
    X = made.features(table)
    assert X["duration"].tolist()[:2] == [0.0, 1.0]
    assert X["time32"].tolist()[1] == 1.0
    assert list(X["coded"].astype(object)) == ["x", "y", X["coded"].astype(object)[2], "y"]
    assert X.shape[0] == n


def test_a_numbers_column_with_a_word_here_and_there_stays_numbers() -> None:
    column = pa.chunked_array([[*map(str, range(95)), *["unknown"] * 5]])
    assert columns.kind_of(column) == "number"
    made = learn(pa.table({"won": ["1"] * 100, "a": column}))
    assert made.notes == ("a: 5 of 100 values are no finite numbers and count as missing",)
    assert columns.kind_of(pa.chunked_array([[*map(str, range(90)), *["unknown"] * 10]])) == "text"


def test_whether_a_free_text_is_there_is_used_where_it_is_often_not() -> None:
    words = [f"a remark of some length, number {i}" if i % 3 else None for i in range(120)]
    table = pa.table({"won": [0] * 120, "remark": words})
    made = learn(table)
    assert made.kinds == {"remark": "known"}
    assert made.features(table)["remark: known"].tolist() == [float(i % 3 > 0) for i in range(120)]


def test_renamed_copies_are_left_out_but_not_what_only_looks_alike() -> None:
    table = pa.table({
        "won": [0, 1, 0], "a": [1, 2, None], "b": [1.0, 2.0, None], "c": ["1", "2", ""], "d": ["x", "y", None],
        "e": pa.array(["x", "y", None]).dictionary_encode(), "f": ["y", "x", None],
    })  # fmt: skip
    assert learn(table).dropped == {"b": "the same as a", "c": "the same as a", "e": "the same as d"}


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
def test_numbers_survive_csv(values: list[float]) -> None:
    text = pa.chunked_array([[repr(value) for value in values]])
    np.testing.assert_array_equal(columns.numbers(text), values)


@given(st.lists(st.datetimes(pd.Timestamp("1700-01-01").to_pydatetime(), pd.Timestamp("2200-01-01").to_pydatetime())))
def test_moments_survive_csv(values: list[datetime.datetime]) -> None:
    text = pa.chunked_array([[value.isoformat() for value in values]], pa.string())
    np.testing.assert_array_equal(columns.moments(text), np.array(values, dtype="datetime64[us]"))


def test_times_may_be_numbers_but_not_words() -> None:
    table = pa.table({"year": [2024, 2025], "word": ["soon", "late"]})
    assert times(table, "year").tolist() == [2024.0, 2025.0]
    with pytest.raises(BadInput, match="word is neither a date nor a number"):
        times(table, "word")
