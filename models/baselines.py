"""What a model must beat: the base rate, a logistic regression, and the rule that everybody knows.

Each learns from the same rows as the model, in the same way, and gives a probability per row: the logistic regression's
penalty and calibrator are chosen on the validation block, then it learns again from train and validation rows together,
and the rates of the other two are those of both blocks.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from data.errors import BadInput
from models import calibration
from models.blocks import Blocks
from models.vocabulary import Vocabulary

# Inverse strengths of the ridge penalty; the validation block chooses.
STRENGTHS = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 1.0)
# Levels rarer than this in the training block share a column.
MIN_LEVEL_ROWS = 20


def probabilities(
    X: pd.DataFrame,
    y: pd.Series[Any],
    blocks: pd.Series[Any],
    *,
    rule_feature: str,
    rule_limit: float,
    groups: pd.Series[Any] | None = None,
    seed: int = 0,
) -> Mapping[str, np.ndarray]:
    """Each baseline's probability for every row of `X`, learnt from its train and validation rows only.

    Returns `base_rate`, `logistic` and `rule_80` (at or above `rule_limit` of `rule_feature`, or below it).
    """
    parts = Blocks.split(X, y, blocks)
    seen = np.isin(np.asarray(blocks, dtype=object), ["train", "validation"])
    y_seen = np.concatenate([parts.y_train, parts.y_validation])
    is_over = _over(X, rule_feature, rule_limit)
    order = np.concatenate([np.flatnonzero(seen & ~parts.is_validation), np.flatnonzero(parts.is_validation)])
    base = float(y_seen.mean())
    return {
        "base_rate": np.full(len(X), base),
        "logistic": _logistic(X, parts, np.arange(len(X)) if groups is None else np.asarray(groups), seed),
        "rule_80": np.where(is_over, _rate(y_seen[is_over[order]], base), _rate(y_seen[~is_over[order]], base)),
    }


def _over(X: pd.DataFrame, feature: str, limit: float) -> np.ndarray:
    if feature not in X.columns:
        raise BadInput(
            f"params.yaml: evaluate.rule_feature is {feature}, which is not among the features; "
            "name one of docs/features.md that is a share of a limit."
        )
    # Where the share is not known the rule has nothing to say: not over.
    return np.asarray(pd.to_numeric(X[feature]).astype("float64") >= limit)


def _rate(y: np.ndarray, base: float) -> float:
    """The mean, with one row's worth of the base rate, so that few rows are never certain."""
    return float((y.sum() + base) / (len(y) + 1))


def _logistic(X: pd.DataFrame, parts: Blocks, groups: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    design = _Design(parts.X_train)
    train, validation, everything = design(parts.X_train), design(parts.X_validation), design(X)
    # Newton steps: exact within a few of them, also where columns are collinear.
    model = LogisticRegression(solver="newton-cholesky", max_iter=100, warm_start=True)
    best: tuple[float, float, np.ndarray] | None = None
    for strength in STRENGTHS:
        model.set_params(C=strength)
        with warnings.catch_warnings():
            # A weak penalty on collinear columns may not settle within the steps; validation then prefers a stronger.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(train, parts.y_train)
        loss = 0.0
        if len(validation):
            p = model.predict_proba(validation)[:, 1]
            loss = float(calibration.log_losses(parts.y_validation, p).mean())
        if best is None or loss < best[0]:
            best = loss, strength, validation @ model.coef_[0] + model.intercept_[0]
    assert best is not None  # noqa: S101 - STRENGTHS is not empty
    choice = calibration.choose(
        best[2],
        parts.y_validation,
        groups[parts.is_validation],
        prior=float(parts.y_train.mean()),
        seed=seed,
    )
    model.set_params(C=best[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # as above
        model.fit(np.vstack([train, validation]), np.concatenate([parts.y_train, parts.y_validation]))
    margin = everything @ model.coef_[0] + model.intercept_[0]
    return choice.calibrator.levelled(margin[parts.is_validation], parts.y_validation).probability(margin)


class _Design:
    """Columns for a linear model: numbers by their training quantile, a flag for each gap, and levels one-hot.

    A gap takes the median. Quantiles rather than standard scores: money and counts have long tails.
    """

    def __init__(self, X: pd.DataFrame) -> None:
        from sklearn.preprocessing import QuantileTransformer

        self.vocabulary = Vocabulary.learn(X)
        matrix = self.vocabulary.encode(X)
        text = set(self.vocabulary.categorical)
        self.numbers = [j for j in range(matrix.shape[1]) if j not in text]
        self.medians = np.nanmedian(matrix[:, self.numbers], axis=0) if self.numbers else np.zeros(0)
        self.gaps = [j for j in range(matrix.shape[1]) if np.isnan(matrix[:, j]).any()]
        self.levels = {
            j: [code for code in np.unique(matrix[:, j]) if (matrix[:, j] == code).sum() >= MIN_LEVEL_ROWS]
            for j in sorted(text)
        }
        self.quantiles = QuantileTransformer(n_quantiles=min(200, len(matrix)), subsample=None)
        if self.numbers:
            self.quantiles.fit(self._filled(matrix))

    def __call__(self, X: pd.DataFrame) -> np.ndarray:
        matrix = self.vocabulary.encode(X)
        flags = [np.isnan(matrix[:, j]) for j in self.gaps]
        flags += [matrix[:, j] == code for j, codes in self.levels.items() for code in codes]
        columns = [np.column_stack(flags).astype("float64")] if flags else []
        if self.numbers and len(X):
            columns.append(2 * self.quantiles.transform(self._filled(matrix)) - 1)
        elif self.numbers:
            columns.append(np.zeros((0, len(self.numbers))))
        return np.hstack(columns)

    def _filled(self, matrix: np.ndarray) -> np.ndarray:
        numbers = matrix[:, self.numbers]
        return np.where(np.isnan(numbers), self.medians, numbers)
