"""What is proposed to whom, and with what probability it is accepted."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from data.catalog import Offer
from data.simulate.outlook import Outlook
from data.simulate.shop import Shop, holds
from data.simulate.state import GREEN, RED, Bools, Floats, Ints, State
from data.simulate.world import World

NONE = -1  # the offer `none`: held out
SELLS = ("upgrade", "seats", "add_on", "bundle", "annual", "retention")  # accepting these changes the terms


@dataclass(frozen=True)
class Proposals:
    """This month's proposal to each of n accounts, if any."""

    is_made: Bools
    offer: Ints  # position among the catalogue's offers; NONE where held out
    is_random: Bools
    pscore: Floats  # nan where a person chose
    channel: Ints  # position among the offer's channels
    discount: Floats  # per cent
    p_accept: Floats
    is_angry: Bools

    def repeat(self, times: int) -> "Proposals":
        """Every account's `times` times, one after the other."""
        return Proposals(**{f.name: np.repeat(getattr(self, f.name), times, axis=0) for f in fields(self)})


def nobody(n: int) -> Proposals:
    """No proposals to n accounts."""
    no, zero = np.zeros(n, bool), np.zeros(n)
    return Proposals(no, np.full(n, NONE), no, zero, np.zeros(n, int), zero, zero, no)


def feasible(shop: Shop, state: State) -> Bools:
    """(n, O): offers that would change something and that the catalogue's `eligible` conditions allow."""
    n, last = len(state.plan), len(shop.plans) - 1
    is_free = shop.is_free[state.plan]
    facts: dict[str, Floats | NDArray[np.str_]] = {
        "plan_tier": shop.tier[state.plan].astype(float),
        "seats": state.seats,
        "billing": np.where(state.is_annual, "annual", "monthly"),
    }
    ok = np.zeros((n, len(shop.offers)), bool)
    for o, offer in enumerate(shop.offers):
        can = state.is_active & holds(offer.eligible, facts, n)
        changes = offer.changes
        if (changes.tier or 0) > 0 or offer.kind == "trial":
            can = can & (state.plan < last)
        if offer.kind == "trial":
            can = can & (state.trial_age > 3)
        if (changes.tier or 0) < 0:
            can = can & (state.plan > 0) & ~shop.is_free[np.maximum(state.plan - 1, 0)]
        if changes.seats_pct:
            can = can & ~is_free
        if changes.billing == "annual":
            can = can & ~state.is_annual & ~is_free
        target = np.minimum(state.plan + max(changes.tier or 0, 0), last)
        for add_on in changes.add_ons:
            k = shop.add_ons.index(add_on)
            adds = (shop.add_on_features[k] & ~shop.plan_features[target]).any(axis=1)
            adds |= ((shop.add_on_limit[k] > 0) & np.isfinite(shop.plan_limit[target])).any(axis=1)
            can = can & (state.add_ons >> k & 1 == 0) & adds & ~shop.is_free[target]
        ok[:, o] = can
    return ok


def needs(shop: Shop, state: State, outlook: Outlook) -> Floats:
    """(n, O) in [0, 1]: how much each offer answers what the account needs."""
    found = np.zeros((len(state.plan), len(shop.offers)))
    for o, offer in enumerate(shop.offers):
        found[:, o] = _need(offer, shop, state, outlook)
    return found


def _need(offer: Offer, shop: Shop, state: State, outlook: Outlook) -> Floats:
    add_on = np.zeros(len(state.plan))
    for name in offer.changes.add_ons:
        add_on = np.maximum(add_on, outlook.add_on_pressure[:, shop.add_ons.index(name)])
    match offer.kind:
        case "upgrade":
            return outlook.upgrade_pressure
        case "seats":
            return outlook.seat_pressure
        case "add_on":
            return add_on
        case "bundle":
            return np.sqrt(outlook.upgrade_pressure * add_on)
        case "annual":
            return expit(state.satisfaction + 0.5 * state.champion - 0.4)
        case "trial":
            return expit((outlook.gates - 0.9) / 0.3)
        case "enablement":
            return np.maximum(1 - outlook.adoption, expit(-2.5 * (state.satisfaction + 0.7)))
        case "retention":
            idle = np.clip(1 - np.exp(state.log_users) / state.seats, 0, 1)
            return np.clip(idle + 0.4 * expit(-2 * state.satisfaction), 0, 1)


def p_accept(
    world: World, shop: Shop, state: State, need: Floats, offer: Ints, channel: Ints, discount: Floats
) -> Floats:
    """(n,): probability that the account accepts this offer, by this channel, at this discount."""
    s = world.selling
    if world.signal == 0:
        sells = np.array([o.kind in SELLS for o in shop.offers])
        return np.where((offer == NONE) | sells[np.maximum(offer, 0)], 0.0, 0.3)
    kind = np.array([s.kinds.get(o.kind, 0.0) for o in shop.offers])
    by_channel = np.array(
        [[s.channels.get(c, 0.0) for c in (*o.channels, *o.channels[:1] * 3)][:3] for o in shop.offers]
    )
    remote = np.array([[c != "csm" for c in (*o.channels, *o.channels[:1] * 3)][:3] for o in shop.offers])
    at = np.maximum(offer, 0)
    helps = np.array([o.is_help for o in shop.offers])[at]
    angry = np.maximum(-state.satisfaction - 0.5, 0) * ~helps
    taste = np.where(remote[at, channel], 0.35, -0.2) * state.self_service
    logit = (
        s.accept + kind[at] + s.accept_need * need + s.accept_satisfaction * state.satisfaction * ~helps
        + s.accept_champion * state.champion + s.accept_budget * state.budget
        + s.accept_price * state.price_sensitivity
        + s.accept_discount * discount * (1 + 0.6 * np.clip(state.price_sensitivity, -1.5, 2.5))
        + by_channel[at, channel] + taste + s.accept_angry * angry
        - 1.5 * (state.trust < 2) - 0.6 * (state.since_refusal < 3)
    )  # fmt: skip
    return np.where(offer == NONE, 0.0, expit(logit))


@dataclass(frozen=True)
class Intent:
    """What may be proposed to n accounts this month, before anything is drawn."""

    can: Bools  # (n, O)
    need: Floats  # (n, O)
    p_programme: Floats  # (n,): an offer, or none, is drawn at random
    p_person: Floats  # (n,): else, a CSM chooses one


def intend(world: World, shop: Shop, state: State, outlook: Outlook) -> Intent:
    """Who may be proposed something, and how likely that is."""
    s = world.selling
    can, need = feasible(shop, state), needs(shop, state, outlook)
    reachable = state.is_active & state.is_opted_in & (state.holdout == 0) & (state.settling == 0) & can.any(axis=1)
    # What a CSM believes: what can be seen of the needs, the mood as last noted, the calendar.
    logit = s.chosen + s.chosen_pressure * np.where(can, need, 0.0).max(axis=1, initial=0.0)
    logit = logit + s.chosen_renewal * outlook.is_near_renewal + 0.2 * (np.log(state.seats) - 2.7)
    logit = logit + s.chosen_sentiment * ((state.csm_sentiment == GREEN) - 1.5 * (state.csm_sentiment == RED))
    logit = logit + s.chosen_recent * (state.since_proposal < 3)
    rate = expit(logit) if world.signal else np.full(len(logit), 3 * s.random_rate)
    return Intent(can, need, s.random_rate * reachable, rate * (reachable & state.has_owner))


def propose(world: World, shop: Shop, state: State, intent: Intent, u: NDArray[np.floating]) -> Proposals:
    """Draw this month's proposals. u: (n, 6) uniforms: programme, person, offer, channel, discount, none."""
    by_programme = u[:, 0] < intent.p_programme
    made = by_programme | (u[:, 1] < intent.p_person)
    return fill_in(world, shop, state, intent, by_programme, made, u)


def fill_in(
    world: World, shop: Shop, state: State, intent: Intent, by_programme: Bools, made: Bools, u: NDArray[np.floating]
) -> Proposals:
    """Which offer, by which channel, at which discount, given who proposes it. u: as for `propose`."""
    s = world.selling
    n = len(state.plan)
    weight = np.where(intent.can, np.exp(3.0 * intent.need) if world.signal else 1.0, 0.0)
    offer = _pick(np.where(by_programme[:, None], intent.can.astype(float), weight), u[:, 2])
    none = by_programme & (u[:, 5] < s.random_none)
    offer = np.where(none, NONE, offer)
    pscore = np.where(none, s.random_none, (1 - s.random_none) / np.maximum(intent.can.sum(axis=1), 1))
    at = np.maximum(offer, 0)
    n_channels = np.array([len(o.channels) for o in shop.offers])[at]
    # People call more than they write: half of what would go elsewhere goes by the first channel, the CSM.
    v = np.where(by_programme, u[:, 3], np.maximum(2 * u[:, 3] - 1, 0))
    channel = np.minimum((v * n_channels).astype(int), n_channels - 1)
    steps = np.array([[*o.discounts.steps_pct, *[0.0] * 8][:8] for o in shop.offers])
    n_steps = np.array([len(o.discounts.steps_pct) for o in shop.offers])[at]
    v = np.where(by_programme, u[:, 4], u[:, 4] ** 2.2)  # people begin with no discount
    discount = np.where(none, 0.0, steps[at, np.minimum((v * n_steps).astype(int), n_steps - 1)])
    p = p_accept(world, shop, state, intent.need[np.arange(n), at], offer, channel, discount)
    return Proposals(
        is_made=made, offer=offer, is_random=by_programme, pscore=np.where(by_programme, pscore, np.nan),
        channel=channel, discount=discount, p_accept=p, is_angry=(state.satisfaction < -0.6) & (offer != NONE),
    )  # fmt: skip


def _pick(weight: Floats, u: NDArray[np.floating]) -> Ints:
    """(n,): a column each, with probability in proportion to its weight."""
    total = np.cumsum(weight, axis=1)
    return np.minimum((total <= (u * total[:, -1])[:, None]).sum(axis=1), weight.shape[1] - 1)
