"""Which rows are learnt from, and on which that is judged: always rows that come later, or rows of other groups.

A fold is two arrays of places (0 … n - 1) in the table given; learning never needs more than these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from data.errors import BadInput
from models.blocks import TRAIN, VALIDATION


@dataclass(frozen=True, eq=False)
class Fold:
    """Places of the rows to learn from, and of the rows that judge; both increasing, and disjoint."""

    train: np.ndarray
    later: np.ndarray


def time_folds(times: Any, *, n_folds: int, gap: Any, later_share: float = 0.5) -> list[Fold]:
    """Rolling origins: the latest `later_share` of the rows in `n_folds` spans, each judged by what was known before.

    times: one per row, dates or numbers, in any order; gap: a Timedelta or number in their unit, the time that a label
    takes to be known. A fold learns from every row at least `gap` before its span begins. Rows of one time are never
    parted, and a group (an account) may recur in later rows of its own, as it does in reality. Spans before which
    nothing was known are left out, so there may be fewer folds than asked for. Raises BadInput where there are none.

    >>> months = pd.Series([1, 2, 3, 4, 5, 6, 7, 8])
    >>> [(f.train.tolist(), f.later.tolist()) for f in time_folds(months, n_folds=2, gap=3)]
    [([0, 1], [4, 5]), ([0, 1, 2, 3], [6, 7])]
    >>> time_folds(months, n_folds=2, gap=30)
    Traceback (most recent call last):
    data.errors.BadInput: the 8 rows span 1 to 8, and no row lies 30 before any other: there is no later time to ...
    """
    stamps = pd.Series(np.asarray(times))
    if stamps.dtype == object:
        stamps = pd.to_datetime(stamps)
    if isinstance(gap, timedelta):
        gap = pd.Timedelta(gap).to_timedelta64()
    if stamps.isna().any():
        raise BadInput(f"the time is missing in {int(stamps.isna().sum())} rows; drop them or date them.")
    moments, places, counts = np.unique(stamps.to_numpy(), return_inverse=True, return_counts=True)
    if len(moments) == 0:
        raise BadInput("there are no rows to learn from.")
    before = np.concatenate([[0], np.cumsum(counts)[:-1]])  # rows earlier than each moment
    for folds_wanted in range(n_folds, 0, -1):
        shares = 1 - later_share + later_share * np.arange(folds_wanted) / folds_wanted
        # The first moment at which a share of the rows lies behind; one row short of it is near enough.
        starts = np.unique(np.searchsorted(before, shares * len(stamps) - 0.5))
        found = _spans(moments, places, starts[starts < len(moments)], gap)
        if found:
            return found
    # So short a history that half of it is within the gap: the latest rows that have anything before them.
    known = [i for i in range(1, len(moments)) if moments[0] + gap <= moments[i]]
    if not known:
        raise BadInput(
            f"the {len(stamps)} rows span {_said(moments[0])} to {_said(moments[-1])}, and no row lies {_said(gap)} "
            "before any other: there is no later time to choose by; give a longer history or a shorter gap."
        )
    return _spans(moments, places, np.array([known[len(known) // 2]]), gap)


def group_folds(groups: Any, y: Any, *, n_folds: int, seed: int) -> list[Fold]:
    """Folds for rows without time: each group wholly in one fold's `later`, positives dealt evenly.

    Groups are dealt by their number of positives, then of rows, in random order among equals; so folds differ by no
    more positives than the largest group holds. There are no more folds than groups. Raises BadInput for one group.

    >>> folds = group_folds(["a", "a", "b", "c", "d"], [0, 1, 1, 0, 0], n_folds=2, seed=0)
    >>> [int(np.array([0, 1, 1, 0, 0])[fold.later].sum()) for fold in folds]
    [1, 1]
    """
    codes = pd.factorize(np.asarray(groups))[0]
    n_groups = int(codes.max()) + 1 if len(codes) else 0
    if n_groups < 2:
        raise BadInput(f"there is {n_groups} group of rows, and at least 2 are needed to hold one out.")
    part = parts_of(codes, np.asarray(y, dtype="float64"), n_parts=min(n_folds, n_groups), seed=seed)
    return [Fold(np.flatnonzero(part != k), np.flatnonzero(part == k)) for k in range(int(part.max()) + 1)]


def parts_of(codes: np.ndarray, y: np.ndarray, *, n_parts: int, seed: int) -> np.ndarray:
    """The part (0 … n_parts - 1) of each row; rows with the same code (0 … g - 1) are in the same part."""
    n_groups = int(codes.max()) + 1
    positives, rows = np.bincount(codes, weights=y), np.bincount(codes)
    rng = np.random.default_rng(seed)
    order = np.lexsort([rng.random(n_groups), rows, positives])[::-1]
    # Dealt to and fro, so that the first part does not get the largest of every round.
    turns = np.concatenate([np.arange(n_parts), np.arange(n_parts)[::-1]])
    part = np.empty(n_groups, dtype="int64")
    part[order] = np.resize(turns, n_groups)
    return part[codes]


def block_fold(blocks: Any) -> list[Fold]:
    """The one fold that learns from block `train` and is judged on block `validation`; other rows are in neither.

    >>> fold, = block_fold(["train", "validation", "train", "gap", "test"])
    >>> fold.train.tolist(), fold.later.tolist()
    ([0, 2], [1])
    """
    named = np.asarray(blocks, dtype=object)
    return [Fold(np.flatnonzero(named == TRAIN), np.flatnonzero(named == VALIDATION))]


def learnt(folds: Sequence[Fold]) -> np.ndarray:
    """Places of all rows of the folds, increasing: what the final model may learn from."""
    return np.unique(np.concatenate([np.concatenate([fold.train, fold.later]) for fold in folds]))


def _spans(moments: np.ndarray, places: np.ndarray, starts: np.ndarray, gap: Any) -> list[Fold]:
    found = []
    ends = np.append(starts, len(moments))[1:]
    for start, end in zip(starts, ends, strict=True):
        n_known = int((moments[:start] + gap <= moments[start]).sum())
        train = np.flatnonzero(places < n_known)
        later = np.flatnonzero((places >= start) & (places < end))
        if len(train) and len(later):
            found.append(Fold(train, later))
    return found


def _said(value: Any) -> str:
    if isinstance(value, np.datetime64 | pd.Timestamp):
        return f"{pd.Timestamp(value):%Y-%m-%d}"
    if isinstance(value, np.timedelta64 | pd.Timedelta):
        return f"{pd.Timedelta(value).days} days"
    return f"{value:g}" if isinstance(value, int | float | np.number) else str(value)
