"""The truth about every offer: how likely it is accepted, and what making it is worth a year later.

Value is what the same account, in the same drawn futures, pays more twelve months on because the offer was made:
branches of the simulation itself, accepted, refused and left alone, weighed by the probability of acceptance.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from data.simulate.calendar import Month, horizon
from data.simulate.month import N_NORMALS, N_UNIFORMS, turn
from data.simulate.outlook import look
from data.simulate.selling import Proposals, feasible, needs, nobody, p_accept
from data.simulate.shop import Shop
from data.simulate.state import Floats, Ints, State, mrr
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

    def pays(rows: Ints, made: Proposals | None) -> Floats:
        return _pays_after_a_year(world, shop, state.take(rows), month, z[rows], u[rows], made)

    everyone = np.arange(len(numbers))
    alone = pays(everyone, None)
    # A refused pitch is the same whatever was pitched; help that is declined changes nothing.
    a_sale = next((o for o, offer in enumerate(shop.offers) if not offer.is_help), 0)
    refused = pays(everyone, _forced(state, a_sale, 0.0, is_accepted=False))
    frames = []
    for o, offer in enumerate(shop.offers):
        rows = np.flatnonzero(can[:, o] & state.is_active)
        if not len(rows):
            continue
        some, position = state.take(rows), np.full(len(rows), o)
        otherwise = alone[rows] if offer.is_help else refused[rows]
        for step in offer.discounts.steps_pct:
            accepted = pays(rows, _forced(some, o, step, is_accepted=True))
            for c, channel in enumerate(offer.channels):
                given = np.full(len(rows), float(step))
                p = p_accept(world, shop, some, need[rows, o], position, np.full(len(rows), c), given)
                gain = p * accepted + (1 - p) * otherwise - alone[rows]
                value = np.round(12 * gain - offer.contact_cost, 2)
                columns = {"offer_id": offer.id, "channel": channel, "discount_pct": float(step)}
                frames.append(pd.DataFrame({"position": rows, **columns, "p_accept": p, "value": value}))
    return pd.concat(frames, ignore_index=True)


def _forced(state: State, offer: int, discount: float, *, is_accepted: bool) -> Proposals:
    """The same offer to everybody, whose answer is known."""
    n = len(state.plan)
    return Proposals(
        is_made=np.ones(n, bool), offer=np.full(n, offer), is_random=np.zeros(n, bool), pscore=np.full(n, np.nan),
        channel=np.zeros(n, int), discount=np.full(n, discount), p_accept=np.full(n, float(is_accepted)),
        is_angry=state.satisfaction < -0.6,
    )  # fmt: skip


def _pays_after_a_year(
    world: World, shop: Shop, state: State, month: Month, z: Floats, u: Floats, made: Proposals | None
) -> Floats:
    """(n,): mean MRR after twelve months, of which the first begins with `made`, and nobody calls in the others."""
    n, R = z.shape[:2]
    state = state.repeat(R)
    z, u = z.reshape(n * R, *z.shape[2:]), u.reshape(n * R, *u.shape[2:])
    offered = nobody(n * R) if made is None else made.repeat(R)
    for t, at in enumerate(horizon(month, 365)[:MONTHS]):
        turn(world, shop, state, z[:, t], u[:, t], at, offered)
        offered = nobody(n * R)
    return mrr(shop, state).reshape(n, R).mean(axis=1)
