"""How rows become boosters: parameters that always hold, and those that tuning finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np

from models.vocabulary import Vocabulary

# What never varies: the log loss, one thread and a fixed order of sums, so that the same rows give the same bytes.
FIXED: Mapping[str, Any] = {
    "objective": "binary",
    "metric": "binary_logloss",
    "verbosity": -1,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "learning_rate": 0.05,
    "bagging_freq": 1,
    "max_bin": 127,
}
# The first trial: small trees and strong regularisation, right for thousands of rows and a tenth of positives.
DEFAULT: Mapping[str, Any] = {
    "num_leaves": 8,
    "min_data_in_leaf": 60,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "lambda_l2": 5.0,
    "path_smooth": 1.0,
    "cat_smooth": 20.0,
}
DEFAULT_ROUNDS = 100


@dataclass(frozen=True)
class Tuned:
    """What tuning found: parameters for `lgb.train`, the number of rounds, and the validation log loss reached."""

    parameters: Mapping[str, Any]
    rounds: int
    loss: float | None  # None where nothing could be tuned
    base_rate_loss: float | None  # of the training rate, on the same rows
    n_complete: int
    n_pruned: int
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {**vars(self), "parameters": dict(self.parameters)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Tuned:
        """From what `to_json` gave."""
        return cls(**content)


def untuned(note: str = "") -> Tuned:
    """The default parameters, unsearched."""
    return Tuned({**FIXED, **DEFAULT}, DEFAULT_ROUNDS, None, None, 0, 0, note)


def dataset(vocabulary: Vocabulary, matrix: np.ndarray, y: np.ndarray, like: lgb.Dataset | None = None) -> lgb.Dataset:
    """Rows binned for LightGBM. Columns keep their place, not their name: names may hold what LightGBM refuses."""
    return lgb.Dataset(
        matrix,
        label=y,
        categorical_feature=vocabulary.categorical,
        params={"max_bin": FIXED["max_bin"], "feature_pre_filter": False, "verbosity": -1, "num_threads": 1},
        reference=like,
        free_raw_data=False,
    )
