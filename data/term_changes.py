"""What changed in an account's terms, and when: its plan, its seats, its add-ons, its billing."""

import pandas as pd

from data.catalog import Catalog

KINDS = ("started", "moved", "left", "seats", "added", "dropped", "billing")


def changes(subscriptions: pd.DataFrame, catalog: Catalog) -> pd.DataFrame:
    """One row per change: account_id, on, kind (of KINDS), what and was (ids), before and after (seats).

    subscriptions: the rows as they were known, an end that had not come yet being null. The plan is the running one of
    the highest tier, as everywhere; a new price alone is no change of terms.

    >>> plans = [{"id": i, "name": i, "tier": t, "price_per_month": 0, "price_per_seat": 0, "features": []}
    ...          for t, i in enumerate(("free", "pro"))]
    >>> catalog = Catalog(currency="EUR", metrics=[], features=[], plans=plans, offers=[])
    >>> rows = pd.DataFrame({"account_id": "a", "product_id": ["free", "pro"], "quantity": [3.0, 5.0],
    ...     "billing": "monthly", "valid_from_on": pd.to_datetime(["2025-01-01", "2025-03-01"]),
    ...     "valid_to_on": pd.to_datetime(["2025-03-01", None])})
    >>> found = changes(rows, catalog).astype(object).fillna("-")
    >>> found[["kind", "what", "was", "before", "after"]].values.tolist()
    [['started', 'free', '-', '-', 3.0], ['moved', 'pro', 'free', '-', '-'], ['seats', '-', '-', 3.0, 5.0]]
    """
    now = _terms(subscriptions, catalog)
    # before an account's first day there were no terms
    then = now.groupby("account_id", sort=False)[["plan", "seats", "billing", "add_ons"]].shift()
    had, has = then["plan"].notna(), now["plan"].notna()
    both = had & has

    def rows(kind: str, where: pd.Series, **columns: pd.Series) -> pd.DataFrame:
        return now.loc[where, ["account_id", "on"]].assign(kind=kind, **{n: c[where] for n, c in columns.items()})

    found = [
        rows("started", has & ~had, what=now["plan"], after=now["seats"]),
        rows("moved", both & (now["plan"] != then["plan"]), what=now["plan"], was=then["plan"]),
        rows("left", had & ~has, was=then["plan"]),
        rows("seats", both & (now["seats"] != then["seats"]), before=then["seats"], after=now["seats"]),
        rows("billing", both & (now["billing"] != then["billing"]), what=now["billing"], was=then["billing"]),
    ]
    for add_on in sorted(a.id for a in catalog.add_ons):
        runs, ran = (_holds(terms["add_ons"], add_on) for terms in (now, then))
        found.append(rows("added", runs & ~ran, what=pd.Series(add_on, now.index)))
        found.append(rows("dropped", ran & ~runs & has, what=pd.Series(add_on, now.index)))
    columns = ["account_id", "on", "kind", "what", "was", "before", "after"]
    every = pd.concat(found, ignore_index=True).reindex(columns=columns)
    order = every["kind"].map(KINDS.index)
    return every.assign(order=order).sort_values(
        ["account_id", "on", "order", "what"], kind="stable", ignore_index=True
    )[columns]  # fmt: skip


def _terms(subscriptions: pd.DataFrame, catalog: Catalog) -> pd.DataFrame:
    """One row per (account_id, on), a day on which a period begins or ends: plan, seats, billing, add_ons (ids, a space
    between) that run from then on; a plan of null is none."""
    tiers = {plan.id: plan.tier for plan in catalog.plans}
    periods = subscriptions.assign(
        valid_from_on=pd.to_datetime(subscriptions["valid_from_on"]).astype("datetime64[us]"),
        valid_to_on=pd.to_datetime(subscriptions["valid_to_on"]).astype("datetime64[us]"),
        tier=subscriptions["product_id"].map(tiers),
    )
    edges = [
        periods[["account_id", day]].set_axis(["account_id", "on"], axis=1) for day in ("valid_from_on", "valid_to_on")
    ]
    days = pd.concat(edges).dropna().drop_duplicates().sort_values(["account_id", "on"], ignore_index=True)
    rows = days.merge(periods, on="account_id")
    rows = rows[(rows["valid_from_on"] <= rows["on"]) & ~(rows["valid_to_on"] <= rows["on"])]
    key = ["account_id", "on"]
    plans = rows[rows["tier"].notna()].sort_values([*key, "tier", "valid_from_on", "product_id"], kind="stable")
    running = plans.groupby(key, sort=True).agg(
        plan=("product_id", "last"), seats=("quantity", "sum"), billing=("billing", "last")
    )
    others = rows[rows["tier"].isna()].sort_values([*key, "product_id"], kind="stable")
    add_ons = others.groupby(key, sort=True)["product_id"].agg(" ".join).rename("add_ons")
    terms = days.set_index(key).join(running).join(add_ons).reset_index()
    return terms.assign(add_ons=terms["add_ons"].fillna("").astype(str))


def _holds(held: pd.Series, add_on: str) -> pd.Series:
    return held.fillna("").map(lambda ids: add_on in ids.split(" "))
