"""By hand: how much an account uses, of what, and what it meets locked. One figure per active account."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.by_hand.raw import Raw

NEVER = 91  # days since use, for more than 90
USED = ("used", "trial")  # an event is one whether the feature was the plan's or on trial


def _sum(rows: pd.DataFrame, column: str, accounts: pd.Index) -> pd.Series:
    return rows.groupby("account_id")[column].sum().reindex(accounts).fillna(0)


def _different(rows: pd.DataFrame, column: str, accounts: pd.Index) -> pd.Series:
    return rows.groupby("account_id")[column].nunique().reindex(accounts).fillna(0)


def _kind(raw: Raw, kinds: tuple[str, ...], n: int) -> pd.DataFrame:
    rows = raw.within("usage", n)
    return rows[rows["kind"].isin(kinds)]


def use(raw: Raw, seats: pd.Series, plan: pd.Series, tenure: pd.Series) -> pd.DataFrame:
    """One row per active account: events, days, users, and how they moved. seats, plan, tenure in days: by account.

    Two windows of 28 days and eight weeks tell something of an account that was there for all of them: else null.
    """
    accounts = seats.index
    last, both, quarter = (_kind(raw, USED, n) for n in (28, 56, 90))
    before = both[both["used_on"] < raw.days(28)]
    found = pd.DataFrame(index=accounts)
    for n in (7, 28, 90):
        found[f"events_{n}d"] = _sum(_kind(raw, USED, n), "n_events", accounts)
    for n in (7, 28):
        found[f"active_days_{n}d"] = _different(_kind(raw, USED, n), "used_on", accounts)
    found["use_trend_8w"] = weekly_trend(raw, both, accounts).where(tenure >= 56)
    found["use_change_28d"] = _change(last, before, "n_events", accounts).where(tenure >= 56)
    found["users_change_28d"] = _change(last, before, "n_users", accounts).where(tenure >= 56)
    days = (raw.day - quarter.groupby("account_id")["used_on"].max()).dt.days
    found["days_since_use"] = days.reindex(accounts).fillna(NEVER)
    found["peak_users_28d"] = last.groupby("account_id")["n_users"].max().reindex(accounts).fillna(0)
    found["events_per_seat_28d"] = found["events_28d"] / seats.where(seats > 0)
    found["use_vs_peers"] = share_below(found["events_per_seat_28d"], plan)
    return found


def _change(last: pd.DataFrame, before: pd.DataFrame, column: str, accounts: pd.Index) -> pd.Series:
    base = _sum(before, column, accounts)
    return _sum(last, column, accounts) / base.where(base > 0) - 1


def weekly_trend(raw: Raw, rows: pd.DataFrame, accounts: pd.Index) -> pd.Series:
    """The slope of the straight line through the events of eight weeks of seven days, as a share of their mean."""
    week = (rows["used_on"] - raw.days(56)).dt.days // 7
    by_week = rows.groupby(["account_id", week])["n_events"].sum().unstack(fill_value=0)
    by_week = by_week.reindex(index=accounts, columns=range(8), fill_value=0)
    slope = np.polyfit(np.arange(8), by_week.to_numpy(dtype=float).T, 1)[0]
    mean = by_week.mean(axis=1)
    return pd.Series(slope, index=accounts) / mean.where(mean > 0)


def share_below(figure: pd.Series, plan: pd.Series) -> pd.Series:
    """The share of the other accounts on the same plan whose figure is lower."""
    found = pd.Series(np.nan, index=figure.index)
    for _, accounts in plan.groupby(plan).groups.items():
        values = figure[accounts].to_numpy()
        lower = (values[None, :] < values[:, None]).sum(axis=1)
        found[accounts] = lower / (len(values) - 1) if len(values) > 1 else np.nan
    return found


def adoption(raw: Raw, plan: pd.Series) -> pd.DataFrame:
    """One row per active account: which features it uses, and which it meets locked. plan: by account."""
    accounts, catalog = plan.index, raw.catalog
    of_plan = {p["id"]: set(p["features"]) for p in catalog["plans"]}
    tier = {p["tier"]: p["id"] for p in catalog["plans"]}
    opens = {  # what the plan of the next tier adds
        p["id"]: of_plan[tier[p["tier"] + 1]] - of_plan[p["id"]] if p["tier"] + 1 in tier else set[str]()
        for p in catalog["plans"]
    }
    core = {f["id"] for f in catalog["features"] if f.get("is_core")}
    used, gated, trial = (_kind(raw, kind, 28) for kind in (("used",), ("gated",), ("trial",)))
    found = pd.DataFrame(index=accounts)
    found["features_used_28d"] = _different(used, "feature", accounts)
    found["plan_features_used_28d"] = _different(_among(used, plan, of_plan), "feature", accounts)
    found["core_features_used_28d"] = _different(used[used["feature"].isin(core)], "feature", accounts)
    days = used.groupby(["account_id", "feature"])["used_on"].nunique()
    found["deep_features_28d"] = (days >= 3 * 4).groupby("account_id").sum().reindex(accounts).fillna(0)
    found["gated_events_28d"] = _sum(gated, "n_events", accounts)
    found["gated_next_plan_28d"] = _sum(_among(gated, plan, opens), "n_events", accounts)
    found["gated_features_90d"] = _different(_kind(raw, ("gated",), 90), "feature", accounts)
    tried = trial.groupby(["account_id", "feature"])["used_on"].nunique()
    found["trial_days_28d"] = tried.groupby("account_id").max().reindex(accounts).fillna(0)
    for add_on in catalog["add_ons"]:
        if add_on.get("features"):
            meets = gated[gated["feature"].isin(add_on["features"])]
            found[f"gated_{add_on['id']}_28d"] = _sum(meets, "n_events", accounts)
    first = raw["first_used"]
    found["features_new_28d"] = _different(first[first["used_on"] >= raw.days(28)], "feature", accounts)
    found["adoption_rate"] = found["plan_features_used_28d"] / plan.map(lambda p: len(of_plan[p]))
    found["core_adoption_rate"] = found["core_features_used_28d"] / len(core)
    found["adoption_vs_peers"] = share_below(found["plan_features_used_28d"], plan)
    return found


def _among(rows: pd.DataFrame, plan: pd.Series, features: dict[str, set[str]]) -> pd.DataFrame:
    """The rows whose feature is among those of the account's plan."""
    of = rows["account_id"].map(plan)
    kept = [p in features and f in features[p] for p, f in zip(of, rows["feature"], strict=True)]
    return rows[kept]
