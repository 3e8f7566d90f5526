"""At what level will the next block of time be? In log-odds, from the levels of the blocks before it.

Each earlier block's level is known with an error: it is read from outcomes, and outcomes of overlapping windows err
together. The level itself wanders. If it hardly does, the mean of all blocks is nearest to the next; if it does, the
latest block is. So it is taken for a random walk seen through that error (a local level model; Harvey 1989, chapter 2),
and for every size of its steps the next level is the best linear prediction, the first one being unknown (generalised
least squares). The sizes are weighed by their likelihood and a half-normal prior, with a little left for leaps, since
few blocks say little of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit
from scipy.stats import norm

from models.levels import level

# Prior standard deviation of a step, in log-odds: before any block says otherwise, a rate of 10 % is expected to
# wander within 9 to 11 % from one block to the next.
PRIOR = 0.1
DRIFTS = np.linspace(0.0, 6 * PRIOR, 61)
# How likely a world is, before any block, whose steps may be as large as any of these: once in a while a rate leaps.
LEAPS = 0.02
# Steps from the latest block to the one that is asked of. Outcomes take a horizon to be known, about as long as a block
# lasts, so that one block lies between.
STEPS = 2
# Standard deviation of what one model says of one block and the next does not say of the next, in log-odds.
OWN = 0.05


@dataclass(frozen=True)
class Ahead:
    """The level of the next block, and the variance of that: a normal distribution's with the same central interval."""

    level: float
    variance: float


def next_level(at: np.ndarray, y: np.ndarray, blocks: np.ndarray, groups: np.ndarray) -> Ahead | None:
    """What must be added to log-odds `at` in the block after these; None where no block holds both classes.

    One entry per later row: log-odds by a model that did not know it, outcome, its block's number, its group.
    """
    found, covariance = by_block(at, y, blocks, groups)
    return ahead(found, covariance) if len(found) else None


def by_block(at: np.ndarray, y: np.ndarray, blocks: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What must be added to the log-odds `at` of each block so that their mean probability is its rate.

    Gives the levels of the blocks that hold both classes, the earliest first, and their covariance (sandwich
    estimator): rows of one group err together, within a block and across blocks.

    >>> y, blocks = np.array([1.0, 0.0, 0.0, 0.0] * 2), np.repeat([0, 1], 4)
    >>> found, covariance = by_block(np.zeros(8), y, blocks, groups=np.tile(np.arange(4), 2))
    >>> found.round(2), covariance.round(2)  # the same four accounts, the same outcomes: no second piece of news
    (array([-1.1, -1.1]), array([[1.33, 1.33],
           [1.33, 1.33]]))
    """
    codes = np.unique(groups, return_inverse=True)[1]
    known = [k for k in np.unique(blocks) if 0 < y[blocks == k].sum() < (blocks == k).sum()]
    found, influence = [], np.zeros((int(codes.max()) + 1 if len(codes) else 0, len(known)))
    for i, k in enumerate(known):
        rows = blocks == k
        found.append(level(at[rows], float(y[rows].mean())))
        p = expit(at[rows] + found[-1])
        by_group = np.bincount(codes[rows], weights=y[rows] - p, minlength=len(influence))
        influence[:, i] = by_group / max(float((p * (1 - p)).sum()), 1e-12)
    return np.array(found), influence.T @ influence


def ahead(found: np.ndarray, covariance: np.ndarray, *, steps: int = STEPS, coverage: float = 0.9) -> Ahead:
    """The level of the block that comes `steps` after the last of these, whose errors have this covariance.

    >>> apart = np.diag([0.01, 0.01, 0.01])
    >>> round(ahead(np.array([0.1, -0.1, 0.0]), apart).level, 2)  # by chance: about the mean
    -0.01
    >>> round(ahead(np.array([0.0, 1.0, 2.0]), apart).level, 2)  # it moves: about the latest
    1.96
    """
    n = len(found)
    one, place = np.ones(n), np.arange(n, dtype="float64")
    walk = np.minimum.outer(place, place)
    error = covariance + OWN**2 * np.eye(n)
    log, means, variances = _prior(), np.empty(len(DRIFTS)), np.empty(len(DRIFTS))
    for i, drift in enumerate(DRIFTS):
        inverse = np.linalg.inv(error + drift**2 * walk)
        precision = float(one @ inverse @ one)
        first = float(one @ inverse @ found) / precision
        rest = found - first
        to_next = drift**2 * place
        means[i] = first + to_next @ inverse @ rest
        variances[i] = OWN**2 + drift**2 * (n - 1 + steps) - to_next @ inverse @ to_next
        variances[i] += (1 - to_next @ inverse @ one) ** 2 / precision
        # The first level is integrated out.
        log[i] += 0.5 * np.linalg.slogdet(inverse)[1] - 0.5 * np.log(precision) - 0.5 * float(rest @ inverse @ rest)
    weights = np.exp(log - log.max())
    weights = weights / weights.sum()
    mean = float(weights @ means)
    return Ahead(mean, widened(variances, weights, means - mean, coverage=coverage))


def _prior() -> np.ndarray:
    """The logarithm of each size's prior weight."""
    calm = np.exp(-0.5 * (DRIFTS / PRIOR) ** 2)
    return np.asarray(np.log((1 - LEAPS) * calm / calm.sum() + LEAPS / len(DRIFTS)))


def widened(variances: np.ndarray, weights: np.ndarray, means: np.ndarray | float = 0.0, *, coverage: float) -> float:
    """The variance of the normal distribution around 0 whose central interval is as wide as this mixture's.

    >>> round(widened(np.array([1.0, 9.0]), np.array([0.5, 0.5]), coverage=0.9), 2)
    5.47
    """
    deviations = np.sqrt(np.maximum(variances, 1e-18))
    low, high = 0.0, 10.0 * float(deviations.max()) + float(np.abs(means).max())
    for _ in range(100):
        middle = (low + high) / 2
        inside = weights @ (norm.cdf((middle - means) / deviations) - norm.cdf((-middle - means) / deviations))
        low, high = (middle, high) if inside < coverage else (low, middle)
    return float((low / norm.ppf((1 + coverage) / 2)) ** 2)
