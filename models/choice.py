"""Which action was taken, given the context: the logging policy's probabilities where nobody wrote them down.

Estimand: P(action | context) among the rows given. It stands for a `pscore` only where the context holds all that
the choice and the reward have in common; nothing in the data can show that it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from models.boosting import FIXED
from models.design import FURTHEST, Design

# Rows per coefficient from which on the last step reads the context itself, beside the boosters' log-odds.
ROWS_PER_COEFFICIENT = 20
PENALTY, PRODUCT_PENALTY = 1.0, 5.0
ROUNDS = 60
BOOSTER = {
    "learning_rate": 0.08,
    "num_leaves": 8,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.8,
    "lambda_l2": 5.0,
    "cat_smooth": 20.0,
    "max_bin": 63,
}


@dataclass(frozen=True)
class Choices:
    """Probabilities (rows, actions) of one logging policy, and the scores of the model that gave them.

    `scores` (rows, coefficients) is the derivative of each row's log-likelihood by the last step's coefficients: an
    average that uses estimated probabilities varies less than with true ones, by its projection on these (Hirano,
    Imbens and Ridder 2003). Those of products are left out: they are many and held back by their penalty, and a
    projection on them would claim more than was gained.
    """

    p: np.ndarray
    scores: np.ndarray


def estimate(
    X: np.ndarray,
    action: np.ndarray,
    *,
    n_actions: int,
    folds: np.ndarray,
    categorical: Sequence[int] = (),
    seed: int = 0,
) -> Choices:
    """Cross-fitted boosters, then one multinomial logistic line over their log-odds and (if rows allow) the context.

    `folds`: each row's fold (0 …); its booster has not seen the fold. The last step is fitted on all rows, so that the
    probabilities are calibrated: over all rows, an action's mean probability is its share, and the context's mean among
    the rows of an action, weighted by 1/p, is about that of all.

    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(4000, 2))
    >>> action = (rng.random(4000) < 1 / (1 + np.exp(-X[:, 0]))).astype(int)
    >>> p = estimate(X, action, n_actions=2, folds=np.arange(4000) % 3).p
    >>> error = np.abs(p[:, 1] - 1 / (1 + np.exp(-X[:, 0])))
    >>> bool(error.mean() < 0.05), bool(abs(p[:, 1].mean() - action.mean()) < 1e-4)
    (True, True)
    """
    margins = _log_odds(X, action, n_actions, folds, categorical, seed)
    R, penalty, n_main = _regressors(margins, Design.learn(X, categorical)(X), n_actions)
    p = _logistic(R, penalty, action, n_actions)
    left = (action[:, None] == np.arange(n_actions)) - p
    scores = (left[:, 1:, None] * R[:, None, :n_main]).reshape(len(X), -1)
    return Choices(p, scores)


def _regressors(margins: np.ndarray, Z: np.ndarray, n_actions: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Columns of the last step, the penalty of each, and how many there are before the products.

    They are 1, the boosters' log-odds, the context, and its products: as many of these as the rows allow.

    A booster of few rows sees a product of two features as a few coarse steps; what it misses of it, is missing from
    every weighted mean.
    """
    n = len(Z)
    first, second = np.triu_indices(Z.shape[1])
    parts, penalties = [np.ones((n, 1)), margins], [np.zeros(1), np.full(margins.shape[1], PENALTY)]
    for n_more, penalty in ((Z.shape[1], PENALTY), (len(first), PRODUCT_PENALTY)):
        n_columns = sum(part.shape[1] for part in parts) + n_more
        if n_columns * (n_actions - 1) * ROWS_PER_COEFFICIENT > n:
            break
        more = Z if penalty == PENALTY else _standardised(Z[:, first] * Z[:, second])
        parts.append(more)
        penalties.append(np.full(more.shape[1], penalty))
    n_main = sum(part.shape[1] for part in parts[:3])
    return np.hstack(parts), np.concatenate(penalties), n_main


def _standardised(Q: np.ndarray) -> np.ndarray:
    """Columns that vary, centred and scaled, cut off where a number would be."""
    spread = Q.std(axis=0)
    Q, spread = Q[:, spread > 1e-9], spread[spread > 1e-9]
    return np.clip((Q - Q.mean(axis=0)) / spread, -FURTHEST, FURTHEST)


def _log_odds(
    X: np.ndarray, action: np.ndarray, n_actions: int, folds: np.ndarray, categorical: Sequence[int], seed: int
) -> np.ndarray:
    """Log-odds of each action but the first against the first, by boosters that have not seen the row."""
    log_p = np.empty((len(X), n_actions))
    for k in np.unique(folds):
        away = folds != k
        # One row of each action, with no weight, where a fold lacks one: the classes must be the same everywhere.
        shares = (np.bincount(action[away], minlength=n_actions) + 0.5) / (away.sum() + 0.5 * n_actions)
        rows = lgb.Dataset(
            X[away],
            label=action[away],
            categorical_feature=list(categorical),
            init_score=np.tile(np.log(shares), (int(away.sum()), 1)),
            params={"verbosity": -1, "max_bin": BOOSTER["max_bin"], "num_threads": 1},
        )
        parameters = {**FIXED, **BOOSTER, "objective": "multiclass", "metric": "", "num_class": n_actions, "seed": seed}
        booster = lgb.train(parameters, rows, num_boost_round=ROUNDS, keep_training_booster=True)
        margin = booster.predict(X[~away], raw_score=True) + np.log(shares)
        log_p[~away] = log_softmax(margin, axis=1)
    return np.clip(log_p[:, 1:] - log_p[:, :1], -12, 12)


def _logistic(R: np.ndarray, penalty: np.ndarray, action: np.ndarray, n_actions: int) -> np.ndarray:
    """Multinomial logistic regression on the columns of `R`, each with its penalty."""
    n, d = R.shape
    is_taken = (action[:, None] == np.arange(n_actions)).astype("float64")

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        B = flat.reshape(n_actions - 1, d)
        margin = R @ B.T
        highest = np.maximum(margin.max(axis=1), 0.0)
        odds = np.exp(margin - highest[:, None])
        total = odds.sum(axis=1) + np.exp(-highest)
        value = float((np.log(total) + highest).sum() - (is_taken[:, 1:] * margin).sum())
        value += float((penalty * B**2).sum()) / 2
        slope = (odds / total[:, None] - is_taken[:, 1:]).T @ R + penalty * B
        return value / n, slope.ravel() / n

    start = np.zeros((n_actions - 1, d))
    start[np.arange(n_actions - 1), 1 + np.arange(n_actions - 1)] = 1.0  # the boosters as they are
    found = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 500, "gtol": 1e-6})
    B = found.x.reshape(n_actions - 1, d)
    return softmax(np.hstack([np.zeros((n, 1)), R @ B.T]), axis=1)
