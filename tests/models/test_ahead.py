import numpy as np
import pytest
from scipy.special import expit

from models import ahead


def company(seed: int, *, step: float, n: int = 500, n_blocks: int = 4) -> tuple[np.ndarray, ...]:
    """Accounts with one snapshot a block; outcomes of neighbouring blocks are one event for half of them.

    Log-odds without a level, outcome, block, account; and the level of each block, a random walk.
    """
    rng = np.random.default_rng(seed)
    level = np.cumsum(np.append(rng.normal(0, 1), rng.normal(0, step, n_blocks - 1)))
    score, drawn, rows = rng.normal(-2, 1, n), rng.random(n), []
    for k in range(n_blocks):
        drawn = np.where(rng.random(n) < 0.5, rng.random(n), drawn)
        rows.append((score, drawn < expit(score + level[k]), np.full(n, k), np.arange(n)))
    return *(np.concatenate(column) for column in zip(*rows, strict=True)), level


def test_levels_and_their_covariance_are_right_on_average() -> None:
    off, claimed = [], []
    for seed in range(150):
        at, y, blocks, groups, level = company(seed, step=0.1)
        found, covariance = ahead.by_block(at, y.astype(float), blocks, groups)
        off.append(found - level)
        claimed.append(covariance)
    assert np.abs(np.mean(off, axis=0)).max() < 0.04
    np.testing.assert_allclose(np.mean(claimed, axis=0), np.cov(np.transpose(off)), atol=0.006)
    assert np.mean(claimed, axis=0)[0, 1] > 0.3 * np.mean(claimed, axis=0)[0, 0]  # overlapping windows


def two_blocks_on(step: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of 200 predictions from three blocks: their errors, those of the latest level as it is, half the intervals."""
    found = []
    for seed in range(200):
        at, y, blocks, groups, level = company(seed, step=step, n_blocks=5)
        past = blocks < 3
        levels, covariance = ahead.by_block(at[past], y[past].astype(float), blocks[past], groups[past])
        said = ahead.ahead(levels, covariance)
        found.append((said.level - level[4], levels[-1] - level[4], 1.645 * np.sqrt(said.variance)))
    ours, latest, half = np.transpose(found)
    return ours, latest, half


@pytest.mark.parametrize(("step", "at_least", "at_most"), [(0.0, 0.9, 1.0), (0.1, 0.85, 0.97)])
def test_the_next_level_lies_within_its_interval_as_often_as_claimed(
    step: float, at_least: float, at_most: float
) -> None:
    ours, _, half = two_blocks_on(step)
    assert at_least <= (np.abs(ours) <= half).mean() <= at_most


def test_it_is_nearer_than_the_latest_level_where_little_moves_and_not_much_further_where_it_leaps() -> None:
    for step, most in ((0.0, 0.85), (0.1, 1.0), (0.5, 1.3)):
        ours, latest, _ = two_blocks_on(step)
        assert (ours**2).mean() < most * (latest**2).mean(), step


def test_levels_that_leap_are_followed_and_one_block_is_all_there_is() -> None:
    covariance = 0.003 * np.eye(3)
    assert ahead.ahead(np.array([0.0, -1.2, 0.8]), covariance).level == pytest.approx(0.8, abs=0.08)
    alone = ahead.ahead(np.array([0.4]), np.array([[0.01]]))
    assert alone.level == pytest.approx(0.4)
    assert alone.variance > 0.01


def test_a_block_of_one_class_is_left_out_and_without_any_other_there_is_no_level() -> None:
    at, y = np.zeros(40), np.r_[np.zeros(20), np.arange(20) < 5].astype(float)
    found, _ = ahead.by_block(at, y, np.repeat([0, 1], 20), np.arange(40))
    assert found == pytest.approx([np.log(1 / 3)])
    assert ahead.next_level(at[:20], y[:20], np.zeros(20), np.arange(20)) is None
