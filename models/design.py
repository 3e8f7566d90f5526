"""From a matrix with gaps and categories to one that a linear model reads: every column finite and of like size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

# A value further out than this many standard deviations counts as that far: one odd row is not to tilt a line.
FURTHEST = 4.0
# Levels of a category that get a column of their own, the most frequent first; the others are the base together.
MOST_LEVELS = 20


@dataclass(frozen=True)
class Design:
    """How columns (places in a matrix) become regressors. Kept as JSON.

    A number gives itself, centred and scaled, gaps at the centre, and a second column that says where it was missing
    (if it ever was). A category gives a 0/1 column per frequent level, centred.

    >>> X = np.array([[1.0, 0], [3.0, 1], [np.nan, 1], [5.0, 0]])
    >>> design = Design.learn(X, categorical=[1])
    >>> design(X).round(2)
    array([[-1.22, -0.25,  0.5 , -0.5 ],
           [ 0.  , -0.25, -0.5 ,  0.5 ],
           [ 0.  ,  0.75, -0.5 ,  0.5 ],
           [ 1.22, -0.25,  0.5 , -0.5 ]])
    """

    n_columns: int
    # (place, kind, number): kind "value" (number: standard deviation), "missing" or "level" (number: the level)
    regressors: tuple[tuple[int, str, float], ...]
    centres: tuple[float, ...]

    @classmethod
    def learn(cls, X: np.ndarray, categorical: Sequence[int] = ()) -> Design:
        """Take down centres and levels of the rows of `X` (float64, NaN where missing)."""
        regressors: list[tuple[int, str, float]] = []
        centres: list[float] = []
        for place in range(X.shape[1]):
            column = X[:, place]
            is_known = np.isfinite(column)
            known = column[is_known]
            if place in categorical:
                levels, counts = np.unique(known, return_counts=True)
                for level in levels[np.lexsort([levels, -counts])][:MOST_LEVELS]:
                    regressors.append((place, "level", float(level)))
                    centres.append(float((column == level).mean()))
                continue
            spread = float(known.std()) if len(known) else 0.0
            if spread > 0:
                regressors.append((place, "value", spread))
                centres.append(float(known.mean()))
            if 0 < len(known) < len(column):
                regressors.append((place, "missing", 1.0))
                centres.append(float(1 - is_known.mean()))
        return cls(X.shape[1], tuple(regressors), tuple(centres))

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """Shape (rows, regressors), every value finite."""
        found = np.empty((len(X), len(self.regressors)))
        for j, ((place, kind, number), centre) in enumerate(zip(self.regressors, self.centres, strict=True)):
            column = X[:, place]
            if kind == "value":
                z = (column - centre) / number
                found[:, j] = np.where(np.isfinite(z), np.clip(z, -FURTHEST, FURTHEST), 0.0)
            elif kind == "missing":
                found[:, j] = ~np.isfinite(column) - centre
            else:
                found[:, j] = (column == number) - centre
        return found

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "n_columns": self.n_columns,
            "regressors": [list(r) for r in self.regressors],
            "centres": list(self.centres),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Design:
        """From what `to_json` gave."""
        regressors = tuple((int(place), str(kind), float(number)) for place, kind, number in content["regressors"])
        return cls(int(content["n_columns"]), regressors, tuple(float(c) for c in content["centres"]))


@dataclass(frozen=True)
class Ridge:
    """A line with a penalty chosen by generalised cross-validation (Golub, Heath and Wahba 1979).

    >>> z = np.linspace(-1, 1, 50)[:, None]
    >>> line = Ridge.fit(z, 3 + 2 * z[:, 0])
    >>> line(np.array([[0.0], [1.0]])).round(2)
    array([3., 5.])
    """

    intercept: float
    slopes: np.ndarray

    PENALTIES = tuple(10.0**e for e in range(-3, 7))

    @classmethod
    def fit(cls, Z: np.ndarray, y: np.ndarray) -> Ridge:
        """By least squares with the penalty; the intercept goes unpenalised. No columns: the mean."""
        centre, level = Z.mean(axis=0), float(y.mean())
        Z, y = Z - centre, y - level
        n = len(y)
        values, vectors = np.linalg.eigh(Z.T @ Z) if Z.shape[1] else (np.zeros(0), np.zeros((0, 0)))
        values = np.clip(values, 0, None)
        along = vectors.T @ (Z.T @ y)
        total = float(y @ y)
        best, slopes = np.inf, np.zeros(Z.shape[1])
        for penalty in cls.PENALTIES:
            b = along / (values + penalty)
            used = float((values / (values + penalty)).sum()) + 1
            left = total - 2 * float(b @ along) + float(values @ b**2)
            score = left / max(1 - used / n, 1e-9) ** 2
            if score < best:
                best, slopes = score, vectors @ b
        return cls(level - float(centre @ slopes), slopes)

    def __call__(self, Z: np.ndarray) -> np.ndarray:
        """The line at each row."""
        return self.intercept + Z @ self.slopes
