"""The smallest change of one thing at an account that would take it where it is not, by the model itself.

This is about the model and not about the world: everything else stays as it is, and what would have to happen for the
change is not asked. So values are only those that peers really have.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

MIN_PEERS = 10
N_STEPS = 10  # between the first and the last decile of the peers

Probability = Callable[[pd.DataFrame], np.ndarray]
Reaches = Callable[[pd.DataFrame, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Change:
    """One feature from what it is to another value, and the probability before and after.

    size: of the change, in peers' ranges (from their first decile to their last): what makes changes comparable.
    """

    feature: str
    now: float
    value: float
    p_now: float
    p_then: float
    size: float


def tries(peers: np.ndarray, now: float, *, whole: bool) -> np.ndarray:
    """The values to try, nearest first: tenths of the way from the peers' first decile to their last.

    None where too few peers have a value, where all have the same, or where the account's own is not known. whole: only
    whole numbers.

    >>> tries(np.arange(101.0), 20.0, whole=True).tolist()
    [18.0, 26.0, 10.0, 34.0, 42.0, 50.0, 58.0, 66.0, 74.0, 82.0, 90.0]
    >>> tries(np.arange(5.0), 2.0, whole=True).tolist()
    []
    """
    known = peers[~np.isnan(peers)]
    if len(known) < MIN_PEERS or np.isnan(now):
        return np.zeros(0)
    low, high = np.quantile(known, [0.1, 0.9])
    values = np.linspace(low, high, N_STEPS + 1)
    values = np.unique(np.round(values) if whole else values)
    values = values[values != now]
    return values[np.argsort(np.abs(values - now), kind="stable")] if high > low else np.zeros(0)


def smallest(
    account: pd.DataFrame, values: Mapping[str, np.ndarray], ranges: Mapping[str, float], *,
    probability: Probability, reaches: Reaches,
) -> list[Change]:  # fmt: skip
    """For each feature the first of its values, in the order given, with which the account gets there; smallest first.

    account: its one row, as the model reads it; ranges: the peers' range of each feature. reaches: of changed rows and
    their probabilities, which are where one wants to get. Features that do not get it there are left out.

    >>> account = pd.DataFrame({"seats": [3.0], "logins": [2.0]})
    >>> model = lambda rows: 0.1 + 0.02 * rows["seats"].to_numpy()
    >>> found = smallest(account, {"seats": np.array([5.0, 8.0, 12.0]), "logins": np.array([9.0])}, {"seats": 9.0},
    ...                  probability=model, reaches=lambda rows, p: p >= 0.25)
    >>> [(change.feature, change.value, round(change.p_then, 2), change.size) for change in found]
    [('seats', 8.0, 0.26, 0.5555555555555556)]
    """
    names = [name for name, tried in values.items() for _ in tried]
    if not names:
        return []
    rows = account.loc[account.index.repeat(len(names))].reset_index(drop=True)
    places = pd.Series(range(len(names))).groupby(names, sort=False).agg(list)
    for name, at in places.items():
        column = pd.to_numeric(rows[str(name)]).astype("float64").to_numpy(copy=True)
        column[at] = values[str(name)]
        rows[str(name)] = column
    p_now, p_then = float(probability(account)[0]), probability(rows)
    is_there = reaches(rows, p_then)
    found = []
    for name, at in places.items():
        first = next((i for i in at if is_there[i]), None)
        if first is not None:
            now, value = float(account[str(name)].iloc[0]), float(rows[str(name)].iloc[first])
            size = abs(value - now) / ranges[str(name)]
            found.append(Change(str(name), now, value, p_now, float(p_then[first]), size))
    return sorted(found, key=lambda change: (change.size, change.feature))
