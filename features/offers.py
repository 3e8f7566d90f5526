"""The mechanics of offers: to whom one can be made, what it changes, and the MRR that it adds at list prices.

An offer is made of *parts*, each a change that an account could also make by itself: a tier up (or down), more seats,
an add-on, another billing. A bundle has several; help has none; a trial has those of the offer that it leads to.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.catalog import AddOn, Catalog, Changes, Offer, Plan


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
    total = pd.Series(0.0, index=accounts.index)
    for part in parts(offer, catalog):
        total += _list_price_change(part, accounts, catalog)
    return (total * (1 - accounts["current_discount_pct"].fillna(0) / 100)).clip(lower=0)


@dataclass(frozen=True)
class Part:
    """One change of an account's terms.

    kind: tier, down, seats, add_on or billing. of: the add-on's id, or the billing. pct: how many more seats.

    >>> Part("add_on", of="analytics").name
    'add_on:analytics'
    """

    kind: str
    of: str = ""
    pct: float = 0.0

    @property
    def name(self) -> str:
        """A name that no other part of the catalogue has; more seats are more seats, however many."""
        return f"{self.kind}:{self.of}" if self.of else self.kind


def parts(offer: Offer, catalog: Catalog) -> tuple[Part, ...]:
    """What accepting the offer changes, part by part; of a trial, what the offer that it leads to changes."""
    changes = _changes(offer, catalog)
    found = [Part("tier" if changes.tier > 0 else "down")] if changes.tier else []
    found += [Part("seats", pct=changes.seats_pct)] if changes.seats_pct else []
    found += [Part("add_on", of=add_on) for add_on in changes.add_ons]
    found += [Part("billing", of=changes.billing)] if changes.billing else []
    return tuple(found)


def all_parts(catalog: Catalog) -> tuple[Part, ...]:
    """Every part of every offer, once, in the catalogue's order."""
    found: dict[str, Part] = {}
    for offer in catalog.offers:
        for part in parts(offer, catalog):
            found.setdefault(part.name, part)
    return tuple(found.values())


def is_open(part: Part, accounts: pd.DataFrame, catalog: Catalog) -> pd.Series:
    """Whether the account's terms leave room for this change."""
    match part.kind:
        case "tier" | "down":
            step = 1 if part.kind == "tier" else -1
            return accounts["plan_id"].isin({p.id for p in catalog.plans if catalog.plan_beside(p.id, step)})
        case "add_on":
            add_on = catalog.products[part.of]
            return ~owns(accounts, add_on.id) & accounts["plan_id"].isin(_plans_that_gain(add_on, catalog, 0))
        case "billing":
            return accounts["billing"] != part.of
        case _:
            per_seat = {p.id for p in catalog.plans if p.price_per_seat > 0}
            return (accounts["seats"] > 0) & accounts["plan_id"].isin(per_seat)


def part_added_mrr(part: Part, accounts: pd.DataFrame, catalog: Catalog) -> pd.Series:
    """MRR that one part adds, the account's own discount off; negative for a smaller plan."""
    return _list_price_change(part, accounts, catalog) * (1 - accounts["current_discount_pct"].fillna(0) / 100)


def _list_price_change(part: Part, accounts: pd.DataFrame, catalog: Catalog) -> pd.Series:
    seats = accounts["seats"].astype("float64")
    change = pd.Series(0.0, index=accounts.index)
    if part.kind in ("tier", "down"):
        for plan in catalog.plans:
            other = catalog.plan_beside(plan.id, 1 if part.kind == "tier" else -1)
            if other:
                step = monthly_price(other, seats) - monthly_price(plan, seats)
                if part.kind == "tier":
                    step -= _made_idle(other, accounts, catalog)
                change = change.mask(accounts["plan_id"] == plan.id, step)
    elif part.kind == "seats":
        price = accounts["plan_id"].map({p.id: p.price_per_seat for p in catalog.plans}).astype("float64")
        change = pd.Series(np.ceil(seats * part.pct / 100), index=accounts.index) * price
    elif part.kind == "add_on":
        change = monthly_price(catalog.products[part.of], seats)
    return change.fillna(0.0)


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


def _changes(offer: Offer, catalog: Catalog) -> Changes:
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
