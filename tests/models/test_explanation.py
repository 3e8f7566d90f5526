"""What the product says of a margin: by definition, adding up, and LightGBM's own word where the engine's does not."""

import logging

import by_definition
import lightgbm as lgb
import numpy as np
import pytest

from models import contributions, explanation


def boosters() -> tuple[list[lgb.Booster], np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    X[rng.random(X.shape) < 0.1] = np.nan
    y = (np.nan_to_num(X[:, 0] * X[:, 1] + X[:, 2]) > 0).astype(float)
    parameters = {
        "objective": "binary", "verbosity": -1, "num_leaves": 6, "num_threads": 1, "bagging_fraction": 0.7,
        "bagging_freq": 1,
    }  # fmt: skip
    return [lgb.train({**parameters, "seed": seed}, lgb.Dataset(X, y), 4) for seed in range(3)], X


def test_they_are_shapley_values_of_the_mean_of_the_boosters() -> None:
    some, X = boosters()
    found = explanation.contributions(some, X[:5])
    for row, x in zip(found, X[:5], strict=True):
        np.testing.assert_allclose(row, np.mean([by_definition.shapley(b, x) for b in some], axis=0), atol=1e-9)
    assert explanation.contributions(some, X[:0]).shape == (0, 5)


def test_where_they_do_not_add_up_lightgbms_own_are_given_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    some, X = boosters()
    own = contributions.contributions
    monkeypatch.setattr(contributions, "contributions", lambda *given: own(*given) + 1e-6)
    with caplog.at_level(logging.WARNING):
        found = explanation.contributions(some, X)
    np.testing.assert_array_equal(found, np.mean([b.predict(X, pred_contrib=True) for b in some], axis=0))
    assert "do not add up" in caplog.text


def test_it_is_not_said_where_they_do(caplog: pytest.LogCaptureFixture) -> None:
    some, X = boosters()
    with caplog.at_level(logging.WARNING):
        found = explanation.contributions(some, X)
    assert not caplog.text
    margin = np.mean([b.predict(X, raw_score=True) for b in some], axis=0)
    np.testing.assert_allclose(found.sum(axis=1), margin, rtol=0, atol=1e-12)
