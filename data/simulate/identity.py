"""Who an account is: its id, its region and its CSM, from its number and its own draws."""

import numpy as np

from data.simulate.state import Floats, Ints, Objects
from data.simulate.world import World


def account_ids(numbers: Ints) -> Objects:
    """Ids of accounts: their number and nothing else.

    >>> account_ids(np.array([0, 41]))
    array(['ACC-000001', 'ACC-000042'], dtype=object)
    """
    return np.array([f"ACC-{number + 1:06d}" for number in numbers], dtype=object)


def region_of(u: Floats) -> Ints:
    """Position among REGIONS."""
    return np.searchsorted([0.38, 0.74, 0.88], u, side="right")


def owner_of(world: World, numbers: Ints, region: Ints, u: Floats) -> Ints:
    """The CSM's number, within the account's region: five CSMs for each five times `accounts_per_csm` accounts."""
    team = numbers // (5 * world.accounts_per_csm)
    within = np.where(region == 0, (u * 2).astype(int), np.where(region == 1, 2 + (u * 2).astype(int), 4))
    return team * 5 + within + 1
