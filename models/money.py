"""What a ranking is worth in money, where a team can act on so many rows of each period."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from models.bootstrap import Measured, draws, interval_of
from models.ranked import by_period, first_of
from models.settings import Evaluation

# What `money_at_capacity` gives.
MONEY = ("captured", "random", "perfect", "share_of_perfect", "times_random")


def money_at_capacity(
    added: np.ndarray,
    p: np.ndarray,
    *,
    settings: Evaluation,
    seed: int,
    groups: pd.Series[Any] | None = None,
    periods: pd.Series[Any] | None = None,
) -> dict[str, Measured]:
    """How much of the expansion that came was among the accounts that the team would have talked to?

    added: MRR that each row's expansion brought, 0 without one; within each of `periods`, `settings.capacity` rows can
    be acted on. A mean per period of `captured` (those with the highest `p`), `random` (as many at random, exactly) and
    `perfect` (those that brought most), in money a month; `share_of_perfect`; and `times_random`. What came by itself
    is in it: this is no effect of the list. None where nothing was added.

    >>> found = money_at_capacity(np.array([0.0, 10.0, 0.0, 30.0]), np.array([0.1, 0.9, 0.2, 0.8]),
    ...                           settings=Evaluation(n_bootstrap=50, capacity=1), seed=0)
    >>> [found[name].value for name in ("captured", "random", "perfect")]
    [10.0, 10.0, 30.0]
    """
    together = np.arange(len(p)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    when = np.zeros(len(p), int) if periods is None else np.unique(np.asarray(periods), return_inverse=True)[1]
    if not len(p) or not added.sum() > 0:
        return dict.fromkeys(MONEY, Measured(None, None, None))
    orders = {"captured": by_period(p, when), "perfect": by_period(added, when), "random": by_period(0 * p, when)}
    n_groups = int(together.max()) + 1
    whole = _money(np.ones((len(p), 1)), added, orders, settings.capacity)
    parts = [
        _money(weights, added, orders, settings.capacity)
        for weights in draws(together, n_groups, settings.n_bootstrap, seed)
    ]
    found = {}
    for name in MONEY:
        samples = np.concatenate([part[name] for part in parts])
        found[name] = interval_of(name, float(whole[name][0]), samples[np.isfinite(samples)], settings.interval)
    return found


def money_lead(
    added: np.ndarray,
    p: np.ndarray,
    other: np.ndarray,
    *,
    settings: Evaluation,
    seed: int,
    groups: pd.Series[Any] | None = None,
    periods: pd.Series[Any] | None = None,
) -> Measured:
    """What `p` captures more than `other` does (`captured` of `money_at_capacity`), in money a month; paired.

    >>> money_lead(np.array([0.0, 10.0, 0.0, 30.0]), np.array([0.1, 0.2, 0.3, 0.9]), np.array([0.1, 0.9, 0.2, 0.8]),
    ...            settings=Evaluation(n_bootstrap=50, capacity=1), seed=0).value
    20.0
    """
    together = np.arange(len(p)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    when = np.zeros(len(p), int) if periods is None else np.unique(np.asarray(periods), return_inverse=True)[1]
    if not len(p) or not added.sum() > 0:
        return Measured(None, None, None)
    orders = {"ours": by_period(p, when), "theirs": by_period(other, when)}

    def lead(weights: np.ndarray) -> np.ndarray:
        ours, theirs = (_captured(weights, added, order, settings.capacity) for order in orders.values())
        return ours - theirs

    samples = [lead(weights) for weights in draws(together, int(together.max()) + 1, settings.n_bootstrap, seed)]
    value = float(lead(np.ones((len(p), 1)))[0])
    return interval_of("difference", value, np.concatenate(samples), settings.interval)


def _money(
    weights: np.ndarray, added: np.ndarray, orders: Mapping[str, list[tuple[np.ndarray, np.ndarray]]], capacity: int
) -> dict[str, np.ndarray]:
    found = {name: _captured(weights, added, by_period, capacity) for name, by_period in orders.items()}
    with np.errstate(divide="ignore", invalid="ignore"):  # a sample without any money is left out by the caller
        found["share_of_perfect"] = found["captured"] / found["perfect"]
        found["times_random"] = found["captured"] / found["random"]
    return found


def _captured(
    weights: np.ndarray, added: np.ndarray, by_period: list[tuple[np.ndarray, np.ndarray]], capacity: int
) -> np.ndarray:
    """Money among the first `capacity` of each period, a mean per period, for every column of `weights`."""
    total = np.zeros(weights.shape[1])
    for order, starts in by_period:
        w = np.add.reduceat(weights[order], starts, axis=0)
        money = np.add.reduceat(weights[order] * added[order, None], starts, axis=0)
        chosen = first_of(w, np.cumsum(w, axis=0), np.full(weights.shape[1], float(capacity)))
        total += (money * chosen).sum(axis=0)
    return total / len(by_period)
