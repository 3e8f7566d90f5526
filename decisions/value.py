"""What an offer is worth if accepted: the MRR that it adds, at list prices less the account's discount."""

import numpy as np
import pandas as pd

from data.catalog import AddOn, Catalog, Offer, Plan


def monthly_price(product: Plan | AddOn, seats: pd.Series) -> pd.Series:
    """List price per month for so many seats."""
    return product.price_per_month + product.price_per_seat * seats


def is_possible(offer: Offer, accounts: pd.DataFrame, catalog: Catalog) -> pd.Series:
    """Whether the offer can change anything: a plan above (or below), an add-on not yet bought, another billing.

    An add-on whose features and limits the plan already holds adds nothing, and is not possible either.
    """
    possible = pd.Series(True, index=accounts.index)
    changes = _changes(offer, catalog)
    if changes.tier:
        reachable = {p.id for p in catalog.plans if catalog.plan_beside(p.id, changes.tier)}
        possible &= accounts["plan_id"].isin(reachable)
    for add_on in (catalog.products[a] for a in changes.add_ons):
        possible &= ~owns(accounts, add_on.id) & accounts["plan_id"].isin(
            _plans_that_gain(add_on, catalog, changes.tier or 0)
        )
    if changes.billing:
        possible &= accounts["billing"] != changes.billing
    if changes.seats_pct:
        per_seat = {p.id for p in catalog.plans if p.price_per_seat > 0}
        possible &= (accounts["seats"] > 0) & accounts["plan_id"].isin(per_seat)
    return possible


def added_mrr(offer: Offer, accounts: pd.DataFrame, catalog: Catalog) -> pd.Series:
    """MRR that the offer adds if accepted, per row of `accounts`; 0 for what sells nothing at once. Never below 0.

    A trial is worth what the offer that it leads to is worth.
    """
    changes = _changes(offer, catalog)
    seats = accounts["seats"].astype("float64")
    added = pd.Series(0.0, index=accounts.index)
    if (changes.tier or 0) > 0:
        for plan in catalog.plans:
            above = catalog.plan_beside(plan.id, 1)
            if above:
                step = monthly_price(above, seats) - monthly_price(plan, seats)
                step -= _made_idle(above, accounts, catalog)
                added = added.mask(accounts["plan_id"] == plan.id, step)
    if changes.seats_pct:
        more = np.ceil(seats * changes.seats_pct / 100)
        added += more * accounts["plan_id"].map({p.id: p.price_per_seat for p in catalog.plans}).astype("float64")
    for add_on in changes.add_ons:
        added += monthly_price(catalog.products[add_on], seats)
    return (added * (1 - accounts["current_discount_pct"].fillna(0) / 100)).clip(lower=0)


def owns(accounts: pd.DataFrame, add_on_id: str) -> pd.Series:
    """Whether the account runs the add-on."""
    return accounts["add_ons"].fillna("").map(lambda text: add_on_id in text.split()).astype(bool)


def _made_idle(plan: Plan, accounts: pd.DataFrame, catalog: Catalog) -> pd.Series:
    """What the account pays for add-ons that the plan holds already: on moving there it would drop them."""
    seats = accounts["seats"].astype("float64")
    idle = pd.Series(0.0, index=accounts.index)
    for add_on in catalog.add_ons:
        if plan.id not in _plans_that_gain(add_on, catalog, 0):
            idle += monthly_price(add_on, seats).where(owns(accounts, add_on.id), 0.0)
    return idle


def _changes(offer: Offer, catalog: Catalog):  # type: ignore[no-untyped-def]  # the model's own nested type
    """What the offer changes; of a trial, what the offer that it leads to changes."""
    if offer.changes.trial_of:
        return next(o for o in catalog.offers if o.id == offer.changes.trial_of).changes
    return offer.changes


def _plans_that_gain(add_on: AddOn | Plan, catalog: Catalog, steps: int) -> set[str]:
    """The plans to which the add-on adds a feature, or room under a limit; in a bundle, to the plan `steps` above."""

    def gains(plan: Plan) -> bool:
        opens = bool(set(add_on.features) - set(plan.features))
        widens = any(plan.limits.get(m) is not None for m, more in add_on.limits.items() if more)
        return opens or widens or not (add_on.features or add_on.limits)

    return {p.id for p in catalog.plans if (beside := catalog.plan_beside(p.id, steps)) and gains(beside)}
