"""What is done without learning from proposals: rules, propensity times value, and what the CSMs did all along."""

import lightgbm as lgb
import numpy as np
import pandas as pd

from benchmarks.decisions import money
from benchmarks.decisions.companies import CHOICE, Company, past
from benchmarks.decisions.rivals import BOOST
from features.offer_relative import relative
from features.offers import added_mrr, is_possible, parts
from models.account_columns import AccountColumns

LIMIT, RENEWAL_DAYS = 0.8, 90
MONTHS_ON, MIN_GROWTH = 3, 0.10


def first_ways(company: Company) -> pd.Series:
    """Whether a row of the truth is its offer's first channel without a discount (or at its smallest)."""
    first = {o.id: (o.channels[0], o.discounts.steps_pct[0]) for o in company.catalog.offers}
    ways = company.truth
    return (ways["channel"] == ways["offer_id"].map({k: v[0] for k, v in first.items()})) & (
        ways["discount_pct"] == ways["offer_id"].map({k: v[1] for k, v in first.items()})
    )


def rules(company: Company) -> float:
    """Accounts at 80 % of a limit or within 90 days of renewal, by MRR, each offered what presses.

    What presses is the offer that lifts the fullest limit, the cheapest of several; where none is full, the next plan.
    """
    accounts, catalog = company.accounts, company.catalog
    n = len(accounts)
    best, press = np.full(n, "", dtype=object), np.zeros(n)
    full = np.zeros(n, dtype=bool)
    by_price = sorted(
        (o for o in catalog.offers if o.kind in ("upgrade", "seats", "add_on")),
        key=lambda o: float(added_mrr(o, accounts, catalog).mean()),
    )
    for offer in by_price:
        share = relative(parts(offer, catalog), accounts, catalog)["press_peak"].to_numpy()
        share = np.where(is_possible(offer, accounts, catalog), share, 0.0)
        full |= share >= LIMIT
        better = (share >= LIMIT) & (share > press + 1e-9)
        best[better], press[better] = offer.id, share[better]
    near = (accounts["days_to_renewal"] <= RENEWAL_DAYS).fillna(False).to_numpy(dtype=bool)
    upgrade = next((o.id for o in catalog.offers if o.kind == "upgrade"), "")
    best = np.where((best == "") & near, upgrade, best)
    asked = pd.Series(best, index=accounts["account_id"])
    mrr = pd.Series(accounts["mrr"].to_numpy(dtype="float64"), index=accounts["account_id"])
    ways = company.truth
    fits = first_ways(company) & (ways["offer_id"] == ways["account_id"].map(asked))
    return money.worth(ways, np.where(fits, ways["account_id"].map(mrr) + 1e-6, np.nan), company.capacity)


def propensity_times_value(company: Company, *, seed: int) -> float:
    """The likelihood of any expansion, as a booster learns it from every month, × list price a year, less the cost."""
    snapshots = company.snapshots
    key = pd.MultiIndex.from_frame(snapshots[["account_id", "as_of"]])
    later = snapshots["as_of"] + pd.DateOffset(months=MONTHS_ON)
    there = pd.MultiIndex.from_arrays([snapshots["account_id"], later])
    mrr = pd.Series(snapshots["mrr"].to_numpy(dtype="float64"), index=key).reindex(there).to_numpy()
    tier = pd.Series(snapshots["plan_tier"].to_numpy(dtype="float64"), index=key).reindex(there).to_numpy()
    now = snapshots["mrr"].to_numpy(dtype="float64")
    expanded = (tier > snapshots["plan_tier"].to_numpy()) | ((mrr >= (1 + MIN_GROWTH) * now) & (mrr > 0))
    over = np.flatnonzero((later <= snapshots["as_of"].max()).to_numpy())
    some = np.random.default_rng(seed).permutation(over)[:60_000]
    columns = AccountColumns.learn(snapshots, company.predictors)
    data = lgb.Dataset(
        columns.matrix(snapshots.iloc[some]), label=expanded[some].astype(float), params={"verbosity": -1}
    )
    model = lgb.train({**BOOST, "objective": "binary"}, data, 150)
    accounts, catalog = company.accounts, company.catalog
    p = pd.Series(np.asarray(model.predict(columns.matrix(accounts))), index=accounts["account_id"])
    yearly = {
        o.id: pd.Series(12 * added_mrr(o, accounts, catalog).to_numpy(dtype="float64"), index=accounts["account_id"])
        for o in catalog.offers
        if o.kind not in ("trial", "enablement", "retention")
    }
    ways = company.truth
    gain = np.full(len(ways), np.nan)
    for offer_id, by_account in yearly.items():
        at = np.flatnonzero((ways["offer_id"] == offer_id).to_numpy())
        who = ways["account_id"].iloc[at]
        left = 1 - ways["discount_pct"].iloc[at].to_numpy() / 100
        gain[at] = who.map(p).to_numpy() * who.map(by_account).to_numpy() * left
    net = np.where(first_ways(company), gain - money.costs(ways, catalog), np.nan)
    return money.worth(ways, net, company.capacity)


def csms(company: Company) -> float:
    """What the CSMs' own choices are worth, for as many contacts: the mean over what they would propose that day."""
    rows = past(company.folder, company.catalog).merge(company.truth[[*CHOICE, "value"]], on=CHOICE)
    return float((rows["p"] * rows["value"]).sum() / rows["p"].sum()) * company.capacity
