"""One way to learn from any rows: leave out what merely tells the time, search parameters, boost, calibrate.

The seam between a table and the engine (models/drift.py, models/tuning.py, models/propensity.py): whoever has features
and a target needs nothing else. It also says which rows judge the whole of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from data.errors import BadInput
from models import drift, propensity, telling, tuning
from models.boosting import Tuned
from models.drift import Selection
from models.folds import Fold, group_folds, time_folds
from models.propensity import Propensity
from models.settings import Training, Tuning

JUDGED_SHARE = 0.2  # of the rows, the latest (or whole groups)
MOST_TO_TELL = 200  # features of which it is asked whether they merely tell the time


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
    """A model, what was found on the way to it, and the search's trials (one row per trial)."""

    model: Propensity
    tuned: Tuned
    selection: Selection
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
    found: Learned | None = None,
    say: Callable[[str], None] | None = None,
    progress: Callable[[tuning.Progress], None] | None = None,
) -> Learned:
    """Choose features and parameters (unless an earlier `found` has them), boost and calibrate on all of `rows`.

    `say` is told what is being done, `progress` of each trial. Raises BadInput for one class only.
    """
    told = say or _nothing
    y, folds = pd.Series(rows.y, index=rows.X.index), folds_of(rows, tuning_settings, seed)
    groups = pd.Series(rows.together, index=rows.X.index)
    if found is None:
        told(f"searching parameters on {len(rows):,} rows × {rows.X.shape[1]:,} features …")
        selection = _selected(rows, y, folds, tuning_settings, seed)
        tuned, trials = tuning.tune(
            selection.kept(rows.X),
            y,
            folds,
            settings=tuning_settings,
            seed=seed,
            weights=_weights(selection, rows),
            progress=progress,
        )
    else:
        selection, tuned, trials = found.selection, found.tuned, found.trials
    told(f"learning from {len(rows):,} rows …")
    model = propensity.fit(
        selection.kept(rows.X),
        y,
        folds,
        tuned=tuned,
        settings=training,
        seed=seed,
        groups=groups,
        weights=_weights(selection, rows),
    )
    return Learned(model, tuned, selection, trials)


def folds_of(rows: Rows, settings: Tuning, seed: int) -> list[Fold]:
    """Rolling origins where the rows have times, else whole groups with positives dealt evenly."""
    if rows.times is None or (rows.times == rows.times[0]).all():
        return group_folds(rows.together, rows.y, n_folds=max(2, settings.n_folds), seed=seed)
    moments = np.unique(rows.times)
    gap: Any = pd.Timedelta(days=rows.gap) if moments.dtype.kind == "M" else rows.gap
    if not rows.gap:
        # What is learnt from must be earlier than what judges, be it by the least that two times differ by.
        gap = np.diff(moments).min()
    return time_folds(rows.times, n_folds=settings.n_folds, gap=gap, later_share=settings.later_share)


def _selected(rows: Rows, y: pd.Series[Any], folds: list[Fold], settings: Tuning, seed: int) -> Selection:
    """Nothing is left out where the rows have no time, or more features than that could be asked of each."""
    if rows.times is None or rows.X.shape[1] > MOST_TO_TELL:
        return Selection()
    told = telling.tells_time(rows.X, folds, groups=rows.together, seed=seed)
    return drift.choose(
        rows.X,
        y,
        rows.times,
        folds,
        told=told,
        groups=rows.together,
        seed=seed,
        min_positives=settings.min_positives,
    )


def _weights(selection: Selection, rows: Rows) -> np.ndarray | None:
    return None if rows.times is None else selection.weights(rows.times)


def _nothing(line: str) -> None:
    """Nobody listens."""
