"""A block of accounts from their sign-up to the window's end: the state at each month's start and what happened."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from data.simulate.calendar import Month
from data.simulate.month import N_NORMALS, N_UNIFORMS, Change, Terms, terms_of, turn
from data.simulate.outlook import Outlook
from data.simulate.selling import Proposals
from data.simulate.shop import Shop
from data.simulate.state import Ints, State, sign_up
from data.simulate.streams import MONTHS, TRAITS, draw
from data.simulate.world import World


@dataclass(frozen=True)
class History:
    """A block of n accounts. Lists hold one entry a month, those before the window included."""

    numbers: Ints
    months: list[Month]
    born: Ints  # (n,): position of the month of sign-up
    born_day: Ints
    states: list[State]  # at the month's start; one more at the end
    outlooks: list[Outlook]
    proposals: list[Proposals]
    changes: list[Change]
    tickets: list[Ints]
    repriced: list[Terms]  # from the month's first day on
    changed: list[Terms]  # from the change's day on
    uniforms: list[np.ndarray]
    trait_uniforms: np.ndarray

    @property
    def n_before(self) -> int:
        """How many months lie before the window."""
        return -self.months[0].index

    @property
    def window(self) -> range:
        """Positions of the window's months."""
        return range(self.n_before, len(self.months))

    def starts_on(self, t: int) -> np.datetime64:
        """The first day of month `t`."""
        return np.datetime64(self.months[t].starts_on, "D")

    def customer_until(self, t: int) -> Ints:
        """(n,): how many days of month `t` those who began it as customers were customers; 0 for the others."""
        n_days = self.months[t].n_days
        left = self.states[t].is_active & ~self.changed[t].is_active
        return np.where(left, self.changes[t].day, n_days) * self.states[t].is_active


def live(world: World, shop: Shop, months: list[Month], numbers: Sequence[int], seed: int) -> History:
    """Simulate the accounts with these numbers."""
    total = len(months)
    F, M = len(shop.features), len(shop.metrics)
    z0, u0 = draw(seed, numbers, TRAITS, normals=(8 + F + M,), uniforms=(16,))
    z, u = draw(seed, numbers, MONTHS, normals=(total, N_NORMALS + M), uniforms=(total, N_UNIFORMS))
    before = -months[0].index
    window = total - before
    early = u0[:, 7] < world.arrivals.share_before
    born = np.where(early & (before > 0), (u0[:, 8] * before).astype(int), before + (u0[:, 8] * window).astype(int))
    born = np.minimum(born, total - 1)
    month_of_year = np.array([m.of_year for m in months])
    state = sign_up(world, shop, z0, u0, month_of_year[born])
    born_day = state.anchor_day.copy()
    found = History(
        np.asarray(numbers), months, born, born_day, [], [], [], [], [], [], [], [u[:, t] for t in range(total)], u0
    )
    for t, month in enumerate(months):
        unborn, new = born > t, born == t
        state.price_level = np.where(new | unborn, month.price_level(world), state.price_level)
        state.is_active &= born < t
        found.states.append(state.copy())
        earlier = state.copy()
        result = turn(world, shop, state, z[:, t], u[:, t], month)
        for f in fields(State):  # those who have yet to sign up stay as they are
            old, now = getattr(earlier, f.name), getattr(state, f.name)
            setattr(state, f.name, np.where(unborn.reshape(-1, *[1] * (now.ndim - 1)), old, now))
        state.is_active |= new
        state.away = np.where(born >= t, 0, state.away)
        found.outlooks.append(result.outlook)
        found.proposals.append(result.offered)
        found.changes.append(replace(result.change, day=np.where(new, born_day, result.change.day)))
        found.tickets.append(np.where(born < t, result.n_tickets, 0))
        found.repriced.append(result.repriced)
        found.changed.append(terms_of(state, born <= t))
    found.states.append(state.copy())
    return found
