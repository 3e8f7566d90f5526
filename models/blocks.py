"""Rows by block of time. Learning sees `train` and `validation`; `test` is for judging only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from data.errors import BadInput

TRAIN, VALIDATION, TEST = "train", "validation", "test"


@dataclass(frozen=True)
class Blocks:
    """The rows that learning may see. Targets are float64 of 0 and 1.

    >>> X = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0]})
    >>> parts = Blocks.split(X, pd.Series([0, 1, 1, 0]), pd.Series(["train", "train", "validation", "test"]))
    >>> parts.X_train["x"].tolist(), parts.y_validation.tolist()
    ([1.0, 2.0], [1.0])
    """

    X_train: pd.DataFrame
    y_train: np.ndarray
    X_validation: pd.DataFrame
    y_validation: np.ndarray
    is_validation: np.ndarray  # over all rows given

    @classmethod
    def split(cls, X: pd.DataFrame, y: pd.Series[Any], blocks: pd.Series[Any]) -> Blocks:
        """Raises BadInput where there is nothing to learn from: no rows, or one class only, in the train block."""
        if not len(X) == len(y) == len(blocks):
            raise BadInput(
                f"{len(X)} rows of features, {len(y)} labels and {len(blocks)} blocks; they must be the same rows."
            )
        named = np.asarray(blocks, dtype=object)
        is_train, is_validation = named == TRAIN, named == VALIDATION
        y_train, y_validation = (target(y[rows]) for rows in (is_train, is_validation))
        if len(y_train) == 0:
            raise BadInput(
                "the train block has no rows; the history is too short for its blocks, or label.horizon_days too long."
            )
        if not 0 < y_train.sum() < len(y_train):
            found = "no positives" if y_train.sum() == 0 else "nothing but positives"
            raise BadInput(
                f"the train block has {found} among its {len(y_train)} rows, so there is nothing to tell apart; "
                "give a longer history, or change the label's definition."
            )
        return cls(X[is_train], y_train, X[is_validation], y_validation, is_validation)


def target(y: pd.Series[Any]) -> np.ndarray:
    """A binary target as float64. Raises BadInput for a gap or a third value.

    >>> target(pd.Series([True, False]))
    array([1., 0.])
    >>> target(pd.Series([0, 2]))
    Traceback (most recent call last):
    data.errors.BadInput: the target holds 2; it must be 0 or 1 (or false, true) in every row.
    """
    if y.isna().any():
        raise BadInput(f"the target is missing in {int(y.isna().sum())} rows; drop them or label them.")
    values = y.to_numpy(dtype="float64")
    other = values[(values != 0) & (values != 1)]
    if len(other):
        raise BadInput(f"the target holds {other[0]:g}; it must be 0 or 1 (or false, true) in every row.")
    return values


def both_classes(y: np.ndarray) -> None:
    """Raises BadInput where these rows, which are to be learnt from, hold one class only, or are none."""
    if len(y) == 0:
        raise BadInput(
            "there are no rows to learn from; the history is too short for its blocks, or label.horizon_days too long."
        )
    if not 0 < y.sum() < len(y):
        found = "no positives" if y.sum() == 0 else "nothing but positives"
        raise BadInput(
            f"there are {found} among the {len(y)} rows to learn from, so there is nothing to tell apart; "
            "give a longer history, or change the label's definition."
        )
