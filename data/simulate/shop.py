"""The catalogue as arrays: plans in the order of their tiers, add-ons, features and offers by position."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.catalog import Catalog, Condition, Offer, Plan
from data.errors import BadInput

SELLS = ("upgrade", "seats", "add_on", "bundle", "annual", "retention")  # accepting these changes the terms
Floats = NDArray[Any]  # NumPy's stubs lose the dtype in arithmetic


@dataclass(frozen=True)
class Shop:
    """P plans in the order of their tiers, K add-ons, F features in the order of their ids, M metrics likewise."""

    plans: tuple[str, ...]
    add_ons: tuple[str, ...]
    features: tuple[str, ...]
    metrics: tuple[str, ...]  # all but active users, which press on seats
    is_counter: NDArray[np.bool_]  # (M,)
    has_active_users: bool
    tier: NDArray[np.int64]  # (P,)
    plan_base: Floats  # (P,)
    plan_seat: Floats  # (P,)
    add_on_base: Floats  # (K,)
    add_on_seat: Floats  # (K,)
    seat_limit: Floats  # (P,), infinite where seats are bought one by one
    plan_limit: Floats  # (P, M)
    add_on_limit: Floats  # (K, M)
    plan_features: NDArray[np.bool_]  # (P, F)
    add_on_features: NDArray[np.bool_]  # (K, F)
    is_core: NDArray[np.bool_]  # (F,)
    threshold: Floats  # (F,): maturity at which half of the accounts need the feature
    offers: tuple[Offer, ...]

    # By `code` = plan × 2^K + add-ons owned as bits:
    open_features: NDArray[np.bool_]  # (C, F)
    gated_next: Floats  # (C, F): 1 where only the next plan opens the feature
    only_here: Floats  # (C, F): 1 where the plan below lacks the feature
    limit: Floats  # (C, M), infinite where unlimited
    can_add: NDArray[np.bool_]  # (C, K): not owned, and would open or extend something
    base: Floats  # (C,): list price a month but for seats
    per_seat: Floats  # (C,)
    log_limit: Floats  # (C, M), of what is limited; 99 elsewhere
    opened: Floats  # (C, F): 1 where open
    n_open: Floats  # (C,): at least 1
    add_on_share: tuple[Floats, ...]  # (K): (C, its features): 1 ÷ how many of them are locked, where one is
    useful: NDArray[np.int64]  # (P,): bits of the add-ons that the plan does not contain already

    # By offer
    may_have: NDArray[np.bool_]  # (C, 2, O): would change something and is eligible, by code and yearly billing
    seat_conditions: bool  # whether any offer's eligibility depends on seats
    sells: NDArray[np.bool_]  # (O,): accepting it changes the terms
    is_help: NDArray[np.bool_]  # (O,)
    is_trial: NDArray[np.bool_]  # (O,)
    is_training: NDArray[np.bool_]  # (O,): help that raises adoption and mood
    channels: tuple[tuple[str, ...], ...]  # (O, 3), padded with the first
    n_channels: NDArray[np.int64]  # (O,)
    steps: Floats  # (O, 8): discounts in per cent, padded with 0
    n_steps: NDArray[np.int64]  # (O,)

    def code(self, plan: NDArray[np.int64], add_ons: NDArray[np.int64]) -> NDArray[np.int64]:
        """Row of the tables above."""
        return (plan << len(self.add_ons)) + add_ons

    def gross(self, plan: NDArray[np.int64], seats: Floats, add_ons: NDArray[np.int64]) -> Floats:
        """List price a month of a plan, its seats and its add-ons (bits)."""
        code = self.code(plan, add_ons)
        return self.base[code] + self.per_seat[code] * seats

    @property
    def is_free(self) -> NDArray[np.bool_]:
        """(P,): plans that cost nothing."""
        return (self.plan_base == 0) & (self.plan_seat == 0)


def open_shop(catalog: Catalog) -> Shop:
    """Lay the catalogue out. Features unlocked by dearer plans are needed later in an account's life."""
    plans = sorted(catalog.plans, key=lambda plan: plan.tier)
    features = tuple(sorted(feature.id for feature in catalog.features))
    metrics = tuple(sorted(metric.id for metric in catalog.metrics if metric.id != "active_users"))
    kinds = {metric.id: metric.kind for metric in catalog.metrics}

    def limit(limits: dict[str, float | None], name: str, missing: float) -> float:
        value = limits.get(name)
        return missing if value is None else float(value)

    def has(ids: list[str]) -> list[bool]:
        return [feature in ids for feature in features]

    core = {feature.id for feature in catalog.features if feature.is_core}
    threshold = {}
    for feature in features:
        place = next((i for i, plan in enumerate(plans) if feature in plan.features), None)
        inside = [f.id for f in catalog.features if place is not None and f.id in plans[place].features]
        inside = [f for f in inside if place == 0 or f not in plans[(place or 1) - 1].features]
        step = inside.index(feature) / max(len(inside), 1) if feature in inside else 0.5
        threshold[feature] = (
            -1.5 if feature in core else -0.75 + 0.62 * ((len(plans) - 2 if place is None else place) + step)
        )
    free = [plan.price_per_month == 0 and plan.price_per_seat == 0 for plan in plans]
    K = len(catalog.add_ons)
    if K > 12:
        raise BadInput(f"catalog.yaml: {K} add-ons; the simulator takes up to 12.")
    plan_features = np.array([has(plan.features) for plan in plans], bool)
    add_on_features = np.array([has(a.features) for a in catalog.add_ons], bool).reshape(K, len(features))
    plan_limit = np.array([[limit(p.limits, m, np.inf) for m in metrics] for p in plans]).reshape(len(plans), -1)
    add_on_limit = np.array([[limit(a.limits, m, 0.0) for m in metrics] for a in catalog.add_ons]).reshape(
        K, len(metrics)
    )
    at = np.repeat(np.arange(len(plans)), 2**K)
    owned = (np.tile(np.arange(2**K), len(plans))[:, None] >> np.arange(K)) & 1 == 1
    opened = plan_features[at] | (owned[:, :, None] & add_on_features).any(axis=1)
    opens = (add_on_features & ~opened[:, None, :]).any(axis=2)
    extends = ((add_on_limit > 0) & np.isfinite(plan_limit[at])[:, None, :]).any(axis=2)
    is_free = np.array(free)
    all_limits = (plan_limit[at] + owned @ add_on_limit).astype(np.float32)
    useful = (
        (add_on_features & ~plan_features[:, None, :]).any(axis=2)
        | ((add_on_limit > 0) & np.isfinite(plan_limit)[:, None, :]).any(axis=2)
    ) & ~is_free[:, None]
    can_add = ~owned & ~is_free[at, None] & (opens | extends)
    add_on_share = []
    for k in range(K):
        locked = ~opened[:, add_on_features[k]]
        add_on_share.append((locked / np.maximum(locked.sum(axis=1, keepdims=True), 1)).astype(np.float32))
    kinds_of_offers = np.array([offer.kind for offer in catalog.offers], dtype=str)
    return Shop(
        may_have=_may_have(catalog.offers, plans, [a.id for a in catalog.add_ons], owned, useful, is_free),
        seat_conditions=any(c.when == "seats" for offer in catalog.offers for c in offer.eligible),
        sells=np.isin(kinds_of_offers, SELLS),
        is_help=np.array([offer.is_help for offer in catalog.offers], bool),
        is_trial=kinds_of_offers == "trial",
        is_training=kinds_of_offers == "enablement",
        channels=tuple((*o.channels, *o.channels[:1] * 3)[:3] for o in catalog.offers),
        n_channels=np.array([len(o.channels) for o in catalog.offers], int),
        steps=np.array([[*o.discounts.steps_pct, *[0.0] * 8][:8] for o in catalog.offers]).reshape(-1, 8),
        n_steps=np.array([len(o.discounts.steps_pct) for o in catalog.offers], int),
        open_features=opened,
        opened=opened.astype(np.float32),
        n_open=np.maximum(opened.sum(axis=1), 1).astype(np.float32),
        add_on_share=tuple(add_on_share),
        gated_next=(plan_features[np.minimum(at + 1, len(plans) - 1)] & ~opened).astype(np.float32),
        only_here=(opened & ~plan_features[np.maximum(at - 1, 0)]).astype(np.float32),
        limit=all_limits,
        log_limit=np.where(np.isfinite(all_limits), np.log(np.maximum(all_limits, 1e-6)), np.float32(99)),
        can_add=can_add,
        base=np.array([p.price_per_month for p in plans], float)[at]
        + owned @ np.array([a.price_per_month for a in catalog.add_ons], float),
        per_seat=np.array([p.price_per_seat for p in plans], float)[at]
        + owned @ np.array([a.price_per_seat for a in catalog.add_ons], float),
        useful=(useful * 2 ** np.arange(K)).sum(axis=1).astype(int),
        plans=tuple(plan.id for plan in plans),
        add_ons=tuple(add_on.id for add_on in catalog.add_ons),
        features=features,
        metrics=metrics,
        is_counter=np.array([kinds[m] == "monthly_counter" for m in metrics], bool),
        has_active_users="active_users" in kinds,
        tier=np.array([plan.tier for plan in plans]),
        plan_base=np.array([plan.price_per_month for plan in plans], float),
        plan_seat=np.array([plan.price_per_seat for plan in plans], float),
        add_on_base=np.array([a.price_per_month for a in catalog.add_ons], float),
        add_on_seat=np.array([a.price_per_seat for a in catalog.add_ons], float),
        seat_limit=np.array([limit(p.limits, "seats", 5 if f else np.inf) for p, f in zip(plans, free, strict=True)]),
        plan_limit=plan_limit,
        add_on_limit=add_on_limit,
        plan_features=plan_features,
        add_on_features=add_on_features,
        is_core=np.array([f in core for f in features], bool),
        threshold=np.array([threshold[f] for f in features], np.float32),
        offers=tuple(catalog.offers),
    )


def _may_have(
    offers: list[Offer],
    plans: list[Plan],
    add_ons: list[str],
    owned: NDArray[np.bool_],
    useful: NDArray[np.bool_],
    is_free: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """(C, 2, O): whether the offer would change something for terms of this code, billed monthly (0) or yearly (1)."""
    last, n = len(plans) - 1, len(owned)
    plan = np.repeat(np.arange(len(plans)), n // len(plans))
    tier = np.array([p.tier for p in plans], float)[plan]
    ok = np.zeros((n, 2, len(offers)), bool)
    for annual, billing in enumerate(("monthly", "annual")):
        facts: dict[str, Floats | NDArray[np.str_]] = {"plan_tier": tier, "billing": np.full(n, billing)}
        for o, offer in enumerate(offers):
            can, changes = holds(offer.eligible, facts, n), offer.changes
            if (changes.tier or 0) > 0 or offer.kind == "trial":
                can &= plan < last
            if (changes.tier or 0) < 0:
                can &= (plan > 0) & ~is_free[np.maximum(plan - 1, 0)]
            if changes.seats_pct:
                can &= ~is_free[plan]
            if changes.billing == "annual":
                can &= ~is_free[plan] & (annual == 0)
            target = np.minimum(plan + max(changes.tier or 0, 0), last)
            for name in changes.add_ons:
                k = add_ons.index(name)
                can &= ~owned[:, k] & useful[target, k]
            ok[:, annual, o] = can
    return ok


def holds(conditions: list[Condition], facts: dict[str, Floats | NDArray[np.str_]], n: int) -> NDArray[np.bool_]:
    """Which of n accounts meet the conditions that speak of `facts`; conditions on anything else are left to people.

    >>> holds([Condition(when="plan_tier", at_least=1)], {"plan_tier": np.array([0.0, 1.0])}, 2)
    array([False,  True])
    """
    ok = np.ones(n, bool)
    for condition in conditions:
        if condition.when not in facts:
            continue
        fact: Any = facts[condition.when]
        if condition.at_least is not None:
            ok &= fact >= condition.at_least
        if condition.at_most is not None:
            ok &= fact <= condition.at_most
        if condition.equals is not None:
            ok &= fact == condition.equals
        if condition.in_ is not None:
            ok &= np.isin(fact, np.array(condition.in_))
    return ok
