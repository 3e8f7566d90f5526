"""What an account took lately as a column for each offer: how much more readily its products are added after that."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from data.catalog import Catalog
from models.product_runs import DAY, added_by, runs
from models.together import pairs
from models.together_settings import Combine

PREFIX = "together_lift."


def with_lifts(
    accounts: pd.DataFrame, subscriptions: pd.DataFrame, catalog: Catalog, settings: Combine | None = None
) -> pd.DataFrame:
    """`accounts` and beside them a column `together_lift.<offer_id>` for each offer that adds a product.

    The logarithm of models/together.py's shrunk lift; 0 where nothing is known that speaks for or against. Of what the
    account took within `within_days` before as_of, the one after which a product is added most unlike as by its peers;
    of several products, the mean. accounts: account_id, as_of, plan_id. subscriptions: as staged, with `known_on`.

    Point in time: what the account took is read before as_of; pairs are learnt from what was known before the first
    day of as_of's quarter, so that no row helps to say what follows it, and a company's months need not all be learnt.
    """
    settings = settings or Combine()
    offers = [o for o in catalog.offers if any(added_by(o, plan.id, catalog) for plan in catalog.plans)]
    found = {PREFIX + offer.id: np.zeros(len(accounts)) for offer in offers}
    days = pd.to_datetime(accounts["as_of"])
    for quarter, of_quarter in days.groupby(days.dt.to_period("Q"), sort=True):
        known = pairs(subscriptions, catalog, until=quarter.start_time, settings=settings)
        lift = dict(zip(zip(known["taken"], known["then"], strict=True), np.log(known["shrunk_lift"]), strict=True))
        for day in of_quarter.unique() if lift else ():
            lately = _took_lately(subscriptions, day, settings)
            at = np.flatnonzero((days == day).to_numpy() & accounts["account_id"].isin(lately.index).to_numpy())
            took = lately.loc[accounts["account_id"].iloc[at]]
            plans = accounts["plan_id"].iloc[at]
            for offer in offers:
                adds = {plan: added_by(offer, plan, catalog) for plan in plans.unique()}
                column = found[PREFIX + offer.id]
                column[at] = [_strongest(t, adds[plan], lift) for t, plan in zip(took, plans, strict=True)]
    return accounts.assign(**found)


def _took_lately(subscriptions: pd.DataFrame, day: pd.Timestamp, settings: Combine) -> pd.Series:
    """By account, the products that it began to run within `within_days` before the day, its first ones left out."""
    known = runs(subscriptions, until=day)
    lately = known[(known["started_on"] >= day - settings.within_days * DAY) & ~known["is_first"]]
    return lately.groupby("account_id")["product_id"].agg(tuple)


def _strongest(took: Sequence[str], products: Sequence[str], lift: Mapping[tuple[str, str], float]) -> float:
    if not products:
        return 0.0
    each = [max((lift.get((taken, then), 0.0) for taken in took), key=abs) for then in products]
    return float(np.mean(each))
