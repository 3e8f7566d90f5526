"""By hand: how close an account is to what it may use. Shares of a limit, and days; one figure per active account."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.by_hand.raw import Raw

MOST_DAYS = 365


def limits(raw: Raw, metric: str, plan: pd.Series, seats: pd.Series, running: pd.DataFrame) -> pd.Series:
    """What an account may use of a metric: its plan's limit and its add-ons'; of active users, the seats bought.

    Null where the plan sets none. running: the subscriptions that run.
    """
    if metric == "active_users":
        return seats.where(seats > 0)
    of_plan = {p["id"]: p["limits"].get(metric) for p in raw.catalog["plans"]}
    more = {a["id"]: (a.get("limits") or {}).get(metric, 0) for a in raw.catalog["add_ons"]}
    added = running["product_id"].map(more).fillna(0).groupby(running["account_id"]).sum()
    return plan.map(of_plan).astype(float) + added.reindex(plan.index).fillna(0)


def levels(raw: Raw, metric: str, kind: str) -> pd.DataFrame:
    """One row per account × measured day: the `level`, of a counter all that its month has counted so far."""
    rows = raw["meters"]
    rows = rows[rows["metric"] == metric].sort_values(["account_id", "measured_on"])
    if kind == "gauge":
        return rows.assign(level=rows["value"])
    month = rows["measured_on"].dt.to_period("M")
    return rows.assign(level=rows.groupby(["account_id", month])["value"].cumsum())


def days_to(level: pd.DataFrame, limit: pd.Series, latest: pd.Series) -> pd.Series:
    """Days until the limit at the slope of the straight line through the levels; at most a year."""
    found = {}
    for account, rows in level.groupby("account_id"):
        if account not in limit.index or not limit[account] > 0:
            continue
        x = (rows["measured_on"] - rows["measured_on"].min()).dt.days.to_numpy(dtype=float)
        room = limit[account] - latest[account]
        slope = np.polyfit(x, rows["level"], 1)[0] if len(x) > 1 else 0.0
        found[account] = 0.0 if room <= 0 else min(room / slope, MOST_DAYS) if slope > 0 else MOST_DAYS
    return pd.Series(found, dtype="float64").reindex(limit.index)


def headroom(raw: Raw, plan: pd.Series, seats: pd.Series, running: pd.DataFrame) -> pd.DataFrame:
    """One row per active account: each metric's latest and highest level as a share of its limit, and the days left."""
    found = pd.DataFrame(index=plan.index)
    metrics = [metric["id"] for metric in raw.catalog["metrics"]]
    for metric in raw.catalog["metrics"]:
        name = metric["id"]
        limit = limits(raw, name, plan, seats, running)
        level = levels(raw, name, metric["kind"])
        level = level[level["measured_on"] >= raw.days(28)]
        by = level.groupby("account_id")["level"]
        latest = by.last()
        found[f"limit_{name}_latest"] = latest.reindex(plan.index) / limit
        found[f"limit_{name}_peak_28d"] = by.max().reindex(plan.index) / limit
        found[f"days_to_limit_{name}"] = days_to(level, limit, latest)
    peaks = found[[f"limit_{name}_peak_28d" for name in metrics]]
    found["limit_peak"] = peaks.max(axis=1)
    found["limits_over_80"] = (peaks >= 0.8).sum(axis=1)
    found["days_to_limit"] = found[[f"days_to_limit_{name}" for name in metrics]].min(axis=1)
    return found
