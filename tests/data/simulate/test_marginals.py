"""The default company is one that could be: figures beside those that others publish (docs/simulator.md names them)."""

import pandas as pd
import pytest

from data.catalog import Catalog
from tests.data.simulate.conftest import labels, terms_on

Tables = tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]]


@pytest.fixture(scope="module")
def year(midmarket: Tables, catalog: Catalog) -> pd.DataFrame:
    """Paying accounts on a day and a year later, mean over two years that overlap; MRR 0 where they left."""
    tiers = {plan.id: plan.tier for plan in catalog.plans}
    found = []
    for day in pd.to_datetime(["2024-08-01", "2024-12-01"]):
        now = terms_on(midmarket[0]["subscriptions"], tiers, day)
        then = terms_on(midmarket[0]["subscriptions"], tiers, day + pd.DateOffset(years=1)).reindex(now.index)
        both = now.assign(later=then["mrr"].fillna(0.0), left=then["mrr"].isna())
        found.append(both[both["mrr"] > 0])
    return pd.concat(found)


def test_net_and_gross_retention(year: pd.DataFrame) -> None:
    nrr = year["later"].sum() / year["mrr"].sum()
    grr = year[["later", "mrr"]].min(axis=1).sum() / year["mrr"].sum()
    assert 0.97 < nrr < 1.18  # medians: about 101 % overall, about 108 % in the mid-market
    assert 0.85 < grr < 0.95  # medians: 88-92 %


def test_one_account_in_ten_leaves_in_a_year(year: pd.DataFrame) -> None:
    assert 0.05 < year["left"].mean() < 0.17


def test_expansion_rate(midmarket: Tables, catalog: Catalog) -> None:
    days = pd.date_range("2024-09-01", "2026-03-01", freq="2MS")
    rate = labels(midmarket[0]["subscriptions"], catalog, days).groupby("as_of")["expanded"].mean()
    assert 0.08 < rate.mean() < 0.125
    assert rate.max() - rate.min() < 0.09  # the company neither stalls nor takes off


def test_net_promoter_score(midmarket: Tables) -> None:
    nps = midmarket[0]["surveys"]["nps"]
    assert 15 < 100 * ((nps >= 9).mean() - (nps <= 6).mean()) < 50  # B2B SaaS: 31-41 on average
    assert nps.nunique() >= 6


def test_some_leave_and_a_few_come_back(midmarket: Tables) -> None:
    rows = midmarket[0]["subscriptions"]
    plans = rows[rows["product_id"].isin(["free", "starter", "pro", "enterprise"])].sort_values("valid_from_on")
    gap = plans.groupby("account_id")["valid_to_on"].shift() < plans["valid_from_on"]
    assert 1 <= gap.sum() < 60
    assert set(rows["ended_reason"].dropna()) == {
        "upgrade", "downgrade", "price", "product", "support", "business_closed", "other",
    }  # fmt: skip


def test_work_rests_at_weekends(company: dict[str, pd.DataFrame]) -> None:
    by_weekday = company["usage"].groupby(company["usage"]["used_on"].dt.day_of_week)["n_events"].sum()
    assert by_weekday[[5, 6]].max() < 0.3 * by_weekday[[0, 1, 2, 3, 4]].min()


def test_rows_an_account(company: dict[str, pd.DataFrame]) -> None:
    assert 1_300 < len(company["usage"]) / len(company["accounts"]) < 2_000
    assert 0.8 < len(company["proposals"]) / len(company["accounts"]) < 4


def test_people_and_consent(company: dict[str, pd.DataFrame]) -> None:
    accounts = company["accounts"]
    assert 0.80 < accounts["has_opted_in"].fillna(False).astype(bool).mean() < 0.93
    assert 0.01 < accounts["owner_id"].isna().mean() < 0.12
    assert accounts["account_name"].str.contains("株式会社").any()
    assert accounts["account_name"].nunique() > 0.97 * len(accounts)
    assert set(accounts["region"].dropna()) == {"EMEA", "AMER", "APAC", "JP"}
