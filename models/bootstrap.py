"""Figures with their intervals: bootstrap samples of whole groups, the same for all that is compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

# Weights held at once: rows × samples, as float64 (80 MB).
AT_ONCE = 10_000_000


@dataclass(frozen=True)
class Measured:
    """A figure with its bootstrap interval; None where the block cannot give it (one class only)."""

    value: float | None
    low: float | None
    high: float | None

    def to_json(self) -> dict[str, float | None]:
        """As plain values, rounded to what the bytes of two machines share."""
        return {name: None if v is None else round(v, 6) for name, v in vars(self).items()}


def draws(together: np.ndarray, n_groups: int, n: int, seed: int) -> Iterator[np.ndarray]:
    """Weights of the rows, shape (rows, samples), a slice of samples at a time."""
    rng = np.random.default_rng(seed)
    step = max(1, AT_ONCE // max(1, len(together)))
    for start in range(0, n, step):
        counts = rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=min(step, n - start))
        yield counts.T.astype("float64")[together]


def interval_of(metric: str, value: float, samples: np.ndarray, width: float) -> Measured:
    """Percentiles of the samples.

    A calibration error's are centred on its value: resampling adds noise, which an absolute error takes for error.
    """
    if metric == "calibration_error":
        samples = np.clip(samples - samples.mean() + value, 0, None)
    low, high = np.quantile(samples, [(1 - width) / 2, (1 + width) / 2])
    return Measured(value, float(low), float(high))
