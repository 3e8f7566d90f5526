"""What a change of terms was really paid for: beside the list price's change, as snapshots before and after it show.

A free account that begins to pay takes other seats than it had; a yearly contract is cheaper by itself. Both stand in
the bills of those who made the change, whoever asked.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from data.catalog import Catalog
from features.offers import all_parts, part_added_mrr
from models.months import Months

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
