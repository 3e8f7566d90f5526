"""How rows become boosters: parameters that always hold, those that tuning finds, and where it may look for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    "bagging_freq": 1,
    "max_bin": 127,
    # Bins are made once for all trials, so no feature may be left out for the sake of one trial's leaf size.
    "feature_pre_filter": False,
}
# For thousands of rows and a tenth of positives: small trees and strong regularisation.
DEFAULT: Mapping[str, Any] = {
    "learning_rate": 0.05,
    "num_leaves": 8,
    "min_data_in_leaf": 60,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "lambda_l2": 5.0,
    "path_smooth": 1.0,
    "cat_smooth": 20.0,
}
DEFAULT_ROUNDS = 100
Range = tuple[float, float]


@dataclass(frozen=True)
class Space:
    """Where tuning looks, by how much there is to learn from: few positives bear small trees only.

    What counts is the rarer class: a million rows with a hundred positives are small data.

    >>> small, large = Space.of(n_rows=600, n_rare=60), Space.of(n_rows=2_000_000, n_rare=400_000)
    >>> small.ranges["num_leaves"], large.ranges["num_leaves"]
    ((2, 8), (7, 255))
    >>> all(low <= small.default[name] <= high for name, (low, high) in small.ranges.items())
    True
    """

    learning_rate: float  # not searched: rounds make up for it, and trials are compared round by round
    ranges: Mapping[str, Range]  # integers where both ends are; always searched on a log scale but for fractions
    default: Mapping[str, Any]

    @classmethod
    def of(cls, *, n_rows: int, n_rare: int) -> Space:
        """For this many rows, of which so many are of the rarer class."""
        if n_rare < 300:
            rate, leaves, start = 0.03, (2, 8), 4
        elif n_rare < 5_000:
            rate, leaves, start = 0.05, (3, 31), 8
        elif n_rare < 100_000:
            rate, leaves, start = 0.08, (4, 127), 31
        else:
            rate, leaves, start = 0.1, (7, 255), 63
        # From a leaf that a few rows can make, to one that takes a twentieth of all.
        most = int(np.clip(n_rows / 20, 40, 5_000))
        least = 5 if n_rows < 2_000 else 10
        ranges: dict[str, Range] = {
            "num_leaves": leaves,
            "min_data_in_leaf": (least, most),
            "feature_fraction": (0.2, 1.0),
            "bagging_fraction": (0.5, 1.0),
            "lambda_l2": (0.1, 100.0),
            "path_smooth": (0.1, 100.0),
            "cat_smooth": (5.0, 200.0),
        }
        rows_of_a_leaf = int(np.clip(60, least, most))
        default = {**DEFAULT, "learning_rate": rate, "num_leaves": start, "min_data_in_leaf": rows_of_a_leaf}
        return cls(rate, ranges, default)

    def within(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters that are searched here, each moved to the nearest value that is allowed."""
        moved = {}
        for name, (low, high) in self.ranges.items():
            value = min(max(parameters.get(name, self.default[name]), low), high)
            moved[name] = int(value) if isinstance(low, int) else float(value)
        return moved


@dataclass(frozen=True)
class Tuned:
    """What tuning found: parameters for `lgb.train`, the number of rounds, and the log loss reached on later rows."""

    parameters: Mapping[str, Any]
    rounds: int
    loss: float | None  # mean over the folds, each at its own level (models/tuning.py says why); None if not tuned
    base_rate_loss: float | None  # of each fold's own rate on the same rows: what no model at all would reach
    n_complete: int
    n_pruned: int
    note: str = ""
    loss_as_is: float | None = None  # with the level that training gave
    fold_losses: Sequence[float] = ()  # `loss`, fold by fold
    n_folds: int = 0

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {**vars(self), "parameters": dict(self.parameters), "fold_losses": list(self.fold_losses)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Tuned:
        """From what `to_json` gave."""
        return cls(**{**content, "fold_losses": tuple(content.get("fold_losses", ()))})


def untuned(note: str = "", space: Space | None = None) -> Tuned:
    """The default parameters, unsearched."""
    parameters = DEFAULT if space is None else space.default
    return Tuned({**FIXED, **parameters}, DEFAULT_ROUNDS, None, None, 0, 0, note)


def dataset(
    vocabulary: Vocabulary, matrix: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None
) -> lgb.Dataset:
    """Rows binned for LightGBM, once; `subset` takes rows of it without binning again.

    Columns keep their place, not their name: names may hold what LightGBM refuses.
    """
    rows = lgb.Dataset(
        matrix,
        label=y,
        weight=weights,
        categorical_feature=vocabulary.categorical,
        params={name: FIXED[name] for name in ("max_bin", "feature_pre_filter", "verbosity", "num_threads")},
        free_raw_data=True,
    )
    return rows.construct()


def subset(rows: lgb.Dataset, places: np.ndarray) -> lgb.Dataset:
    """Some rows of a binned set, in their order; all of them are the set itself."""
    if len(places) == rows.num_data():
        return rows
    return rows.subset(np.sort(places).tolist()).construct()


def monotone(vocabulary: Vocabulary, constraints: Mapping[str, int] | None) -> dict[str, Any]:
    """LightGBM's parameters for constraints: +1 where the score never falls as the feature rises, -1 where it never
    rises. Features that are not named, or not read, are free; a text feature has no order, and stays free.

    >>> words = Vocabulary(("seats", "plan"), {"plan": ("free", "pro")})
    >>> monotone(words, {"seats": 1, "plan": 1, "gone": -1})
    {'monotone_constraints': [1, 0], 'monotone_constraints_method': 'intermediate'}
    >>> monotone(words, {})
    {}
    """
    signs = [0 if name in vocabulary.levels else int((constraints or {}).get(name, 0)) for name in vocabulary.features]
    if not any(signs):
        return {}
    return {"monotone_constraints": signs, "monotone_constraints_method": "intermediate"}
