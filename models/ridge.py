"""Logistic regression with a penalty of its own for each column, by Newton's method; small, exact, deterministic."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

N_STEPS = 30
TOLERANCE = 1e-8


@dataclass(frozen=True, eq=False)
class Ridge:
    """Log-odds = intercept + z · coefficients; `covariance` of (coefficients, intercept), as the penalty and the data
    leave it (Laplace)."""

    coefficients: np.ndarray
    intercept: float
    covariance: np.ndarray

    def margin(self, z: np.ndarray) -> np.ndarray:
        """(n,) log-odds."""
        return np.asarray(z @ self.coefficients + self.intercept)

    def standard_error(self, z: np.ndarray) -> np.ndarray:
        """(n,) of the log-odds."""
        wide = np.column_stack([z, np.ones(len(z))])
        return np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", wide, self.covariance, wide, optimize=True), 0))

    def to_json(self) -> dict[str, Any]:
        """As plain numbers; `from_json` gives the same predictions to the last bit."""
        return {
            "coefficients": self.coefficients.tolist(),
            "intercept": self.intercept,
            "covariance": self.covariance.tolist(),
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Ridge":
        """From what `to_json` gave."""
        return cls(np.array(content["coefficients"]), float(content["intercept"]), np.array(content["covariance"]))


def fit(
    z: np.ndarray,
    y: np.ndarray,
    penalty: np.ndarray,
    weights: np.ndarray | None = None,
    at_least_zero: Sequence[int] = (),
) -> Ridge:
    """Minimise Σ w·loss + ½ Σ penalty·coefficient². z: (n, d); y: 0 or 1; penalty: (d,), all above 0.

    at_least_zero: columns whose coefficient may not be negative; one that would be is held at 0.

    >>> z = np.array([[-1.0], [-1.0], [1.0], [1.0]])
    >>> y = np.array([0.0, 1.0, 1.0, 1.0])
    >>> fit(z, y, np.array([0.01])).coefficients[0] > 1
    np.True_
    >>> fit(-z, y, np.array([0.01]), at_least_zero=[0]).coefficients[0]
    np.float64(0.0)
    """
    w = np.ones(len(y)) if weights is None else weights
    free = np.ones(z.shape[1], dtype=bool)
    while True:
        found = _newton(z[:, free], y, penalty[free], w)
        coefficients = np.zeros(z.shape[1])
        coefficients[free] = found.coefficients
        below = [j for j in at_least_zero if coefficients[j] < 0]
        if not below:
            break
        free[below] = False
    kept = np.append(free, True)
    covariance = np.zeros((len(kept), len(kept)))
    covariance[np.ix_(kept, kept)] = found.covariance
    return Ridge(coefficients, found.intercept, covariance)


def _newton(z: np.ndarray, y: np.ndarray, penalty: np.ndarray, w: np.ndarray) -> Ridge:
    wide = np.column_stack([z, np.ones(len(z))])
    held = np.append(penalty, 1e-6)
    rate = np.clip(np.average(y, weights=w), 1e-6, 1 - 1e-6)
    beta = np.zeros(wide.shape[1])
    beta[-1] = np.log(rate / (1 - rate))
    hessian = np.diag(held)

    def objective(b: np.ndarray) -> float:
        m = wide @ b
        return float(w @ (np.logaddexp(0, m) - y * m) + 0.5 * held @ (b * b))

    value = objective(beta)
    for _ in range(N_STEPS):
        p = expit(wide @ beta)
        gradient = wide.T @ (w * (p - y)) + held * beta
        hessian = (wide * (w * np.maximum(p * (1 - p), 1e-9))[:, None]).T @ wide + np.diag(held)
        step = np.linalg.solve(hessian, gradient)
        scale = 1.0
        while (new := objective(beta - scale * step)) > value and scale > 1e-4:
            scale /= 2
        beta = beta - scale * step
        if value - new < TOLERANCE * max(abs(value), 1.0):
            break
        value = new
    return Ridge(beta[:-1], float(beta[-1]), np.linalg.inv(hessian))
