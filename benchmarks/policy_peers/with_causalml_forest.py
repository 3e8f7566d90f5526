"""causalml's uplift random forest, by KL divergence, with leaves of two hundred customers."""

import numpy as np
from causalml.inference.tree import UpliftRandomForestClassifier
from exchange import CONTROL, SEED, TREATMENTS, run


def effects(X: np.ndarray, arms: np.ndarray, y: np.ndarray, to_judge: np.ndarray, reward: str) -> np.ndarray:
    """Effects of both e-mails on a yes or no."""
    forest = UpliftRandomForestClassifier(
        control_name=CONTROL, n_estimators=100, max_depth=5, min_samples_leaf=200, min_samples_treatment=50,
        random_state=SEED, n_jobs=1,
    )  # fmt: skip
    forest.fit(X, treatment=arms, y=y.astype(int))
    found = np.asarray(forest.predict(to_judge))
    names = [name for name in forest.classes_ if name != CONTROL]
    return found[:, [names.index(name) for name in TREATMENTS]]


if __name__ == "__main__":
    run(effects)
