"""What a change of terms was really paid for: beside the list price's change, as snapshots before and after it show.

A free account that begins to pay takes other seats than it had; a yearly contract is cheaper by itself. Both stand in
the bills of those who made the change, whoever asked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.catalog import Catalog
from features.offers import Part, all_parts, is_open, part_added_mrr
from models.months import Months
from models.organic import Organic, probability

YEAR = 12  # months
BESIDE = 20_000  # rows that did not add seats, about
LEAST_ROWS = 50  # on either side
ROWS_OF_THE_LIST = 20.0  # how many changes the list price's own word is worth
TRIMMED = 0.02  # of the ratios, at each end: other things change in the same month


def learn(snapshots: pd.DataFrame, months: Months, catalog: Catalog) -> dict[str, tuple[float, float]]:
    """By part: (a, b), so that the MRR rises by a × the list price's change + b × the MRR before.

    A part that costs something has a alone; one that has no price, as another billing, b alone.
    """
    found = {}
    column = np.minimum(months.month, months.is_active.shape[1] - 2)
    is_last = months.month >= months.is_active.shape[1] - 1
    moved = {part.name: months.changes(part)[months.account, column] & ~is_last for part in all_parts(catalog)}
    n_moved = np.sum(list(moved.values()), axis=0) if moved else np.zeros(0)
    paid = months.mrr[months.account, column + 1] - months.mrr[months.account, column]
    before = months.mrr[months.account, column]
    for part in all_parts(catalog):
        rows = np.flatnonzero(moved[part.name] & (n_moved == 1))
        asked = part_added_mrr(part, snapshots.iloc[rows], catalog).to_numpy(dtype="float64", na_value=0.0)
        if part.kind == "seats" or not len(rows):  # by themselves they take another number of seats
            found[part.name] = (1.0, 0.0)
        elif np.any(np.abs(asked) > 0):
            found[part.name] = (_shrunk(paid[rows], asked, at=1.0), 0.0)
        else:
            found[part.name] = (0.0, _shrunk(paid[rows], before[rows], at=0.0))
    return found


@dataclass(frozen=True)
class Seats:
    """What is known of seats that accounts add of their own accord."""

    step: float = 0.0  # by what share they grow, in the mean, when they do
    forestalled: float = 1.0  # share of a year's own growth to come that seats added now take the place of


def seats(model: Organic, snapshots: pd.DataFrame, months: Months, catalog: Catalog, *, seed: int) -> Seats:
    """Accounts that added seats of their own accord beside those, as likely to, that did not: how much more they have
    a year later, as a share of what they added.

    With q the probability of adding some within a year, that share is 1 − forestalled · q. Least squares, pulled to 1.
    """
    part = Part("seats")
    grew = months.changes(part) & ~months.is_asked[:, :-1]
    n_months = months.is_active.shape[1]
    if not grew.any() or "seats" not in model.part_names:
        return Seats()
    steps = months.seats[:, 1:][grew] / months.seats[:, :-1][grew] - 1
    step = float(np.minimum(steps, np.quantile(steps, 1 - TRIMMED)).mean())
    rows = np.flatnonzero((months.month + YEAR < n_months) & is_open(part, snapshots, catalog).to_numpy(dtype=bool))
    account, month = months.account[rows], months.month[rows]
    kept = (
        months.is_active[account, month + YEAR] & ~months.is_asked[account, month] & (months.seats[account, month] > 0)
    )
    kept &= grew[account, month] | (np.random.default_rng(seed).random(len(rows)) < BESIDE / max(kept.sum(), 1))
    rows, account, month = rows[kept], account[kept], month[kept]
    added_now = grew[account, month]
    if added_now.sum() < LEAST_ROWS or (~added_now).sum() < LEAST_ROWS:
        return Seats(step)
    q = probability(model.log_rate(model.matrix(part, snapshots.iloc[rows], catalog), over_year=True), 12.0)
    now = months.seats[account, month]
    added, later = months.seats[account, month + 1] / now - 1, months.seats[account, month + YEAR] / now - 1
    later = np.minimum(later, np.quantile(later, 1 - TRIMMED))
    tenth = np.searchsorted(np.quantile(q, np.linspace(0, 1, 11)[1:-1]), q)
    by_tenth = pd.Series(later[~added_now]).groupby(tenth[~added_now]).mean().reindex(range(10))
    otherwise = by_tenth.interpolate(limit_direction="both").to_numpy()[tenth]
    x = (added * q)[added_now]
    missing = (added + otherwise - later)[added_now]
    pull = ROWS_OF_THE_LIST * float(np.mean(x * x))
    return Seats(step, float(np.clip((x @ missing + pull) / (x @ x + pull), 0.0, 1.0)))


def _shrunk(paid: np.ndarray, of: np.ndarray, *, at: float) -> float:
    """The ratio of sums over trimmed rows, pulled to `at` by so many rows of the mean size."""
    some = np.abs(of) > 1e-9
    if not some.any():
        return at
    ratio = paid[some] / of[some]
    low, high = np.quantile(ratio, [TRIMMED, 1 - TRIMMED])
    kept = (ratio >= low) & (ratio <= high)
    top, bottom = float(paid[some][kept].sum()), float(of[some][kept].sum())
    pull = ROWS_OF_THE_LIST * bottom / max(kept.sum(), 1)
    return (top + at * pull) / (bottom + pull)
