"""The list as the contract fixes it, put together from decisions, triggers and reasons."""

import pandas as pd
import pytest

from data.catalog import Catalog
from delivery import outputs
from tests.delivery.golden import golden_week


@pytest.fixture(scope="module")
def week(catalog: Catalog) -> dict[str, pd.DataFrame]:
    return golden_week(catalog)


def test_the_list_fits_the_contract(week: dict[str, pd.DataFrame]) -> None:
    listed = week["ranked"]
    assert listed.columns.tolist() == [column.name for column in outputs.RANKED_ACCOUNTS.columns]
    assert outputs.check_ranked(listed).num_rows == 4
    assert outputs.check_reasons(week["reasons"], listed).num_rows == len(week["reasons"])
    assert listed["rank"].tolist() == [1, 2, 3, 4]
    assert set(listed["model_version"]) == {"model-1"}


def test_what_is_not_learnt_yet_is_null_and_not_made_up(week: dict[str, pd.DataFrame]) -> None:
    assert week["ranked"][["p_accept", "p_organic", "uplift"]].isna().all(axis=None)


def test_triggers_stand_by_their_account(week: dict[str, pd.DataFrame]) -> None:
    by_account = week["ranked"].set_index("account_id")["triggers"]
    assert by_account["bob"] == []
    assert sorted(by_account["dot"]) == ["limit_storage_gb_high", "limit_storage_gb_soon"]


def test_what_is_listed_is_the_accounts_own(week: dict[str, pd.DataFrame]) -> None:
    listed = week["ranked"].set_index("account_id")
    assert listed.loc["dot", ["plan_id", "mrr", "health_band", "lifecycle_stage"]].tolist() == [
        "pro",
        418,
        "red",
        "at_risk",
    ]
    assert listed.loc["cyd", ["blocked_by", "would_unblock"]].tolist() == ["onboarding", "Wait 43 days"]
    # a serious ticket comes before the rest; and help is what is offered
    assert listed.loc["ann", ["blocked_by", "assignment", "offer_id"]].tolist() == [
        "serious_ticket",
        "nurture",
        "recovery",
    ]
    assert listed.loc["ann", "reason_1"][0] in "▲▼"
