"""The tables of contract.md section 3 keep their shape, and a frame that does not fit is refused."""

import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from delivery import outputs

CONTRACT = [
    "rank",
    "account_id",
    "account_name",
    "owner_id",
    "segment",
    "as_of",
    "plan_id",
    "mrr",
    "renews_on",
    "lifecycle_stage",
    "health_score",
    "health_band",
    "propensity",
    "stars",
    "offer_id",
    "channel",
    "discount_pct",
    "approval",
    "p_accept",
    "p_organic",
    "uplift",
    "expected_arr",
    "priority",
    "contact_by_on",
    "triggers",
    "reason_1",
    "reason_2",
    "reason_3",
    "reason_4",
    "reason_5",
    "blocked_by",
    "would_unblock",
    "movement",
    "movement_ranks",
    "assignment",
    "pscore",
    "model_version",
]


def ranked(n: int = 3) -> pd.DataFrame:
    """The smallest list that the contract allows: everything that may be null is."""
    day = pd.Timestamp("2026-06-01")
    frame = pd.DataFrame({column: pd.Series([None] * n, dtype="object") for column in CONTRACT})
    return frame.assign(
        rank=range(1, n + 1),
        account_id=[f"A{i}" for i in range(n)],
        account_name="Acme",
        as_of=day,
        plan_id="pro",
        mrr=10.0,
        lifecycle_stage="established",
        propensity=0.2,
        stars=3,
        triggers=[["renewal_90d", "limit_80"], [], None][:n] + [[]] * (n - 3),
        assignment=["contact"] + ["none"] * (n - 1),
        pscore=1.0,
        model_version="abc",
    )


def test_the_list_has_exactly_the_contracts_columns_in_its_order() -> None:
    assert outputs.RANKED_ACCOUNTS.schema.names == CONTRACT


@pytest.mark.parametrize("output", outputs.OUTPUTS, ids=lambda output: output.name)
def test_dates_are_dates_and_ids_are_text(output: outputs.Output) -> None:
    for column in output.schema:
        if column.name.endswith("_on") or column.name == "as_of":
            assert column.type == pa.date32()
        if column.name.endswith("_id"):
            assert column.type == pa.string()
    assert set(output.key) | set(output.order) <= set(output.schema.names)


def test_a_list_with_every_optional_column_null_still_has_its_types() -> None:
    table = outputs.check_ranked(ranked())
    assert table.schema.equals(outputs.RANKED_ACCOUNTS.schema)
    assert table["approval"].null_count == 3
    assert table["triggers"].to_pylist() == [["renewal_90d", "limit_80"], [], []]
    assert table["as_of"].to_pylist()[0].isoformat() == "2026-06-01"


def test_rows_come_in_the_order_of_rank_whatever_order_they_are_given_in() -> None:
    shuffled = ranked(50).sample(frac=1, random_state=3)
    assert outputs.check_ranked(shuffled).equals(outputs.check_ranked(ranked(50)))


def test_nulls_of_every_make_are_null() -> None:
    frame = ranked().assign(
        uplift=[np.nan, 0.1, None], movement_ranks=pd.array([None, -3, 2], "Int64"), approval=[None, np.nan, "Head"]
    )
    table = outputs.check_ranked(frame)
    assert table["uplift"].to_pylist() == [None, 0.1, None]
    assert table["movement_ranks"].to_pylist() == [None, -3, 2]
    assert table["approval"].to_pylist() == [None, None, "Head"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"rank": [1, 2, 2]}, "rank must run from 1 to 3"),
        ({"assignment": ["contact", "none", "contact"]}, "A2 is to be contacted but ranks below"),
        ({"account_id": ["A0", "A0", "A2"]}, "one row per active account, but account_id=A0 stands twice"),
        ({"mrr": [1.0, None, 2.0]}, r"mrr is null in 1 rows, first A1"),
        ({"mrr": [1.0, np.inf, 2.0]}, "mrr is out of"),
        ({"p_accept": [0.1, 1.2, None]}, r"p_accept is out of 0 … 1 in 1 rows, first A1 \(1.2\)"),
        ({"stars": [3, 2.5, 1]}, r"stars is not a whole number in 1 rows, first A1"),
        ({"health_band": ["green", "amber", None]}, r"health_band is none of green, yellow, red .* A1 \(amber\)"),
        ({"renews_on": pd.Timestamp("2026-06-01 09:00")}, "renews_on has a time of day in 3 rows"),
        ({"owner_id": [1, 2, 3]}, "owner_id is not text"),
        ({"surplus": 1}, "column surplus is not of the contract"),
    ],
)
def test_what_breaks_the_contract_is_refused_by_name(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        outputs.check_ranked(ranked().assign(**change))


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ValueError, match=re.escape("ranked_accounts: column pscore is missing")):
        outputs.RANKED_ACCOUNTS.table(ranked().drop(columns="pscore"))


def reasons() -> pd.DataFrame:
    """Points of A0 that sum to 0.2, as `ranked` says."""
    return pd.DataFrame(
        {
            "account_id": "A0",
            "as_of": pd.Timestamp("2026-06-01"),
            "feature": ["seats", "(base)"],
            "group": ["limits", None],
            "value": [0.9, None],
            "value_text": None,
            "contribution": [0.5, -2.0],
            "points": [0.08, 0.12],
            "rank": [1, 0],
            "text_en": "",
            "text_ja": "",
        }
    )


def test_reasons_come_with_their_base_first() -> None:
    assert outputs.check_reasons(reasons(), ranked(1))["feature"].to_pylist() == ["(base)", "seats"]


def test_reasons_without_a_base_row_are_refused() -> None:
    with pytest.raises(ValueError, match=r"A0 has no row \(base\)"):
        outputs.check_reasons(reasons().iloc[:1], ranked(1))


def test_reasons_that_do_not_add_up_are_refused() -> None:
    in_hundreds = reasons().assign(points=[8.0, 12.0])
    with pytest.raises(ValueError, match=r"1 accounts .* first A0 \(20.000000 against 0.200000\)"):
        outputs.check_reasons(in_hundreds, ranked(1))


def test_the_frame_is_left_as_it_was() -> None:
    frame = ranked()
    before = frame.copy(deep=True)
    outputs.check_ranked(frame)
    pd.testing.assert_frame_equal(frame, before)
