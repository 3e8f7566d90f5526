"""Probabilities that mean what they say: which calibrator, fitted how, on rows that the boosters have not learnt from.

Four kinds compete (models/calibrator.py): `none`, `sigmoid`, `bent` and `isotonic`. XXX
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit

from models.calibrator import Calibrator, bow

# The squared signal-to-noise ratio that chance reaches: a slope below 2 standard errors is taken for noise. It is more
# than the 1 of a plain positive-part shrinkage, since parameters were chosen on the same rows.
CHANCE = 4.0
# The share of its slope that the sigmoid must have kept for others to compete: a slope of 2.8 standard errors. Where
# most of it was taken for noise, the margin as it is would pass that noise on, however well it did on these rows.
KEPT = 0.5
# Prior standard deviation of a bend, as a share of the slope; and the most of it.
BEND = 0.3
STEEPEST = 0.9


@dataclass(frozen=True)
class Choice:
    """The calibrator that was chosen, and the cross-fitted log loss of each kind that competed."""

    calibrator: Calibrator
    losses: Mapping[str, float]


def choose(
    margin: np.ndarray, y: np.ndarray, groups: np.ndarray, *, prior: float, n_folds: int = 5, seed: int = 0
) -> Choice:
    """Choose and fit a calibrator on rows that the booster has not learnt from.

    Kinds are compared by their log loss on groups that they were not fitted on. `none` and `isotonic` must beat the
    sigmoid by more than a standard error (of the paired difference, by group) to be taken, and do not compete where the
    signal is in doubt (`KEPT`). `prior` is the rate to
    fall back on where these rows hold one class only.
    """
    y = np.asarray(y, dtype="float64")
    if not 0 < y.sum() < len(y):
        # One row's worth of the prior keeps the probability off 0 and 1.
        rate = (y.sum() + prior) / (len(y) + 1)
        return Choice(Calibrator("sigmoid", slope=0.0, intercept=float(logit(rate))), {})
    codes = np.unique(groups, return_inverse=True)[1]
    n_folds = min(n_folds, int(codes.max()) + 1)
    folds = (
        np.random.default_rng(seed).permutation(np.arange(codes.max() + 1) % n_folds)[codes] if n_folds > 1 else None
    )
    losses: dict[str, np.ndarray] = {}
    if folds is not None and all(0 < y[folds != k].sum() < (folds != k).sum() for k in range(n_folds)):
        for kind, fit in FITS.items():
            held_out = np.empty(len(y))
            for k in range(n_folds):
                away = folds != k
                held_out[~away] = fit(margin[away], y[away], codes[away]).probability(margin[~away])
            losses[kind] = log_losses(y, held_out)
    kept = _sigmoid(margin, y, codes)[1]
    kind, best = "sigmoid", 0.0
    for rival in ("none", "isotonic"):
        if rival in losses and kept >= KEPT:
            difference = losses[rival] - losses["sigmoid"]
            if difference.mean() + standard_error(difference, codes) < min(best, 0.0):
                kind, best = rival, difference.mean()
    return Choice(FITS[kind](margin, y, codes), {name: float(loss.mean()) for name, loss in losses.items()})


def log_losses(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Each row's log loss in nats; probabilities are kept 1e-15 off 0 and 1."""
    p = np.clip(p, 1e-15, 1 - 1e-15)
    return -(y * np.log(p) + (1 - y) * np.log1p(-p))


def standard_error(values: np.ndarray, codes: np.ndarray) -> float:
    """Of the mean of `values`, whose rows depend on each other within a group (codes 0 … g - 1)."""
    sums = np.bincount(codes, weights=values - values.mean())
    return float(np.sqrt((sums**2).sum()) / len(values))


def fit_none(margin: np.ndarray, y: np.ndarray, codes: np.ndarray) -> Calibrator:
    """The logistic function, unless the margin carries no signal: then it would be as wrong as the margin is wide."""
    return Calibrator("none")


def fit_sigmoid(margin: np.ndarray, y: np.ndarray, codes: np.ndarray) -> Calibrator:
    """Platt's slope and intercept (with his smoothed targets), the slope shrunk by what chance alone would give.

    With z the slope ÷ its standard error by group, the slope is multiplied by max(0, 1 - 4 ÷ z²): 0.99 at z = 20,
    0 up to z = 2. Without signal every probability thus becomes the base rate. A falling map is never given.

    >>> rng = np.random.default_rng(0)
    >>> noise, y = rng.normal(size=900), rng.random(900) < 0.2
    >>> fit_sigmoid(noise, y, np.arange(900)).slope
    0.0
    """
    return _sigmoid(margin, y, codes)[0]


def _sigmoid(margin: np.ndarray, y: np.ndarray, codes: np.ndarray) -> tuple[Calibrator, float]:
    """Platt's sigmoid, and the share of its slope that was kept."""
    n_positive = y.sum()
    target = np.where(y > 0, (n_positive + 1) / (n_positive + 2), 1 / (len(y) - n_positive + 2))
    centre, scale = margin.mean(), margin.std()
    level = float(logit(target.mean()))
    if scale < 1e-12:
        return Calibrator("sigmoid", slope=0.0, intercept=level), 0.0
    x = (margin - centre) / scale
    design = np.column_stack([np.ones_like(x), x])
    level, slope = _logistic(design, target, np.array([level, 0.0]))
    if slope <= 0:
        return Calibrator("sigmoid", slope=0.0, intercept=float(logit(target.mean()))), 0.0
    variance = _variance(design, expit(level + slope * x), target, codes)
    kept = float(max(0.0, 1.0 - CHANCE * variance / slope**2))
    slope *= kept
    level = _level(slope * x, target)
    return Calibrator("sigmoid", slope=float(slope / scale), intercept=float(level - slope * centre / scale)), kept


def fit_bent(margin: np.ndarray, y: np.ndarray, codes: np.ndarray) -> Calibrator:
    """The sigmoid with a bend."""
    straight, kept = _sigmoid(margin, y, codes)
    if kept == 0:
        return straight
    n_positive = y.sum()
    target = np.where(y > 0, (n_positive + 1) / (n_positive + 2), 1 / (len(y) - n_positive + 2))
    weight = y.mean() * 0 + straight.derivative(margin)
    knee = float(np.average(margin, weights=weight))
    width = float(np.sqrt(np.average((margin - knee) ** 2, weights=weight)))
    x = (margin - knee) / width
    h = bow(margin, knee, width) / width
    design = np.column_stack([np.ones_like(x), x, h])
    start = np.array([straight.intercept + straight.slope * knee, straight.slope * width, 0.0])
    level, slope, bend = _logistic(design, target, start)
    variance = _variance(design, expit(design @ np.array([level, slope, bend])), target, codes, 2)
    prior = (BEND * straight.slope * width) ** 2
    bend = bend * prior / (prior + variance)
    # The line anew, beside the bend that was kept
    level, slope = _logistic(design[:, :2], target, start[:2], bend * h)
    bend = float(np.clip(bend, -STEEPEST * slope, STEEPEST * slope))
    slope, bend = slope * kept, bend * kept
    level = _level(slope * x + bend * h, target)
    return Calibrator("bent", slope=float(slope / width), intercept=float(level - slope * knee / width), bend=float(bend / width), knee=knee, width=width)


def fit_isotonic(margin: np.ndarray, y: np.ndarray, codes: np.ndarray) -> Calibrator:
    """The best non-decreasing steps, joined at their middles by straight lines, kept off 0 and 1 by half a row."""
    from sklearn.isotonic import isotonic_regression  # slow to import, and most callers only apply a calibrator

    order = np.argsort(margin, kind="stable")
    steps = isotonic_regression(np.asarray(y, dtype="float64")[order])
    starts = np.flatnonzero(np.concatenate([[True], np.diff(steps) > 0]))
    counts = np.diff(np.append(starts, len(steps)))
    x = np.add.reduceat(margin[order], starts) / counts
    p = np.clip((steps[starts] * counts + 0.5 * y.mean()) / (counts + 0.5), 1e-6, 1 - 1e-6)
    p = np.maximum.accumulate(p)
    apart = np.concatenate([[True], np.diff(x) > 0])
    return Calibrator("isotonic", knots=tuple((float(a), float(b)) for a, b in zip(x[apart], p[apart], strict=True)))


FITS = {"none": fit_none, "sigmoid": fit_sigmoid, "bent": fit_bent, "isotonic": fit_isotonic}


def _logistic(design: np.ndarray, target: np.ndarray, start: np.ndarray, offset: Any = 0.0) -> np.ndarray:
    """The factors of the columns that minimise the log loss, by damped Newton steps. The columns are of size 1."""
    beta = start.copy()
    loss = _loss(design @ beta + offset, target)
    for _ in range(100):
        p = expit(design @ beta + offset)
        step = np.linalg.solve(
            design.T @ (design * (p * (1 - p))[:, None]) + 1e-10 * np.eye(len(beta)), design.T @ (p - target)
        )
        shorter = 1.0
        while (trial := _loss(design @ (beta - shorter * step) + offset, target)) > loss and shorter > 1e-6:
            shorter /= 2
        beta, fell = beta - shorter * step, loss - trial
        loss = trial
        if fell < 1e-13 * len(design):
            break
    return beta


def _variance(design: np.ndarray, p: np.ndarray, target: np.ndarray, codes: np.ndarray, of: int = 1) -> float:
    """Of the factor of one column, by group: the sandwich estimator."""
    inverse = np.linalg.pinv(design.T @ (design * (p * (1 - p))[:, None]))
    scores = design * (p - target)[:, None]
    by_group = np.column_stack([np.bincount(codes, weights=score) for score in scores.T])
    return float((inverse @ (by_group.T @ by_group) @ inverse)[of, of])


def _level(x: np.ndarray, target: np.ndarray) -> float:
    """The intercept at which the mean of expit(intercept + x) is the mean target, by bisection: it is monotone."""
    low, high = -60.0 - x.max(), 60.0 - x.min()
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if expit(middle + x).mean() < target.mean() else (low, middle)
    return (low + high) / 2


def _loss(margin: np.ndarray, target: np.ndarray) -> float:
    return float((np.logaddexp(0, margin) - target * margin).sum())
