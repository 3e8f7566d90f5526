"""One way to learn from any rows: search parameters, boost, calibrate; and which rows judge the whole of it.

The seam between a table and the engine (models/tuning.py, models/propensity.py): whoever has features and a target
needs nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from data.errors import BadInput
from models import propensity, tuning
from models.blocks import TEST, TRAIN, VALIDATION
from models.boosting import Tuned
from models.propensity import Propensity
from models.settings import Training, Tuning

JUDGED_SHARE = 0.2  # of the rows, the latest (or whole groups)
CHOOSING_SHARE = 0.25  # of the rows to learn from


@dataclass(frozen=True)
class Rows:
    """Rows to learn from: one entry each per row.

    times: dates or numbers by which later rows judge, or None: then whole groups are held out. groups: rows that belong
    together; each is its own where there are none. gap: the time that a label takes to be known, in the unit of times
    (days for dates).
    """

    X: pd.DataFrame
    y: np.ndarray  # float64 of 0 and 1
    times: np.ndarray | None = None
    groups: np.ndarray | None = None
    gap: float = 0.0

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.y)

    def take(self, places: np.ndarray) -> Rows:
        """Only these rows."""
        return Rows(
            self.X.iloc[places],
            self.y[places],
            None if self.times is None else self.times[places],
            None if self.groups is None else self.groups[places],
            self.gap,
        )

    @property
    def together(self) -> np.ndarray:
        """The group of each row as a whole number; its own where no groups are known."""
        return np.arange(len(self)) if self.groups is None else pd.factorize(self.groups)[0]


@dataclass(frozen=True)
class Learned:
    """A model, what the search for its parameters found, and its trials (one row per trial)."""

    model: Propensity
    tuned: Tuned
    trials: pd.DataFrame


def held_out(rows: Rows, *, seed: int, share: float = JUDGED_SHARE) -> tuple[np.ndarray, np.ndarray]:
    """Places of the rows to learn from and of those that judge: later ones, else whole groups with as many positives.

    Rows of one time stay together; rows whose label was not known when the later ones began are in neither. Raises
    BadInput where that leaves nothing on one side.

    >>> year = np.repeat([2021.0, 2022.0, 2023.0, 2024.0], 5)
    >>> early, late = held_out(Rows(pd.DataFrame(index=range(20)), np.tile([0.0, 1.0], 10), times=year), seed=0)
    >>> np.unique(year[early]), np.unique(year[late])
    (array([2021., 2022., 2023.]), array([2024.]))
    """
    # Rows that all have one time are split as those that have none.
    if rows.times is None or (rows.times == rows.times[0]).all():
        return _by_group(rows, seed=seed, share=share)
    moments, places, counts = np.unique(rows.times, return_inverse=True, return_counts=True)
    # The moment from which on the rows' share is nearest to what is wanted; never the first.
    left = 1 - (np.cumsum(counts) - counts) / len(rows)
    start = 1 + int(np.argmin(np.abs(left[1:] - share)))
    is_late = places >= start
    gap = pd.Timedelta(days=rows.gap).to_timedelta64() if moments.dtype.kind == "M" else rows.gap
    is_early = (moments + gap <= moments[start])[places] & ~is_late
    if not is_early.any():
        raise BadInput(
            f"--gap: no row lies {rows.gap:g} before the last {share:.0%} of the rows; give a longer history or a "
            "shorter gap."
        )
    return np.flatnonzero(is_early), np.flatnonzero(is_late)


def _by_group(rows: Rows, *, seed: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Groups in random order, those with positives apart from those without, so that both sides get their share."""
    codes = rows.together
    n_groups = int(codes.max()) + 1
    if n_groups < 2:
        raise BadInput("there is one group of rows only, and at least 2 are needed to hold one out.")
    has_positive = np.bincount(codes, weights=rows.y, minlength=n_groups) > 0
    order = np.random.default_rng(seed).permutation(n_groups)
    is_judging = np.zeros(n_groups, dtype=bool)
    for part in (order[has_positive[order]], order[~has_positive[order]]):
        is_judging[part[: round(share * len(part))]] = True
    if not is_judging.any():
        is_judging[order[0]] = True
    return np.flatnonzero(~is_judging[codes]), np.flatnonzero(is_judging[codes])


def learn(
    rows: Rows,
    *,
    tuning_settings: Tuning,
    training: Training,
    seed: int,
    tuned: Tuned | None = None,
    progress: Callable[[str], None] | None = None,
) -> Learned:
    """Search (unless `tuned` is given), boost and calibrate on all of `rows`. Raises BadInput for one class only."""
    y, blocks = pd.Series(rows.y, index=rows.X.index), _blocks(rows, seed)
    trials = pd.DataFrame()
    if tuned is None:
        if progress:
            progress(f"searching parameters on {len(rows):,} rows × {rows.X.shape[1]:,} features …")
        tuned, trials = tuning.tune(rows.X, y, blocks, settings=tuning_settings, seed=seed)
    if progress:
        progress(f"learning from {len(rows):,} rows …")
    groups = pd.Series(rows.together, index=rows.X.index)
    model = propensity.fit(rows.X, y, blocks, tuned=tuned, settings=training, seed=seed, groups=groups)
    return Learned(model, tuned, trials)


def _blocks(rows: Rows, seed: int) -> pd.Series[Any]:
    early, late = held_out(rows, seed=seed, share=CHOOSING_SHARE)
    blocks = np.full(len(rows), "gap", dtype=object)
    blocks[early], blocks[late] = TRAIN, VALIDATION
    assert TEST not in blocks  # noqa: S101 - whoever judges keeps those rows to himself
    return pd.Series(blocks, index=rows.X.index)
