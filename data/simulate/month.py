"""One month of n accounts: list prices, proposals, one change of terms at most, and the inner state a month later."""

from dataclasses import dataclass, fields
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from data.simulate.calendar import Month
from data.simulate.logistic import expit
from data.simulate.outlook import Outlook, active_users, look
from data.simulate.selling import NONE, Proposals, intend, propose
from data.simulate.shop import SELLS, Shop
from data.simulate.state import GREEN, LONG_AGO, RED, YELLOW, Bools, Floats, Ints, State, mrr
from data.simulate.world import World

NOTHING, UPGRADE, MORE_SEATS, ADD_ON, BUNDLE, ANNUAL, FEWER_SEATS, DOWNGRADE, CHURN, RETURN = range(10)
N_UNIFORMS = 18  # a month: see the comments where they are read
N_NORMALS = 7  # and one for each metric
P_SERIOUS = (1 - 0.86 ** np.arange(7)).astype(np.float32)  # that one of so many tickets is serious


@dataclass(frozen=True)
class Change:
    """A change of terms, if any: what each account has from `day` of the month on."""

    kind: Ints
    day: Ints  # 0 is the month's first
    plan: Ints
    seats: Floats
    add_ons: Ints
    is_annual: Bools
    discount: Floats
    is_accepted: Bools  # the proposal was
    proposal_made: Bools  # false where the account had moved before the CSM came to it


@dataclass(frozen=True)
class Terms:
    """What n accounts have bought from some day on."""

    plan: Ints
    seats: Floats
    add_ons: Ints
    is_annual: Bools
    discount: Floats
    price_level: Floats
    is_active: Bools
    anchor: Ints
    anchor_day: Ints


@dataclass(frozen=True)
class Turn:
    """All that happened in a month."""

    outlook: Outlook
    offered: Proposals
    change: Change
    repriced: Terms  # from the month's first day on; from the change's day on it is what the state says
    n_tickets: Ints


def reprice(world: World, state: State, month: Month) -> None:
    """In place: the list's price from the renewal on (monthly billing: two months' notice); promotions end."""
    renews = np.where(state.is_annual, state.anchor == month.of_year, month.notice_is_over)
    state.price_level = np.where(renews & state.is_active, month.price_level(world), state.price_level)
    ends = state.promotion_left == 1
    state.discount = np.where(ends, state.base_discount, state.discount)
    state.promotion_left = np.maximum(state.promotion_left - 1, 0)


def own_expansion(world: World, shop: Shop, state: State, which: int) -> tuple[Ints, Floats, Ints]:
    """Plan, seats and add-ons after an expansion of the accounts' own accord: 0 upgrade, 1 seats, 2 … each add-on."""
    if which == 0:
        plan = np.minimum(state.plan + 1, len(shop.plans) - 1)
        seats = np.where(shop.is_free[state.plan], first_paid_seats(state), state.seats)
        return plan, seats, state.add_ons & shop.useful[plan]
    if which > 1:
        return state.plan, state.seats, (state.add_ons | (1 << (which - 2))) & shop.useful[state.plan]
    if world.signal == 0:  # whatever the terms, the change must count as an expansion, or the label would tell them
        per_seat = shop.per_seat[shop.code(state.plan, state.add_ons)]
        share = 0.12 * mrr(shop, state) / (state.price_level * (1 - state.discount / 100)) / np.maximum(per_seat, 1)
        more = state.seats + np.ceil(np.maximum(share, 0.2 * state.seats))
    else:
        more = np.ceil(np.clip(1.12 * np.exp(state.log_users), 1.15 * state.seats, 1.6 * state.seats))
    return state.plan, more.astype(np.float32), state.add_ons


def first_paid_seats(state: State) -> Floats:
    """(n,): seats with which a free account begins to pay."""
    return np.maximum(np.ceil(1.15 * np.exp(state.log_users)), 3)


def fewer_seats(state: State) -> Floats:
    """(n,): seats after giving some up."""
    return np.maximum(np.ceil(np.clip(1.1 * np.exp(state.log_users), 0.5 * state.seats, 0.9 * state.seats)), 1)


def offered_terms(shop: Shop, state: State, offer: Ints) -> tuple[Ints, Ints, Floats, Ints, Bools]:
    """Kind of change, plan, seats, add-ons and annual billing after accepting the offer."""
    kind = np.full(len(offer), NOTHING)
    plan, seats, add_ons, annual = state.plan.copy(), state.seats.copy(), state.add_ons.copy(), state.is_annual.copy()
    kinds = {
        "upgrade": UPGRADE,
        "seats": MORE_SEATS,
        "add_on": ADD_ON,
        "bundle": BUNDLE,
        "annual": ANNUAL,
        "retention": DOWNGRADE,
    }
    for o, this in enumerate(shop.offers):
        if this.kind not in SELLS:
            continue
        is_it = offer == o
        if not is_it.any():
            continue
        kind[is_it] = kinds[this.kind]
        plan[is_it] = np.clip(plan[is_it] + (this.changes.tier or 0), 0, len(shop.plans) - 1)
        from_free = is_it & shop.is_free[state.plan] & ~shop.is_free[plan]
        seats = np.where(from_free, first_paid_seats(state), seats)
        if this.changes.seats_pct:
            seats = np.where(is_it, np.ceil(seats * (1 + this.changes.seats_pct / 100)), seats)
        for add_on in this.changes.add_ons:
            add_ons = np.where(is_it, add_ons | (1 << shop.add_ons.index(add_on)), add_ons)
        if this.changes.billing:
            annual = np.where(is_it, this.changes.billing == "annual", annual)
    return kind, plan, seats, add_ons & shop.useful[plan], annual


def discount_after(
    shop: Shop, state: State, plan: Ints, seats: Floats, add_ons: Ints, annual: Bools, given: Floats
) -> Floats:
    """Per cent on the whole: today's on what was there, `given` on what is added (annual: on all of it)."""

    before = shop.gross(state.plan, state.seats, state.add_ons)
    after = shop.gross(plan, seats, add_ons)
    added = np.maximum(after - before, 0)
    mixed = (state.discount * before + np.maximum(given, state.discount) * added) / np.maximum(before + added, 1)
    switched = annual & ~state.is_annual
    # Twelve months for the price of eleven is what annual billing gives by itself.
    return np.round(np.where(switched, np.maximum(state.discount, 0) + 8 + given, mixed), 2)


def decide(
    world: World, shop: Shop, state: State, outlook: Outlook, offered: Proposals, u: NDArray[np.floating], month: Month
) -> Change:
    """Draw what happens to the terms this month. An accepted offer comes before what would happen by itself."""
    accepted = offered.is_made & (u[:, 6] < offered.p_accept)
    sold = accepted & shop.sells[np.maximum(offered.offer, 0)] & (offered.offer != NONE)
    hazards = outlook.hazards
    total = reduce(np.add, hazards)
    p_any = -np.expm1(-total)
    moves = (u[:, 7] < p_any) & ~sold
    # Given that something happens, the same uniform says what.
    reached = np.minimum(u[:, 7] / np.maximum(p_any, 1e-12), 1) * total
    which, so_far = np.zeros(len(total), int), np.zeros_like(total)
    for hazard in hazards[:-1]:
        so_far = so_far + hazard
        which += so_far <= reached
    which = np.where(moves, which, -1)
    n_own = outlook.expansion.shape[1]
    kinds = np.array([UPGRADE, MORE_SEATS, *[ADD_ON] * (n_own - 2), FEWER_SEATS, DOWNGRADE, CHURN, NOTHING])
    kind = kinds[which]
    # The month's first day is for new prices: on one day, terms change once.
    own_day = np.clip((u[:, 8] * month.n_days).astype(int), 1, month.n_days - 1)
    # Contracts by the year end on the day of renewal.
    on_renewal = state.is_annual & (state.anchor == month.of_year) & (which >= n_own)
    own_day = np.where(on_renewal, state.anchor_day, own_day)

    comes_back = ~state.is_active & (state.away >= 2) & (u[:, 15] < world.arrivals.return_hazard)
    kind = np.where(comes_back, RETURN, kind)

    plan, seats, add_ons, annual = state.plan, state.seats, state.add_ons, state.is_annual
    for k in range(n_own):
        is_it = which == k
        if is_it.any():
            terms = own_expansion(world, shop, state, k)
            plan, seats, add_ons = (np.where(is_it, a, b) for a, b in zip(terms, (plan, seats, add_ons), strict=True))
    seats = np.where(kind == FEWER_SEATS, fewer_seats(state), seats)
    plan = np.where(kind == DOWNGRADE, np.maximum(plan - 1, 0), plan)
    add_ons = add_ons & shop.useful[plan]

    discount = state.discount  # what an account does by itself leaves its discount as it is
    if sold.any():
        terms_sold = offered_terms(shop, state, np.where(sold, offered.offer, NONE))
        given = np.where(sold, offered.discount, 0.0)
        after = discount_after(shop, state, *terms_sold[1:], given)
        own = (kind, plan, seats, add_ons, annual)
        kind, plan, seats, add_ons, annual = (np.where(sold, a, b) for a, b in zip(terms_sold, own, strict=True))
        discount = np.where(sold, after, discount)
    day, in_time = own_day, np.True_
    if offered.is_made.any():
        proposal_day, decision_day = month.proposal_day(u[:, 9]), month.decision_day(u[:, 9], u[:, 16])
        day = np.where(sold, decision_day, own_day)
        in_time = ~((kind != NOTHING) & ~sold & (day <= np.where(accepted, decision_day, proposal_day)))
    return Change(
        kind=kind, day=day, plan=plan, seats=seats, add_ons=add_ons, is_annual=annual, discount=discount,
        is_accepted=accepted & in_time, proposal_made=offered.is_made & in_time,
    )  # fmt: skip


def apply(world: World, state: State, change: Change, offered: Proposals, month: Month) -> None:
    """In place: the terms from the change on, and the months for which they now stay."""
    changed = change.kind != NOTHING
    sold = change.is_accepted & changed
    state.plan, state.seats, state.add_ons = change.plan, change.seats, change.add_ons
    switched = change.is_annual & ~state.is_annual
    restarts = switched | (change.kind == RETURN)
    state.anchor = np.where(restarts, month.of_year, state.anchor)
    state.anchor_day = np.where(restarts, np.minimum(change.day, 27), state.anchor_day)
    state.is_annual = change.is_annual
    promoted = sold & (offered.discount > 0)
    state.promotion_left = np.where(promoted, 12, state.promotion_left)
    state.base_discount = np.where(switched, state.base_discount + 8, state.base_discount)
    state.discount = change.discount
    state.price_level = np.where(changed & (change.kind != CHURN), month.price_level(world), state.price_level)
    state.is_active = np.where(change.kind == CHURN, False, state.is_active | (change.kind == RETURN))
    state.away = np.where(state.is_active, 0, state.away + 1)
    state.settling = np.where(changed, world.expansion.settling_months, np.maximum(state.settling - 1, 0))


def evolve(
    world: World, shop: Shop, state: State, outlook: Outlook, offered: Proposals, made: Bools, accepted: Bools,
    z: NDArray[np.floating], u: NDArray[np.floating],
) -> Ints:  # fmt: skip
    """In place: the inner state a month later. Returns the month's number of tickets (n,)."""
    d = world.dynamics
    at = np.maximum(offered.offer, 0)
    is_offer = made & (offered.offer != NONE)
    trial = accepted & shop.is_trial[at]
    helped = accepted & shop.is_training[at]
    refused = is_offer & ~accepted & ~shop.is_help[at]

    # Tickets come with use and with a bad fit; serious ones hurt for months.
    users = active_users(state)
    rate = 0.22 * np.sqrt(users / 20) * np.exp(-0.35 * state.fit - 0.25 * state.satisfaction) * state.is_active
    n_tickets = poisson(rate, u[:, 10])
    serious = u[:, 11] < P_SERIOUS[n_tickets]
    state.serious_ticket = serious

    over = state.log_level - shop.log_limit.take(shop.code(state.plan, state.add_ons), axis=0)
    lock_out = np.clip(over.max(axis=1, initial=0.0), 0, 1)
    drift = (1 - d.satisfaction_persistence) * (d.satisfaction_level + 0.75 * state.fit)
    state.satisfaction = (
        d.satisfaction_persistence * state.satisfaction + drift + d.satisfaction_noise * z[:, 0]
        - d.ticket_harm * _one(serious) - 0.15 * lock_out + 0.25 * _one(helped)
        + d.pitch_while_angry * _one(refused & offered.is_angry)
    )  # fmt: skip
    leaves = u[:, 13] < d.champion_leaves
    state.champion = np.where(leaves, np.float32(-1.4), 0.97 * state.champion + 0.12 * z[:, 1])
    happens = u[:, 12] < d.life_event_rate
    state.life_age = np.where(happens, np.float32(0), np.minimum(state.life_age + 1, LONG_AGO))
    life = (state.life_age / 3) * np.exp(1 - state.life_age / 3)
    state.budget = 0.9 * state.budget + 0.4 * z[:, 2] + 0.15 * life

    fullness = np.minimum(users / state.seats, 1)
    drift = d.growth + d.growth_spread * state.growth + 0.01 * np.tanh(state.satisfaction)
    drift = drift + d.contagion * 0.02 * fullness * expit(2 * state.satisfaction) + d.life_event_growth * life
    # Nobody waits for a seat for ever.
    drift = drift - 0.12 * np.maximum(state.log_users - np.log(state.seats) - 0.25, 0)
    quarter = state.log_users - (state.log_users - state.log_users_quarter_ago) * 2 / 3
    state.log_users = state.log_users + drift + d.growth_noise * z[:, 3]
    state.log_users_quarter_ago = quarter
    full = 0.6 + 0.55 * state.breadth + 0.35 * state.fit + 0.3 * state.satisfaction
    state.maturity = (
        state.maturity
        + d.adoption_speed * (full - state.maturity)
        + 0.05 * z[:, 4]
        + 0.12 * _one(trial)
        + 0.15 * _one(helped)
    )
    speed = np.where(shop.is_counter, d.api_growth, d.storage_growth).astype(np.float32)
    noise = np.where(shop.is_counter, 0.10, 0.03).astype(np.float32)
    follows = (drift - d.growth)[:, None] * 0.8
    crowded = np.maximum(over, 0)
    level = state.log_level + speed * np.exp(0.45 * state.level_affinity) + follows + noise * z[:, N_NORMALS:]
    state.log_level = level - 0.5 * crowded  # over the limit, use is put off or done elsewhere

    felt = state.satisfaction + 0.45 * z[:, 5]
    seen = np.where(felt < -0.85, RED, np.where(felt < -0.15, YELLOW, GREEN))
    state.csm_sentiment = np.where((u[:, 14] < 0.35) & state.is_active, seen, state.csm_sentiment)

    def since(event: Bools, so_far: Ints) -> Ints:
        return np.where(event, 0, np.minimum(so_far + 1, LONG_AGO))

    state.trial_age = since(trial, state.trial_age)
    state.since_proposal = since(is_offer, state.since_proposal)
    state.since_refusal = since(refused, state.since_refusal)
    held = made & (offered.offer == NONE)
    asks = refused & asks_for_quiet(u)
    quiet = np.where(held, world.selling.holdout_months, np.where(asks, 4, 0))
    state.holdout = np.maximum(quiet, state.holdout - 1)
    state.trust = np.minimum(state.trust + 1, 480)
    state.gates_met = many(outlook.gate_rate * state.is_active, z[:, 6])
    return n_tickets


def _one(holds: Bools) -> Floats:
    return holds.astype(np.float32)


def asks_for_quiet(u: NDArray[np.floating]) -> Bools:
    """Who, having refused, asks not to be contacted for three months. u: the month's uniforms."""
    return u[:, 17] > 0.94


def poisson(rate: Floats, u: NDArray[np.floating]) -> Ints:
    """Counts by inversion, up to 6, so that one uniform makes one count.

    >>> poisson(np.array([1.0, 1.0]), np.array([0.3, 0.95]))
    array([0, 3], dtype=int8)
    """
    term = np.exp(-rate)
    total, count = term.copy(), np.zeros(len(rate), np.int8)
    for k in range(1, 7):
        count += u > total
        term = term * rate / k
        total = total + term
    return count


def many(rate: Floats, z: NDArray[np.floating]) -> Ints:
    """Counts about `rate` from normals, as spread as Poisson's.

    >>> many(np.array([0.0, 9.0, 9.0]), np.array([2.0, 0.0, 2.0]))
    array([ 0,  9, 15])
    """
    return np.round(np.maximum(rate + np.sqrt(rate) * z, 0)).astype(int)


def terms_of(state: State, exists: Bools | None = None) -> Terms:
    """What the accounts have bought now."""
    copies = {f.name: getattr(state, f.name).copy() for f in fields(Terms)}
    if exists is not None:
        copies["is_active"] &= exists
    return Terms(**copies)


def turn(
    world: World,
    shop: Shop,
    state: State,
    z: NDArray[np.floating],
    u: NDArray[np.floating],
    month: Month,
    offered: Proposals | None = None,
) -> Turn:
    """A whole month, in place. `offered`: what is proposed; drawn where it is None."""
    reprice(world, state, month)
    repriced = terms_of(state)
    outlook = look(world, shop, state, month)
    if offered is None:
        offered = propose(world, shop, state, intend(world, shop, state, outlook), u)
    change = decide(world, shop, state, outlook, offered, u, month)
    apply(world, state, change, offered, month)
    tickets = evolve(world, shop, state, outlook, offered, change.proposal_made, change.is_accepted, z, u)
    return Turn(outlook, offered, change, repriced, tickets)
