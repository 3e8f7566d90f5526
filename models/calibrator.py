"""A monotone map from a model's margin (log-odds) to a probability, kept as JSON.

Four kinds. `none` is the logistic function itself; `sigmoid` has a slope and an intercept (Platt); `bent` is a sigmoid
whose slope differs to the left and to the right of a knee; `isotonic` is steps joined by straight lines. How each is
fitted, and which is taken, is in models/calibration.py.

The bend is that of beta calibration (Kull, Silva Filho and Flach 2017), with a free place and width: theirs turns at
even odds, where rare events have hardly a row. In log-odds the map is intercept + slope × margin + bend × h, with
h = 2 × width × log(2 cosh((margin - knee) ÷ (2 × width))): far to the left its slope is slope - bend, far to the right
slope + bend, so it never falls while the bend is no larger than the slope.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import expit, logit

# Margins closer to the base than this use the derivative; the error of that is of second order.
NEAR = 1e-6


@dataclass(frozen=True)
class Calibrator:
    """A non-decreasing map from margin to probability.

    >>> sure = Calibrator("sigmoid", slope=2.0, intercept=0.0)
    >>> sure.probability(np.array([-1.0, 0.0, 1.0])).round(3)
    array([0.119, 0.5  , 0.881])
    >>> flatter_on_the_right = Calibrator("bent", slope=1.0, intercept=-0.7, bend=-0.5)
    >>> flatter_on_the_right.probability(np.array([-4.0, -2.0, 0.0, 2.0])).round(3)
    array([0.001, 0.021, 0.199, 0.543])
    """

    kind: str  # none, sigmoid, bent or isotonic
    slope: float = 1.0  # of a bent one: the mean of both sides
    intercept: float = 0.0
    # bent: half of what both sides' slopes differ by; at which margin; over how many units of it
    bend: float = 0.0
    knee: float = 0.0
    width: float = 1.0
    # isotonic: increasing margins and their probabilities
    knots: tuple[tuple[float, float], ...] = ()

    def probability(self, margin: np.ndarray) -> np.ndarray:
        """Probability at each margin, in (0, 1)."""
        if self.kind == "isotonic":
            x, p = np.array(self.knots).T
            return np.interp(margin, x, p)
        at = np.asarray(margin, dtype="float64")
        return expit(self.slope * at + self.intercept + self.bend * bow(at, self.knee, self.width))

    def derivative(self, margin: np.ndarray) -> np.ndarray:
        """Probability per unit of margin; at a knot the mean of both sides."""
        if self.kind == "isotonic":
            x, p = np.array(self.knots).T
            steps = np.concatenate([[0.0], np.diff(p) / np.diff(x), [0.0]])
            left = steps[np.searchsorted(x, margin, side="left")]
            return (left + steps[np.searchsorted(x, margin, side="right")]) / 2
        p = self.probability(margin)
        turn = np.tanh((np.asarray(margin, dtype="float64") - self.knee) / (2 * self.width))
        return (self.slope + self.bend * turn) * p * (1 - p)

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
            return replace(self, knots=tuple((x - low, p) for x, p in self.knots))
        kind = "sigmoid" if self.kind == "none" else self.kind
        return replace(self, kind=kind, intercept=self.intercept + self.slope * low, knee=self.knee - low)

    def raised(self, log_odds: float) -> Calibrator:
        """The calibrator whose probabilities are so much higher in log-odds: the correction for another base rate.

        >>> Calibrator("none").raised(1.0).probability(np.zeros(1)).round(3)
        array([0.731])
        """
        if self.kind == "isotonic":
            return replace(self, knots=tuple((x, float(expit(logit(p) + log_odds))) for x, p in self.knots))
        kind = "sigmoid" if self.kind == "none" else self.kind
        return replace(self, kind=kind, intercept=self.intercept + log_odds)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        if self.kind == "isotonic":
            return {"kind": self.kind, "knots": [list(knot) for knot in self.knots]}
        line = {"kind": self.kind, "slope": self.slope, "intercept": self.intercept}
        return line if self.kind != "bent" else {**line, "bend": self.bend, "knee": self.knee, "width": self.width}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Calibrator:
        """From what `to_json` gave."""
        if content["kind"] == "isotonic":
            return cls("isotonic", knots=tuple((float(x), float(p)) for x, p in content["knots"]))
        found = cls(content["kind"], slope=float(content["slope"]), intercept=float(content["intercept"]))
        if found.kind != "bent":
            return found
        bend, knee, width = (float(content[name]) for name in ("bend", "knee", "width"))
        return replace(found, bend=bend, knee=knee, width=width)


def bow(margin: np.ndarray, knee: float, width: float) -> np.ndarray:
    """2 × width × log(2 cosh(u ÷ 2)), u the widths from the knee: falls with slope 1, turns smoothly, rises with 1.

    >>> bow(np.array([-9.0, 1.0, 11.0]), knee=1.0, width=1.0).round(3)
    array([10.   ,  1.386, 10.   ])
    """
    u = np.abs(np.asarray(margin, dtype="float64") - knee) / width
    return width * (u + 2 * np.log1p(np.exp(-u)))
