"""What is proposed to whom, and with what probability it is accepted."""

from dataclasses import dataclass, fields
from functools import lru_cache, reduce

import numpy as np
from numpy.typing import NDArray

from data.simulate.logistic import expit
from data.simulate.outlook import Outlook, active_users
from data.simulate.shop import Shop, holds
from data.simulate.state import RED, Bools, Floats, Ints, State
from data.simulate.world import Selling, World

NONE = -1  # the offer `none`: held out


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


@lru_cache(maxsize=16)
def nobody(n: int) -> Proposals:
    """No proposals to n accounts."""
    no, zero = np.zeros(n, bool), np.zeros(n)
    return Proposals(no, np.full(n, NONE), no, zero, np.zeros(n, int), zero, zero, no)


def feasible(shop: Shop, state: State) -> Bools:
    """(n, O): offers that would change something and that the catalogue's `eligible` conditions allow."""
    ok = shop.may_have[shop.code(state.plan, state.add_ons), state.is_annual.astype(int)]
    ok = ok & state.is_active[:, None] & (~shop.is_trial | (state.trial_age > 3)[:, None])
    if shop.seat_conditions:
        for o, offer in enumerate(shop.offers):
            ok[:, o] &= holds(offer.eligible, {"seats": state.seats}, len(ok))
    return ok


def needs(shop: Shop, state: State, outlook: Outlook) -> Floats:
    """(n, O) in [0, 1]: how much each offer answers what the account needs."""
    felt = Needs(
        upgrade=outlook.upgrade_pressure,
        seats=outlook.seat_pressure,
        add_on=outlook.add_on_pressure,
        annual=expit(state.satisfaction + 0.5 * state.champion - 0.4),
        trial=expit((outlook.gates - 0.9) / 0.3),
        enablement=np.maximum(1 - outlook.adoption, expit(-2.5 * (state.satisfaction + 0.7))),
        retention=_idle(np.exp(state.log_users) / state.seats, expit(-2 * state.satisfaction)),
    )
    return _by_offer(shop, felt)


def seen_needs(shop: Shop, state: State, outlook: Outlook) -> Floats:
    """(n, O) in [0, 1]: the same as a CSM sees it, from nothing but what the tables hold.

    Locked features that were met, seats and limits as the meters show them, adoption, the mood as last noted.
    """
    M = outlook.limit_pressure.shape[1]
    met = expit((np.log1p(state.gates_met) - 2.6) / 0.5).astype(np.float32) * (state.plan < len(shop.plans) - 1)
    full = active_users(state) / state.seats
    limits = outlook.limit_pressure.max(axis=1, initial=0.0) if M else np.zeros(len(full), np.float32)
    extends = shop.add_on_limit > 0
    add_on = np.repeat(0.35 * outlook.adoption[:, None], len(shop.add_ons), axis=1)
    for k in np.flatnonzero(extends.any(axis=1)):
        add_on[:, k] = outlook.limit_pressure[:, extends[k]].max(axis=1)
    seen = Needs(
        upgrade=1 - (1 - met) * (1 - 0.5 * limits),
        seats=expit((full - 0.9) / 0.025),
        add_on=add_on,
        annual=BY_MOOD_ANNUAL[state.csm_sentiment],
        trial=met,
        enablement=np.maximum(1 - outlook.adoption, BY_MOOD_HELP[state.csm_sentiment]),
        retention=_idle(full, _HALF * (state.csm_sentiment == RED)),
    )
    return _by_offer(shop, seen)


BY_MOOD_ANNUAL = np.array([0.15, 0.35, 0.5], np.float32)  # by RED, YELLOW, GREEN
BY_MOOD_HELP = np.array([0.85, 0.45, 0.1], np.float32)
_HALF = np.float32(0.5)


@dataclass(frozen=True)
class Needs:
    """How much n accounts need each kind of offer, in [0, 1]; add-ons: (n, K)."""

    upgrade: Floats
    seats: Floats
    add_on: Floats
    annual: Floats
    trial: Floats
    enablement: Floats
    retention: Floats


def _idle(full: Floats, unhappy: Floats) -> Floats:
    return np.clip(np.clip(1 - full, 0, 1) + 0.4 * unhappy, 0, 1)


def _by_offer(shop: Shop, need: Needs) -> Floats:
    found = np.zeros((len(need.upgrade), len(shop.offers)), np.float32)
    for o, offer in enumerate(shop.offers):
        wanted = [need.add_on[:, shop.add_ons.index(name)] for name in offer.changes.add_ons]
        if wanted:
            add_on = reduce(np.maximum, wanted)
            found[:, o] = np.sqrt(need.upgrade * add_on) if offer.kind == "bundle" else add_on
        elif offer.kind not in ("add_on", "bundle"):
            found[:, o] = getattr(need, offer.kind)
    return found


def p_accept(
    world: World, shop: Shop, state: State, need: Floats, offer: Ints, channel: Ints, discount: Floats
) -> Floats:
    """(n,): probability that the account accepts this offer, by this channel, at this discount."""
    s = world.selling
    at = np.maximum(offer, 0)
    if world.signal == 0:
        return np.where((offer == NONE) | shop.sells[at], 0.0, 0.3)
    by_offer, by_channel, is_remote = _answers(s, shop)
    helps = shop.is_help[at]
    angry = np.where(helps, 0, np.maximum(-state.satisfaction - 0.5, 0))
    content = np.where(helps, 0, state.satisfaction)
    taste = np.where(is_remote[at, channel], 0.35, -0.2).astype(np.float32) * state.self_service
    logit = (
        by_offer[at] + s.accept_need * need + s.accept_satisfaction * content
        + s.accept_champion * state.champion + s.accept_budget * state.budget
        + s.accept_price * state.price_sensitivity
        + s.accept_discount * discount.astype(np.float32) * (1 + 0.6 * np.clip(state.price_sensitivity, -1.5, 2.5))
        + by_channel[at, channel] + taste + s.accept_angry * angry
        - np.where(state.trust < 2, np.float32(1.5), 0) - np.where(state.since_refusal < 3, np.float32(0.6), 0)
    )  # fmt: skip
    return np.where(offer == NONE, 0.0, expit(logit))


def _answers(s: Selling, shop: Shop) -> tuple[Floats, Floats, Bools]:
    """Log-odds by offer (O,), by offer and channel (O, 3), and whether that channel is not the CSM (O, 3)."""
    by_offer = np.array([s.accept + s.kinds.get(o.kind, 0.0) for o in shop.offers], np.float32)
    by_channel = np.array([[s.channels.get(c, 0.0) for c in names] for names in shop.channels], np.float32)
    return by_offer, by_channel, np.array([[c != "csm" for c in names] for names in shop.channels])


@dataclass(frozen=True)
class Intent:
    """What may be proposed to n accounts this month, before anything is drawn."""

    can: Bools  # (n, O)
    need: Floats  # (n, O)
    seen: Floats  # (n, O): the need as the CSM sees it
    p_programme: Floats  # (n,): an offer, or none, is drawn at random
    p_person: Floats  # (n,): else, a CSM chooses one

    def repeat(self, times: int) -> "Intent":
        """Every account's `times` times, one after the other."""
        return Intent(**{f.name: np.repeat(getattr(self, f.name), times, axis=0) for f in fields(self)})


def intend(world: World, shop: Shop, state: State, outlook: Outlook) -> Intent:
    """Who may be proposed something, and how likely that is."""
    s = world.selling
    can, need, seen = feasible(shop, state), needs(shop, state, outlook), seen_needs(shop, state, outlook)
    reachable = state.is_active & state.is_opted_in & (state.holdout == 0) & (state.settling == 0) & can.any(axis=1)
    # What a CSM goes by stands in the tables: the needs as seen, the mood as last noted, the calendar, the size.
    mood = np.array([-1.5, 0.0, 1.0], np.float32)[state.csm_sentiment]
    logit = s.chosen + s.chosen_pressure * np.where(can, seen, 0.0).max(axis=1, initial=0.0)
    logit = logit + s.chosen_sentiment * mood + 0.2 * (np.log(state.seats) - 2.7)
    logit = logit + np.where(outlook.is_near_renewal, np.float32(s.chosen_renewal), 0)
    logit = logit + np.where(state.since_proposal < 3, np.float32(s.chosen_recent), 0)
    rate = expit(logit) if world.signal else np.full(len(logit), 3 * s.random_rate)
    return Intent(can, need, seen, s.random_rate * reachable, rate * (reachable & state.has_owner))


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
    weight = np.where(intent.can, np.exp(3.0 * intent.seen) if world.signal else 1.0, 0.0)
    offer = _pick(np.where(by_programme[:, None], intent.can.astype(float), weight), u[:, 2])
    none = by_programme & (u[:, 5] < s.random_none)
    offer = np.where(none, NONE, offer)
    pscore = np.where(none, s.random_none, (1 - s.random_none) / np.maximum(intent.can.sum(axis=1), 1))
    at = np.maximum(offer, 0)
    n_channels = shop.n_channels[at]
    # People call more than they write: half of what would go elsewhere goes by the first channel, the CSM.
    v = np.where(by_programme, u[:, 3], np.maximum(2 * u[:, 3] - 1, 0))
    channel = np.minimum((v * n_channels).astype(int), n_channels - 1)
    n_steps = shop.n_steps[at]
    v = np.where(by_programme, u[:, 4], u[:, 4] ** 2.2)  # people begin with no discount
    discount = np.where(none, 0.0, shop.steps[at, np.minimum((v * n_steps).astype(int), n_steps - 1)])
    p = p_accept(world, shop, state, intent.need[np.arange(n), at], offer, channel, discount)
    return Proposals(
        is_made=made, offer=offer, is_random=by_programme, pscore=np.where(by_programme, pscore, np.nan),
        channel=channel, discount=discount, p_accept=p, is_angry=(state.satisfaction < -0.6) & (offer != NONE),
    )  # fmt: skip


def _pick(weight: Floats, u: NDArray[np.floating]) -> Ints:
    """(n,): a column each, with probability in proportion to its weight."""
    total = np.cumsum(weight, axis=1)
    return np.minimum((total <= (u * total[:, -1])[:, None]).sum(axis=1), weight.shape[1] - 1)
