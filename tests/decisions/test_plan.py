"""The week's plan: who is held out, contacted, drawn, waiting; and the probability of each."""

import numpy as np
import pandas as pd
import pytest

from data.catalog import Catalog
from decisions.candidates import candidates
from decisions.experiments import held_out
from decisions.plan import plan
from decisions.settings import Decide, Gates
from tests.decisions.accounts import accounts


@pytest.fixture(scope="module")
def crowd() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return accounts(*[
        {
            "owner_id": str(rng.choice(["CSM-1", "CSM-2"])), "plan_id": str(rng.choice(["starter", "pro"])),
            "propensity": float(rng.uniform(0.1, 0.6)), "seats": float(rng.integers(5, 90)),
        }
        for _ in range(120)
    ])  # fmt: skip


def planned(crowd: pd.DataFrame, catalog: Catalog, *, seed: int = 7, previous: frozenset[str] = frozenset(), **money):  # type: ignore[no-untyped-def]
    decide = Decide(capacity_per_owner=10, **money)
    offered = candidates(crowd, None, catalog, Gates(), decide)
    return plan(offered, crowd, catalog, decide, seed=seed, previous=previous)


def test_without_a_draw_it_is_the_best_of_each_owner(crowd: pd.DataFrame, catalog: Catalog) -> None:
    rows = planned(crowd, catalog, holdout_share=0.0).rows.merge(crowd[["account_id", "owner_id"]], on="account_id")
    assert set(rows["pscore"]) == {1.0}
    for _, mine in rows.groupby("owner_id"):
        contact = mine["assignment"] == "contact"
        assert contact.sum() == 10
        assert mine.loc[contact, "priority"].min() >= mine.loc[~contact, "priority"].max()


def test_who_is_held_out_is_drawn_by_their_id_alone_and_takes_no_place(crowd: pd.DataFrame, catalog: Catalog) -> None:
    rows = planned(crowd, catalog, holdout_share=0.2).rows.set_index("account_id")
    out = set(crowd["account_id"][held_out(crowd["account_id"], share=0.2, salt="2026")])
    assert out
    assert set(rows.index[rows["assignment"] == "holdout"]) == out & set(rows.index)
    assert (rows.loc[rows["assignment"] == "holdout", "pscore"] == 0.2).all()
    assert (rows["assignment"] == "contact").sum() == 20


def test_outcomes_weighed_by_their_pscore_are_unbiased(crowd: pd.DataFrame, catalog: Catalog) -> None:
    """Of each account on the plan, 1 ÷ pscore of being contacted as planned is 1 in the mean over draws."""
    money = {"holdout_share": 0.1, "week": {"explore": {"kind": "epsilon", "share": 0.4}}}
    still = planned(crowd, catalog, holdout_share=0.1).rows
    key = ["account_id", "offer_id", "channel"]
    hosts = pd.MultiIndex.from_frame(still.loc[still["assignment"] == "contact", key])
    total, others = np.zeros(len(hosts)), 0
    n = 60
    for seed in range(n):
        rows = planned(crowd, catalog, seed=seed, **money).rows
        contact = rows[rows["assignment"] == "contact"].set_index(key)
        total += (0.9 / contact["pscore"]).reindex(hosts).fillna(0.0).to_numpy()
        others += int((~contact.index.isin(hosts)).sum())
    assert abs(total.mean() / n - 1) < 4 * np.sqrt((1 / 0.6 - 1) / (n * len(hosts)))
    assert others > 0.05 * n * len(hosts)  # and others are drawn in their place


def test_exploration_keeps_each_owners_capacity(crowd: pd.DataFrame, catalog: Catalog) -> None:
    week = {"explore": {"kind": "epsilon", "share": 0.6}}
    for seed in range(5):
        rows = planned(crowd, catalog, seed=seed, holdout_share=0.05, week=week).rows
        contact = rows[rows["assignment"] == "contact"].merge(crowd[["account_id", "owner_id"]], on="account_id")
        assert contact["owner_id"].value_counts().max() <= 10
        assert rows["account_id"].is_unique


def test_last_weeks_accounts_stay_where_turnover_is_bounded(crowd: pd.DataFrame, catalog: Catalog) -> None:
    first = planned(crowd, catalog, holdout_share=0.0).rows
    worst = first[first["assignment"] != "contact"].sort_values("priority")["account_id"].head(6)
    kept = planned(crowd, catalog, holdout_share=0.0, previous=frozenset(worst), week={"max_turnover": 0.0}).rows
    contact = set(kept.loc[kept["assignment"] == "contact", "account_id"])
    assert set(worst) <= contact
