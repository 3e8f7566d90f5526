"""How far may a probability be from what accounts with such a score do on average?

Estimand: the mean true probability of accounts that the model gives a probability p, in the next block of time. It is
no interval for one account's own probability (accounts with one score differ, and nothing observed tells how), nor for
its outcome, which is 0 or 1.

In log-odds, the model's error for those accounts is taken as level + slope × z + a bump of their own, z being the
standardised log-odds. Each part has two variances, and both are learnt from what models that knew only the past said of
later rows (rolling origins), so that a booster's own sampling error is in it too:

* sampling: how well these rows determine the part, groups of rows (accounts) counted as one (the sandwich estimator,
  which is what resampling whole groups tends to);
* drift: how much the part differs between blocks of time (or bins of score) by more than sampling explains. A few
  blocks say little about that, so their likelihood is weighed against a half-normal prior, and the interval is that
  of the mixture: wider than with the best guess, as Student's is wider than the normal one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm

# Prior standard deviations of what blocks of time differ by, in log-odds: before any block says otherwise, a rate of
# 10 % is expected to wander within 9 to 11 %. The same for bumps of the calibration curve.
PRIOR = 0.1
DRIFTS = np.linspace(0.0, 6 * PRIOR, 61)
N_BINS = 20
# Beyond so many standard deviations of score a straight line is no longer stretched.
FAR = 4.0


@dataclass(frozen=True)
class Interval:
    """Bounds around calibrated probabilities; variances are squared log-odds.

    >>> sure = Interval(level=0.9, centre=-2.0, scale=1.0, of_level=0.01, of_slope=0.01, of_bumps=0.0)
    >>> low, high = sure.bounds(np.array([0.1, 0.5]))
    >>> low.round(3), high.round(3)
    (array([0.086, 0.409]), array([0.116, 0.591]))
    """

    level: float
    centre: float  # of the log-odds of later rows
    scale: float  # their standard deviation; 0: all are one
    of_level: float
    of_slope: float  # per standard deviation
    of_bumps: float

    def bounds(self, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Low and high, one per probability."""
        at = logit(np.clip(np.asarray(p, dtype="float64"), 1e-12, 1 - 1e-12))
        z = np.clip((at - self.centre) / self.scale, -FAR, FAR) if self.scale > 1e-6 else np.zeros_like(at)
        half = norm.ppf((1 + self.level) / 2) * np.sqrt(self.of_level + self.of_slope * z**2 + self.of_bumps)
        return expit(at - half), expit(at + half)

    def to_json(self) -> dict[str, float]:
        """As plain values."""
        return dict(vars(self))

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Interval:
        """From what `to_json` gave."""
        return cls(**{name: float(value) for name, value in content.items()})


def learn(
    p: np.ndarray, y: np.ndarray, blocks: np.ndarray, groups: np.ndarray, *, level: float = 0.9
) -> Interval | None:
    """From later rows: probabilities by models that had not seen them, outcomes, block of time (its number), group.

    The level of `p` need not be right: each block's own is put right first, and what it took is the drift. The latest
    block is the one to which the served model's level is set. None where there are no rows.
    """
    if len(y) == 0:
        return None
    at = logit(np.clip(np.asarray(p, dtype="float64"), 1e-9, 1 - 1e-9))
    y = np.asarray(y, dtype="float64")
    codes = np.unique(groups, return_inverse=True)[1]
    latest = blocks == np.max(blocks)
    has_both = [k for k in np.unique(blocks) if 0 < y[blocks == k].sum() < (blocks == k).sum()]
    kept = np.isin(blocks, has_both)
    if not kept.any():
        # One class only: half a row of the other is what may have been missed.
        q = (y[latest].sum() + 0.5) / (latest.sum() + 1)
        return Interval(level, float(logit(q)), 0.0, float(1 / ((latest.sum() + 1) * q * (1 - q))), 0.0, 0.0)
    weight = expit(at[kept]) * expit(-at[kept])
    # Weighed so, level and slope are independent.
    centre = float(np.average(at[kept], weights=weight))
    scale = float(np.sqrt(np.average((at[kept] - centre) ** 2, weights=weight)))
    scale = scale if scale > 1e-6 else 0.0
    z = np.clip((at - centre) / scale, -FAR, FAR) if scale else np.zeros_like(at)

    fits = [recalibration(at[blocks == k], z[blocks == k], y[blocks == k], codes[blocks == k]) for k in has_both]
    levels, slopes = (np.array([fit[0][j] for fit in fits]) for j in (0, 1))
    of_levels, of_slopes = (np.array([fit[1][j] for fit in fits]) for j in (0, 1))
    if has_both[-1] == np.max(blocks):
        sampling = of_levels[-1]
    else:
        q = (y[latest].sum() + 0.5) / (latest.sum() + 1)
        sampling = 1 / ((latest.sum() + 1) * q * (1 - q))
    # The next block's level less the latest's, both drawn anew: twice the drift.
    of_level = _widened(sampling, 2.0, _weights(levels, of_levels), level)
    if not scale:
        return Interval(level, centre, 0.0, of_level, 0.0, 0.0)

    levelled = at.copy()
    for k, (line, _) in zip(has_both, fits, strict=True):
        levelled[blocks == k] += line[0]
    pooled, of_pooled = recalibration(levelled[kept], z[kept], y[kept], codes[kept])
    of_slope = _widened(of_pooled[1], 1.0, _weights(slopes, of_slopes), level)
    straight = levelled[kept] + pooled[0] + pooled[1] * z[kept]
    bumps, of_bumps = _bumps(straight, y[kept], codes[kept])
    of_bump = _widened(0.0, 1.0, _weights(bumps, of_bumps, is_centred=True), level)
    return Interval(level, centre, scale, of_level, of_slope, of_bump)


def recalibration(at: np.ndarray, z: np.ndarray, y: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Level and slope in z that these log-odds lack, by the log loss, and the variances of both by group.

    A faint ridge keeps the slope of separable rows finite.
    """
    design = np.column_stack([np.ones_like(z), z])
    ridge = np.diag([1e-6, 1.0])
    beta = np.zeros(2)
    for _ in range(50):
        p = expit(at + design @ beta)
        hessian = design.T @ (design * (p * (1 - p))[:, None]) + ridge
        step = np.linalg.solve(hessian, design.T @ (y - p) - ridge @ beta)
        beta = beta + np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-10:
            break
    p = expit(at + design @ beta)
    inverse = np.linalg.inv(design.T @ (design * (p * (1 - p))[:, None]) + ridge)
    scores = design * (y - p)[:, None]
    _, own = np.unique(codes, return_inverse=True)
    by_group = np.column_stack([np.bincount(own, weights=scores[:, j]) for j in (0, 1)])
    return beta, np.diag(inverse @ (by_group.T @ by_group) @ inverse)


def _bumps(at: np.ndarray, y: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Per bin of equal count: the log-odds by which it is off, to first order, and that one's variance by group."""
    found, variances = [], []
    for rows in np.array_split(np.argsort(at, kind="stable"), N_BINS):
        p = expit(at[rows])
        information = float((p * (1 - p)).sum())
        if information > 1:  # less than one row of even odds: nothing can be said to first order
            own = np.unique(codes[rows], return_inverse=True)[1]
            sums = np.bincount(own, weights=y[rows] - p)
            found.append(float(sums.sum()) / information)
            # Few positives happen to make a variance of nought; it is no less than that of independent rows.
            variances.append(max(float((sums**2).sum()), information) / information**2)
    return np.array(found), np.array(variances)


def _weights(values: np.ndarray, variances: np.ndarray, *, is_centred: bool = False) -> np.ndarray:
    """Posterior weight of each of DRIFTS, given values measured with these variances around one unknown mean, or 0."""
    log = -0.5 * (DRIFTS / PRIOR) ** 2
    for i, drift in enumerate(DRIFTS):
        total = np.maximum(variances + drift**2, 1e-12)
        precision = 1 / total
        mean = 0.0 if is_centred or len(values) == 0 else float(np.average(values, weights=precision))
        log[i] += -0.5 * np.log(total).sum() - 0.5 * (precision * (values - mean) ** 2).sum()
        if not is_centred and len(values):
            log[i] -= 0.5 * np.log(precision.sum())  # the mean is integrated out
    weights = np.exp(log - log.max())
    return np.asarray(weights / weights.sum())


def _widened(sampling: float, times: float, weights: np.ndarray, level: float) -> float:
    """The variance of the normal distribution whose central `level` is as wide as the mixture's over DRIFTS."""
    deviations = np.sqrt(np.maximum(sampling + times * DRIFTS**2, 1e-18))
    low, high = 0.0, 10.0 * float(deviations.max())
    for _ in range(100):
        middle = (low + high) / 2
        inside = float(weights @ (2 * norm.cdf(middle / deviations) - 1))
        low, high = (middle, high) if inside < level else (low, middle)
    return float((low / norm.ppf((1 + level) / 2)) ** 2)
