"""The features in pandas, a snapshot at a time: what a data scientist would write first."""

import pandas as pd

from benchmarks.by_hand.question import DEEP_DAYS, FAR_DAYS, Question


def features(usage: pd.DataFrame, meters: pd.DataFrame, asked: Question) -> pd.DataFrame:
    """One row per (account_id, as_of) of the metered accounts. Meters are in the order of their days."""
    usage = usage.assign(used_on=pd.to_datetime(usage["used_on"]))
    meters = meters.assign(measured_on=pd.to_datetime(meters["measured_on"]))
    accounts = pd.Index(meters["account_id"].unique(), name="account_id")
    found = []
    for day in asked.as_ofs:
        as_of = pd.Timestamp(day)
        columns = {**_use(usage, as_of, asked), **_level(meters, as_of, asked)}
        rows = pd.DataFrame(columns).reindex(accounts).fillna(asked.empty()).reset_index()
        found.append(rows.assign(as_of=as_of))
    return pd.concat(found, ignore_index=True)


def _use(usage: pd.DataFrame, as_of: pd.Timestamp, asked: Question) -> dict[str, pd.Series]:
    u = usage[(usage["used_on"] < as_of) & (usage["used_on"] >= as_of - pd.Timedelta(days=90))]
    u = u.assign(age=(as_of - u["used_on"]).dt.days)
    gated, used = u[u["kind"] == "gated"], u[u["kind"] != "gated"]
    by = used.groupby("account_id")
    found = {"events_90d": by["n_events"].sum(), "days_since_use": by["age"].min()}
    for days in (7, 28):
        lately = used[used["age"] <= days].groupby("account_id")
        found |= {f"events_{days}d": lately["n_events"].sum(), f"active_days_{days}d": lately["used_on"].nunique()}
    month, before = used[used["age"] <= 28], used[(used["age"] > 28) & (used["age"] <= 56)]
    weekly = used[used["age"] <= 56]
    weekly = weekly.assign(x=weekly["n_events"] * (3.5 - (weekly["age"] - 1) // 7)).groupby("account_id")
    found["use_trend_8w"] = weekly["x"].sum() / 42 / (weekly["n_events"].sum() / 8)
    now, then = month.groupby("account_id"), before.groupby("account_id")
    earlier = then["n_events"].sum()
    found["use_change_28d"] = now["n_events"].sum().reindex(earlier.index, fill_value=0) / earlier - 1
    earlier = then["n_users"].sum()
    found["users_change_28d"] = now["n_users"].sum().reindex(earlier.index, fill_value=0) / earlier - 1
    found["peak_users_28d"] = now["n_users"].max()
    days_of = month[month["kind"] == "used"].groupby(["account_id", "feature"])["used_on"].nunique()
    found["deep_features_28d"] = (days_of >= DEEP_DAYS).groupby("account_id").sum()
    of = days_of.index.get_level_values("feature")
    for name, among in (("", of == of), ("plan_", of.isin(asked.in_plan)), ("core_", of.isin(asked.core))):
        found[f"{name}features_used_28d"] = days_of[among].groupby("account_id").size()
    gated_month = gated[gated["age"] <= 28]
    found["gated_events_28d"] = gated_month.groupby("account_id")["n_events"].sum()
    for name, opened in (("next_plan", asked.next_plan), *asked.add_ons.items()):
        of_it = gated_month[gated_month["feature"].isin(opened)]
        found[f"gated_{name}_28d"] = of_it.groupby("account_id")["n_events"].sum()
    found["gated_features_90d"] = gated.groupby("account_id")["feature"].nunique()
    trial = month[month["kind"] == "trial"].groupby(["account_id", "feature"])["used_on"].nunique()
    found["trial_days_28d"] = trial.groupby("account_id").max()
    return found


def _level(meters: pd.DataFrame, as_of: pd.Timestamp, asked: Question) -> dict[str, pd.Series]:
    m = meters[(meters["measured_on"] < as_of) & (meters["measured_on"] >= as_of - pd.Timedelta(days=28))]
    m = m.assign(n=1, x=-(as_of - m["measured_on"]).dt.days)
    m = m.assign(xy=m["x"] * m["value"], xx=m["x"] ** 2)
    by = m.groupby("account_id")
    g = by[["n", "x", "value", "xy", "xx"]].sum()
    slope = (g["n"] * g["xy"] - g["x"] * g["value"]) / (g["n"] * g["xx"] - g["x"] ** 2)
    latest, peak = by["value"].last(), by["value"].max()
    days = ((asked.limit - latest) / slope.where(slope > 0)).fillna(FAR_DAYS).clip(0, FAR_DAYS)
    name = asked.metric
    return {
        f"{name}_latest": latest,
        f"{name}_peak": peak,
        f"{name}_slope": slope,
        f"limit_{name}_latest": latest / asked.limit,
        f"limit_{name}_peak_28d": peak / asked.limit,
        f"days_to_limit_{name}": days.where(latest < asked.limit, 0).where(slope.notna()),
    }
