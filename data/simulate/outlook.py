"""What presses on an account this month, and how likely each change of its terms is of its own accord."""

import math
from dataclasses import dataclass, fields
from functools import reduce

import numpy as np

from data.simulate.calendar import Month
from data.simulate.logistic import expit, log_expit
from data.simulate.shop import Shop
from data.simulate.state import Bools, Floats, Ints, State
from data.simulate.world import World

UPGRADE, SEATS = 0, 1  # kinds of expansion; then one for each add-on
GATE_RATE = 0.045  # rows a day of a locked feature that is fully needed, at one user
WORKED = 0.76  # of a working day's use, on the mean day


@dataclass(frozen=True)
class Outlook:
    """n accounts at the start of a month. Pressures are in (0, 1); hazards are per month."""

    need: Floats  # (n, F): how much each feature is needed
    open_features: Bools  # (n, F)
    gates: Floats  # (n,): needed features that only the next plan opens
    gate_rate: Floats  # (n,): how often somebody meets one of them, a month
    seat_pressure: Floats
    limit_pressure: Floats  # (n, M)
    add_on_pressure: Floats  # (n, K)
    upgrade_pressure: Floats
    adoption: Floats  # share of the open features in use
    is_near_renewal: Bools
    groups: dict[str, Floats]  # what each cause adds to the log-hazard of expansion
    expansion: Floats  # (n, 2 + K): upgrade, seats, add-ons
    seats_down: Floats
    downgrade: Floats
    churn: Floats

    @property
    def hazards(self) -> list[Floats]:
        """(n,) each: expansions, fewer seats, downgrade, leaving."""
        return [*self.expansion.T, self.seats_down, self.downgrade, self.churn]

    def repeat(self, times: int) -> "Outlook":
        """Every account's `times` times, one after the other."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "groups"}
        groups = {name: np.repeat(cause, times) for name, cause in self.groups.items()}
        return Outlook(groups=groups, **{name: np.repeat(value, times, axis=0) for name, value in own.items()})


def active_users(state: State) -> Floats:
    """(n,): who works with it: those who would like to, as far as there are seats."""
    wanted = np.exp(state.log_users)
    return wanted * fill(wanted / state.seats)


def fill(pressed: Floats) -> Floats:
    """(1 + x⁸)^(−1/8): the share of those who press on a limit that it lets in."""
    square = pressed * pressed
    fourth = square * square
    return 1 / np.sqrt(np.sqrt(np.sqrt(1 + fourth * fourth)))


def months_to_renewal(state: State, month_of_year: Ints | int) -> Floats:
    """(n,): 0 in the month of renewal; 99 where billing is monthly."""
    return np.where(state.is_annual, (state.anchor - month_of_year) % 12, 99)


def look(world: World, shop: Shop, state: State, month: Month) -> Outlook:
    """Everything that a month's events depend on, from the state at the month's start."""
    e, last = world.expansion, len(shop.plans) - 1
    code = shop.code(state.plan, state.add_ons)
    opened = shop.open_features.take(code, axis=0)
    need = expit(4.0 * (state.maturity[:, None] - shop.threshold + 0.55 * state.affinity))
    following = np.minimum(state.plan + 1, last)
    has_next = state.plan < last
    gates = _dot(need, shop.gated_next.take(code, axis=0))
    wanted = np.exp(state.log_users)
    log_seats = np.log(state.seats)
    crowding = state.log_users - log_seats
    seat_pressure = expit((crowding - math.log(e.seat_pressure_at)) / e.pressure_width)
    ratio = np.exp(state.log_level - shop.log_limit.take(code, axis=0))
    limit_pressure = expit((ratio - e.limit_pressure_at) / e.pressure_width)
    is_free = shop.is_free[state.plan]

    # An add-on relieves the limits that it extends, or opens features that are needed and locked.
    can_add = shop.can_add.take(code, axis=0)
    add_on_pressure = np.zeros(can_add.shape, np.float32)
    for k in range(can_add.shape[1]):
        for m in np.flatnonzero(shop.add_on_limit[k] > 0):
            add_on_pressure[:, k] = np.maximum(add_on_pressure[:, k], limit_pressure[:, m])
        features = np.flatnonzero(shop.add_on_features[k])
        if len(features):
            share = _dot(need[:, features], shop.add_on_share[k].take(code, axis=0))
            by_feature = expit((share - 0.80) / 0.07)
            add_on_pressure[:, k] = np.maximum(add_on_pressure[:, k], np.where(share > 0, by_feature, 0))

    gate_pressure = expit((gates - e.gates_at) / e.gates_width)
    lifted = np.zeros(len(code), np.float32)
    for metric in range(limit_pressure.shape[1]):
        helps = shop.plan_limit[following, metric] > shop.plan_limit[state.plan, metric]
        lifted = np.maximum(lifted, helps * limit_pressure[:, metric])
    lifted = np.maximum(lifted, np.where(is_free, seat_pressure, 0.0))
    upgrade_pressure = 1 - (1 - gate_pressure) * (1 - 0.5 * lifted)

    renewal = months_to_renewal(state, month.of_year)
    near = renewal < 3
    growth = np.clip((state.log_users - state.log_users_quarter_ago) / 0.1, -2, 3)
    life = (state.life_age / 3) * np.exp(1 - state.life_age / 3)  # highest three months after the event
    serious = _one(state.serious_ticket)
    groups = {
        "use": e.growth * growth,
        "tenure": log_expit((state.trust - e.months_to_trust) / 0.7),
        "seats": e.size * (log_seats - 2.7),
        "support": e.serious_ticket * serious,
        "sentiment": log_expit(e.satisfaction * (state.satisfaction + 0.35)),
        "relationship": e.champion * state.champion,
        "commerce": e.budget * state.budget + e.price_sensitivity * state.price_sensitivity + e.renewal * _one(near),
        "proposals": e.refusal * _one(state.since_refusal < 3) + e.trial * _one((state.trial_age <= 3) & (gates > 0.8)),
        "life": e.life * life,
    }
    can = np.column_stack([has_next, ~is_free, can_add])
    pressure = np.column_stack([upgrade_pressure, seat_pressure, add_on_pressure])
    expansion = expansion_hazards(world, pressure, reduce(np.add, groups.values())) * can

    # Leaving
    leaving = world.leaving
    idle = np.clip(1 - wanted / state.seats, 0, 1)
    base = np.where(is_free, leaving.churn_free, leaving.churn_monthly).astype(np.float32)
    base = np.where(state.is_annual, np.where(renewal == 0, leaving.churn_annual, -99.0).astype(np.float32), base)
    risen = month.since_rise is not None and month.since_rise < 4
    churn = (
        base + leaving.satisfaction * state.satisfaction + leaving.champion * state.champion + leaving.idle_seats * idle
    )
    churn = churn + leaving.price_rise * risen * np.maximum(state.price_sensitivity, 0)
    churn = np.exp(np.minimum(churn, 0)) + leaving.business_closed
    gate_rate = (
        GATE_RATE * WORKED * 30 * _dot(need * need, shop.gated_next.take(code, axis=0)) * np.sqrt(active_users(state))
    )
    unhappy = 0.5 * leaving.satisfaction * state.satisfaction + 0.3 * state.price_sensitivity
    terms_open = np.where(state.is_annual, renewal == 0, True) & ~is_free
    yearly = math.log(8.0) * _one(state.is_annual)
    seats_down = (
        np.exp(np.minimum(leaving.seats_down + yearly + 4 * (idle - 0.3) + unhappy, 0)) * terms_open * (idle > 0.25)
    )
    unused = 1 - _dot(need, shop.only_here.take(code, axis=0)) / 2
    paid_below = (state.plan > 0) & ~shop.is_free[np.maximum(state.plan - 1, 0)]
    downgrade = (
        np.exp(np.minimum(leaving.downgrade + yearly + 1.5 * np.maximum(unused, 0) + unhappy, 0))
        * terms_open
        * paid_below
    )
    if world.signal == 0:
        expansion = np.zeros_like(expansion)
        expansion[:, SEATS] = world.noise_hazard
        seats_down, downgrade = np.zeros_like(churn), np.zeros_like(churn)
        churn = np.full_like(churn, np.exp(leaving.churn_monthly))
    if month.index < 0:  # the accounts are those that the window finds: before it nobody leaves
        churn = np.zeros_like(churn)
    free_to_change = state.is_active & (state.settling == 0)
    return Outlook(
        need=need, open_features=opened, gates=gates, gate_rate=gate_rate,
        seat_pressure=seat_pressure, limit_pressure=limit_pressure,
        add_on_pressure=add_on_pressure * can_add, upgrade_pressure=upgrade_pressure * has_next,
        adoption=_dot(need, shop.opened.take(code, axis=0)) / shop.n_open[code],
        is_near_renewal=near, groups=groups,
        expansion=expansion * free_to_change[:, None], seats_down=seats_down * free_to_change,
        downgrade=downgrade * free_to_change, churn=churn * free_to_change,
    )  # fmt: skip


def _one(holds: Bools) -> Floats:
    """1 where it holds, else 0; a bare product with a number would be float64."""
    return holds.astype(np.float32)


def _dot(a: Floats, b: Floats | Bools) -> Floats:
    return np.einsum("ij,ij->i", a, b.astype(np.float32, copy=False))


def expansion_hazards(world: World, pressure: Floats, log_willingness: Floats) -> Floats:
    """(n, 2 + K) a month: base × pressure × willingness. Without pressure or without the will, next to nothing."""
    e = world.expansion
    base = [e.upgrade, e.seats] + [e.add_on] * (pressure.shape[1] - 2)
    willing = np.exp(log_willingness)
    found = np.empty(pressure.shape, np.float32, order="F")
    for k, log_base in enumerate(base):
        found[:, k] = np.minimum(math.exp(log_base) * (e.quiet + (1 - e.quiet) * pressure[:, k]) * willing, 3.0)
    return found
