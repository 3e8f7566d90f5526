"""fasttreeshap, its first algorithm."""

from collections.abc import Callable

import fasttreeshap
import lightgbm as lgb
import numpy as np
from timing import run


def explainer(algorithm: str) -> Callable[[lgb.Booster, int], Callable[[np.ndarray], np.ndarray]]:
    """`algorithm`: v1, or v2 which precomputes more."""

    def of(booster: lgb.Booster, n_features: int) -> Callable[[np.ndarray], np.ndarray]:
        made = fasttreeshap.TreeExplainer(booster, algorithm=algorithm, n_jobs=1, shortcut=False)

        def explain(X: np.ndarray) -> np.ndarray:
            found = made.shap_values(X, check_additivity=False)
            return found[1] if isinstance(found, list) else found

        return explain

    return of


if __name__ == "__main__":
    run(explainer("v1"), is_linear=True)
