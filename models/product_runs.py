"""Since when an account runs a product, and until when: changes of terms in between are no new purchase."""

import pandas as pd

from data.catalog import Catalog, Offer

DAY = pd.Timedelta(days=1)
FOR_EVER = pd.Timestamp("2262-01-01")


def runs(subscriptions: pd.DataFrame, *, until: pd.Timestamp) -> pd.DataFrame:
    """One row per (account_id, product_id, started_on): `ended_on`, and `is_first`, of the account's first day.

    Of what was known before `until`; an end that comes later is not known, and the run goes on. Periods of one product
    that touch are one run.

    >>> rows = pd.DataFrame({"account_id": "a", "product_id": ["pro", "pro", "api"],
    ...     "valid_from_on": pd.to_datetime(["2025-01-01", "2025-03-01", "2025-02-01"]),
    ...     "valid_to_on": pd.to_datetime(["2025-03-01", None, "2025-02-09"]),
    ...     "known_on": pd.to_datetime(["2025-01-01", "2025-03-01", "2025-02-01"])})
    >>> runs(rows, until=pd.Timestamp("2025-02-05"))[["product_id", "started_on", "is_first"]].values.tolist()
    [['api', Timestamp('2025-02-01 00:00:00'), False], ['pro', Timestamp('2025-01-01 00:00:00'), True]]
    """
    known = subscriptions[pd.to_datetime(subscriptions["known_on"]) < until]
    rows = pd.DataFrame(
        {
            "account_id": known["account_id"],
            "product_id": known["product_id"],
            "started_on": pd.to_datetime(known["valid_from_on"]).astype("datetime64[us]"),
            "ended_on": pd.to_datetime(known["valid_to_on"]).astype("datetime64[us]"),
        }
    )
    rows["ended_on"] = rows["ended_on"].where(rows["ended_on"] < until, FOR_EVER)
    rows = rows.sort_values(["account_id", "product_id", "started_on", "ended_on"], kind="stable", ignore_index=True)
    mine = rows.groupby(["account_id", "product_id"], sort=False)
    before = mine["ended_on"].cummax().groupby([rows["account_id"], rows["product_id"]], sort=False).shift()
    run = (before.isna() | (rows["started_on"] > before)).cumsum()
    found = rows.groupby(run.to_numpy(), sort=False).agg(
        account_id=("account_id", "first"),
        product_id=("product_id", "first"),
        started_on=("started_on", "min"),
        ended_on=("ended_on", "max"),
    )
    first = found.groupby("account_id")["started_on"].transform("min")
    return found.assign(is_first=found["started_on"] == first).reset_index(drop=True)


def added_by(offer: Offer, plan_id: str, catalog: Catalog) -> tuple[str, ...]:
    """The products that the offer adds for an account on this plan, a plan before add-ons; none where it adds none.

    >>> offer = Offer(id="up", kind="upgrade", name="Up", channels=["csm"], changes={"tier": 1})
    >>> plans = [{"id": i, "name": i, "tier": t, "price_per_month": 0, "price_per_seat": 0, "features": []}
    ...          for t, i in enumerate(("free", "pro"))]
    >>> catalog = Catalog(currency="EUR", metrics=[], features=[], plans=plans, offers=[offer])
    >>> added_by(offer, "free", catalog), added_by(offer, "pro", catalog)
    (('pro',), ())
    """
    changes = offer.changes
    if changes.trial_of:
        changes = next(other for other in catalog.offers if other.id == changes.trial_of).changes
    if (changes.tier or 0) < 0:
        return ()
    above = catalog.plan_beside(plan_id, 1) if changes.tier else None
    if changes.tier and above is None:
        return ()
    return ((above.id,) if above else ()) + tuple(changes.add_ons)
