import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from worlds import World

from models import interval
from models.ahead import next_level
from models.interval import Interval, recalibration
from models.propensity import Propensity


def blocks_of_time(
    seed: int, *, drift: float, n_groups: int = 300, n_blocks: int = 4, signal: float = 1.0
) -> tuple[np.ndarray, ...]:
    """Blocks of three snapshots whose windows overlap, a level that wanders by `drift`, groups that differ for good.

    Block, group, calibrated probability, true probability, outcome.
    """
    rng = np.random.default_rng(seed)
    base, lasting = rng.normal(0, 0.8, n_groups), rng.normal(0, 0.5, n_groups)
    rows, moved = [], 0.0
    for k in range(n_blocks):
        moved, drawn = moved + rng.normal(0, drift), rng.random(n_groups)
        for _ in range(3):
            score = base + rng.normal(0, 0.4, n_groups)
            p_true = expit(-2.3 + moved + signal * score + lasting - 0.1)
            drawn = np.where(rng.random(n_groups) < 0.3, rng.random(n_groups), drawn)
            rows.append((np.full(n_groups, k), np.arange(n_groups), expit(-2.3 + score), p_true, drawn < p_true))
    return tuple(np.concatenate(column) for column in zip(*rows, strict=True))


def covered(seed: int, drift: float) -> float:
    """The share of twenty bins whose mean truth lies within the mean bounds, one block after the next."""
    block, group, p, p_true, y = blocks_of_time(seed, drift=drift, n_blocks=5)
    past, asked = block < 3, block == 4
    found = interval.learn(p[past], y[past], block[past], group[past])
    assert found is not None
    # As the served model: at the level that the next block is expected to need.
    ahead = next_level(logit(p[past]), y[past].astype(float), block[past], group[past])
    assert ahead is not None
    q = expit(logit(p[asked]) + ahead.level)
    low, high = found.bounds(q)
    bins = np.array_split(np.argsort(q), 20)
    return float(np.mean([low[rows].mean() <= p_true[asked][rows].mean() <= high[rows].mean() for rows in bins]))


@pytest.mark.parametrize(("drift", "at_least", "at_most"), [(0.0, 0.9, 1.0), (0.1, 0.9, 0.98), (0.2, 0.78, 0.92)])
def test_bins_of_a_later_block_are_covered_as_often_as_claimed(drift: float, at_least: float, at_most: float) -> None:
    shares = [covered(seed, drift) for seed in range(80)]
    assert at_least < np.mean(shares) < at_most


def test_more_drift_and_fewer_rows_widen_it() -> None:
    def width(**how: float) -> float:
        parts = []
        for seed in range(8):
            block, group, p, _, y = blocks_of_time(seed, n_blocks=6, **how)
            found = interval.learn(p, y, block, group)
            low, high = found.bounds(np.array([0.1]))
            parts.append(float(high[0] - low[0]))
        return float(np.mean(parts))

    calm = width(drift=0.0)
    assert width(drift=0.4) > 1.3 * calm
    assert width(drift=0.0, n_groups=50) > 1.3 * calm


def test_copies_of_an_account_make_nobody_surer() -> None:
    block, group, p, _, y = blocks_of_time(0, drift=0.0)
    once = interval.learn(p, y, block, group)
    again = interval.learn(*(np.tile(column, 4) for column in (p, y, block, group)))
    assert again.of_level == pytest.approx(once.of_level, rel=0.05)


@given(
    st.lists(st.floats(0.001, 0.999), min_size=1, max_size=20).map(sorted),
    st.floats(0.0, 0.3), st.floats(0.0, 0.05), st.floats(0.0, 2.0),
)  # fmt: skip
def test_bounds_enclose_the_probability_and_stay_within_0_and_1(
    p: list[float], of_level: float, of_slope: float, scale: float
) -> None:
    low, high = Interval(0.9, -2.0, scale, of_level, of_slope, curve=-0.1, of_curve=0.01).bounds(np.array(p))
    assert (low <= np.array(p) + 1e-12).all()
    assert (np.array(p) <= high + 1e-12).all()
    assert (low > 0).all()
    assert (high < 1).all()


def test_without_signal_there_is_a_level_only_and_without_rows_nothing() -> None:
    y = np.arange(600) % 10 == 0
    flat = interval.learn(np.full(600, 0.1), y, np.repeat([0, 1], 300), np.arange(600))
    assert flat.scale == 0
    low, high = flat.bounds(np.array([0.1]))
    assert 0.05 < low[0] < 0.09
    assert 0.11 < high[0] < 0.2
    none = interval.learn(np.full(50, 0.1), np.zeros(50), np.zeros(50), np.arange(50))
    low, high = none.bounds(np.array([0.02]))
    assert high[0] > 0.03  # fifty rows without a positive leave much open
    assert interval.learn(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0)) is None


def test_recalibration_finds_what_was_done_and_how_sure_it_is() -> None:
    found = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        z = rng.normal(size=1500)
        y = (rng.random(1500) < expit(-1 + 0.3 + 1.2 * z)).astype(float)
        found.append(recalibration(-1 + z, z, y, np.arange(1500)))
    lines = np.array([line for line, _ in found])
    np.testing.assert_allclose(lines.mean(axis=0), [0.3, 0.2], atol=0.03)
    np.testing.assert_allclose(np.mean([np.diag(v) for _, v in found], axis=0), lines.var(axis=0), rtol=0.4)


def test_it_lies_around_the_curve_that_later_rows_show_and_holds_the_probability_itself() -> None:
    rng = np.random.default_rng(0)
    at = rng.normal(-2.0, 1.2, 12_000)
    p_true = expit(at + 0.25 - 0.15 * (at + 2.0) ** 2)
    found = interval.learn(expit(at), rng.random(12_000) < p_true, np.arange(12_000) // 4_000, np.arange(12_000))
    assert found.curve < -0.08
    ends = np.array([-4.4, 0.2])
    low, high = found.bounds(expit(ends))
    assert (high - expit(ends) < expit(ends) - low).all()  # both ends are said too high
    for z in (-4.0, -3.0, -2.0, -1.0, 0.0):
        low, high = found.bounds(np.array([expit(z)]))
        assert low[0] <= expit(z + 0.25 - 0.15 * (z + 2.0) ** 2) <= high[0]


def test_it_is_kept_with_the_model_and_a_change_is_found(world: World, model: Propensity) -> None:
    assert model.interval is not None
    again = Propensity.from_files(json.loads(json.dumps(model.to_files())))
    assert again.interval == model.interval
    p = model.probability(world.X[:300])
    low, high = again.bounds(p)
    assert ((low < p) & (p < high)).all()
    wider = dataclasses.replace(model, interval=dataclasses.replace(model.interval, of_level=1.0))
    assert wider.model_version != model.model_version
    without = dataclasses.replace(model, interval=None)
    assert Propensity.from_files(without.to_files()).interval is None
    assert np.isnan(without.bounds(p)).all()


def test_a_models_bounds_hold_the_truth_of_what_they_speak_of(world: World, model: Propensity) -> None:
    test = world.is_test
    p = model.probability(world.X[test])
    low, high = model.bounds(p)
    truth = pd.Series(world.p[test])
    held = [low[b].mean() <= truth.iloc[b].mean() <= high[b].mean() for b in np.array_split(np.argsort(p), 10)]
    assert np.mean(held) >= 0.7
