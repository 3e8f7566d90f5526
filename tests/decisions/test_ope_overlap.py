"""A log that cannot judge a policy is refused, and says why."""

from dataclasses import replace

import numpy as np
import pytest

from data.errors import BadInput
from decisions.ope import Rows
from decisions.ope_overlap import check, overlap


def rows(n: int = 2_000, pscore: float = 0.5) -> Rows:
    action = np.arange(n) % 2
    return Rows(np.eye(2)[np.ones(n, dtype=int)], action, np.ones(n), np.full(n, pscore), np.zeros((n, 2)))


def test_a_log_that_did_both_passes() -> None:
    found = overlap(rows(), np.full((2_000, 2), 0.5))
    check(found)
    assert found.effective_size == 1_000
    assert found.table["share"].sum() == pytest.approx(1)
    assert found.table["rows"].sum() == 2_000


def test_what_was_hardly_ever_done_is_refused_although_the_weights_look_well() -> None:
    chances = np.full((2_000, 2), 0.5)
    chances[:200, 1] = 0.001  # a tenth of what the policy does
    with pytest.raises(BadInput, match="no overlap: 10%"):
        check(overlap(rows(), chances))


def test_few_effective_rows_are_refused() -> None:
    few = rows()
    policy = np.eye(2)[np.zeros(2_000, dtype=int)]
    action = np.where(np.arange(2_000) < 40, 0, 1)
    with pytest.raises(BadInput, match="as 40 rows of its own"):
        check(
            overlap(replace(few, policy=policy, action=action, pscore=np.full(2_000, 0.02)), np.full((2_000, 2), 0.5))
        )


def test_weights_that_do_not_average_one_are_refused() -> None:
    with pytest.raises(BadInput, match=r"average 0\.50"):
        check(overlap(rows(pscore=1.0), np.full((2_000, 2), 0.5)))
