import itertools
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import BadInput
from models.folds import Fold, block_fold, group_folds, learnt, time_folds


@given(
    times=st.lists(st.integers(0, 60), min_size=2, max_size=120),
    n_folds=st.integers(1, 6),
    gap=st.integers(0, 40),
    later_share=st.floats(0.1, 0.9),
)
def test_what_judges_is_later_by_the_gap_and_judges_once(
    times: list[int], n_folds: int, gap: int, later_share: float
) -> None:
    stamps = np.array(times)
    try:
        folds = time_folds(stamps, n_folds=n_folds, gap=gap, later_share=later_share)
    except BadInput:
        assert np.ptp(stamps) < max(gap, 1)
        return
    assert 1 <= len(folds) <= n_folds
    for fold in folds:
        assert min(len(fold.train), len(fold.later)) > 0
        assert stamps[fold.later].min() >= stamps[fold.train].max() + gap
        assert not np.intersect1d(fold.train, fold.later).size
        # Nothing that was known by then is left out.
        assert set(fold.train) == set(np.flatnonzero(stamps + gap <= stamps[fold.later].min())) - set(fold.later)
        assert min(np.diff(part).min(initial=1) for part in (fold.train, fold.later)) > 0
    later = np.concatenate([fold.later for fold in folds])
    assert len(np.unique(later)) == len(later)
    spans = [(stamps[fold.later].min(), stamps[fold.later].max()) for fold in folds]
    assert all(a[1] < b[0] for a, b in itertools.pairwise(spans))
    assert stamps[folds[-1].later].max() == stamps.max()


@pytest.mark.parametrize("kind", ["dates", "stamps"])
def test_days_are_days_however_they_come(kind: str) -> None:
    days = [date(2025, month, 1) for month in range(1, 13)]
    times = {"dates": days, "stamps": pd.to_datetime(days).as_unit("us")}[kind]
    folds = time_folds(pd.Series(times), n_folds=2, gap=timedelta(days=90))
    assert [(fold.train.tolist(), fold.later.tolist()) for fold in folds] == [
        ([0, 1, 2, 3], [6, 7, 8]),  # July the first less 90 days is the second of April
        ([0, 1, 2, 3, 4, 5, 6], [9, 10, 11]),
    ]


def test_a_history_hardly_longer_than_the_gap_still_gives_one_fold() -> None:
    (fold,) = time_folds(np.arange(10), n_folds=3, gap=8)
    assert fold.train.tolist() == [0]
    assert fold.later.tolist() == [8, 9]


@pytest.mark.parametrize(
    ("times", "gap", "said"),
    [
        ([1, 1, 1], 1, "there is no later time to choose by"),
        ([], 1, "there are no rows"),
        ([1.0, np.nan], 1, "the time is missing in 1 rows"),
        (pd.to_datetime(["2025-01-01", "2025-02-01"]), timedelta(days=90), "2025-01-01 to 2025-02-01, and no"),
    ],
)  # fmt: skip
def test_what_has_no_later_time_is_refused(times: object, gap: object, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        time_folds(times, n_folds=2, gap=gap)


@given(
    groups=st.lists(st.integers(0, 30), min_size=2, max_size=200),
    n_folds=st.integers(2, 7),
    seed=st.integers(0, 3),
    data=st.data(),
)
def test_a_group_is_wholly_in_one_fold_and_positives_are_dealt_evenly(
    groups: list[int], n_folds: int, seed: int, data: st.DataObject
) -> None:
    codes = np.array(groups)
    y = np.array(data.draw(st.lists(st.integers(0, 1), min_size=len(groups), max_size=len(groups))))
    if len(np.unique(codes)) < 2:
        with pytest.raises(BadInput, match="there is 1 group"):
            group_folds(codes, y, n_folds=n_folds, seed=seed)
        return
    folds = group_folds(codes, y, n_folds=n_folds, seed=seed)
    assert len(folds) == min(n_folds, len(np.unique(codes)))
    everything = np.concatenate([fold.later for fold in folds])
    assert sorted(everything) == list(range(len(codes)))
    for fold in folds:
        assert not set(codes[fold.train]) & set(codes[fold.later])
        assert len(fold.train) + len(fold.later) == len(codes)
    positives = [y[fold.later].sum() for fold in folds]
    most = pd.Series(y).groupby(codes).sum().max()
    assert max(positives) - min(positives) <= most


def test_groups_are_dealt_the_same_by_the_same_seed_only() -> None:
    groups, y = np.arange(300), np.arange(300) % 7 == 0
    first, again, other = (group_folds(groups, y, n_folds=3, seed=s)[0].later.tolist() for s in (1, 1, 2))
    assert first == again != other


def test_rows_in_no_fold_are_not_learnt_from() -> None:
    assert learnt(block_fold(["test", "train", "gap", "validation", "train"])).tolist() == [1, 3, 4]
    assert learnt([Fold(np.array([0, 4]), np.array([2])), Fold(np.array([0, 2]), np.array([7]))]).tolist() == [
        0,
        2,
        4,
        7,
    ]
