"""How good are probabilities, how sure is that, and is it better than knowing nothing?

Every metric is computed for many bootstrap samples at once. A sample draws *groups* (accounts) with replacement, since
the snapshots of one account resemble each other; rows then carry as weight how often their group was drawn. The same
samples serve all systems, so differences between them are paired.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from models.blocks import target
from models.settings import Evaluation

N_BINS = 10
# Weights held at once: rows × samples, as float64 (80 MB).
AT_ONCE = 10_000_000
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
# What `money_at_capacity` gives.
MONEY = ("captured", "random", "perfect", "share_of_perfect", "times_random")


@dataclass(frozen=True)
class Measured:
    """A figure with its bootstrap interval; None where the block cannot give it (one class only)."""

    value: float | None
    low: float | None
    high: float | None

    def to_json(self) -> dict[str, float | None]:
        """As plain values, rounded to what the bytes of two machines share."""
        return {name: None if v is None else round(v, 6) for name, v in vars(self).items()}


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

    scales = {name: _Scale(truth, np.asarray(p, dtype="float64"), when) for name, p in systems.items()}
    whole = {name: scale.metrics(np.ones((len(truth), 1)), settings) for name, scale in scales.items()}
    drawn: dict[str, dict[str, list[np.ndarray]]] = {name: {m: [] for m in METRICS} for name in systems}
    for weights in _samples(together, n_groups, settings.n_bootstrap, seed):
        # A sample without one of the classes has no AUC; it is left out for all.
        has_both = (weights.T @ truth > 0) & (weights.T @ (1 - truth) > 0)
        for name, scale in scales.items():
            for metric, values in scale.metrics(weights[:, has_both], settings).items():
                drawn[name][metric].append(values)
    samples = {name: {m: np.concatenate(parts) for m, parts in by.items()} for name, by in drawn.items()}

    def measured(metric: str, value: np.ndarray, sample: np.ndarray) -> Measured:
        return _interval(metric, float(value[0]), sample, settings.interval)

    metrics = {name: {m: measured(m, whole[name][m], samples[name][m]) for m in METRICS} for name in systems}
    differences = {
        name: {
            m: measured("difference", whole[first][m] - whole[name][m], samples[first][m] - samples[name][m])
            for m in METRICS
        }
        for name in others
    }
    return Comparison(metrics, differences, *counts)


@dataclass(frozen=True)
class Verdict:
    """Whether there is a signal to act on (None: it cannot be judged), and the sentence that says so."""

    is_better_than_base_rate: bool | None
    sentence: str


def verdict(
    comparison: Comparison, interval: float, *, before_calibration: Measured | None = None, rows: str = "accounts"
) -> Verdict:
    """Of a comparison whose first system is the model and whose others hold `base_rate`.

    Two things are asked, each by an interval: does the model put the right account first more often than chance (AUC
    above 0.5), and is its log loss lower than that of the base rate alone? It is better than the base rate where both
    are so. A lower log loss without the first is the level of the probabilities, which tells no account from another.

    before_calibration: the AUC of the order in which the boosters alone put the rows, where a calibrator that found
    nothing in it on later rows has made one probability of all (`order_before_calibration`). rows: what they are.
    """
    if not comparison.has_both_classes:
        found = "no positives" if comparison.n_positive == 0 else "nothing but positives"
        return Verdict(
            None, f"The model cannot be judged: the test block has {found} among its {comparison.n_rows} rows."
        )
    ours = next(iter(comparison.metrics.values()))
    auc, loss = ours["auc"], comparison.differences["base_rate"]["log_loss"]
    ranks, level = _said("AUC", auc, ".3f", interval), _said("log loss", loss, "+.4f", interval)
    if auc.low == auc.high == 0.5:
        why = (
            ""
            if before_calibration is None
            else ", since the order in which the boosters put them did not hold on later rows "
            f"({_said('AUC', before_calibration, '.3f', interval)} on the test block)"
        )
        against = "" if (loss.high or 0.0) >= 0 >= (loss.low or 0.0) else ", as its level differs and nothing else"
        return Verdict(
            False,
            f"There is no signal to act on: all {rows} get the same probability{why}. So {ranks}; {level} against the "
            f"base rate{against}.",
        )
    if (auc.low or 0.0) <= 0.5:
        against = (
            "" if (loss.high or 0.0) >= 0 >= (loss.low or 0.0)
            else f" (the level of its probabilities differs, the order of {rows} does not profit)"
        )  # fmt: skip
        return Verdict(
            False,
            f"There is no signal to act on: the model does not rank {rows} better than chance, "
            f"{ranks}; {level} against the base rate{against}, on the test block.",
        )
    if (loss.high or 0.0) >= 0:
        how = "are worse than" if (loss.low or 0.0) > 0 else "are not shown to be better than"
        return Verdict(
            False,
            f"The model ranks {rows} better than chance, but its probabilities {how} the base rate, so they are not "
            f"to be acted on: {ranks}, {level} against it, on the test block.",
        )
    rivals = {name: by["log_loss"].high or 0.0 for name, by in comparison.differences.items() if name != "base_rate"}
    beaten = [name for name, high in rivals.items() if high < 0]
    rest = [name for name in rivals if name not in beaten]
    also = f" It also beats {' and '.join(beaten)} in log loss." if beaten else ""
    also += f" It is not clearly better than {' and '.join(rest)} in log loss." if rest else ""
    return Verdict(
        True, f"The model is better than the base rate: {ranks}, {level} against it, on the test block.{also}"
    )


def order_before_calibration(
    y: pd.Series[Any],
    p: np.ndarray,
    margin: np.ndarray,
    *,
    settings: Evaluation,
    seed: int,
    groups: pd.Series[Any] | None = None,
) -> Measured | None:
    """The AUC of `margin`, where all probabilities `p` are the same; None where they differ and show an order.

    That an AUC of 0.5 has an interval of 0.5 to 0.5 says nothing but that a calibrator saw no use in the order. This
    says how good the order itself is on rows that took no part in that.

    >>> y, margin = pd.Series([0, 1, 0, 1]), np.array([-1.0, 1.0, -2.0, 2.0])
    >>> some = Evaluation(n_bootstrap=50)
    >>> order_before_calibration(y, np.full(4, 0.5), margin, settings=some, seed=0).value
    1.0
    >>> order_before_calibration(y, np.array([0.1, 0.2, 0.1, 0.2]), margin, settings=some, seed=0) is None
    True
    """
    if np.ptp(p) > 0:
        return None
    return compare(y, {"order": expit(margin)}, settings=settings, seed=seed, groups=groups).metrics["order"]["auc"]


def _said(name: str, measured: Measured, form: str, interval: float) -> str:
    value, low, high = (format(v, form) for v in (measured.value, measured.low, measured.high))
    return f"{name} {value} ({interval:.0%} interval {low} to {high})"


def money_at_capacity(
    added: np.ndarray,
    p: np.ndarray,
    *,
    settings: Evaluation,
    seed: int,
    groups: pd.Series[Any] | None = None,
    periods: pd.Series[Any] | None = None,
) -> dict[str, Measured]:
    """How much of the expansion that came was among the accounts that the team would have talked to?

    added: MRR that each row's expansion brought, 0 without one; within each of `periods`, `settings.capacity` rows can
    be acted on. A mean per period of `captured` (those with the highest `p`), `random` (as many at random, exactly) and
    `perfect` (those that brought most), in money a month; `share_of_perfect`; and `times_random`. What came by itself
    is in it: this is no effect of the list. None where nothing was added.

    >>> found = money_at_capacity(np.array([0.0, 10.0, 0.0, 30.0]), np.array([0.1, 0.9, 0.2, 0.8]),
    ...                           settings=Evaluation(n_bootstrap=50, capacity=1), seed=0)
    >>> [found[name].value for name in ("captured", "random", "perfect")]
    [10.0, 10.0, 30.0]
    """
    together = np.arange(len(p)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    when = np.zeros(len(p), int) if periods is None else np.unique(np.asarray(periods), return_inverse=True)[1]
    if not len(p) or not added.sum() > 0:
        return dict.fromkeys(MONEY, Measured(None, None, None))
    orders = {"captured": _by_period(p, when), "perfect": _by_period(added, when), "random": _by_period(0 * p, when)}
    n_groups = int(together.max()) + 1
    whole = _money(np.ones((len(p), 1)), added, orders, settings.capacity)
    parts = [
        _money(weights, added, orders, settings.capacity)
        for weights in _samples(together, n_groups, settings.n_bootstrap, seed)
    ]
    found = {}
    for name in MONEY:
        samples = np.concatenate([part[name] for part in parts])
        found[name] = _interval(name, float(whole[name][0]), samples[np.isfinite(samples)], settings.interval)
    return found


def money_lead(
    added: np.ndarray,
    p: np.ndarray,
    other: np.ndarray,
    *,
    settings: Evaluation,
    seed: int,
    groups: pd.Series[Any] | None = None,
    periods: pd.Series[Any] | None = None,
) -> Measured:
    """What `p` captures more than `other` does (`captured` of `money_at_capacity`), in money a month; paired.

    >>> money_lead(np.array([0.0, 10.0, 0.0, 30.0]), np.array([0.1, 0.2, 0.3, 0.9]), np.array([0.1, 0.9, 0.2, 0.8]),
    ...            settings=Evaluation(n_bootstrap=50, capacity=1), seed=0).value
    20.0
    """
    together = np.arange(len(p)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    when = np.zeros(len(p), int) if periods is None else np.unique(np.asarray(periods), return_inverse=True)[1]
    if not len(p) or not added.sum() > 0:
        return Measured(None, None, None)
    orders = {"ours": _by_period(p, when), "theirs": _by_period(other, when)}

    def lead(weights: np.ndarray) -> np.ndarray:
        ours, theirs = (_captured(weights, added, order, settings.capacity) for order in orders.values())
        return ours - theirs

    samples = [lead(weights) for weights in _samples(together, int(together.max()) + 1, settings.n_bootstrap, seed)]
    value = float(lead(np.ones((len(p), 1)))[0])
    return _interval("difference", value, np.concatenate(samples), settings.interval)


def _by_period(p: np.ndarray, when: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Each period's rows, highest first, and where runs of equal values start."""
    parts = []
    for period in np.unique(when):
        rows = np.flatnonzero(when == period)
        order, starts = _ties(p[rows])
        parts.append((rows[order], starts))
    return parts


def _money(
    weights: np.ndarray, added: np.ndarray, orders: Mapping[str, list[tuple[np.ndarray, np.ndarray]]], capacity: int
) -> dict[str, np.ndarray]:
    found = {name: _captured(weights, added, by_period, capacity) for name, by_period in orders.items()}
    with np.errstate(divide="ignore", invalid="ignore"):  # a sample without any money is left out by the caller
        found["share_of_perfect"] = found["captured"] / found["perfect"]
        found["times_random"] = found["captured"] / found["random"]
    return found


def _captured(
    weights: np.ndarray, added: np.ndarray, by_period: list[tuple[np.ndarray, np.ndarray]], capacity: int
) -> np.ndarray:
    """Money among the first `capacity` of each period, a mean per period, for every column of `weights`."""
    total = np.zeros(weights.shape[1])
    for order, starts in by_period:
        w = np.add.reduceat(weights[order], starts, axis=0)
        money = np.add.reduceat(weights[order] * added[order, None], starts, axis=0)
        chosen = _first(w, np.cumsum(w, axis=0), np.full(weights.shape[1], float(capacity)))
        total += (money * chosen).sum(axis=0)
    return total / len(by_period)


def _samples(together: np.ndarray, n_groups: int, n: int, seed: int) -> Iterator[np.ndarray]:
    """Weights of the rows, shape (rows, samples), a slice of samples at a time."""
    rng = np.random.default_rng(seed)
    step = max(1, AT_ONCE // max(1, len(together)))
    for start in range(0, n, step):
        counts = rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=min(step, n - start))
        yield counts.T.astype("float64")[together]


class _Scale:
    """A system's rows gathered by equal probability, best first, so that ties count the same in every metric."""

    def __init__(self, y: np.ndarray, p: np.ndarray, periods: np.ndarray) -> None:
        self.y, self.p = y, p
        self.order, self.starts = _ties(p)
        self.by_period = _by_period(p, periods)
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
        chosen = _first(w, seen, top)
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
            chosen = _first(w, np.cumsum(w, axis=0), np.full(weights.shape[1], float(capacity)))
            right += (hits * chosen).sum(axis=0)
            acted += (w * chosen).sum(axis=0)
        return right / acted


def _ties(p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The order of `p`, highest first, and where each run of equal values starts in it."""
    order = np.argsort(-p, kind="stable")
    return order, np.flatnonzero(np.concatenate([[True], np.diff(p[order]) != 0]))


def _first(w: np.ndarray, seen: np.ndarray, n: np.ndarray) -> np.ndarray:
    """The share of each tie that is among the first `n` of its column's weight."""
    return np.divide(np.clip(n - (seen - w), 0, w), w, out=np.zeros_like(w), where=w > 0)


def _interval(metric: str, value: float, samples: np.ndarray, width: float) -> Measured:
    """Percentiles of the samples.

    A calibration error's are centred on its value: resampling adds noise, which an absolute error takes for error.
    """
    if metric == "calibration_error":
        samples = np.clip(samples - samples.mean() + value, 0, None)
    low, high = np.quantile(samples, [(1 - width) / 2, (1 + width) / 2])
    return Measured(value, float(low), float(high))


def curves(y: pd.Series[Any], systems: Mapping[str, np.ndarray], n_points: int = 200) -> dict[str, pd.DataFrame]:
    """What plots show, one row per system and point: `roc`, `precision_recall`, `gains` and `calibration`.

    Empty where `y` has one class only.
    """
    truth = target(y)
    frames: dict[str, list[pd.DataFrame]] = {"roc": [], "precision_recall": [], "gains": [], "calibration": []}
    has_both = 0 < truth.sum() < len(truth)
    for name, p in systems.items() if has_both else ():
        scale = _Scale(truth, np.asarray(p, dtype="float64"), np.zeros(len(truth), int))
        hits = np.add.reduceat(truth[scale.order], scale.starts)
        seen = np.append(scale.starts[1:], len(truth)).astype("float64")
        found = np.cumsum(hits)
        # Evenly over the rows; the ends always.
        at = np.unique(np.searchsorted(seen, np.linspace(seen[0], len(truth), n_points)))
        recall, precision = found[at] / truth.sum(), found[at] / seen[at]
        false_rate = (seen[at] - found[at]) / (len(truth) - truth.sum())
        start = np.zeros(1)
        frames["roc"].append(
            pd.DataFrame(
                {"false_positive_rate": np.append(start, false_rate), "true_positive_rate": np.append(start, recall)}
            )
        )
        frames["precision_recall"].append(pd.DataFrame({"recall": recall, "precision": precision}))
        frames["gains"].append(
            pd.DataFrame(
                {"share_contacted": np.append(start, seen[at] / len(truth)), "share_found": np.append(start, recall)}
            )
        )
        counts = scale.bins @ np.diff(seen, prepend=0)
        predicted = scale.bins @ (np.diff(seen, prepend=0) * scale.p[scale.order][scale.starts]) / counts
        frames["calibration"].append(
            pd.DataFrame({"predicted": predicted, "observed": scale.bins @ hits / counts, "n_rows": counts})[::-1]
        )
        for frame in frames.values():
            frame[-1].insert(0, "system", name)
    columns = {
        "roc": ["system", "false_positive_rate", "true_positive_rate"],
        "precision_recall": ["system", "recall", "precision"],
        "gains": ["system", "share_contacted", "share_found"],
        "calibration": ["system", "predicted", "observed", "n_rows"],
    }
    return {
        name: pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns[name])
        for name, parts in frames.items()
    }


def importance(features: tuple[str, ...], contributions: np.ndarray, gain: np.ndarray) -> pd.DataFrame:
    """One row per feature, the most important first: mean |contribution| (log-odds), its share, and share of gain."""
    mean = np.abs(contributions[:, :-1]).mean(axis=0) if len(contributions) else np.zeros(len(features))
    whole = mean.sum() or 1.0
    table = pd.DataFrame(
        {"feature": features, "mean_abs_contribution": mean, "share": mean / whole, "gain": gain / (gain.sum() or 1.0)}
    )
    return table.sort_values(["mean_abs_contribution", "feature"], ascending=[False, True], ignore_index=True)


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
