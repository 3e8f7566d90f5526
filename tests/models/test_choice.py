"""Estimated probabilities of choices, against those that made them."""

import numpy as np
import pytest
from scipy.special import softmax

from models import choice


def chosen(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = np.stack([rng.normal(size=n), rng.normal(size=n), rng.integers(0, 3, n)], axis=1)
    margins = np.stack([0 * X[:, 0], X[:, 0] * X[:, 1], 1.0 * (X[:, 2] == 1) - 0.5], axis=1)
    p = softmax(margins, axis=1)
    action = (p.cumsum(axis=1) < rng.random(n)[:, None]).sum(axis=1)
    X[rng.random(n) < 0.05, 1] = np.nan
    return X, action, p


def test_it_finds_products_categories_and_gaps() -> None:
    X, action, p = chosen(6_000)
    found = choice.estimate(X, action, n_actions=3, folds=np.arange(6_000) % 3, categorical=[2])
    assert np.abs(found.p - p).mean() < 0.04
    assert found.p.sum(axis=1) == pytest.approx(np.ones(6_000))
    assert found.p.mean(axis=0) == pytest.approx(np.bincount(action) / 6_000, abs=1e-4)


def test_the_scores_are_zero_on_average_where_nothing_holds_them_back() -> None:
    """The intercepts' are; the others only up to their penalty."""
    X, action, _ = chosen(3_000)
    found = choice.estimate(X, action, n_actions=3, folds=np.arange(3_000) % 3, categorical=[2])
    per_action = found.scores.reshape(3_000, 2, -1)
    assert per_action[:, :, 0].mean(axis=0) == pytest.approx(np.zeros(2), abs=1e-4)
    assert np.abs(per_action.mean(axis=0)).max() < 0.01


def test_a_wide_context_is_left_to_the_boosters() -> None:
    rng = np.random.default_rng(0)
    X, action = rng.normal(size=(400, 60)), rng.integers(0, 3, 400)
    found = choice.estimate(X, action, n_actions=3, folds=np.arange(400) % 3)
    assert found.scores.shape[1] == 2 * 3  # an intercept and two log-odds for each action but the first
    assert found.p.min() > 0.1  # noise is not learnt by heart


def test_an_action_that_a_fold_lacks_is_no_error() -> None:
    X, action, _ = chosen(300)
    action[:] = action % 2
    action[7] = 2
    found = choice.estimate(X, action, n_actions=3, folds=np.arange(300) % 3, categorical=[2])
    assert np.isfinite(found.p).all()
    assert found.p[:, 2].max() < 0.2
