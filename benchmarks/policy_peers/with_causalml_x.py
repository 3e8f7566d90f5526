"""causalml's X-learner over LightGBM, small trees, the known probabilities of the test."""

import numpy as np
from causalml.inference.meta import BaseXRegressor
from exchange import CONTROL, SEED, TREATMENTS, run
from lightgbm import LGBMRegressor


def effects(X: np.ndarray, arms: np.ndarray, y: np.ndarray, to_judge: np.ndarray, reward: str) -> np.ndarray:
    """Effects of both e-mails."""
    booster = LGBMRegressor(
        n_estimators=100,
        learning_rate=0.05,
        num_leaves=8,
        min_child_samples=200,
        random_state=SEED,
        n_jobs=1,
        verbose=-1,
    )
    learner = BaseXRegressor(learner=booster, control_name=CONTROL)
    # Within the two arms that it compares, each had an even chance.
    even = {name: np.full(len(X), 0.5) for name in TREATMENTS}
    learner.fit(X=X, treatment=arms, y=y, p=even)
    found = learner.predict(X=to_judge, p={name: np.full(len(to_judge), 0.5) for name in TREATMENTS})
    return found[:, [list(learner.t_groups).index(name) for name in TREATMENTS]]


if __name__ == "__main__":
    run(effects)
