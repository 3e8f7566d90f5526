import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import BadInput
from models.learning import Rows, held_out


def rows(y: np.ndarray, times: np.ndarray | None = None, groups: np.ndarray | None = None, gap: float = 0.0) -> Rows:
    return Rows(pd.DataFrame(index=range(len(y))), np.asarray(y, dtype=float), times, groups, gap)


@given(st.lists(st.integers(0, 30), min_size=10, max_size=200), st.integers(0, 9))
def test_those_that_judge_are_later_by_the_gap(days: list[int], gap: int) -> None:
    times = np.datetime64("2026-01-01", "us") + np.array(days) * np.timedelta64(1, "D")
    given_rows = rows(np.zeros(len(days)), times, gap=gap)
    if len(set(days)) == 1:
        return
    try:
        early, late = held_out(given_rows, seed=0)
    except BadInput:
        assert max(days) - min(days) < 31
        return
    start = times[late].min()
    assert (times[early] < start).all()
    assert (times[early] + np.timedelta64(gap, "D") <= start).all()
    # None is left out but those whose label was not known by then.
    left = np.setdiff1d(np.arange(len(days)), np.concatenate([early, late]))
    assert ((times[left] < start) & (times[left] + np.timedelta64(gap, "D") > start)).all()


@given(st.lists(st.integers(0, 20), min_size=40, max_size=200), st.integers(0, 3))
def test_a_group_is_on_one_side(groups: list[int], seed: int) -> None:
    codes = np.array([0, 1, *groups])
    early, late = held_out(rows(np.arange(len(codes)) % 3 == 0, groups=codes), seed=seed)
    assert not set(codes[early]) & set(codes[late])
    assert len(early) + len(late) == len(codes)
    assert len(late)


def test_positives_are_dealt_evenly_to_both_sides() -> None:
    y = np.arange(1000) % 100 == 0
    for seed in range(20):
        early, late = held_out(rows(y), seed=seed)
        assert y[late].sum() == 2
        assert y[early].sum() == 8


def test_about_a_fifth_judges_and_a_moment_is_not_parted() -> None:
    times = np.repeat(np.arange(10.0), 50)
    _, late = held_out(rows(np.zeros(500), times), seed=0)
    assert sorted(set(times[late])) == [8.0, 9.0]


def test_one_group_cannot_be_held_out() -> None:
    with pytest.raises(BadInput, match="one group of rows only"):
        held_out(rows(np.zeros(20), groups=np.zeros(20)), seed=0)
