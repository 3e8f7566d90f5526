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


def gauge_trend(raw: Raw, level: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """By account: the latest level of 28 days, and what the straight line through them gains a day (null for one)."""
    x = (level["measured_on"] - raw.days(28)).dt.days
    by = level["account_id"]
    dx, dy = x - x.groupby(by).transform("mean"), level["level"] - level["level"].groupby(by).transform("mean")
    spread = (dx * dx).groupby(by).sum()
    return level.groupby("account_id")["level"].last(), (dx * dy).groupby(by).sum() / spread.where(spread > 0)


def counter_trend(raw: Raw, rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """By account: what a month counts at the pace of the last 28 days, and what that has gained a day on the 28 before."""
    late = rows["measured_on"] >= raw.days(28)
    early = ~late & (rows["measured_on"] >= raw.days(56))
    last, before = (rows["value"].where(which, 0).groupby(rows["account_id"]).sum() for which in (late, early))
    month = DAYS_A_MONTH / 28
    return (last * month).where(late.groupby(rows["account_id"]).any()), (last - before) * month / 28


def days_until(limit: pd.Series, level: pd.Series, gain: pd.Series) -> pd.Series:
    """Days until the limit at a gain a day: none where it is reached, at most a year; null without level or gain."""
    room = limit - level.reindex(limit.index)
    gain = gain.reindex(limit.index)
    days = (room / gain.where(gain > 0)).clip(upper=MOST_DAYS).fillna(MOST_DAYS)
    return days.where(room > 0, 0.0).where(room.notna() & gain.notna())


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
        counts = metric["kind"] == "monthly_counter"
        meters = raw["meters"]
        trend = counter_trend(raw, meters[meters["metric"] == name]) if counts else gauge_trend(raw, level)
        found[f"days_to_limit_{name}"] = days_until(limit, *trend)
    peaks = found[[f"limit_{name}_peak_28d" for name in metrics]]
    found["limit_peak"] = peaks.max(axis=1)
    found["limits_over_80"] = (peaks >= 0.8).sum(axis=1)
    found["days_to_limit"] = found[[f"days_to_limit_{name}" for name in metrics]].min(axis=1)
    return found
