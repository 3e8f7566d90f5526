"""The reward model: what an action earns where, and its parts."""

import numpy as np
import pytest

from models.design import Design, Ridge
from models.reward import Reward


def test_it_tells_actions_apart_by_context() -> None:
    rng = np.random.default_rng(0)
    X = np.stack([rng.normal(size=4_000), rng.integers(0, 2, 4_000)], axis=1)
    action = rng.integers(0, 3, 4_000)
    mean = X[:, 0] + np.choose(action, [0 * X[:, 0], 2 * (X[:, 0] > 0), 1.0 * (X[:, 1] == 1)])
    model = Reward.fit(X, action, mean + 0.5 * rng.normal(size=4_000), n_actions=3, categorical=[1])
    truth = np.stack([X[:, 0], X[:, 0] + 2 * (X[:, 0] > 0), X[:, 0] + (X[:, 1] == 1)], axis=1)
    assert np.sqrt(((model.predict(X) - truth) ** 2).mean()) < 0.25


def test_a_forecast_stays_within_what_was_seen() -> None:
    rng = np.random.default_rng(0)
    X, action = rng.normal(size=(500, 1)), rng.integers(0, 2, 500)
    won = (rng.random(500) < 1 / (1 + np.exp(-4 * X[:, 0]))).astype(float)
    found = Reward.fit(X, action, won, n_actions=2).predict(np.array([[-4.0], [4.0], [np.nan]]))
    assert found.min() >= 0
    assert found.max() <= 1


def test_a_design_reads_later_rows_as_it_read_the_first() -> None:
    X = np.array([[1.0, 0], [2.0, 1], [np.nan, 2], [4.0, 1]] * 10)
    design = Design.learn(X, [1])
    again = Design.from_json(design.to_json())
    later = np.array([[1e9, 7.0], [np.nan, np.nan]])
    assert np.array_equal(again(later), design(later))
    assert np.isfinite(design(later)).all()
    assert design(later)[0, 0] == 4.0


@pytest.mark.parametrize("columns", [0, 1, 30])
def test_a_line_of_noise_is_nearly_flat(columns: int) -> None:
    rng = np.random.default_rng(columns)
    Z = rng.normal(size=(400, columns))
    line = Ridge.fit(Z, 3 + rng.normal(size=400))
    assert line(Z).mean() == pytest.approx(3, abs=0.2)
    assert line(Z).std() < 0.3
