"""What each feature added to a margin: exact Shapley values of the trees, which add up to it."""

import logging
from collections.abc import Sequence

import lightgbm as lgb
import numpy as np

# Of the margin, or of 1 log-odd where the margin is smaller: a thousand times what rounding has been seen to do.
MOST_OFF = 1e-9


def contributions(boosters: Sequence[lgb.Booster], matrix: np.ndarray) -> np.ndarray:
    """Log-odds that each feature adds to the boosters' mean margin; shape (rows, features + 1), the base last.

    Path-dependent TreeSHAP over the very trees that predict. Contributions are linear in the model, so those of an
    average are the average of those. Each row sums to `mean(booster.predict(raw_score=True))`.
    """
    total = np.zeros((len(matrix), matrix.shape[1] + 1))
    if len(matrix) == 0:
        return total
    for booster in boosters:
        total += _of_one(booster, matrix)
    return total / len(boosters)


def _of_one(booster: lgb.Booster, matrix: np.ndarray) -> np.ndarray:
    """The engine's, held against the margin in every run; LightGBM's own, far slower, if they differ."""
    from models import contributions as engine  # Numba is slow to import, and whoever only predicts does not need it

    found = engine.contributions(booster, matrix)
    margin = booster.predict(matrix, raw_score=True)
    off = float(np.max(np.abs(found.sum(axis=1) - margin) / np.maximum(1, np.abs(margin))))
    if off <= MOST_OFF:
        return found
    logging.getLogger(__name__).warning(
        "contributions of %d rows do not add up to their margins (by up to %.1e, where %.0e is allowed); LightGBM's "
        "own are used, which take far longer.", len(matrix), off, MOST_OFF,
    )  # fmt: skip
    return np.asarray(booster.predict(matrix, pred_contrib=True))
