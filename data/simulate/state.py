"""What an account is at the start of a month: its traits, which never change and no table holds, and its state."""

import math
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from data.simulate.shop import Shop
from data.simulate.world import World

# NumPy's stubs lose the dtype in arithmetic, so these names tell the reader what an array holds, and the checker less.
Floats = NDArray[Any]
Ints = NDArray[Any]
Bools = NDArray[Any]
Dates = NDArray[Any]
Objects = NDArray[Any]

RED, YELLOW, GREEN = 0, 1, 2
LONG_AGO = 99


@dataclass
class State:
    """n accounts at the start of a month; every field has n rows. Counters of months stop at LONG_AGO.

    Traits and inner state are float32: half the memory, and NumPy's exp and tanh are several times as fast.
    """

    # traits
    fit: Floats
    growth: Floats
    price_sensitivity: Floats
    breadth: Floats
    self_service: Floats  # likes email and in-app messages rather than calls
    affinity: Floats  # (n, F) for features
    level_affinity: Floats  # (n, M) for metered use
    is_opted_in: Bools
    has_owner: Bools
    # inner state
    satisfaction: Floats
    champion: Floats
    budget: Floats
    log_users: Floats  # who would like to work with it, whether or not there is a seat
    log_users_quarter_ago: Floats
    maturity: Floats
    log_level: Floats  # (n, M) wanted level of each metric; counters: a month
    life_age: Floats  # months since the last event in the customer's company
    trust: Floats  # months since sign-up
    # terms
    is_active: Bools
    plan: Ints  # position in the order of tiers
    seats: Floats
    add_ons: Ints  # owned, as bits
    is_annual: Bools
    discount: Floats  # per cent
    base_discount: Floats
    promotion_left: Ints  # months
    price_level: Floats  # of the list that the account pays
    anchor: Ints  # month of the year's renewal, 0-11
    anchor_day: Ints  # its day, 1-27, where 0 is the month's first
    settling: Ints  # months for which the terms stay as they are
    away: Ints  # months since it left
    # relations
    csm_sentiment: Ints
    serious_ticket: Bools
    gates_met: Ints  # times that somebody met a feature which only the next plan opens, last month
    trial_age: Ints  # months since a trial began
    since_proposal: Ints
    since_refusal: Ints
    holdout: Ints  # months left

    def repeat(self, times: int) -> Self:
        """Every account `times` times, one after the other."""
        return type(self)(**{f.name: np.repeat(getattr(self, f.name), times, axis=0) for f in fields(self)})

    def take(self, rows: Ints) -> Self:
        """The accounts at these positions."""
        return type(self)(**{f.name: getattr(self, f.name).take(rows, axis=0) for f in fields(self)})

    def copy(self) -> Self:
        """The same, in arrays of its own."""
        return type(self)(**{f.name: getattr(self, f.name).copy() for f in fields(self)})


def mrr(shop: Shop, state: State) -> Floats:
    """(n,): what the accounts pay a month, net of discount, add-ons included."""
    net = shop.gross(state.plan, state.seats, state.add_ons) * state.price_level * (1 - state.discount / 100)
    return np.where(state.is_active, net, 0.0)


def sign_up(world: World, shop: Shop, z: NDArray[np.float32], u: NDArray[np.float32], month_of_year: Ints) -> State:
    """The accounts as they are when they sign up. z: (n, 8 + F + M) normals, u: (n, 12) uniforms."""
    n, F, M = len(z), len(shop.features), len(shop.metrics)
    fit, growth, price, breadth, champion = z[:, 0], z[:, 1], z[:, 2], z[:, 3], z[:, 4]
    growth = 0.3 * fit + 0.95 * growth
    breadth = 0.3 * fit + 0.95 * breadth
    shares = np.cumsum(world.arrivals.plan_shares) / np.sum(world.arrivals.plan_shares)
    log_users = world.arrivals.mean_log_users + world.arrivals.sd_log_users * z[:, 5]
    # Large and broad accounts begin on dearer plans.
    rank = ndtr(0.75 * ndtri(u[:, 0].astype(float)) + 0.55 * z[:, 5] + 0.37 * breadth)  # variance 1
    plan = np.minimum(np.searchsorted(shares, rank, side="right"), len(shop.plans) - 1)
    log_users = np.where(shop.is_free[plan], np.minimum(log_users - 1.2, math.log(5.5)), log_users)
    wanted = np.exp(log_users)
    bought = np.maximum(np.ceil(wanted * (1.05 + 0.6 * u[:, 1])), 3)
    seats = np.where(shop.is_free[plan], shop.seat_limit[plan], bought).astype(np.float32)
    limit = shop.plan_limit[plan]
    # Who has no limit uses about what the largest limit would be used at.
    largest = np.where(np.isfinite(shop.plan_limit), shop.plan_limit, 0.0).max(axis=0, initial=0.0)
    finite = np.where(np.isfinite(limit), limit, np.where(largest > 0, largest, 250.0))
    log_level = np.log(0.22 * finite).astype(np.float32) + 0.55 * z[:, 8 + F :] + 0.25 * (log_users - 3.0)[:, None]
    base_discount = np.where(u[:, 3] < 0.6, 0.0, np.where(u[:, 3] < 0.85, 5.0, 10.0)) * (plan > 0)
    zero = np.zeros(n, np.float32)
    long_ago = np.full(n, LONG_AGO)
    return State(
        fit=fit, growth=growth, price_sensitivity=price, breadth=breadth, self_service=z[:, 6],
        affinity=z[:, 8 : 8 + F], level_affinity=z[:, 8 + F :],
        is_opted_in=u[:, 4] < world.opted_in, has_owner=u[:, 5] >= world.without_owner,
        satisfaction=0.45 * fit + 0.4 * z[:, 7], champion=champion, budget=zero.copy(),
        log_users=log_users, log_users_quarter_ago=log_users.copy(),
        maturity=-1.2 + 0.25 * breadth + 0.45 * plan.astype(np.float32), log_level=log_level.reshape(n, M),
        life_age=np.full(n, LONG_AGO, np.float32), trust=zero.copy(),
        is_active=np.ones(n, bool), plan=plan, seats=seats, add_ons=np.zeros(n, int),
        is_annual=(u[:, 2] < world.arrivals.annual_share) & ~shop.is_free[plan],
        discount=base_discount, base_discount=base_discount.copy(), promotion_left=np.zeros(n, int),
        price_level=np.ones(n), anchor=month_of_year.copy(),
        anchor_day=1 + (u[:, 6] * 27).astype(int),
        settling=np.full(n, min(2, world.expansion.settling_months)), away=np.zeros(n, int),
        csm_sentiment=np.full(n, GREEN), serious_ticket=np.zeros(n, bool), gates_met=np.zeros(n, int),
        trial_age=long_ago.copy(),
        since_proposal=long_ago.copy(), since_refusal=long_ago.copy(), holdout=np.zeros(n, int),
    )  # fmt: skip
