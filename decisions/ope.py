"""Off-policy evaluation: what a policy would have earned per row, judged by a log of another policy's actions.

Estimand of every estimator here: V(π) = E[Σ_a π(a | x) E[reward | x, a]], the mean reward per row if π had chosen in
all contexts x of the log's population. It is identified where each action's `pscore` is right (or all that drove both
choice and reward is in x, for estimated ones) and where the log took every action that π takes. Names and formulas
follow Saito, Aihara, Matsutani and Narita, "Open Bandit Dataset and Pipeline" (2021).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from decisions.ope_interval import Interval, around

ESTIMANDS: Mapping[str, str] = {
    "ips": "mean reward per row under the policy, by rows weighted with π / pscore; right where pscore is",
    "snips": "the same as a weighted mean (weights divided by their mean); biased by the order of 1 / rows",
    "direct": "mean of the reward model's forecast under the policy; right only where that model is, so no interval",
    "dr": "the reward model's forecast, its errors put right by weighted rows; right where pscore or the model is",
    "switch_dr": "as dr, but rows that weigh more than a switch are left to the reward model, where that pays",
}


@dataclass(frozen=True)
class Rows:
    """What is known of each row of a log, and what the policy would do there.

    `policy` (rows, actions): π(a | x); `action` 0 … ; `pscore` in (0, 1], none missing; `forecast` (rows, actions): the
    reward model's, from rows other than the row itself; `group`: rows of one group resemble each other;
    `scores` (rows, coefficients): of the model that estimated pscores, 0 in rows whose pscore was logged.
    """

    policy: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    pscore: np.ndarray
    forecast: np.ndarray
    group: np.ndarray | None = None
    scores: np.ndarray | None = field(default=None, repr=False)

    @property
    def weight(self) -> np.ndarray:
        """π(action) / pscore, one per row; 1 on average where the log has what the policy does."""
        return self.policy[np.arange(len(self.action)), self.action] / self.pscore

    @property
    def forecast_of_policy(self) -> np.ndarray:
        """The model's mean reward under the policy, one per row."""
        return (self.policy * self.forecast).sum(axis=1)

    @property
    def error(self) -> np.ndarray:
        """Reward less the model's forecast for the action that was taken."""
        return self.reward - self.forecast[np.arange(len(self.action)), self.action]


@dataclass(frozen=True)
class Estimate:
    """A figure, its interval (None where the estimator claims none), and each row's part in it.

    `influence` (rows, mean 0): what a row adds to value; the figures of two policies on one log are compared by the
    difference of theirs.
    """

    estimator: str
    value: float
    interval: Interval | None
    influence: np.ndarray = field(repr=False)

    @property
    def estimand(self) -> str:
        """What it is an estimate of, and when."""
        return ESTIMANDS[self.estimator]


def ips(rows: Rows) -> tuple[float, np.ndarray]:
    """Inverse propensity score: the mean of weight × reward.

    >>> rows = Rows(np.array([[0, 1], [0, 1]]), np.array([1, 0]), np.array([3.0, 9.0]), np.array([0.5, 0.5]),
    ...             np.zeros((2, 2)))
    >>> ips(rows)[0]
    3.0
    """
    part = rows.weight * rows.reward
    return float(part.mean()), part - part.mean()


def snips(rows: Rows) -> tuple[float, np.ndarray]:
    """Self-normalised IPS: Σ weight × reward / Σ weight (Swaminathan and Joachims 2015)."""
    weight = rows.weight
    value = float((weight * rows.reward).sum() / weight.sum())
    return value, weight * (rows.reward - value) / weight.mean()


def direct(rows: Rows) -> tuple[float, np.ndarray]:
    """Direct method: the mean of the reward model's forecast under the policy."""
    part = rows.forecast_of_policy
    return float(part.mean()), part - part.mean()


def dr(rows: Rows) -> tuple[float, np.ndarray]:
    """Doubly robust: forecast + weight × (reward − forecast of the action taken) (Dudík, Langford and Li 2011)."""
    return switch_dr(rows, np.inf)


def switch_dr(rows: Rows, switch: float) -> tuple[float, np.ndarray]:
    """Doubly robust where weight ≤ `switch`, direct elsewhere (Wang, Agarwal and Dudík 2017)."""
    weight = rows.weight
    part = rows.forecast_of_policy + np.where(weight <= switch, weight, 0.0) * rows.error
    return float(part.mean()), part - part.mean()


def estimates(rows: Rows, *, level: float = 0.95) -> dict[str, Estimate]:
    """All five by name, with their intervals at `level`.

    The direct method claims none: an error of its model is in no interval that its rows could give.
    """
    found: dict[str, Estimate] = {}
    for name, estimator in (("ips", ips), ("snips", snips), ("dr", dr)):
        value, influence = estimator(rows)
        found[name] = Estimate(name, value, _around(value, influence, rows, level), influence)
    value, influence = direct(rows)
    found["direct"] = Estimate("direct", value, None, influence)
    found["switch_dr"] = switched(rows, level=level)
    return {name: found[name] for name in ESTIMANDS}


SWITCHES = (0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 1.0)  # quantiles of the weights that are not 0


def switched(rows: Rows, *, level: float = 0.95) -> Estimate:
    """Switch-DR where squared standard error plus squared bound of the bias is least.

    The bound takes every error of the reward model in a row that is left to it for one of the same sign, Σ weight ×
    |error| / rows, so noise counts as error too. It is far too large, and on purpose: a switch that is picked by what
    the bias seems to be picks the samples in which it seems small. So this departs from `dr` only where a few rows
    carry nearly all the weight.
    """
    weight, n = rows.weight, len(rows.action)
    known = weight[weight > 0]
    switches = np.unique(np.quantile(known, SWITCHES)) if len(known) else np.array([np.inf])
    least, best = np.inf, dr(rows)
    for switch in switches:
        value, influence = switch_dr(rows, float(switch))
        interval = _around(value, influence, rows, level)
        is_left = weight > switch
        bound = float((weight[is_left] * np.abs(rows.error[is_left])).sum()) / n
        error = (interval.se if interval else 0.0) ** 2 + bound**2
        if error < least:
            least, best = error, (value, influence)
    value, influence = best
    return Estimate("switch_dr", value, _around(value, influence, rows, level), influence)


def _around(value: float, influence: np.ndarray, rows: Rows, level: float) -> Interval | None:
    return around(value, influence, group=rows.group, scores=rows.scores, level=level)


def effective_size(weight: np.ndarray) -> float:
    """Kish's effective sample size: rows of equal weight that would tell as much, (Σ w)² / Σ w².

    >>> effective_size(np.array([1.0, 1.0, 0.0, 0.0])), effective_size(np.array([9.0, 1.0]))
    (2.0, 1.2195121951219512)
    """
    squares = float((weight**2).sum())
    return float(weight.sum()) ** 2 / squares if squares else 0.0
