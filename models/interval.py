"""How far may a probability be from what accounts with such a score do on average?

Estimand: the mean true probability of accounts that the model gives a probability p, in the next block of time. It is
no interval for one account's own probability (accounts with one score differ, and nothing observed tells how), nor for
its outcome, which is 0 or 1.

In log-odds, the model's error for those accounts is taken as level + slope × z + curve × (z² less its mean) + a bump of
their own, z being the standardised log-odds. A calibrator with a slope and a level leaves a curve where the world has
one, so the interval lies around the curve that is found, and is stretched to hold the probability itself. Each part
has two variances, and both are learnt from what models that knew only the past said of later rows (rolling origins),
so that a booster's own sampling error is in it too:

* sampling: how well these rows determine the part, groups of rows (accounts) counted as one (the sandwich estimator,
  which is what resampling whole groups tends to);
* drift: how much the part differs between blocks of time (or bins of score) by more than sampling explains; the level
  is a walk from block to block (models/ahead.py), whose next step is yet to come. A few blocks say little about that,
  so their likelihood is weighed against a half-normal prior, and the interval is that of the mixture: wider than with
  the best guess, as Student's is wider than the normal one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm

from models.ahead import DRIFTS, PRIOR, next_level, widened

N_BINS = 20
# Beyond so many standard deviations of score neither line nor curve goes on.
FAR = 3.0


@dataclass(frozen=True)
class Interval:
    """Bounds around calibrated probabilities; in log-odds, variances in squared ones.

    >>> sure = Interval(level=0.9, centre=-2.0, scale=1.0, of_level=0.01, of_slope=0.01)
    >>> low, high = sure.bounds(np.array([0.1, 0.5]))
    >>> low.round(3), high.round(3)
    (array([0.086, 0.409]), array([0.116, 0.591]))
    """

    level: float
    centre: float  # of the log-odds of later rows
    scale: float  # their standard deviation; 0: all are one
    of_level: float
    of_slope: float = 0.0  # per standard deviation
    of_curve: float = 0.0  # per squared standard deviation
    of_both: float = 0.0  # their covariance
    of_bumps: float = 0.0
    slope: float = 0.0  # by which probabilities were seen to be off
    curve: float = 0.0
    square: float = 1.0  # the mean of z² over later rows

    def bounds(self, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Low and high, one per probability; it lies between them."""
        at = logit(np.clip(np.asarray(p, dtype="float64"), 1e-12, 1 - 1e-12))
        z = np.clip((at - self.centre) / self.scale, -FAR, FAR) if self.scale > 1e-6 else np.zeros_like(at)
        bend = z**2 - self.square if self.scale > 1e-6 else np.zeros_like(at)
        off = self.slope * z + self.curve * bend
        variance = self.of_level + self.of_bumps
        variance = variance + self.of_slope * z**2 + 2 * self.of_both * z * bend + self.of_curve * bend**2
        half = norm.ppf((1 + self.level) / 2) * np.sqrt(np.maximum(variance, 0.0))
        return expit(at + np.minimum(off - half, 0.0)), expit(at + np.maximum(off + half, 0.0))

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

    The level of `p` need not be right: the served model's is set to what the next block is expected to need
    (models/ahead.py), and the error of that expectation is the interval's. None where there are no rows.
    """
    if len(y) == 0:
        return None
    at = logit(np.clip(np.asarray(p, dtype="float64"), 1e-9, 1 - 1e-9))
    y = np.asarray(y, dtype="float64")
    codes = np.unique(groups, return_inverse=True)[1]
    has_both = [k for k in np.unique(blocks) if 0 < y[blocks == k].sum() < (blocks == k).sum()]
    ahead = next_level(at, y, blocks, groups)
    if ahead is None:
        # One class only: half a row of the other is what may have been missed.
        latest = blocks == np.max(blocks)
        rate = (y[latest].sum() + 0.5) / (latest.sum() + 1)
        return Interval(level, float(logit(rate)), 0.0, float(1 / ((latest.sum() + 1) * rate * (1 - rate))))
    kept = np.isin(blocks, has_both)
    weight = expit(at[kept]) * expit(-at[kept])
    # Weighed so, the level is independent of slope and curve.
    centre = float(np.average(at[kept], weights=weight))
    scale = float(np.sqrt(np.average((at[kept] - centre) ** 2, weights=weight)))
    scale = scale if scale > 1e-6 else 0.0
    z = np.clip((at - centre) / scale, -FAR, FAR) if scale else np.zeros_like(at)
    square = float(np.average(z[kept] ** 2, weights=weight))

    lines = {k: recalibration(at[rows], z[rows], y[rows], codes[rows]) for k in has_both for rows in [blocks == k]}
    slopes, of_slopes = np.array([[line[1], of_line[1, 1]] for line, of_line in lines.values()]).T
    if not scale:
        return Interval(level, centre, 0.0, ahead.variance)

    levelled = at.copy()
    for k, (line, _) in lines.items():
        levelled[blocks == k] += line[0]
    shape = np.column_stack([z, z**2 - square])
    pooled, of_pooled = recalibration(levelled[kept], shape[kept], y[kept], codes[kept])
    # What later rows say of slope and curve, weighed against that they are as the calibrator has them.
    said = np.linalg.inv(of_pooled[1:, 1:])
    of_shape = np.linalg.inv(said + np.eye(2) / PRIOR**2)
    off = of_shape @ said @ pooled[1:]
    best = levelled[kept] + pooled[0] + shape[kept] @ off
    bumps, of_bumps = _bumps(best, y[kept], codes[kept])
    return Interval(
        level,
        centre,
        scale,
        ahead.variance,
        of_slope=float(of_shape[0, 0]) + widened(DRIFTS**2, _weights(slopes, of_slopes), coverage=level),
        of_curve=float(of_shape[1, 1]),
        of_both=float(of_shape[0, 1]),
        of_bumps=widened(DRIFTS**2, _weights(bumps, of_bumps, is_centred=True), coverage=level),
        slope=float(off[0]),
        curve=float(off[1]),
        square=square,
    )


def recalibration(at: np.ndarray, shape: np.ndarray, y: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The level, and the factor of each column of `shape`, that these log-odds lack; and their covariance by group.

    By the log loss; a faint ridge keeps factors of separable rows finite.
    """
    design = np.column_stack([np.ones(len(at)), shape])
    ridge = np.diag([1e-6, *np.ones(design.shape[1] - 1)])
    beta = np.zeros(design.shape[1])
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
    own = np.unique(codes, return_inverse=True)[1]
    by_group = np.column_stack([np.bincount(own, weights=score) for score in scores.T])
    covariance = inverse @ (by_group.T @ by_group) @ inverse
    # Kept from nought, so that it has an inverse however few the groups are.
    return beta, covariance + 1e-9 * np.eye(len(beta))


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
