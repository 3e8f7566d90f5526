"""What the CSMs would have proposed on the day of the decision, by the choice that the simulated world gives them.

The benchmark may ask the simulator; the product may not. An expectation, not a draw: by account, how likely it is
that its CSM makes each proposal this month, by which channel and at which discount.
"""

from datetime import date

import numpy as np
import pandas as pd

from data.catalog import Catalog
from data.simulate.calendar import horizon, months_until
from data.simulate.company import BLOCK
from data.simulate.history import live
from data.simulate.identity import account_ids
from data.simulate.outlook import look
from data.simulate.selling import intend
from data.simulate.shop import open_shop
from data.simulate.world import World

SLOW_TO_DISCOUNT = 2.2  # data/simulate/selling.py: fill_in


def proposals(catalog: Catalog, world: World, *, accounts: int, months: int, seed: int, ends_on: date) -> pd.DataFrame:
    """One row per account × offer × channel × discount that a CSM might propose; `p` is how likely that is."""
    shop = open_shop(catalog)
    calendar = months_until(ends_on, months, world.arrivals.burn_in_months, world.price_rise_on)
    frames = []
    for first in range(0, accounts, BLOCK):
        history = live(world, shop, calendar, range(first, min(first + BLOCK, accounts)), seed)
        state, ids = history.states[-1], account_ids(history.numbers)
        end = horizon(history.months[-1], history.months[-1].n_days + 1)[-1]
        intent = intend(world, shop, state, look(world, shop, state, end))
        weight = np.where(intent.can, np.exp(3.0 * intent.seen) if world.signal else 1.0, 0.0)
        share = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-12)
        for o, offer in enumerate(shop.offers):
            p = intent.p_person * share[:, o]
            rows = np.flatnonzero(p > 1e-6)
            n, steps = len(offer.channels), offer.discounts.steps_pct
            for c, channel in enumerate(offer.channels):
                of_channel = 0.5 / n + (0.5 if c == 0 else 0.0)
                for d, step in enumerate(steps):
                    edges = (np.array([d, d + 1]) / len(steps)) ** (1 / SLOW_TO_DISCOUNT)
                    frames.append(
                        pd.DataFrame(
                            {
                                "account_id": ids[rows], "offer_id": offer.id, "channel": channel,
                                "discount_pct": float(step), "p": p[rows] * of_channel * (edges[1] - edges[0]),
                            }
                        )
                    )  # fmt: skip
    return pd.concat(frames, ignore_index=True)
