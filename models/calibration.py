"""Probabilities that mean what they say: which calibrator, fitted how, on rows that the boosters have not learnt from.

Four kinds compete (models/calibrator.py): `none`, `sigmoid`, `bent` and `isotonic`. The bent one is taken unless
another is clearly better on groups of rows that it was not fitted on. It holds the sigmoid as a special case, to which
it is shrunk: a bend that is not there costs little, and one that is there, unbent, costs several times as much.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit

from models.calibrator import Calibrator, bow
from models.levels import level

# The squared signal-to-noise ratio that chance reaches: a slope below 2 standard errors is taken for noise. It is more
# than the 1 of a plain positive-part shrinkage, since parameters were chosen on the same rows.
CHANCE = 4.0
# The share of its slope that the sigmoid must have kept for others to compete: a slope of 2.8 standard errors. Where
# most of it was taken for noise, the margin as it is would pass that noise on, however well it did on these rows.
KEPT = 0.5
# Standard errors by which another kind must be better than the bent one.
CLEAR = 2.0
# The prior standard deviation of a bend, as a share of the slope, and the most that it may be: past 1 it would fall.
BEND = 0.5
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

    Kinds are compared by their log loss on groups that they were not fitted on, each first put at those rows' level:
    what is chosen here is a shape. A rival must beat the bent one by more than `CLEAR` standard errors (of the paired
    difference, by group). Where the signal is in doubt (`KEPT`) the sigmoid is taken without a contest. `prior` is the
    rate to fall back on where these rows hold one class only.
    """
    y = np.asarray(y, dtype="float64")
    if not 0 < y.sum() < len(y):
        # One row's worth of the prior keeps the probability off 0 and 1.
        rate = (y.sum() + prior) / (len(y) + 1)
        return Choice(Calibrator("sigmoid", slope=0.0, intercept=float(logit(rate))), {})
    codes = np.unique(groups, return_inverse=True)[1]
    losses = _held_out(margin, y, codes, n_folds=n_folds, seed=seed)
    kind, best = "sigmoid", 0.0
    if losses and _sigmoid(margin, y, codes)[1] >= KEPT:
        kind = "bent"
        for rival in ("none", "sigmoid", "isotonic"):
            difference = losses[rival] - losses["bent"]
            if difference.mean() + CLEAR * standard_error(difference, codes) < min(best, 0.0):
                kind, best = rival, difference.mean()
    return Choice(FITS[kind](margin, y, codes), {name: float(loss.mean()) for name, loss in losses.items()})


def _held_out(
    margin: np.ndarray, y: np.ndarray, codes: np.ndarray, *, n_folds: int, seed: int
) -> dict[str, np.ndarray]:
    """By kind, each row's loss by a calibrator of other groups, at its fold's level; empty where a fold has none."""
    n_folds = min(n_folds, int(codes.max()) + 1)
    folds = np.random.default_rng(seed).permutation(np.arange(codes.max() + 1) % n_folds)[codes]
    parts = [(folds != k, folds == k) for k in range(n_folds)]
    if n_folds < 2 or not all(0 < y[rows].sum() < rows.sum() for part in parts for rows in part):
        return {}
    losses = {kind: np.empty(len(y)) for kind in FITS}
    for away, held in parts:
        for kind, fit in FITS.items():
            p = np.clip(fit(margin[away], y[away], codes[away]).probability(margin[held]), 1e-9, 1 - 1e-9)
            at = logit(p)
            losses[kind][held] = log_losses(y[held], expit(at + level(at, float(y[held].mean()))))
    return losses


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
    target = _targets(y)
    centre, scale = margin.mean(), margin.std()
    level = float(logit(target.mean()))
    if scale < 1e-12:
        return Calibrator("sigmoid", slope=0.0, intercept=level), 0.0
    x = (margin - centre) / scale
    design = np.column_stack([np.ones_like(x), x])
    level, slope = _logistic(design, target, np.array([level, 0.0]))
    if slope <= 0:
        return Calibrator("sigmoid", slope=0.0, intercept=float(logit(target.mean()))), 0.0
    variance = _variance(design, expit(level + slope * x), target, codes)[1]
    kept = float(max(0.0, 1.0 - CHANCE * variance / slope**2))
    slope *= kept
    level = _level(slope * x, target)
    return Calibrator("sigmoid", slope=float(slope / scale), intercept=float(level - slope * centre / scale)), kept


def fit_bent(margin: np.ndarray, y: np.ndarray, codes: np.ndarray) -> Calibrator:
    """The sigmoid with a bend in the midst of where its probabilities rise, as wide as they are spread there.

    By the log loss. The bend is then shrunk by what its standard error (by group) leaves open, against a prior around
    none; slope and bend both by what the sigmoid's slope is, so without signal this is flat as well.

    >>> rng = np.random.default_rng(0)
    >>> margin = rng.normal(-2, 1.2, size=20_000)
    >>> true = Calibrator("bent", slope=1.0, intercept=-0.7, bend=-0.4, knee=-1.6)
    >>> found = fit_bent(margin, rng.random(20_000) < true.probability(margin), np.arange(20_000))
    >>> bool(np.abs(found.probability(margin) - true.probability(margin)).mean() < 0.005)
    True
    """
    straight, kept = _sigmoid(margin, y, codes)
    if kept == 0:
        return straight
    target = _targets(y)
    # Where a row has most to say of slope and bend, both least depend on the level.
    weight = straight.derivative(margin)
    knee = float(np.average(margin, weights=weight))
    width = float(np.sqrt(np.average((margin - knee) ** 2, weights=weight)))
    if width < 1e-6:
        return straight
    x, bowed = (margin - knee) / width, bow(margin, knee, width) / width
    design = np.column_stack([np.ones_like(x), x, bowed])
    line = np.array([straight.intercept + straight.slope * knee, straight.slope * width])
    found = _logistic(design, target, np.append(line, 0.0))
    variance = _variance(design, expit(design @ found), target, codes)[2]
    prior = (BEND * line[1]) ** 2
    bend = found[2] * prior / (prior + variance)
    slope = float(_logistic(design[:, :2], target, line, offset=bend * bowed)[1])
    if slope <= 0:
        return straight
    bend = float(np.clip(bend, -STEEPEST * slope, STEEPEST * slope)) * kept
    slope *= kept
    at = _level(slope * x + bend * bowed, target)
    return Calibrator(
        "bent", slope=slope / width, intercept=float(at - slope * knee / width), bend=bend / width, knee=knee,
        width=width,
    )  # fmt: skip


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


def _variance(design: np.ndarray, p: np.ndarray, target: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Of each column's factor, by group: the sandwich estimator."""
    inverse = np.linalg.pinv(design.T @ (design * (p * (1 - p))[:, None]))
    scores = design * (p - target)[:, None]
    by_group = np.column_stack([np.bincount(codes, weights=score) for score in scores.T])
    return np.asarray(np.diag(inverse @ (by_group.T @ by_group) @ inverse))


def _targets(y: np.ndarray) -> np.ndarray:
    """Platt's smoothed ones and noughts."""
    n_positive = y.sum()
    return np.where(y > 0, (n_positive + 1) / (n_positive + 2), 1 / (len(y) - n_positive + 2))


def _level(x: np.ndarray, target: np.ndarray) -> float:
    """The intercept at which the mean of expit(intercept + x) is the mean target, by bisection: it is monotone."""
    low, high = -60.0 - x.max(), 60.0 - x.min()
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if expit(middle + x).mean() < target.mean() else (low, middle)
    return (low + high) / 2


def _loss(margin: np.ndarray, target: np.ndarray) -> float:
    return float((np.logaddexp(0, margin) - target * margin).sum())
