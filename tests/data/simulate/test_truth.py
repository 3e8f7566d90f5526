"""The truth is true: labels worked out from the subscriptions alone happen as often as it says."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from data.catalog import Catalog
from data.simulate.company import Part
from data.simulate.shop import open_shop
from data.simulate.truth import Before
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


def test_a_rise_of_the_list_price_is_no_expansion(catalog: Catalog) -> None:
    """Terms before and after, drawn at random, against the contract's words, product by product."""
    shop, rng, n = open_shop(catalog), np.random.default_rng(0), 3000
    paid = np.flatnonzero(~shop.is_free)
    plan = rng.choice(paid, n)
    seats, add_ons, annual = rng.integers(3, 40, n).astype(float), rng.integers(0, 8, n), rng.random(n) < 0.5
    price, price_after = rng.choice([1.0, 0.9], n), rng.choice([0.9, 1.0, 1.07, 1.2], n)
    plan_after = np.where(rng.random(n) < 0.8, plan, rng.choice(paid, n))
    seats_after = np.where(rng.random(n) < 0.6, seats, np.ceil(seats * rng.uniform(0.9, 1.2, n)))
    add_ons_after, annual_after = add_ons | rng.choice([0, 1, 2, 4], n), annual ^ (rng.random(n) < 0.1)

    def products(plan: int, seats: float, add_ons: int, annual: bool, price: float) -> dict[str, tuple[float, ...]]:
        found = {shop.plans[plan]: ((shop.plan_base[plan] + shop.plan_seat[plan] * seats) * price, seats, annual)}
        for k, name in enumerate(shop.add_ons):
            if add_ons >> k & 1:
                mrr = (shop.add_on_base[k] + shop.add_on_seat[k] * seats) * price
                found[name] = (mrr, seats if shop.add_on_seat[k] else 1.0, annual)
        return found

    expected, margin, was = np.zeros(n, bool), np.zeros(n), np.zeros(n)
    for i in range(n):
        now = products(plan[i], seats[i], add_ons[i], annual[i], price[i])
        then = products(plan_after[i], seats_after[i], add_ons_after[i], annual_after[i], price_after[i])
        counted = sum(
            min(mrr, now[name][0]) if name in now and now[name][1:] == same else mrr
            for name, (mrr, *rest) in then.items()
            for same in [tuple(rest)]
        )
        was[i] = sum(mrr for mrr, *_ in now.values())
        margin[i] = counted - 1.1 * was[i]
        expected[i] = shop.tier[plan_after[i]] > shop.tier[plan[i]] or margin[i] >= 0
    before = Before(plan, seats, add_ons, annual, price, 1.1 * was - 1e-9)
    found = before.is_expanded(shop, price_after, plan_after, seats_after, add_ons_after, annual_after)
    clear = np.abs(margin) > 0.05  # a cent's rounding aside
    assert clear.mean() > 0.95
    np.testing.assert_array_equal(found[clear], expected[clear])
    assert 0.2 < expected.mean() < 0.8


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
