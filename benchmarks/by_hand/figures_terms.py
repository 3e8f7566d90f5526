"""By hand: what an account has bought and since when. Each function gives one figure per active account."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.by_hand.raw import Raw

TERM_MONTHS = {"monthly": 1, "annual": 12}


def tiers(raw: Raw) -> dict[str, int]:
    """The tier of each plan by its id."""
    return {plan["id"]: plan["tier"] for plan in raw.catalog["plans"]}


def running(raw: Raw, n_days_ago: int = 0) -> pd.DataFrame:
    """The subscriptions that ran as far as was known `n_days_ago` days ago: those begun before and not ended before."""
    rows, day = raw["subscriptions"], raw.days(n_days_ago)
    return rows[(rows["valid_from_on"] < day) & ~(rows["valid_to_on"] < day)]


def plans_of(raw: Raw, rows: pd.DataFrame) -> pd.DataFrame:
    """One row per account with a plan among `rows`: its row of the highest tier."""
    tier = rows["product_id"].map(tiers(raw))
    rows = rows.assign(tier=tier)[tier.notna()]
    return rows.sort_values("tier").drop_duplicates("account_id", keep="last").set_index("account_id").sort_index()


def seats_of(raw: Raw, rows: pd.DataFrame) -> pd.Series:
    """Seats by account: the quantities of the plans among `rows`."""
    return rows[rows["product_id"].isin(tiers(raw))].groupby("account_id")["quantity"].sum()


def mrr_of(rows: pd.DataFrame) -> pd.Series:
    """Money per month by account: all that is among `rows`, add-ons included."""
    return rows.groupby("account_id")["mrr"].sum()


def commerce(raw: Raw) -> pd.DataFrame:
    """One row per active account: everything that subscriptions alone tell."""
    now, before = running(raw), running(raw, 180)
    plan = plans_of(raw, now)
    found = pd.DataFrame(index=plan.index)
    found["plan_id"] = plan["product_id"]
    found["plan_tier"] = plan["tier"]
    found["billing"] = plan["billing"]
    found["seats"] = seats_of(raw, now)
    found["mrr"] = mrr_of(now)
    found["mrr_per_seat"] = found["mrr"] / found["seats"]
    weighted = (now["mrr"] * now["discount_pct"]).groupby(now["account_id"]).sum()
    found["current_discount_pct"] = (weighted / found["mrr"].where(found["mrr"] > 0)).reindex(found.index).fillna(0)
    add_ons = now[~now["product_id"].isin(tiers(raw))]
    found["n_add_ons"] = add_ons.groupby("account_id")["product_id"].nunique()
    found["n_add_ons"] = found["n_add_ons"].fillna(0)
    found["seats_change_180d"] = found["seats"] / seats_of(raw, before) - 1
    paid = mrr_of(before[before["account_id"].isin(plans_of(raw, before).index)])
    found["mrr_change_180d"] = found["mrr"] / paid[paid > 0] - 1
    found["days_to_renewal"] = days_to_renewal(raw, plan)
    return found.join(changes(raw)).join(steps(raw))


def days_to_renewal(raw: Raw, plan: pd.DataFrame) -> pd.Series:
    """Days until the plan's next renewal: whole terms away from the one that its row names."""

    def next_on(renews_on: pd.Timestamp, months: int) -> pd.Timestamp:
        apart = (raw.day.year - renews_on.year) * 12 + raw.day.month - renews_on.month
        k = apart // months - 1
        while renews_on + pd.DateOffset(months=k * months) < raw.day:
            k += 1
        return renews_on + pd.DateOffset(months=k * months)

    rows = plan[plan["renews_on"].notna()]
    months = rows["billing"].map(TERM_MONTHS)
    found = [(next_on(on, n) - raw.day).days for on, n in zip(rows["renews_on"], months, strict=True)]
    return pd.Series(found, index=rows.index, dtype="float64")


def changes(raw: Raw) -> pd.DataFrame:
    """By account: `term_changes_365d`, how many products began, or went on with another quantity or billing, in the
    last 365 days (the first day of all is none; nor is another price alone); and `days_since_term_change`, since one
    of them began, went on so or ended."""
    key = ["account_id", "product_id", "quantity", "billing"]
    rows = raw["subscriptions"]
    begun = {*rows[[*key, "valid_from_on"]].itertuples(index=False, name=None)}
    ended = {*rows[[*key, "valid_to_on"]].itertuples(index=False, name=None)}
    starts = rows[[row not in ended for row in rows[[*key, "valid_from_on"]].itertuples(index=False, name=None)]]
    stops = rows[[row not in begun for row in rows[[*key, "valid_to_on"]].itertuples(index=False, name=None)]]
    stops = stops[stops["valid_to_on"] < raw.day]
    first = starts["account_id"].map(rows.groupby("account_id")["valid_from_on"].min())
    late = starts[(starts["valid_from_on"] > first) & (starts["valid_from_on"] >= raw.days(365))]
    days = pd.concat([starts.set_index("account_id")["valid_from_on"], stops.set_index("account_id")["valid_to_on"]])
    since = (raw.day - days.groupby(level=0).max()).dt.days
    count = late.groupby("account_id").size().reindex(since.index).fillna(0)
    return pd.DataFrame({"term_changes_365d": count, "days_since_term_change": since})


def steps(raw: Raw) -> pd.DataFrame:
    """By account: how often a plan was followed by one of a higher tier (`upgrades`) or a lower one (`downgrades`)."""
    rows = raw["subscriptions"]
    rows = rows.assign(tier=rows["product_id"].map(tiers(raw))).dropna(subset="tier")
    rows = rows.sort_values(["account_id", "valid_from_on"])
    step = rows.groupby("account_id")["tier"].diff()
    by = rows["account_id"]
    return pd.DataFrame({"upgrades": (step > 0).groupby(by).sum(), "downgrades": (step < 0).groupby(by).sum()})


def profile(raw: Raw, accounts: pd.Index) -> pd.DataFrame:
    """One row per account: attributes as they last changed before the day, or as signed up with; and its age."""
    now = raw["accounts"].set_index("account_id").reindex(accounts)
    found = pd.DataFrame({"industry": now["industry"], "region": now["region"]}, index=accounts)
    found["employee_count"] = pd.to_numeric(attribute(raw, "employee_count")).reindex(accounts)
    sentiment = attribute(raw, "csm_sentiment").map({"red": 0, "yellow": 1, "green": 2})
    found["csm_sentiment_level"] = sentiment.reindex(accounts)
    found["tenure_days"] = (raw.day - now["signed_up_on"]).dt.days
    core = [f["id"] for f in raw.catalog["features"] if f.get("is_core")]
    first = raw["first_used"]
    first = first[first["feature"].isin(core)].sort_values(["account_id", "used_on"])
    nth = first.groupby("account_id")["used_on"].nth(int(np.ceil(len(core) / 2)) - 1)  # the day of half of them
    reached = pd.Series(nth.to_numpy(), index=first.loc[nth.index, "account_id"])
    found["days_to_first_value"] = (reached.reindex(accounts) - now["signed_up_on"]).dt.days
    return found


def attribute(raw: Raw, field: str) -> pd.Series:
    """By account: the value that an attribute last took before the day."""
    rows = raw["account_changes"]
    rows = rows[rows["field"] == field].sort_values("changed_at", kind="stable")
    return rows.drop_duplicates("account_id", keep="last").set_index("account_id")["value"]
