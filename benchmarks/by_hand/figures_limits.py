"""By hand: how close an account is to what it may use. Shares of a limit, and days; one figure per active account."""

from __future__ import annotations

import pandas as pd

from benchmarks.by_hand.raw import Raw

MOST_DAYS = 365
DAYS_A_MONTH = 365.25 / 12


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


def days_until(room: pd.Series, gain: pd.Series) -> pd.Series:
    """Days until no room is left at a gain a day: 0 where none is, at most a year; null without either."""
    days = (room / gain.where(gain > 0)).clip(upper=MOST_DAYS).fillna(MOST_DAYS)
    return days.where(room > 0, 0.0).where(room.notna() & gain.notna())


def gauge_days(raw: Raw, level: pd.DataFrame, limit: pd.Series) -> pd.Series:
    """Days until a gauge is at its limit, along the straight line through the levels of 28 days (two at the least)."""
    x, by = (level["measured_on"] - raw.days(28)).dt.days, level["account_id"]
    dx, dy = (values - values.groupby(by).transform("mean") for values in (x, level["level"]))
    spread = (dx * dx).groupby(by).sum()
    gain = (dx * dy).groupby(by).sum() / spread.where(spread > 0)
    return days_until(limit - level.groupby("account_id")["level"].last(), gain.reindex(limit.index))


def counter_days(raw: Raw, level: pd.DataFrame, limit: pd.Series) -> pd.Series:
    """Days until a month counts as much as its limit; a counter begins every month at nothing.

    Its pace is that of the last 28 days. None where the month last counted is there already. Where the pace fills a
    month, what this month still lacks at that pace. Else as long as the pace takes to grow to that, growing as it has
    since the 28 days before, but no less than a month.
    """
    by = level["account_id"]

    def total(first: int, last: int) -> pd.Series:
        of_days = (level["measured_on"] >= raw.days(first)) & (level["measured_on"] < raw.days(last))
        return level["value"].where(of_days, 0).groupby(by).sum().reindex(limit.index)

    pace, gain = total(28, 0) / 28, (total(28, 0) - total(56, 28)) / 28 / 28
    so_far = total(raw.day.day - 1, 0)
    days = days_until(limit - pace * DAYS_A_MONTH, gain * DAYS_A_MONTH)
    fills = pace * DAYS_A_MONTH >= limit
    days = days.clip(lower=DAYS_A_MONTH).where(~fills, (limit - so_far) / pace)
    is_measured = level["measured_on"].groupby(by).max().reindex(limit.index) >= raw.days(28)
    reached = level.groupby("account_id")["level"].last().reindex(limit.index) >= limit
    return days.where(~reached, 0.0).where(is_measured & limit.notna())


def headroom(raw: Raw, plan: pd.Series, seats: pd.Series, running: pd.DataFrame) -> pd.DataFrame:
    """One row per active account: each metric's latest and highest level as a share of its limit, and the days left."""
    found = pd.DataFrame(index=plan.index)
    metrics = [metric["id"] for metric in raw.catalog["metrics"]]
    for metric in raw.catalog["metrics"]:
        name, is_gauge = metric["id"], metric["kind"] == "gauge"
        limit = limits(raw, name, plan, seats, running)
        everything = levels(raw, name, metric["kind"])
        level = everything[everything["measured_on"] >= raw.days(28)]
        by = level.groupby("account_id")["level"]
        found[f"limit_{name}_latest"] = by.last().reindex(plan.index) / limit
        found[f"limit_{name}_peak_28d"] = by.max().reindex(plan.index) / limit
        days = gauge_days(raw, level, limit) if is_gauge else counter_days(raw, everything, limit)
        found[f"days_to_limit_{name}"] = days.reindex(plan.index)
    peaks = found[[f"limit_{name}_peak_28d" for name in metrics]]
    found["limit_peak"] = peaks.max(axis=1)
    found["limits_over_80"] = (peaks >= 0.8).sum(axis=1)
    found["days_to_limit"] = found[[f"days_to_limit_{name}" for name in metrics]].min(axis=1)
    return found
