"""woodelf-explainer, whose cost is by the tree's paths more than by the row: every size is timed whole."""

from collections.abc import Callable

import lightgbm as lgb
import numpy as np
import pandas as pd
from timing import run
from woodelf import WoodelfExplainer


def explainer(booster: lgb.Booster, n_features: int) -> Callable[[np.ndarray], np.ndarray]:
    """Path-dependent, as the others are."""
    made = WoodelfExplainer(booster, feature_perturbation="tree_path_dependent")
    names = booster.feature_name()

    def explain(X: np.ndarray) -> np.ndarray:
        return np.asarray(made.shap_values(pd.DataFrame(X, columns=names), verbose=False))

    return explain


if __name__ == "__main__":
    run(explainer, is_linear=False)
