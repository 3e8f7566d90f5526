"""EconML's doubly robust policy forest: honest trees that choose, over LightGBM's forecasts."""

import numpy as np
from econml.policy import DRPolicyForest
from exchange import CONTROL, SEED, TREATMENTS, run
from lightgbm import LGBMRegressor
from sklearn.dummy import DummyClassifier


def effects(X: np.ndarray, arms: np.ndarray, y: np.ndarray, to_judge: np.ndarray, reward: str) -> np.ndarray:
    """1 for the e-mail that the policy recommends, −1 for the others."""
    forecaster = LGBMRegressor(
        n_estimators=100,
        learning_rate=0.05,
        num_leaves=8,
        min_child_samples=200,
        random_state=SEED,
        n_jobs=1,
        verbose=-1,
    )
    policy = DRPolicyForest(
        model_regression=forecaster,
        model_propensity=DummyClassifier(strategy="prior"),  # a test: the same for everyone
        categories=[CONTROL, *TREATMENTS],
        n_estimators=200,
        max_depth=5,
        min_samples_leaf=200,
        cv=5,
        random_state=SEED,
        n_jobs=1,
    )
    policy.fit(y, arms, X=X)
    chosen = np.asarray(policy.predict(to_judge)).ravel()
    places = chosen.astype(int) if chosen.dtype.kind in "if" else np.searchsorted([CONTROL, *TREATMENTS], chosen)
    return np.where(places[:, None] == np.arange(1, len(TREATMENTS) + 1), 1.0, -1.0)


if __name__ == "__main__":
    run(effects)
