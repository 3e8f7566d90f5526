"""The best way to make each offer: by which channel, at which step of discount, and what that earns.

    priority = uplift × context × value × lever − harm − contact cost

A factor that is switched off (`decide.factors`) counts as 1, a cost as 0. `expected_arr` is the same with every factor
that is on and no lever: what is expected, before anybody weighs it on purpose.
"""

import numpy as np
import pandas as pd

from data.catalog import Catalog, Offer
from decisions.settings import Decide

KEY = ["account_id", "offer_id"]
COLUMNS = (
    "account_id", "offer_id", "channel", "discount_pct", "p_accept", "p_organic", "uplift", "value", "context", "harm",
    "lever", "contact_cost", "expected_arr", "priority", "se",
)  # fmt: skip


def margin_pct(discount_pct: float, gross_margin_pct: float) -> float:
    """Of what is still paid for the added MRR, the share that is left after the cost of serving it.

    >>> margin_pct(0, 80), round(margin_pct(50, 80), 1)
    (80.0, 60.0)
    """
    paid = 1 - discount_pct / 100
    return 100 * (1 - (1 - gross_margin_pct / 100) / paid) if paid > 0 else float("-inf")


def steps_above_floor(offer: Offer, gross_margin_pct: float) -> list[float]:
    """The steps of discount that leave the offer's margin floor standing.

    Help that gives no discount adds nothing to the bill, and has no margin to hold a floor to.

    >>> deal = Offer(id="x", kind="seats", name="x", channels=["csm"],
    ...     discounts={"steps_pct": [0, 10, 50], "min_margin_pct": 70})
    >>> steps_above_floor(deal, 80)
    [0.0, 10.0]
    """
    floor = offer.discounts.min_margin_pct
    is_free = offer.is_help
    return [
        step
        for step in offer.discounts.steps_pct
        if margin_pct(step, gross_margin_pct) >= floor or (is_free and step == 0)
    ]


def priced(menu: pd.DataFrame, catalog: Catalog, money: Decide) -> pd.DataFrame:
    """The menu with `lever`, `contact_cost`, `expected_arr` and `priority` beside each way; same rows and order."""
    on = money.factors
    kinds = {offer.id: offer.kind for offer in catalog.offers}
    costs = {offer.id: offer.contact_cost for offer in catalog.offers}
    lever = menu["offer_id"].map({name: money.levers.get(kind, 1.0) for name, kind in kinds.items()})
    cost = menu["offer_id"].map(costs).astype("float64")
    gain = pd.Series(1.0, index=menu.index)
    for name in ("uplift", "context", "value"):
        if getattr(on, name):
            gain = gain * menu[name]
    taken = (menu["harm"] if on.harm else 0.0) + (cost if on.contact_cost else 0.0)
    weighed = gain * lever if on.levers else gain
    return menu.assign(
        lever=lever.astype("float64"), contact_cost=cost, expected_arr=gain - taken, priority=weighed - taken
    )


def best_ways(menu: pd.DataFrame, is_open: pd.DataFrame, catalog: Catalog, money: Decide) -> pd.DataFrame:
    """One row per (account_id, offer_id) of the menu: the way of highest priority; of equals, the least discount.

    menu: one row per account × offer × channel × discount step, with what is expected of each (models/response.py).
    is_open: a column per channel: whether it may still be used, indexed by account_id. Where none of an offer's
    channels may, all stand: a gate tells so. Steps below the margin floor are never taken; an offer all of whose steps
    are below it has no row.
    """
    allowed = {(o.id, step) for o in catalog.offers for step in steps_above_floor(o, money.gross_margin_pct)}
    place = {(o.id, channel): i for o in catalog.offers for i, channel in enumerate(o.channels)}
    pairs = zip(menu["offer_id"], menu["discount_pct"], strict=True)
    rows = priced(menu[[pair in allowed for pair in pairs]], catalog, money)
    stacked = is_open.stack()
    asked = pd.MultiIndex.from_arrays([rows["account_id"], rows["channel"]])
    shut = ~stacked.reindex(asked).fillna(True).to_numpy(dtype=bool)
    any_open = pd.Series(~shut, index=rows.index).groupby([rows["account_id"], rows["offer_id"]]).transform("any")
    rows = rows.assign(
        shut=shut & any_open.to_numpy(),
        by=-rows["priority"].round(6),
        place=[place.get(pair, 99) for pair in zip(rows["offer_id"], rows["channel"], strict=True)],
    )
    order = rows.sort_values([*KEY, "shut", "by", "discount_pct", "place"], kind="stable")
    return order.drop_duplicates(KEY)[list(COLUMNS)].reset_index(drop=True)


def by_propensity(
    accounts: pd.DataFrame, offer: Offer, yearly: pd.Series, channel: pd.Series, money: Decide
) -> pd.DataFrame:
    """The stand-in where the response to offers is not learnt: propensity × value, at the smallest step.

    p_accept, p_organic and uplift stay null rather than pretend. One row per row of `accounts`.
    """
    step = min(steps_above_floor(offer, money.gross_margin_pct), default=float("nan"))
    lever = money.levers.get(offer.kind, 1.0)
    value = yearly * (1 - step / 100)
    expected = accounts["propensity"] * value
    return pd.DataFrame(
        {
            "account_id": accounts["account_id"], "offer_id": offer.id, "channel": channel, "discount_pct": step,
            "p_accept": np.nan, "p_organic": np.nan, "uplift": np.nan, "value": value, "context": 1.0, "harm": 0.0,
            "lever": lever, "contact_cost": offer.contact_cost, "expected_arr": expected - offer.contact_cost,
            "priority": expected * lever - offer.contact_cost, "se": np.nan,
        }
    )  # fmt: skip
