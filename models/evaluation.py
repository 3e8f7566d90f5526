"""How good are probabilities, and how sure is that?

Every metric is computed for many bootstrap samples at once. A sample draws *groups* (accounts) with replacement, since
the snapshots of one account resemble each other; rows then carry as weight how often their group was drawn. The same
samples serve all systems, so differences between them are paired.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from models.blocks import target
from models.bootstrap import Measured, draws, interval_of
from models.ranked import by_period, first_of, ties
from models.settings import Evaluation

N_BINS = 10
# Metric: whether more is better.
METRICS: Mapping[str, bool] = {
    "auc": True,
    "average_precision": True,
    "log_loss": False,
    "brier": False,
    "calibration_error": False,
    "lift": True,
    "precision_at_capacity": True,
}


@dataclass(frozen=True)
class Comparison:
    """All systems on the same rows: their metrics, and the first one's differences to each other one."""

    metrics: Mapping[str, Mapping[str, Measured]]  # system -> metric
    differences: Mapping[str, Mapping[str, Measured]]  # other system -> metric: the first system's less the other's
    n_rows: int
    n_positive: int
    n_groups: int

    @property
    def has_both_classes(self) -> bool:
        """Whether there is anything to judge by; if not, every figure is None."""
        return 0 < self.n_positive < self.n_rows


def compare(
    y: pd.Series[Any],
    systems: Mapping[str, np.ndarray],
    *,
    settings: Evaluation,
    seed: int,
    groups: pd.Series[Any] | None = None,
    periods: pd.Series[Any] | None = None,
) -> Comparison:
    """Measure `systems` (probability per row of `y`) with bootstrap intervals; differences are to the first of them.

    `groups` are drawn as a whole. `periods` are snapshots: within each, `settings.capacity` rows can be acted on.

    >>> y = pd.Series([0, 0, 0, 1] * 50)
    >>> result = compare(y, {"ours": 0.1 + 0.5 * y.to_numpy(), "base_rate": np.full(200, 0.25)},
    ...                  settings=Evaluation(n_bootstrap=50, capacity=10), seed=0)
    >>> result.metrics["ours"]["auc"].value, result.metrics["base_rate"]["auc"].value
    (1.0, 0.5)
    >>> result.metrics["ours"]["precision_at_capacity"].value, result.differences["base_rate"]["log_loss"].value < 0
    (1.0, True)
    """
    truth = target(y)
    together = np.arange(len(truth)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    when = np.zeros(len(truth), int) if periods is None else np.unique(np.asarray(periods), return_inverse=True)[1]
    n_groups = int(together.max()) + 1 if len(truth) else 0
    first, *others = systems
    counts = len(truth), int(truth.sum()), n_groups
    if not 0 < truth.sum() < len(truth):
        nothing = {name: {metric: Measured(None, None, None) for metric in METRICS} for name in systems}
        return Comparison(nothing, {name: nothing[name] for name in others}, *counts)

    scales = {name: Scale(truth, np.asarray(p, dtype="float64"), when) for name, p in systems.items()}
    whole = {name: scale.metrics(np.ones((len(truth), 1)), settings) for name, scale in scales.items()}
    drawn: dict[str, dict[str, list[np.ndarray]]] = {name: {m: [] for m in METRICS} for name in systems}
    for weights in draws(together, n_groups, settings.n_bootstrap, seed):
        # A sample without one of the classes has no AUC; it is left out for all.
        has_both = (weights.T @ truth > 0) & (weights.T @ (1 - truth) > 0)
        for name, scale in scales.items():
            for metric, values in scale.metrics(weights[:, has_both], settings).items():
                drawn[name][metric].append(values)
    samples = {name: {m: np.concatenate(parts) for m, parts in by.items()} for name, by in drawn.items()}

    def measured(metric: str, value: np.ndarray, sample: np.ndarray) -> Measured:
        return interval_of(metric, float(value[0]), sample, settings.interval)

    metrics = {name: {m: measured(m, whole[name][m], samples[name][m]) for m in METRICS} for name in systems}
    differences = {
        name: {
            m: measured("difference", whole[first][m] - whole[name][m], samples[first][m] - samples[name][m])
            for m in METRICS
        }
        for name in others
    }
    return Comparison(metrics, differences, *counts)


class Scale:
    """A system's rows gathered by equal probability, best first, so that ties count the same in every metric."""

    def __init__(self, y: np.ndarray, p: np.ndarray, periods: np.ndarray) -> None:
        self.y, self.p = y, p
        self.order, self.starts = ties(p)
        self.by_period = by_period(p, periods)
        # Ten bins of equal count over the rows as they are; a tie across an edge is shared out.
        ends = np.append(self.starts[1:], len(y))
        edges = np.linspace(0, len(y), N_BINS + 1)
        inside = np.minimum(ends, edges[1:, None]) - np.maximum(self.starts, edges[:-1, None])
        self.bins = np.clip(inside, 0, None) / (ends - self.starts)

    def metrics(self, weights: np.ndarray, settings: Evaluation) -> dict[str, np.ndarray]:
        """Every metric for every column of `weights` (rows, samples)."""
        y, p = self.y, self.p
        total = weights.sum(axis=0)
        n_positive = y @ weights
        ordered = weights[self.order]
        w = np.add.reduceat(ordered, self.starts, axis=0)
        hits = np.add.reduceat(ordered * y[self.order, None], self.starts, axis=0)
        seen, found = np.cumsum(w, axis=0), np.cumsum(hits, axis=0)
        misses = w - hits
        # P(a positive stands above a negative) + half P(tie): each negative against the positives above it
        auc = ((found - hits / 2) * misses).sum(axis=0) / (n_positive * (total - n_positive))
        precision = np.divide(found, seen, out=np.zeros_like(found), where=seen > 0)
        q = np.clip(p, 1e-15, 1 - 1e-15)
        gap = self.bins @ (w * p[self.order][self.starts][:, None] - hits)
        top = settings.top_share * total
        chosen = first_of(w, seen, top)
        return {
            "auc": auc,
            "average_precision": (precision * hits).sum(axis=0) / n_positive,
            "log_loss": -(y * np.log(q) + (1 - y) * np.log1p(-q)) @ weights / total,
            "brier": (p - y) ** 2 @ weights / total,
            "calibration_error": np.abs(gap).sum(axis=0) / total,
            "lift": (hits * chosen).sum(axis=0) / top / (n_positive / total),
            "precision_at_capacity": self._at_capacity(weights, settings.capacity),
        }

    def _at_capacity(self, weights: np.ndarray, capacity: int) -> np.ndarray:
        right, acted = np.zeros(weights.shape[1]), np.zeros(weights.shape[1])
        for order, starts in self.by_period:
            ordered = weights[order]
            w = np.add.reduceat(ordered, starts, axis=0)
            hits = np.add.reduceat(ordered * self.y[order, None], starts, axis=0)
            chosen = first_of(w, np.cumsum(w, axis=0), np.full(weights.shape[1], float(capacity)))
            right += (hits * chosen).sum(axis=0)
            acted += (w * chosen).sum(axis=0)
        return right / acted


def against_truth(p: np.ndarray, p_true: np.ndarray) -> dict[str, float]:
    """Errors against true probabilities, which only a simulated world has.

    `calibration_error` is the mean over ten equal-count bins of |mean p − mean truth|; `mean_abs_error` is by row.
    """
    order = np.argsort(p, kind="stable")
    bins = np.array_split(order, N_BINS)
    gaps = [abs(float(p[rows].mean() - p_true[rows].mean())) for rows in bins if len(rows)]
    return {
        "calibration_error": float(np.average(gaps, weights=[len(rows) for rows in bins if len(rows)])),
        "mean_abs_error": float(np.abs(p - p_true).mean()),
    }
