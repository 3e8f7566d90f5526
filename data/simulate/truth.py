"""What only a simulator knows: the probability of expansion, and what each cause adds to it.

The probability averages over futures of the inner state, which are drawn, and sums over what may happen to the
terms, which are not: after a change the terms stay for `settling_months`, so the first change decides the label.
"""

from dataclasses import dataclass
from functools import reduce

import numpy as np

from data.simulate.calendar import Month
from data.simulate.month import (
    NOTHING,
    Change,
    apply,
    discount_after,
    evolve,
    offered_terms,
    own_expansion,
    reprice,
)
from data.simulate.outlook import Outlook, expansion_hazards, look
from data.simulate.selling import NONE, fill_in, intend, nobody
from data.simulate.shop import Shop
from data.simulate.state import Bools, Floats, Ints, State, mrr
from data.simulate.world import World

MIN_GROWTH = 0.10  # contract: MRR at least this much higher, or a higher tier


@dataclass(frozen=True)
class Before:
    """The terms on the day of the snapshot, to which the label holds those of the horizon's end; (n,) each."""

    plan: Ints
    seats: Floats
    add_ons: Ints
    is_annual: Bools
    price: Floats  # of the list, net
    enough: Floats  # the MRR from which on it is an expansion

    @classmethod
    def of(cls, shop: Shop, state: State) -> "Before":
        """The state's."""
        return cls(
            state.plan.copy(), state.seats.copy(), state.add_ons.copy(), state.is_annual.copy(),
            state.price_level * (1 - state.discount / 100),
            (1 + MIN_GROWTH) * np.round(mrr(shop, state), 2) - 1e-9,
        )  # fmt: skip

    def is_expanded(
        self, shop: Shop, price: Floats, plan: Ints, seats: Floats, add_ons: Ints, is_annual: Bools
    ) -> Bools:
        """Whether these terms count as an expansion: a higher tier, or an MRR that is enough. price: of the list, net.

        As in the label, what runs on with its quantity and billing enters at no more than the price it had: a list
        price that rises meanwhile is no growth, though something else was bought.
        """
        after = shop.gross(plan, seats, add_ons) * price
        rise = np.where(is_annual == self.is_annual, np.maximum(price - self.price, 0.0), 0.0)
        if rise.any():
            after = after - rise * self._kept(shop, plan, seats, add_ons)
        after = np.round(after, 2)
        return (shop.tier[plan] > shop.tier[self.plan]) | ((after >= self.enough) & (after > 0))

    def _kept(self, shop: Shop, plan: Ints, seats: Floats, add_ons: Ints) -> Floats:
        """The list price of the products that are the same, in the same quantity."""
        has_seats = seats == self.seats
        is_plan = (plan == self.plan) & has_seats
        kept = np.where(is_plan, shop.plan_base[plan] + shop.plan_seat[plan] * seats, 0.0)
        for k, (base, per_seat) in enumerate(zip(shop.add_on_base, shop.add_on_seat, strict=True)):
            is_kept = ((add_ons & self.add_ons) >> k & 1 == 1) & (has_seats | (per_seat == 0))
            kept = kept + np.where(is_kept, base + per_seat * seats, 0.0)
        return kept


def p_expansion(
    world: World, shop: Shop, state: State, months: list[Month], z: np.ndarray, u: np.ndarray, *, contact: bool
) -> Floats:
    """(n,): probability that the label of the snapshot at the start of `months` is positive.

    z: (n, R, months, normals), u: (n, R, months, uniforms): R futures each.
    """
    n, R = z.shape[:2]
    # In the first month all futures of an account are one.
    now = state.copy()
    reprice(world, now, months[0])
    first = look(world, shop, now, months[0])
    first_intent = intend(world, shop, now, first).repeat(R) if contact else None
    first = first.repeat(R)
    state = state.repeat(R)
    before = Before.of(shop, state)
    z, u = z.reshape(n * R, *z.shape[2:]), u.reshape(n * R, *u.shape[2:])
    unchanged, expanded = np.ones(n * R), np.zeros(n * R)
    days_left = world.horizon_days
    for t, month in enumerate(months):
        if days_left <= 0:
            break
        reprice(world, state, month)
        outlook = look(world, shop, state, month) if t else first
        if contact:
            # Which offer would be made is drawn; whether it is, and whether it is taken, is summed over.
            intent = first_intent if first_intent and t == 0 else intend(world, shop, state, outlook)
            p_made = intent.p_programme + (1 - intent.p_programme) * intent.p_person
            by_programme = u[:, t, 0] * p_made < intent.p_programme
            offered = fill_in(world, shop, state, intent, by_programme, p_made > 0, u[:, t])
        else:
            offered, p_made = nobody(len(state.plan)), np.zeros(len(state.plan))
        level = month.price_level(world)
        share_own = min(days_left / month.n_days, 1.0) if days_left > 1 else 0.0  # never on the first
        share_offer = month.decided_before(days_left) if days_left < month.n_days else 1.0

        # An offer that changes the terms
        is_sale = offered.is_made & (offered.offer != NONE) & shop.sells[np.maximum(offered.offer, 0)]
        p_sale, gain = np.zeros(n * R), np.zeros(n * R)
        if contact:
            _, plan, seats, add_ons, annual = offered_terms(shop, state, np.where(is_sale, offered.offer, NONE))
            discount = discount_after(
                shop, state, plan, seats, add_ons, annual, np.where(is_sale, offered.discount, 0.0)
            )
            p_sale = np.where(is_sale, p_made * offered.p_accept, 0.0)
            price = level * (1 - discount / 100)
            gain = p_sale * share_offer * before.is_expanded(shop, price, plan, seats, add_ons, annual)

        # What the account does by itself
        total = reduce(np.add, outlook.hazards)
        p_any = -np.expm1(-total)
        per_hazard = (1 - p_sale) * p_any / np.maximum(total, 1e-30) * share_own
        price = level * (1 - state.discount / 100)
        for k in range(outlook.expansion.shape[1]):
            h = outlook.expansion[:, k]
            if h.any():
                counts = before.is_expanded(shop, price, *own_expansion(world, shop, state, k), state.is_annual)
                gain = gain + per_hazard * h * counts
        stays = (1 - p_sale) * (1 - p_any)
        if world.signal == 0:  # changes may follow one another: who has expanded may still leave
            leaves = -np.expm1(-outlook.churn * share_own)
            expanded = expanded * (1 - leaves)
        expanded = expanded + unchanged * gain
        unchanged = unchanged * stays
        days_left -= month.n_days
        if days_left <= 0:
            break

        # The month as it goes on where the terms did not change
        p_made = p_made * np.where(is_sale, 1 - offered.p_accept, 1) / (1 - p_sale)  # given that nothing was sold
        made = u[:, t, 1] < p_made
        accepted = made & ~is_sale & (u[:, t, 6] < offered.p_accept)
        apply(world, state, nothing(state, accepted, made), offered, month)
        evolve(world, shop, state, outlook, offered, made, accepted, z[:, t], u[:, t])
    return expanded.reshape(n, R).mean(axis=1)


def nothing(state: State, accepted: Bools, made: Bools) -> Change:
    """Terms that stay as they are."""
    n = len(state.plan)
    return Change(
        np.full(n, NOTHING), np.zeros(n, int), state.plan, state.seats, state.add_ons, state.is_annual, state.discount,
        accepted, made,
    )  # fmt: skip


def causes(world: World, outlook: Outlook, horizon_months: float = 3.0) -> dict[str, Floats]:
    """Per group (n,): log-odds of expansion as things stand less those with the group's cause at its reference.

    References: no pressure above the quiet share (limits, adoption), zero for everything else.
    """
    reference = reduce(np.add, outlook.groups.values())
    can = outlook.expansion > 0
    n_own = outlook.expansion.shape[1]
    full = np.column_stack([outlook.upgrade_pressure, outlook.seat_pressure, outlook.add_on_pressure])

    def log_odds(pressure: Floats, willing: Floats) -> Floats:
        h = (expansion_hazards(world, pressure, willing) * can).sum(axis=1) * horizon_months
        p = np.clip(-np.expm1(-h), 1e-6, 1 - 1e-6)
        return np.log(p / (1 - p))

    now = log_odds(full, reference)
    found = {name: now - log_odds(full, reference - cause) for name, cause in outlook.groups.items()}
    no_gates = full.copy()
    no_gates[:, 0] = 0
    if n_own:
        found["adoption"] = now - log_odds(no_gates, reference)
    no_limits = full.copy()
    no_limits[:, 1:] = 0
    found["limits"] = now - log_odds(no_limits, reference)
    return {name: np.where(can.any(axis=1), value, 0.0) for name, value in found.items()}
