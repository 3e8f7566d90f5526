"""What each feature added to a margin: exact Shapley values of the trees, which add up to it."""

from collections.abc import Sequence

import lightgbm as lgb
import numpy as np


def contributions(boosters: Sequence[lgb.Booster], matrix: np.ndarray) -> np.ndarray:
    """Log-odds that each feature adds to the boosters' mean margin; shape (rows, features + 1), the base last.

    Path-dependent TreeSHAP over the very trees that predict. Contributions are linear in the model, so those of an
    average are the average of those. Each row sums to `mean(booster.predict(raw_score=True))`.
    """
    total = np.zeros((len(matrix), matrix.shape[1] + 1))
    if len(matrix) == 0:
        return total
    for booster in boosters:
        total += booster.predict(matrix, pred_contrib=True)
    return total / len(boosters)
