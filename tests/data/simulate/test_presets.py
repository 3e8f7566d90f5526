"""Each preset is a company of its kind: figures beside those that others publish (docs/simulator.md names them)."""

from collections.abc import Callable

import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from data.catalog import Catalog
from data.simulate.catalogs import DIFFERENCES, catalog_of
from data.simulate.company import simulate
from data.simulate.world import PRESETS
from tests.data.simulate.conftest import ENDS_ON, labels, terms_on, whole

Made = tuple[Catalog, dict[str, pd.DataFrame], dict[str, pd.DataFrame]]


@pytest.fixture(scope="module")
def made(catalog: Catalog) -> Callable[[str], Made]:
    companies: dict[str, Made] = {}

    def make(preset: str) -> Made:
        if preset not in companies:
            own = catalog_of(preset, catalog)
            fast = {"usage_rate": 0.001, "year_replicates": 1, "replicates": 4}
            world = PRESETS[preset].model_copy(update=fast)
            parts = list(simulate(own, world, accounts=1500, months=24, seed=31, ends_on=ENDS_ON))
            companies[preset] = own, whole(parts), whole(parts, "truth")
        return companies[preset]

    return make


def year(made: Made) -> pd.DataFrame:
    """Accounts on two days and a year later; MRR 0 where they left."""
    catalog, raw, _ = made
    tiers = {plan.id: plan.tier for plan in catalog.plans}
    found = []
    for day in pd.to_datetime(["2024-08-01", "2024-12-01", "2025-06-01"]):
        now = terms_on(raw["subscriptions"], tiers, day)
        then = terms_on(raw["subscriptions"], tiers, day + pd.DateOffset(years=1)).reindex(now.index)
        found.append(now.assign(later=then["mrr"].fillna(0.0), left=then["mrr"].isna()))
    return pd.concat(found)


def nps(made: Made) -> float:
    answers = made[1]["surveys"]["nps"]
    return float(100 * ((answers >= 9).mean() - (answers <= 6).mean()))


def retention(made: Made) -> tuple[float, float]:
    paying = year(made).query("mrr > 0")
    nrr = paying["later"].sum() / paying["mrr"].sum()
    return nrr, paying[["later", "mrr"]].min(axis=1).sum() / paying["mrr"].sum()


def test_freemium_is_mostly_free_and_few_ever_pay(made: Callable[[str], Made]) -> None:
    company = made("plg_freemium")
    rows = year(company)
    free = rows["mrr"] == 0
    assert 0.65 < free.mean() < 0.92
    assert 0.02 < (rows.loc[free, "later"] > 0).mean() < 0.08  # published: 2-5 % of free accounts
    assert rows.loc[free, "left"].mean() > 0.2  # without a word
    nrr, grr = retention(company)
    assert 0.85 < nrr < 1.10  # published: 97 % at the median of small contracts
    assert 0.70 < grr < 0.88  # about 80 %
    assert company[1]["accounts"]["owner_id"].isna().mean() > 0.6
    assert rows.loc[~free, "mrr"].median() < 250


def test_enterprise_is_large_bound_by_the_year_and_grows(made: Callable[[str], Made]) -> None:
    company = made("enterprise")
    rows = year(company)
    assert (rows["mrr"] > 0).all()
    nrr, grr = retention(company)
    assert 1.04 < nrr < 1.22  # published: 115-118 % at the median of six-figure contracts
    assert 0.88 < grr < 0.96  # 92-93 %
    assert rows["left"].mean() < 0.10
    assert 12 * rows["mrr"].median() > 100_000
    running = company[1]["subscriptions"].query("valid_to_on.isna()")
    assert (running["billing"] == "annual").mean() > 0.95
    assert company[1]["accounts"]["owner_id"].notna().all()
    assert set(company[1]["proposals"]["channel"].dropna()) <= {"csm", "email"}


@pytest.mark.parametrize("preset", ["plg_freemium", "midmarket", "enterprise"])
def test_each_can_be_learnt_from_and_nobody_is_a_caricature(preset: str, made: Callable[[str], Made]) -> None:
    company = catalog, raw, truth = made(preset)
    days = pd.date_range("2024-09-01", "2026-03-01", freq="2MS")
    both = labels(raw["subscriptions"], catalog, days).merge(truth["expansion"], on=["account_id", "as_of"])
    low, high = {"plg_freemium": (0.02, 0.06), "midmarket": (0.08, 0.125), "enterprise": (0.10, 0.21)}[preset]
    assert low < both["expanded"].mean() < high
    assert abs(both["expanded"].mean() - both["p_logged"].mean()) < 0.012
    assert 0.80 < roc_auc_score(both["expanded"], both["p_logged"]) < 0.94
    assert 15 < nps(company) < 55  # published: 31-41 on average
    assert both["p_logged"].mean() > 1.08 * both["p_no_contact"].mean()
    assert raw["proposals"]["pscore"].notna().mean() > 0.08


@pytest.mark.parametrize("preset", DIFFERENCES)
def test_a_presets_catalogue_keeps_every_id(preset: str, catalog: Catalog) -> None:
    own = catalog_of(preset, catalog)
    assert own != catalog
    for kind in ("metrics", "features", "plans", "add_ons", "offers"):
        assert [item.id for item in getattr(own, kind)] == [item.id for item in getattr(catalog, kind)]
        ids = {item.id for item in getattr(catalog, kind)}
        assert set(DIFFERENCES[preset].get(kind, {})) <= ids  # a typo would change nothing, silently
    prices = [plan.price_per_month + 20 * plan.price_per_seat for plan in sorted(own.plans, key=lambda p: p.tier)]
    assert prices == sorted(prices)


@pytest.mark.parametrize("preset", ["midmarket", "noise"])
def test_other_presets_sell_what_the_project_sells(preset: str, catalog: Catalog) -> None:
    assert catalog_of(preset, catalog) is catalog


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_what_is_sold_by_the_seat_is_limited_by_the_seats_bought(preset: str, catalog: Catalog) -> None:
    """Else no feature tells how full such a plan is, which is what their CSMs go by and what answers hang on."""
    for plan in catalog_of(preset, catalog).plans:
        assert plan.price_per_seat == 0 or "seats" in plan.limits, plan.id
