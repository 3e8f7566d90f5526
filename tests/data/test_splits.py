"""Blocks in time: no label's window reaches a later block's first snapshot."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.cohort import snapshots
from data.errors import BadInput
from data.splits import blocks

ORDER = ["train", "validation", "test"]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    gaps=st.lists(st.integers(1, 45), min_size=1, max_size=40),
    horizon=st.integers(1, 200),
    n_test=st.integers(1, 4),
    n_validation=st.integers(1, 4),
    known_after=st.integers(-30, 400),
)
def test_no_window_touches_a_later_block(
    gaps: list[int], horizon: int, n_test: int, n_validation: int, known_after: int
) -> None:
    days = [date(2024, 1, 1)]
    for gap in gaps:
        days.append(days[-1] + timedelta(days=gap))
    last_known = days[-1] + timedelta(days=known_after)
    reach = timedelta(days=horizon)
    try:
        named = blocks(days, horizon_days=horizon, last_known=last_known, n_test=n_test, n_validation=n_validation)
    except BadInput:
        # refused only where there is no way: the greedy choice from the end leaves nothing to learn from
        labelled = [day for day in days if day + reach <= last_known]
        before_test = [day for day in labelled if len(labelled) >= n_test and day + reach <= labelled[-n_test]]
        room = len(before_test) >= n_validation
        assert not (room and any(day + reach <= before_test[-n_validation] for day in before_test))
        return
    assert sorted(named) == days
    in_block = {block: [day for day, name in named.items() if name == block] for block in ORDER}
    assert len(in_block["test"]) == n_test
    assert len(in_block["validation"]) == n_validation
    assert in_block["train"]
    for earlier, later in (("train", "validation"), ("validation", "test"), ("train", "test")):
        assert max(in_block[earlier]) + reach <= min(in_block[later])
    for day, name in named.items():
        assert (name == "unlabelled") == (day + reach > last_known)
    # nothing is wasted: a gap day's window would reach into the block after it
    for day, name in named.items():
        if name == "gap":
            nexts = [min(in_block[b]) for b in ("validation", "test") if min(in_block[b]) > day]
            assert day + reach > nexts[0]


def test_a_window_that_ends_on_a_blocks_first_day_is_allowed() -> None:
    days = [date(2026, 1, 1), date(2026, 1, 31), date(2026, 3, 2)]
    found = blocks(days, horizon_days=30, last_known=date(2026, 4, 1), n_test=1, n_validation=1)
    assert list(found.values()) == ["train", "validation", "test"]
    with pytest.raises(BadInput, match="one for training with a gap of 31 days"):
        blocks(days, horizon_days=31, last_known=date(2026, 4, 2), n_test=1, n_validation=1)


def test_nothing_labelled_is_told_too() -> None:
    with pytest.raises(BadInput, match="0 labelled snapshots do not hold"):
        blocks([date(2026, 1, 1)], horizon_days=30, last_known=date(2026, 1, 5), n_test=1, n_validation=1)


def test_snapshots_are_first_days_within_both_ends() -> None:
    assert snapshots(date(2025, 11, 2), date(2026, 2, 1)) == [date(2025, 12, 1), date(2026, 1, 1), date(2026, 2, 1)]
    assert snapshots(date(2026, 3, 1), date(2026, 3, 1)) == [date(2026, 3, 1)]
    assert snapshots(date(2026, 3, 2), date(2026, 3, 31)) == []
