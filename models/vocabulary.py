"""From a table with text and gaps to the matrix that a booster reads, the same at training and ever after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from data.errors import BadInput

Matrix = np.ndarray  # float64 (rows, features), NaN where nothing is known
# A text with more levels than this keeps those of at least so many rows, and at most so many, the most frequent ones;
# the others are one level together. A booster would learn thousands of levels by heart, each from a few rows.
FEW_LEVELS, MIN_LEVEL_ROWS, MAX_LEVELS = 64, 20, 254


@dataclass(frozen=True)
class Vocabulary:
    """The features that a model reads, in their order, and the levels of each that is text.

    Frozen when the model is trained and kept beside it as JSON, since a category's code means nothing without it.
    A number is itself, a flag 0 or 1, a text the place of its level; missing, infinite and unseen are all NaN. Where
    rare levels were pooled, they and unseen ones share the place behind the last.

    >>> X = pd.DataFrame({"seats": [3.0, None, 8.0], "plan": ["pro", "free", None], "country": ["DE", "DE", "DE"]})
    >>> words = Vocabulary.learn(X)
    >>> words.features, words.dropped
    (('seats', 'plan'), {'country': 'constant'})
    >>> words.encode(pd.DataFrame({"plan": ["pro", "gold"], "seats": [1, 2], "new": [0, 0]}))
    array([[ 1.,  1.],
           [ 2., nan]])
    >>> words.encode(pd.DataFrame({"plan": ["pro"]}))
    Traceback (most recent call last):
    data.errors.BadInput: the features lack seats, which the model was trained on; build the features with the \
same code and tables as at training, or train again.
    """

    features: tuple[str, ...]
    # Levels by feature; a feature that is not here is a number.
    levels: Mapping[str, tuple[str, ...]]
    # What was left out, and why: "empty", "constant", or a text of which no level has enough rows.
    dropped: Mapping[str, str] = field(default_factory=dict)
    # The texts whose rare levels are one level together.
    pooled: frozenset[str] = frozenset()

    @classmethod
    def learn(cls, X: pd.DataFrame) -> Vocabulary:
        """Take down the columns of `X`. Raises BadInput for a type that is no feature, or where none is left."""
        if not X.columns.is_unique:
            twice = sorted({str(name) for name in X.columns[X.columns.duplicated()]})
            raise BadInput(f"the features name {', '.join(twice)} more than once; rename or drop one.")
        features: list[str] = []
        levels: dict[str, tuple[str, ...]] = {}
        dropped: dict[str, str] = {}
        pooled: set[str] = set()
        for name in X.columns:
            column = X[name]
            if column.isna().all():
                dropped[name] = "empty"
                continue
            words = _is_text(column)
            if words:
                counts = _level_counts(column)
                n_known, has_gaps = len(counts), bool(column.isna().any())
            else:
                numbers = _numbers(column)
                is_gap = np.isnan(numbers)
                has_gaps = bool(is_gap.any())
                known = numbers[~is_gap]
                n_known = 0 if len(known) == 0 else 1 + bool((known != known[0]).any())
            # One value beside gaps is kept: whether it is known may itself predict.
            if n_known == 0 or (n_known == 1 and not has_gaps):
                dropped[name] = "constant" if n_known else "empty"
                continue
            if words:
                kept = _frequent(counts)
                if not kept:
                    dropped[name] = f"text: {n_known:,} values in {len(X):,} rows, none of them in {MIN_LEVEL_ROWS}"
                    continue
                levels[name] = kept
                if len(kept) < n_known:
                    pooled.add(name)
            features.append(name)
        if not features:
            raise BadInput(
                f"none of the {len(dropped)} features varies, so there is nothing to learn from; add features."
            )
        return cls(tuple(features), levels, dropped, frozenset(pooled))

    def encode(self, X: pd.DataFrame) -> Matrix:
        """The matrix (rows of `X`, `features`). Columns that the model does not know are ignored."""
        absent = [name for name in self.features if name not in X.columns]
        if absent:
            raise BadInput(
                f"the features lack {_some(absent)}, which the model was trained on; "
                "build the features with the same code and tables as at training, or train again."
            )
        matrix = np.empty((len(X), len(self.features)))
        for place, name in enumerate(self.features):
            matrix[:, place] = self._codes(X[name])
        return matrix

    @property
    def categorical(self) -> list[int]:
        """The places of the features that are text."""
        return [place for place, name in enumerate(self.features) if name in self.levels]

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "features": list(self.features),
            "levels": {name: list(words) for name, words in self.levels.items()},
            "dropped": dict(self.dropped),
            "pooled": sorted(self.pooled),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Vocabulary:
        """From what `to_json` gave."""
        levels = {name: tuple(words) for name, words in content["levels"].items()}
        return cls(tuple(content["features"]), levels, dict(content["dropped"]), frozenset(content.get("pooled", ())))

    def _codes(self, column: pd.Series[Any]) -> np.ndarray:
        if str(column.name) not in self.levels and column.dtype == np.float64:
            return _finite(column.to_numpy())
        if column.isna().all():
            return np.full(len(column), np.nan)
        if str(column.name) not in self.levels:
            return _numbers(column)
        if not _is_text(column):
            raise BadInput(
                f"the feature {column.name} was text at training and is {column.dtype} now; give it as text again."
            )
        levels = self.levels[str(column.name)]
        places, words = _words(column)
        codes = pd.Index(levels).get_indexer(pd.Index(words)).astype("float64")
        codes[codes < 0] = len(levels) if column.name in self.pooled else np.nan
        return np.append(codes, np.nan)[places]


def _is_text(column: pd.Series[Any]) -> bool:
    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        kind = kind.categories.dtype
    if types.is_numeric_dtype(kind) or types.is_bool_dtype(kind):
        return isinstance(column.dtype, pd.CategoricalDtype)
    known = column.dropna()
    if types.is_object_dtype(kind) and all(isinstance(value, bool | int | float | np.number) for value in known):
        return False
    if types.is_string_dtype(kind) or (types.is_object_dtype(kind) and all(isinstance(v, str) for v in known)):
        return True
    raise BadInput(
        f"the feature {column.name} is {column.dtype}, which is neither number, flag nor text; "
        "turn a date into days since or until, or drop the column."
    )


def _words(column: pd.Series[Any]) -> tuple[np.ndarray, list[str]]:
    """Each row's place in the distinct words (-1 where missing), and the words as plain strings."""
    places, known = pd.factorize(column, use_na_sentinel=True)
    return places, [str(value) for value in known]


def _level_counts(column: pd.Series[Any]) -> dict[str, int]:
    """How many rows hold each level."""
    places, words = _words(column)
    return dict(zip(words, np.bincount(places[places >= 0], minlength=len(words)).tolist(), strict=True))


def _frequent(counts: Mapping[str, int]) -> tuple[str, ...]:
    """The levels to keep, in the alphabet's order: all of few; of many, the frequent ones."""
    if len(counts) <= FEW_LEVELS:
        return tuple(sorted(counts))
    often = sorted((-n, word) for word, n in counts.items() if n >= MIN_LEVEL_ROWS)
    return tuple(sorted(word for _, word in often[:MAX_LEVELS]))


def _numbers(column: pd.Series[Any]) -> np.ndarray:
    """As float64, NaN where missing or infinite."""
    if column.dtype == np.float64:
        return _finite(column.to_numpy())
    if _is_text(column):
        raise BadInput(f"the feature {column.name} was a number at training and is text now; give it as numbers again.")
    values = column.astype("object").where(column.notna(), np.nan).astype("float64") if column.hasnans else column
    return _finite(values.astype("float64").to_numpy())


def _finite(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, np.nan)


def _some(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
