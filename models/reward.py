"""The expected reward of each action, given the context: a line with a penalty, and a booster of what it leaves.

Estimand: E[reward | context, action] among rows like those learnt from. It is the direct method by itself, and what the
doubly robust estimators correct; so it need not be right, only cheap to be right with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import lightgbm as lgb
import numpy as np

from models.design import Design, Ridge

# Of the line's columns, one per action and regressor at most; with more, actions differ by a constant only.
MOST_COLUMNS = 600
# An interaction is taken to be smaller than a main effect: its column is as much smaller, and so penalised more.
INTERACTION = 0.5
BOOSTER: dict[str, Any] = {
    "objective": "regression",
    "metric": "",
    "verbosity": -1,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "max_bin": 63,
    "learning_rate": 0.05,
    "num_leaves": 8,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.7,
    "lambda_l2": 5.0,
    "cat_smooth": 20.0,
}
ROUNDS = 80


@dataclass(frozen=True)
class Reward:
    """A fitted model of the reward; `predict` gives a column per action."""

    n_actions: int
    design: Design
    line: Ridge
    booster: lgb.Booster = field(repr=False)
    least: float
    most: float

    @classmethod
    def fit(
        cls,
        X: np.ndarray,
        action: np.ndarray,
        reward: np.ndarray,
        *,
        n_actions: int,
        categorical: Sequence[int] = (),
        seed: int = 0,
    ) -> Reward:
        """Learn from rows: `X` (rows, columns; NaN where missing), `action` 0 … n_actions − 1, `reward` in its unit.

        >>> rng = np.random.default_rng(0)
        >>> X, action = rng.normal(size=(2000, 1)), rng.integers(0, 2, 2000)
        >>> model = Reward.fit(X, action, X[:, 0] * action + 0.1 * rng.normal(size=2000), n_actions=2)
        >>> model.predict(np.array([[1.0], [-1.0]])).round(1) + 0.0
        array([[ 0.,  1.],
               [ 0., -1.]])
        """
        design = Design.learn(X, categorical)
        Z = design(X)
        line = Ridge.fit(_columns(Z, action, n_actions), reward)
        left = reward - line(_columns(Z, action, n_actions))
        rows = lgb.Dataset(
            _with_action(X, action, n_actions),
            label=left,
            categorical_feature=list(categorical),
            params={"verbosity": -1, "max_bin": BOOSTER["max_bin"], "num_threads": 1},
        )
        booster = lgb.train({**BOOSTER, "seed": seed}, rows, num_boost_round=ROUNDS, keep_training_booster=True)
        return cls(n_actions, design, line, booster, float(reward.min()), float(reward.max()))

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Expected reward, shape (rows, actions), within the range that was seen."""
        Z = self.design(X)
        found = np.empty((len(X), self.n_actions))
        for a in range(self.n_actions):
            action = np.full(len(X), a)
            found[:, a] = self.line(_columns(Z, action, self.n_actions))
            found[:, a] += self.booster.predict(_with_action(X, action, self.n_actions))
        return np.clip(found, self.least, self.most)


def _columns(Z: np.ndarray, action: np.ndarray, n_actions: int) -> np.ndarray:
    """Regressors of the line: the context's, the actions', and their products where these are not too many."""
    is_taken = (action[:, None] == np.arange(n_actions)).astype("float64")
    parts = [Z, is_taken]
    if Z.shape[1] * (n_actions + 1) <= MOST_COLUMNS:
        parts += [INTERACTION * Z * is_taken[:, [a]] for a in range(n_actions)]
    return np.hstack(parts)


def _with_action(X: np.ndarray, action: np.ndarray, n_actions: int) -> np.ndarray:
    return np.hstack([X, (action[:, None] == np.arange(n_actions)).astype("float64")])
