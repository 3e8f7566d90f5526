"""The CSV: the contract's columns, text that no spreadsheet runs, numbers that stay numbers."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.outputs import RANKED_ACCOUNTS, check_ranked
from delivery.spreadsheet import harmless, to_csv
from tests.delivery.sample import NASTY, make_week


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_columns_rows_and_order_are_the_contracts() -> None:
    week = make_week(40)
    text = to_csv(week.ranked.sample(frac=1, random_state=2))
    assert text == to_csv(week.ranked)
    read = rows(text)
    assert list(read[0]) == RANKED_ACCOUNTS.schema.names
    assert [int(row["rank"]) for row in read] == list(range(1, 41))


def test_values_are_plain() -> None:
    week = make_week(40)
    week.ranked.loc[0, "expected_arr"] = -12.5
    week.ranked.loc[1, "movement_ranks"] = -3
    read = rows(to_csv(week.ranked))
    assert read[0]["expected_arr"] == "-12.5"
    assert read[1]["movement_ranks"] == "-3"
    assert read[0]["as_of"] == "2026-06-01"
    assert [row["triggers"].split() for row in read] == week.ranked["triggers"].tolist()
    assert {row["would_unblock"] for row in read} == {""}
    assert float(read[5]["propensity"]) == week.ranked.loc[5, "propensity"]


def test_no_cell_of_text_begins_a_formula() -> None:
    read = rows(to_csv(make_week(40).ranked))
    names = [row["account_name"] for row in read[: len(NASTY)]]
    assert names[1] == "'" + NASTY[1]
    assert names[6] == "'" + NASTY[6]
    assert names[0] == NASTY[0]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝", " ="])
def test_what_could_start_a_formula_is_made_harmless(start: str) -> None:
    assert harmless(start + "1+1").startswith("'")


@given(st.text())
def test_only_an_apostrophe_is_ever_added(text: str) -> None:
    assert harmless(text) in (text, "'" + text)
    assert not harmless(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_a_list_read_back_from_parquet_makes_the_same_csv() -> None:
    week = make_week(40)
    again = check_ranked(week.ranked).to_pandas()
    assert to_csv(again) == to_csv(week.ranked)
