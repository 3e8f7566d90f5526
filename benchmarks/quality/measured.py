"""What is counted, and how sure it is. All metrics of all bootstrap samples at once; differences are paired.

A sample draws rows (or groups of rows, where those of a group resemble each other) with replacement: a row weighs as
often as it was drawn. The same samples serve all systems. Where a data set is judged in folds, those are the samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

# Metric: whether more is better.
METRICS: Mapping[str, bool] = {
    "auc": True,
    "average_precision": True,
    "logloss": False,
    "brier": False,
    "ece": False,
    "lift": True,
}
N_BINS = 10
TOP = 0.1
N_SAMPLES = 500
CERTAIN = 1e-15  # a probability of 0 or 1 that is wrong would cost infinitely much
AT_ONCE = 5_000_000  # weights held at once


@dataclass(frozen=True)
class Figures:
    """By metric: the value, its standard error, and that of its difference to the reference system."""

    value: dict[str, float]
    error: dict[str, float]
    paired_error: dict[str, float]


def metrics(y: np.ndarray, p: np.ndarray, weights: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """By metric, a value per column of `weights` (rows × samples); each row once where there are none.

    `y` is 0 or 1, or a true probability. Rows with the same `p` are one: they share their rank and their bin.
    `ece`: mean |mean p − rate| over ten bins of equal weight. `lift`: the rate among the top tenth ÷ that of all.

    >>> y, p = np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])
    >>> {name: value.round(3).tolist() for name, value in metrics(y, p).items()}
    {'auc': [0.75], 'average_precision': [0.833], 'logloss': [0.472], 'brier': [0.158], 'ece': [0.338], 'lift': [2.0]}
    """
    w = np.ones((len(y), 1)) if weights is None else weights
    total = w.sum(axis=0)
    order = np.argsort(-p, kind="stable")
    y, p, w = y[order].astype("float64"), p[order], w[order]
    starts = np.flatnonzero(np.append(True, np.diff(p) != 0))
    mass = np.add.reduceat(w, starts, axis=0)  # one row per distinct p from here on, the highest first
    hits = np.add.reduceat(w * y[:, None], starts, axis=0)
    misses = mass - hits
    all_hits = hits.sum(axis=0)
    seen, seen_hits = mass.cumsum(axis=0), hits.cumsum(axis=0)

    misses_below = misses.sum(axis=0) - misses.cumsum(axis=0)
    auc = (hits * (misses_below + misses / 2)).sum(axis=0) / (all_hits * misses.sum(axis=0))
    average_precision = (hits * seen_hits / np.maximum(seen, CERTAIN)).sum(axis=0) / all_hits
    in_top = np.clip((TOP * total - (seen - mass)) / np.maximum(mass, CERTAIN), 0, 1)
    lift = (hits * in_top).sum(axis=0) / (TOP * total) / (all_hits / total)

    certain = np.clip(p, CERTAIN, 1 - CERTAIN)
    logloss = -(y * np.log(certain) + (1 - y) * np.log1p(-certain)) @ w / total
    brier = ((p - y) ** 2) @ w / total  # for a true probability: without the part that no forecast can know

    gaps = mass * p[starts][:, None] - hits
    bins = np.minimum((N_BINS * (seen - mass / 2) / total).astype("int64"), N_BINS - 1)
    ece = sum(np.abs(np.where(bins == i, gaps, 0).sum(axis=0)) for i in range(N_BINS)) / total
    return {
        "auc": auc,
        "average_precision": average_precision,
        "logloss": logloss,
        "brier": brier,
        "ece": np.asarray(ece),
        "lift": lift,
    }


def by_bootstrap(
    y: np.ndarray,
    systems: Mapping[str, np.ndarray],
    *,
    groups: np.ndarray | None,
    seed: int,
    n_samples: int = N_SAMPLES,
) -> dict[str, Figures]:
    """Figures by system; the first is the one that the others are paired with.

    >>> y = np.array([0, 1] * 50)
    >>> told = by_bootstrap(y, {"ours": np.full(100, 0.5), "same": np.full(100, 0.5)}, groups=None, seed=0)
    >>> told["same"].value["auc"], told["same"].paired_error["logloss"]
    (0.5, 0.0)
    """
    together = np.arange(len(y)) if groups is None else np.unique(groups, return_inverse=True)[1]
    n_groups = int(together.max()) + 1
    generator = np.random.default_rng(seed)
    drawn: dict[str, list[dict[str, np.ndarray]]] = {name: [] for name in systems}
    step = max(1, AT_ONCE // len(y))
    for first in range(0, n_samples, step):
        n = min(step, n_samples - first)
        counts = generator.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=n).T
        w = counts[together].astype("float64")
        w = w[:, (y @ w > 0) & ((1 - y) @ w > 0)]  # a sample of one class has no AUC
        for name, p in systems.items():
            drawn[name].append(metrics(y, p, w))
    samples = {
        name: {metric: np.concatenate([part[metric] for part in parts]) for metric in METRICS}
        for name, parts in drawn.items()
    }
    ours = samples[next(iter(systems))]
    return {
        name: Figures(
            {metric: float(value[0]) for metric, value in metrics(y, p).items()},
            {metric: float(samples[name][metric].std(ddof=1)) for metric in METRICS},
            {metric: float((samples[name][metric] - ours[metric]).std(ddof=1)) for metric in METRICS},
        )
        for name, p in systems.items()
    }


def by_fold(
    truths: Sequence[np.ndarray], systems: Mapping[str, Sequence[np.ndarray]], *, n_folds: int
) -> dict[str, Figures]:
    """Figures by system: means over folds, each with one array of truth and one of probabilities per system.

    Folds share their training rows, so the variance of their mean is that of a fold × (1/J + 1/(k − 1)), with J folds
    in all and k in a repeat (Nadeau and Bengio 2003, "Inference for the generalization error").
    """
    inflated = np.sqrt(1 / len(truths) + 1 / (n_folds - 1))
    found = {
        name: {
            metric: np.array([metrics(y, p)[metric][0] for y, p in zip(truths, parts, strict=True)])
            for metric in METRICS
        }
        for name, parts in systems.items()
    }
    ours = found[next(iter(systems))]
    return {
        name: Figures(
            {metric: float(values.mean()) for metric, values in by_metric.items()},
            {metric: float(values.std(ddof=1) * inflated) for metric, values in by_metric.items()},
            {metric: float((values - ours[metric]).std(ddof=1) * inflated) for metric, values in by_metric.items()},
        )
        for name, by_metric in found.items()
    }


def rank(metric: str, figures: Mapping[str, Figures], system: str) -> int:
    """1 for the best; systems with the same value share a place."""
    sign = 1 if METRICS[metric] else -1
    own = sign * figures[system].value[metric]
    return 1 + sum(sign * other.value[metric] > own for other in figures.values())


def is_among_best(metric: str, figures: Mapping[str, Figures], system: str) -> bool:
    """Whether `system`, the reference of all paired errors, is best or second, or within one such error of the second.

    >>> def at(value, error): return Figures({"auc": value}, {"auc": 0.0}, {"auc": error})
    >>> three = {"ours": at(0.70, 0.0), "one": at(0.72, 0.01), "two": at(0.71, 0.02)}
    >>> is_among_best("auc", three, "ours"), is_among_best("auc", three | {"two": at(0.715, 0.01)}, "ours")
    (True, False)
    """
    sign = 1 if METRICS[metric] else -1
    better = sorted(
        (other for other in figures.values() if sign * (other.value[metric] - figures[system].value[metric]) > 0),
        key=lambda other: sign * other.value[metric],
        reverse=True,
    )
    if len(better) < 2:
        return True
    second = better[1]
    return abs(second.value[metric] - figures[system].value[metric]) <= second.paired_error[metric]
