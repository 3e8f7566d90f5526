"""The truth about every offer: how likely it is accepted, and what making it is worth a year later.

Value is what the same account, in the same drawn futures, pays more twelve months on because the offer was made:
branches of the simulation itself, accepted, refused and left alone, weighed by the probability of acceptance.

What a branch pays after a year is averaged without the chance of its own events. For revenue X at list prices,

    E[X_T] = E[X_0 + Σ_t (E[X_t+1 | state t] − X_t)],

and the right side's inner expectation is summed over everything that may happen to the terms in month t, so that
whether a rare, large change falls into a drawn year no longer matters; only what changes the odds does.
"""

from collections.abc import Sequence
from functools import reduce

import numpy as np
import pandas as pd

from data.simulate.calendar import Month, horizon
from data.simulate.month import (
    N_NORMALS,
    N_UNIFORMS,
    apply,
    decide,
    discount_after,
    evolve,
    fewer_seats,
    offered_terms,
    own_expansion,
    reprice,
)
from data.simulate.outlook import Outlook, look
from data.simulate.selling import Proposals, feasible, needs, nobody, p_accept
from data.simulate.shop import Shop
from data.simulate.state import Floats, Ints, State
from data.simulate.streams import YEARS, futures
from data.simulate.world import World

MONTHS = 12


def response(world: World, shop: Shop, state: State, month: Month, seed: int, numbers: Sequence[int]) -> pd.DataFrame:
    """One row per account (its position) × feasible offer × channel × discount.

    p_accept: the offer is accepted if it is made at the month's start. value: money a year, of making it: twelve times
    the difference in MRR after twelve months to no contact, in expectation over the answer; net of discount and
    contact cost.
    """
    outlook = look(world, shop, state, month)
    can, need = feasible(shop, state), needs(shop, state, outlook)
    shape = (MONTHS, N_NORMALS + len(shop.metrics)), (MONTHS, N_UNIFORMS)
    z, u = futures(seed, numbers, YEARS, world.year_replicates, normals=shape[0], uniforms=shape[1])

    def pays(rows: Ints, made: Proposals | None) -> tuple[Floats, Floats]:
        return revenue_after_a_year(world, shop, state.take(rows), month, z[rows], u[rows], made)

    everyone = np.arange(len(numbers))
    list_price, discount = pays(everyone, None)
    alone = list_price * (1 - discount / 100)
    # A refused pitch is the same whatever was pitched; help that is declined changes nothing.
    a_sale = next((o for o, offer in enumerate(shop.offers) if not offer.is_help), 0)
    list_price, discount = pays(everyone, _forced(state, a_sale, is_accepted=False))
    refused = list_price * (1 - discount / 100)
    repriced = state.copy()
    reprice(world, repriced, month)
    frames = []
    for o, offer in enumerate(shop.offers):
        rows = np.flatnonzero(can[:, o] & state.is_active)
        if not len(rows):
            continue
        some, position = state.take(rows), np.full(len(rows), o)
        otherwise = alone[rows] if offer.is_help else refused[rows]
        # Discounts change nothing but the price, and last for these twelve months: one branch serves all the steps.
        list_price, discount = pays(rows, _forced(some, o, is_accepted=True))
        for step in offer.discounts.steps_pct:
            given = np.full(len(rows), float(step))
            if step > 0 and shop.sells[o]:
                before = repriced.take(rows)
                _, plan, seats, add_ons, annual = offered_terms(shop, before, position)
                discount = discount_after(shop, before, plan, seats, add_ons, annual, given)
            accepted = list_price * (1 - discount / 100)
            for c, channel in enumerate(offer.channels):
                p = p_accept(world, shop, some, need[rows, o], position, np.full(len(rows), c), given)
                p = p.astype(float).round(6)
                gain = p * accepted + (1 - p) * otherwise - alone[rows]
                value = np.round(12 * gain - offer.contact_cost, 2)
                columns = {"offer_id": offer.id, "channel": channel, "discount_pct": float(step)}
                frames.append(pd.DataFrame({"position": rows, **columns, "p_accept": p, "value": value}))
    if not frames:  # a block of few accounts, to whom nothing can be offered
        kinds = {"position": "int64", "offer_id": "str", "channel": "str"}
        kinds |= dict.fromkeys(("discount_pct", "p_accept", "value"), "float64")
        return pd.DataFrame(columns=list(kinds)).astype(kinds)
    return pd.concat(frames, ignore_index=True)


def _forced(state: State, offer: int, *, is_accepted: bool) -> Proposals:
    """The same offer to everybody, without a discount, whose answer is known."""
    n = len(state.plan)
    return Proposals(
        is_made=np.ones(n, bool), offer=np.full(n, offer), is_random=np.zeros(n, bool), pscore=np.full(n, np.nan),
        channel=np.zeros(n, int), discount=np.zeros(n), p_accept=np.full(n, float(is_accepted)),
        is_angry=state.satisfaction < -0.6,
    )  # fmt: skip


def revenue_after_a_year(
    world: World, shop: Shop, state: State, month: Month, z: Floats, u: Floats, made: Proposals | None
) -> tuple[Floats, Floats]:
    """(n,) expected revenue a month at list prices after twelve months, and (n,) the discount on it in per cent.

    The first month begins with `made`, and nobody calls in the others. z: (n, R, 12, normals), u likewise.
    """
    n, R = z.shape[:2]
    state = state.repeat(R)
    z, u = z.reshape(n * R, *z.shape[2:]), u.reshape(n * R, *u.shape[2:])
    offered = nobody(n * R) if made is None else made.repeat(R)
    expected = _list_revenue(shop, state)
    for t, at in enumerate(horizon(month, 365)[:MONTHS]):
        expected -= _list_revenue(shop, state)
        reprice(world, state, at)
        outlook = look(world, shop, state, at)
        change = decide(world, shop, state, outlook, offered, u[:, t], at)
        ahead = _expected_list_revenue(world, shop, state, outlook, at)
        apply(world, state, change, offered, at)
        if t == 0:  # what is sold is sold; nothing happens beside it
            sold = change.is_accepted & shop.sells[np.maximum(offered.offer, 0)]
            ahead = np.where(sold, _list_revenue(shop, state), ahead)
        expected += ahead
        evolve(world, shop, state, outlook, offered, change.proposal_made, change.is_accepted, z[:, t], u[:, t])
        offered = nobody(n * R)
    return expected.reshape(n, R).mean(axis=1), state.discount.reshape(n, R).mean(axis=1)


def _list_revenue(shop: Shop, state: State) -> Floats:
    return shop.gross(state.plan, state.seats, state.add_ons) * state.price_level * state.is_active


def _expected_list_revenue(world: World, shop: Shop, state: State, outlook: Outlook, month: Month) -> Floats:
    """(n,): mean of `_list_revenue` after the month's own events, given the state at its (repriced) start."""
    level = month.price_level(world)
    total = reduce(np.add, outlook.hazards)
    p_any = -np.expm1(-total)
    share = p_any / np.maximum(total, 1e-30)
    changed = np.zeros(len(total))
    for k in range(outlook.expansion.shape[1]):
        changed += outlook.expansion[:, k] * shop.gross(*own_expansion(world, shop, state, k))
    changed += outlook.seats_down * shop.gross(state.plan, fewer_seats(state), state.add_ons)
    below = np.maximum(state.plan - 1, 0)
    changed += outlook.downgrade * shop.gross(below, state.seats, state.add_ons & shop.useful[below])
    back = world.arrivals.return_hazard * (~state.is_active & (state.away >= 2))
    returns = back * shop.gross(state.plan, state.seats, state.add_ons) * level
    return (1 - p_any) * _list_revenue(shop, state) + share * changed * level + returns
