"""The truth is true: labels worked out from the subscriptions alone happen as often as it says."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from data.catalog import Catalog
from data.simulate.company import Part
from data.simulate.world import Selling, World
from tests.data.simulate.conftest import labels, whole, z_by_account

DAYS = pd.date_range("2024-06-01", "2026-03-01", freq="MS")
Tables = tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]]


@pytest.fixture(scope="module")
def judged(midmarket: Tables, catalog: Catalog) -> pd.DataFrame:
    """The label and the truth, one row per account and snapshot."""
    raw, truth = midmarket
    both = labels(raw["subscriptions"], catalog, DAYS).merge(truth["expansion"], on=["account_id", "as_of"], how="left")
    assert both["p_logged"].notna().all()  # every active account has a truth
    return both


def test_labels_come_true_as_often_as_p_logged_says(judged: pd.DataFrame) -> None:
    bins = pd.qcut(judged["p_logged"], 8, labels=False)
    for _, some in judged.groupby(bins):
        z = z_by_account(some["expanded"] - some["p_logged"], some["account_id"])
        assert abs(z) < 3.5, (some["p_logged"].mean(), some["expanded"].mean())
    assert abs(z_by_account(judged["expanded"] - judged["p_logged"], judged["account_id"])) < 3


def test_the_truth_tells_more_than_any_model_will(judged: pd.DataFrame) -> None:
    assert 0.82 < roc_auc_score(judged["expanded"], judged["p_logged"]) < 0.93


def test_without_proposals_both_truths_are_one_and_still_true(
    simulated: Callable[..., list[Part]], catalog: Catalog
) -> None:
    nobody_sells = Selling(random_rate=0.0, chosen=-60.0)
    parts = simulated(World(usage_rate=0.001, year_replicates=1, selling=nobody_sells), accounts=800, seed=5)
    raw, truth = whole(parts), whole(parts, "truth")
    assert raw["proposals"].empty
    expansion = truth["expansion"]
    np.testing.assert_allclose(expansion["p_logged"], expansion["p_no_contact"], atol=1e-12)
    both = labels(raw["subscriptions"], catalog, DAYS).merge(expansion, on=["account_id", "as_of"])
    assert abs(z_by_account(both["expanded"] - both["p_no_contact"], both["account_id"])) < 3


def test_a_rise_of_the_list_price_is_no_expansion(simulated: Callable[..., list[Part]], catalog: Catalog) -> None:
    """With a rise of a quarter, any change would be one, if what runs on as it was counted at its new price."""
    world = World(usage_rate=0.001, year_replicates=1, price_rise=0.25)
    parts = simulated(world, accounts=800, seed=9)
    raw, truth = whole(parts), whole(parts, "truth")
    holds_the_rise = pd.date_range("2025-08-01", "2025-12-01", freq="MS")
    both = labels(raw["subscriptions"], catalog, holds_the_rise).merge(truth["expansion"], on=["account_id", "as_of"])
    assert abs(z_by_account(both["expanded"] - both["p_logged"], both["account_id"])) < 3


def test_selling_adds_to_what_happens_by_itself(midmarket: Tables) -> None:
    truth = midmarket[1]["expansion"]
    assert truth["p_logged"].mean() > 1.2 * truth["p_no_contact"].mean()
    assert (truth["p_no_contact"] > 0.35).mean() > 0.01  # sure things


def test_random_offers_are_accepted_as_often_as_the_need_for_them_says(midmarket: Tables) -> None:
    """Response as of the window's end, against the same account's random proposals in its last three months."""
    raw, truth = midmarket
    proposals = raw["proposals"]
    late = proposals[proposals["pscore"].notna() & (proposals["proposed_at"] >= pd.Timestamp("2026-03-01"))]
    key = ["account_id", "offer_id", "channel", "discount_pct"]
    both = late.merge(truth["response"], on=key)
    accepted = both["outcome"] == "accepted"
    assert len(both) > 40
    # Terms and mood have moved since, so only the order is asked for.
    assert roc_auc_score(accepted, both["p_accept"]) > 0.6


def test_response_falls_with_price_and_anger_and_some_offers_do_harm(midmarket: Tables) -> None:
    response = midmarket[1]["response"]
    key = ["account_id", "offer_id", "channel"]
    by_step = response.sort_values([*key, "discount_pct"]).groupby(key)["p_accept"]
    assert (by_step.diff().dropna() > -1e-12).mean() > 0.95  # a discount puts off nearly nobody
    assert response["p_accept"].between(0, 1).all()
    assert (response["value"] < -200).any()
    assert (response["value"] > 200).any()
    assert set(response["as_of"]) == {pd.Timestamp("2026-06-01")}


def test_causes_name_the_feature_groups_and_point_the_right_way(midmarket: Tables, judged: pd.DataFrame) -> None:
    causes = midmarket[1]["causes"].pivot(index=["account_id", "as_of"], columns="group", values="log_odds")
    assert set(causes.columns) == {
        "use", "adoption", "limits", "tenure", "seats", "support", "sentiment", "relationship", "commerce", "proposals",
        "life",
    }  # fmt: skip
    assert (causes["limits"] >= 0).all()  # pressure never keeps one from buying
    assert (causes["sentiment"] <= 0).all()  # contentment is what one takes for granted; anger forbids
    both = judged.set_index(["account_id", "as_of"]).join(causes)
    free = both[both["p_no_contact"] > 0]
    total = free[list(causes.columns)].sum(axis=1)
    assert np.corrcoef(total, np.log(free["p_no_contact"]))[0, 1] > 0.6
