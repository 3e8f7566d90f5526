"""An offer as an account meets it: the same few columns for every offer, whatever it sells.

A model of these learns from all offers together, and an offer launched last week has a sensible start: what presses on
the limits that it lifts, how often the features that it opens were met locked, what it adds to the bill.
"""

import numpy as np
import pandas as pd

from data.catalog import Catalog
from features.offers import Part, part_added_mrr

FAR_DAYS = 365.0
COLUMNS = (
    "press_peak", "press_latest", "press_days", "press_seats", "met_tier", "met_add_on", "locked_features", "idle_seats",
    "opens_features", "added_share", "added_log", "tier_steps", "adds_add_ons", "is_monthly", "renewal_days",
)  # fmt: skip


def relative(parts: tuple[Part, ...], accounts: pd.DataFrame, catalog: Catalog) -> pd.DataFrame:
    """One row per row of `accounts`, columns as in COLUMNS, float64; 0 where the offer has nothing of the kind.

    `press_…` are shares of a limit (1: reached) that the offer lifts, the highest of them, at its peak and at the
    latest; `press_days` the days until the first of them (365: none). `met_…` are log(1 + times in 28 days that locked
    features were met) of what the offer opens. Columns that `accounts` lacks count as unknown, and read 0 (or 365).
    """
    n = len(accounts)
    found = {name: np.zeros(n) for name in COLUMNS}
    found["press_days"] = np.full(n, FAR_DAYS)
    added = np.zeros(n)
    for part in parts:
        added += part_added_mrr(part, accounts, catalog).to_numpy(dtype="float64", na_value=0.0)
        for metric, lifts in _lifted(part, accounts, catalog).items():
            for name, column in (
                ("press_peak", f"limit_{metric}_peak_28d"),
                ("press_latest", f"limit_{metric}_latest"),
            ):
                found[name] = np.maximum(found[name], np.where(lifts, _of(accounts, column), 0.0))
            days = np.where(lifts, _of(accounts, f"days_to_limit_{metric}", FAR_DAYS), FAR_DAYS)
            found["press_days"] = np.minimum(found["press_days"], days)
        if part.kind == "tier":
            found["tier_steps"] += 1
            found["met_tier"] = np.log1p(_of(accounts, "gated_next_plan_28d"))
            found["locked_features"] = _of(accounts, "gated_features_90d")
            found["opens_features"] += _opened_by_tier(accounts, catalog)
        if part.kind == "down":
            found["tier_steps"] -= 1
        if part.kind == "add_on":
            found["adds_add_ons"] += 1
            found["met_add_on"] = np.maximum(found["met_add_on"], np.log1p(_of(accounts, f"gated_{part.of}_28d")))
            found["opens_features"] += _opened_by_add_on(part, accounts, catalog)
        if part.kind in ("seats", "tier"):
            found["press_seats"] = _of(accounts, "limit_active_users_peak_28d")
    found["idle_seats"] = np.clip(1 - _of(accounts, "limit_active_users_peak_28d", 1.0), 0, 1)
    mrr = accounts["mrr"].to_numpy(dtype="float64", na_value=0.0)
    found["added_share"] = np.clip(added / np.maximum(mrr, 1.0), -1, 3)
    found["added_log"] = np.log1p(np.maximum(added, 0))
    found["is_monthly"] = np.asarray(accounts["billing"] == "monthly", dtype="float64")
    found["renewal_days"] = np.minimum(_of(accounts, "days_to_renewal", FAR_DAYS), FAR_DAYS)
    return pd.DataFrame(found, index=accounts.index)


def _of(accounts: pd.DataFrame, column: str, unknown: float = 0.0) -> np.ndarray:
    if column not in accounts:
        return np.full(len(accounts), unknown)
    return np.nan_to_num(accounts[column].to_numpy(dtype="float64", na_value=np.nan), nan=unknown)


def _lifted(part: Part, accounts: pd.DataFrame, catalog: Catalog) -> dict[str, np.ndarray]:
    """By metric, whether this part widens its limit, per row."""
    plan = accounts["plan_id"]
    if part.kind == "seats":
        return {"active_users": np.ones(len(accounts), dtype=bool)}
    if part.kind == "add_on":
        limits = catalog.products[part.of].limits
        return {catalog.pressing_metric(m): np.ones(len(accounts), dtype=bool) for m, more in limits.items() if more}
    if part.kind != "tier":
        return {}
    by_metric: dict[str, set[str]] = {}
    for below in catalog.plans:
        above = catalog.plan_beside(below.id, 1)
        for limit, now in below.limits.items():
            then = above.limits.get(limit) if above else None
            if above and now is not None and (then is None or then > now):
                by_metric.setdefault(catalog.pressing_metric(limit), set()).add(below.id)
    return {metric: plan.isin(plans).to_numpy() for metric, plans in by_metric.items()}


def _opened_by_tier(accounts: pd.DataFrame, catalog: Catalog) -> np.ndarray:
    opened = {}
    for plan in catalog.plans:
        above = catalog.plan_beside(plan.id, 1)
        opened[plan.id] = float(len(set(above.features) - set(plan.features))) if above else 0.0
    return accounts["plan_id"].map(opened).to_numpy(dtype="float64", na_value=0.0)


def _opened_by_add_on(part: Part, accounts: pd.DataFrame, catalog: Catalog) -> np.ndarray:
    features = set(catalog.products[part.of].features)
    opened = {plan.id: float(len(features - set(plan.features))) for plan in catalog.plans}
    return accounts["plan_id"].map(opened).to_numpy(dtype="float64", na_value=0.0)
