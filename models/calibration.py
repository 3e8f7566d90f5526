"""Probabilities that mean what they say: a monotone map from a model's margin (log-odds) to a probability.

Kept as JSON. Three kinds compete on rows that the booster has not learnt from: `none` (the logistic function itself),
`sigmoid` (Platt: slope and intercept) and `isotonic` (steps joined by straight lines). The sigmoid is taken unless
another is clearly better on groups of rows that it was not fitted on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit

# The squared signal-to-noise ratio that chance reaches: a slope below 2 standard errors is taken for noise. It is more
# than the 1 of a plain positive-part shrinkage, since parameters were chosen on the same rows.
CHANCE = 4.0
# Margins closer to the base than this use the derivative; the error of that is of second order.
NEAR = 1e-6
# The share of its slope that the sigmoid must have kept for others to compete: a slope of 2.8 standard errors. Where
# most of it was taken for noise, the margin as it is would pass that noise on, however well it did on these rows.
KEPT = 0.5


@dataclass(frozen=True)
class Calibrator:
    """A non-decreasing map from margin to probability.

    >>> sure = Calibrator("sigmoid", slope=2.0, intercept=0.0)
    >>> sure.probability(np.array([-1.0, 0.0, 1.0])).round(3)
    array([0.119, 0.5  , 0.881])
    """

    kind: str  # none, sigmoid or isotonic
    slope: float = 1.0
    intercept: float = 0.0
    # isotonic: increasing margins and their probabilities
    knots: tuple[tuple[float, float], ...] = ()

    def probability(self, margin: np.ndarray) -> np.ndarray:
        """Probability at each margin, in (0, 1)."""
        if self.kind == "isotonic":
            x, p = np.array(self.knots).T
            return np.interp(margin, x, p)
        return expit(self.slope * np.asarray(margin) + self.intercept)

    def derivative(self, margin: np.ndarray) -> np.ndarray:
        """Probability per unit of margin; at a knot the mean of both sides."""
        if self.kind == "isotonic":
            x, p = np.array(self.knots).T
            steps = np.concatenate([[0.0], np.diff(p) / np.diff(x), [0.0]])
            left = steps[np.searchsorted(x, margin, side="left")]
            return (left + steps[np.searchsorted(x, margin, side="right")]) / 2
        p = self.probability(margin)
        return self.slope * p * (1 - p)

    def points(self, contributions: np.ndarray, margin: np.ndarray, base_margin: float) -> np.ndarray:
        """Contributions (rows, features) from log-odds to percentage points of probability.

        Each takes its share of the way from the base's probability to the row's, in proportion to its log-odds, so that
        100 × p(base) plus a row's points is 100 × its probability.

        >>> plain = Calibrator("none")
        >>> shares = plain.points(np.array([[2.0, -1.0]]), np.array([1.0]), base_margin=0.0)
        >>> shares.round(2), (50 + shares.sum()).round(2), (100 * plain.probability(np.array([1.0]))).round(2)
        (array([[ 46.21, -23.11]]), np.float64(73.11), array([73.11]))
        """
        way = np.asarray(margin) - base_margin
        base = np.full(len(way), base_margin)
        is_near = np.abs(way) < NEAR
        secant = (self.probability(margin) - self.probability(base)) / np.where(is_near, 1.0, way)
        return 100 * contributions * np.where(is_near, self.derivative(base), secant)[:, None]

    def levelled(self, margin: np.ndarray, y: np.ndarray) -> Calibrator:
        """The same shape, moved along the margin until the mean probability of these rows is their rate.

        For a model that learnt again from more rows, these among them: its mean is right even where its spread on rows
        that it knows is not. Unchanged where the shape is flat or the rows hold one class only.

        >>> Calibrator("none").levelled(np.zeros(4), np.array([0.0, 0.0, 0.0, 1.0])).probability(np.zeros(1)).round(6)
        array([0.25])
        """
        rate = float(np.mean(y)) if len(y) else 0.0
        if not 0 < rate < 1 or (self.kind != "isotonic" and self.slope == 0):
            return self
        low, high = -60.0, 60.0
        for _ in range(100):
            middle = (low + high) / 2
            is_below = self.probability(margin + middle).mean() < rate
            low, high = (middle, high) if is_below else (low, middle)
        if self.kind == "isotonic":
            return Calibrator("isotonic", knots=tuple((x - low, p) for x, p in self.knots))
        return Calibrator("sigmoid", slope=self.slope, intercept=self.intercept + self.slope * low)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        if self.kind == "isotonic":
            return {"kind": self.kind, "knots": [list(knot) for knot in self.knots]}
        return {"kind": self.kind, "slope": self.slope, "intercept": self.intercept}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Calibrator:
        """From what `to_json` gave."""
        if content["kind"] == "isotonic":
            return cls("isotonic", knots=tuple((float(x), float(p)) for x, p in content["knots"]))
        return cls(content["kind"], slope=float(content["slope"]), intercept=float(content["intercept"]))


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
    level, slope = _logistic(x, target, np.array([level, 0.0]))
    if slope <= 0:
        return Calibrator("sigmoid", slope=0.0, intercept=float(logit(target.mean()))), 0.0
    p = expit(level + slope * x)
    design = np.column_stack([np.ones_like(x), x])
    inverse = np.linalg.pinv(design.T @ (design * (p * (1 - p))[:, None]))
    scores = design * (p - target)[:, None]
    by_group = np.column_stack([np.bincount(codes, weights=scores[:, j]) for j in (0, 1)])
    variance = (inverse @ (by_group.T @ by_group) @ inverse)[1, 1]
    kept = float(max(0.0, 1.0 - CHANCE * variance / slope**2))
    slope *= kept
    level = _level(slope * x, target)
    return Calibrator("sigmoid", slope=float(slope / scale), intercept=float(level - slope * centre / scale)), kept


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


FITS = {"none": fit_none, "sigmoid": fit_sigmoid, "isotonic": fit_isotonic}


def _logistic(x: np.ndarray, target: np.ndarray, start: np.ndarray) -> tuple[float, float]:
    """Level and slope that minimise the log loss, by damped Newton steps. `x` is standardised."""
    design = np.column_stack([np.ones_like(x), x])
    beta = start.copy()
    loss = _loss(design @ beta, target)
    for _ in range(100):
        p = expit(design @ beta)
        step = np.linalg.solve(
            design.T @ (design * (p * (1 - p))[:, None]) + 1e-10 * np.eye(2), design.T @ (p - target)
        )
        shorter = 1.0
        while (trial := _loss(design @ (beta - shorter * step), target)) > loss and shorter > 1e-6:
            shorter /= 2
        beta, fell = beta - shorter * step, loss - trial
        loss = trial
        if fell < 1e-13 * len(x):
            break
    return float(beta[0]), float(beta[1])


def _level(x: np.ndarray, target: np.ndarray) -> float:
    """The intercept at which the mean of expit(intercept + x) is the mean target, by bisection: it is monotone."""
    low, high = -60.0 - x.max(), 60.0 - x.min()
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if expit(middle + x).mean() < target.mean() else (low, middle)
    return (low + high) / 2


def _loss(margin: np.ndarray, target: np.ndarray) -> float:
    return float((np.logaddexp(0, margin) - target * margin).sum())
