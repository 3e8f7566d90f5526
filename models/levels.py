"""The level of margins: one intercept, so that what is said of their shape does not depend on the base rate."""

import numpy as np
from scipy.special import expit, logit

from data.errors import BadInput


def losses(margin: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Mean log loss in nats of margins (log-odds), with the best intercept added, and as they are.

    >>> margin, y = np.array([2.0, 2.0, 1.0, 1.0]), np.array([1.0, 0.0, 0.0, 0.0])
    >>> levelled, as_is = losses(margin, y)
    >>> levelled < as_is, losses(margin + 5, y)[0] == levelled
    (True, True)
    """
    rate = float(np.mean(y))
    if not 0 < rate < 1:
        raise BadInput("these rows hold one class only, so there is no level to put right.")
    centred = margin - margin.mean()
    return log_loss(centred + level(centred, rate), y), log_loss(margin, y)


def level(margin: np.ndarray, rate: float) -> float:
    """The intercept at which the mean probability of these margins is `rate`, in (0, 1).

    Newton steps on a rising function, each kept within the interval known to hold the root.

    >>> round(level(np.zeros(3), 0.25), 6) == round(float(logit(0.25)), 6)
    True
    """
    low, high = float(logit(rate) - margin.max()), float(logit(rate) - margin.min())
    intercept = float(np.clip(logit(rate) - margin.mean(), low, high))
    for _ in range(60):
        p = expit(margin + intercept)
        excess = float(p.mean()) - rate
        low, high = (intercept, high) if excess < 0 else (low, intercept)
        step = intercept - excess / max(float((p * (1 - p)).mean()), 1e-12)
        moved = step if low < step < high else (low + high) / 2
        if abs(moved - intercept) < 1e-12:
            break
        intercept = moved
    return intercept


def log_loss(margin: np.ndarray, y: np.ndarray) -> float:
    """Mean log loss in nats of margins in log-odds."""
    return float((np.logaddexp(0, margin) - y * margin).mean())
