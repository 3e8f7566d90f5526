"""How sure a mean over a log's rows is: studentised by group, and corrected for skewness and for few heavy rows.

Rewards are rare and weights heavy, so a mean's error leans to one side and a plain ± 1.96 standard errors misses on the
other. Hall's monotone transformation (1992, "On the removal of skewness by transformation") puts the ends where they
belong without drawing samples, so the same log gives the same interval. How sure the standard error itself is depends
on the kurtosis: its degrees of freedom are 2 × groups / (kurtosis − 1) (Satterthwaite 1946), so where few rows carry
the weight the interval is that of few rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

MIN_GROUPS = 2
# Degrees of freedom below which the heavy rows that are there say little of those that are not.
FEW = 20.0


@dataclass(frozen=True)
class Interval:
    """`low` to `high` at `level`, the standard error, and its degrees of freedom: about half as many rows carry it."""

    low: float
    high: float
    se: float
    level: float = 0.95
    freedom: float = float("inf")

    @property
    def rests_on_few(self) -> bool:
        """Whether so few rows carry the variance that the interval may be too short, however wide it is."""
        return self.freedom < FEW


def around(
    value: float,
    influence: np.ndarray,
    *,
    group: np.ndarray | None = None,
    scores: np.ndarray | None = None,
    level: float = 0.95,
) -> Interval | None:
    """The interval of an estimate whose rows have this `influence` (mean 0, shape (rows,)). None for one group only.

    `group`: rows of one group count as one draw. `scores` (rows, coefficients): where pscores were estimated by maximum
    likelihood, the influence less its projection on these is what still varies.

    >>> found = around(0.0, np.array([-1.0, 1.0] * 50))
    >>> round(found.low, 3), round(found.high, 3), round(found.se, 4)
    (-0.199, 0.199, 0.1005)
    >>> leaning = around(1.0, np.array([-1.0] * 90 + [9.0] * 10))
    >>> round(leaning.low, 2), round(leaning.high, 2)
    (0.48, 1.81)
    """
    n = len(influence)
    lost = 0
    if scores is not None and scores.size:
        influence, lost = _less_projection(influence, scores)
    sums = influence if group is None else np.bincount(np.unique(group, return_inverse=True)[1], weights=influence)
    groups = len(sums)
    if groups < MIN_GROUPS:
        return None
    centred = sums - sums.mean()
    variance = float((centred**2).sum()) * groups / (groups - 1) / n**2 * n / max(n - lost, 1)
    se = float(np.sqrt(variance))
    if se == 0:
        return Interval(value, value, 0.0, level)
    skewness, kurtosis = (float((centred**k).mean() / (centred**2).mean() ** (k / 2)) for k in (3, 4))
    freedom = float(np.clip(2 * groups / max(kurtosis - 1, 1e-9), 2.0, groups - 1.0)) if groups > 3 else groups - 1.0
    upper = float(student.ppf((1 + level) / 2, freedom))
    low, high = (value - se * _untransformed(q, skewness / np.sqrt(groups)) for q in (upper, -upper))
    return Interval(low, high, se, level, freedom)


def p_above(value: float, se: float) -> float:
    """One-sided p-value of a value that is 0 in truth.

    >>> round(p_above(1.645, 1.0), 3)
    0.05
    """
    return float(norm.sf(value / se)) if se > 0 else float(value <= 0)


def _untransformed(x: float, lean: float) -> float:
    """The inverse of Hall's g(t) = t + b (t² / 3 + 1 / 6) + b² t³ / 27, where b = skewness / √groups."""
    if abs(lean) < 1e-9:
        return x
    return float(3 / lean * (np.cbrt(1 + lean * (x - lean / 6)) - 1))


def _less_projection(influence: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, int]:
    """What least squares on `scores` leaves of the influence, and how many coefficients that took."""
    S = scores - scores.mean(axis=0)
    values, vectors = np.linalg.eigh(S.T @ S)
    is_used = values > 1e-8 * max(values.max(), 1e-300)
    along = vectors[:, is_used].T @ (S.T @ influence)
    return influence - S @ (vectors[:, is_used] @ (along / values[is_used])), int(is_used.sum())
