"""How often an interval of 95 % holds the truth: simulated logs whose policy is known, with confounding in the features.

    python -m benchmarks.ope [--dry] [--logs N]

Two worlds take turns: a reward of yes or no, and money (mostly none, then lognormal). Accounts recur in a log and
resemble themselves. A third of the rows was drawn at random, at a logged pscore; in the rest people chose, after the
features that drive the reward too, and their pscores are not there. Writes `ope_coverage.<estimator>` into
benchmarks/results/decisions.json; --dry counts on other logs, those that methods were chosen by, and writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, softmax

from decisions import ope
from decisions.policy_log import Log, forecasts, pscores

ACCOUNTS, ROWS_PER_ACCOUNT, ACTIONS, COLUMNS = 5_000, 2, 4, 6
N_LOGS = 200
JUDGED_SEED, DRY_SEED = 50_000, 1_000
TRUTH_ROWS = 2_000_000
SHARE_RANDOM = 1 / 5


@dataclass(frozen=True)
class World:
    """A population: contexts, how people choose, what actions earn, and the policy that is judged."""

    is_money: bool

    def contexts(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Shape (n, columns): four numbers, one lopsided; a category of three; one that matters for nothing."""
        X = rng.normal(size=(n, COLUMNS))
        X[:, 3] = rng.exponential(size=n) - 1
        X[:, 4] = rng.integers(0, 3, n)
        return X

    def people(self, X: np.ndarray) -> np.ndarray:
        """Probabilities with which people choose (rows, actions): a line, a threshold and a product."""
        margins = np.stack(
            [
                0.0 * X[:, 0],
                0.7 * X[:, 0] - 0.4 * X[:, 1],
                0.8 * (X[:, 2] > 0.5) - 0.3 + 0.4 * X[:, 3],
                0.5 * X[:, 0] * X[:, 1] - 0.4 + 0.5 * (X[:, 4] == 1),
            ],
            axis=1,
        )
        return softmax(margins, axis=1)

    def drawn(self, X: np.ndarray) -> np.ndarray:
        """Probabilities of the rows drawn at random: uneven, and logged."""
        return np.tile([0.4, 0.3, 0.2, 0.1], (len(X), 1))

    def policy(self, X: np.ndarray) -> np.ndarray:
        """The policy that is judged: mostly sure of itself, and unlike the people."""
        margins = np.stack([0.2 * X[:, 3], X[:, 1], X[:, 2] - 0.3, X[:, 0] - 0.3], axis=1)
        return softmax(3 * margins, axis=1)

    def chance(self, X: np.ndarray, own: np.ndarray) -> np.ndarray:
        """Probability of a reward by action; `own` is what each row's account has of its own (log-odds)."""
        base = -1.2 + 0.6 * X[:, 0] + 0.4 * np.abs(X[:, 1]) - 0.3 * X[:, 3] + 0.4 * (X[:, 4] == 1) + own
        gain = np.stack(
            [
                0.0 * X[:, 0],
                0.4 + 0.4 * X[:, 1],
                0.3 + 0.3 * (X[:, 2] > 0),
                0.2 + 0.5 * X[:, 0] - 0.3 * X[:, 3],
            ],
            axis=1,
        )
        return expit(base[:, None] + gain)

    def amount(self, X: np.ndarray) -> np.ndarray:
        """Mean of what a reward is worth."""
        return np.exp(0.4 * X[:, 0]) if self.is_money else np.ones(len(X))

    def truth(self, seed: int = 7) -> float:
        """V of the policy, by a large sample without noise of actions or rewards; its own error is about 0.0002."""
        rng = np.random.default_rng(seed)
        X = self.contexts(TRUTH_ROWS, rng)
        own = 0.5 * rng.normal(size=TRUTH_ROWS)
        return float(((self.policy(X) * self.chance(X, own)).sum(axis=1) * self.amount(X)).mean())

    def log(self, seed: int) -> tuple[Log, np.ndarray]:
        """A log, and the policy's probabilities in its rows."""
        rng = np.random.default_rng(seed)
        group = np.repeat(np.arange(ACCOUNTS), ROWS_PER_ACCOUNT)
        X, own = self.contexts(ACCOUNTS, rng)[group], (0.5 * rng.normal(size=ACCOUNTS))[group]
        X[:, 2] = rng.normal(size=len(X))  # this one moves between an account's rows
        is_random = rng.random(len(X)) < SHARE_RANDOM
        p = np.where(is_random[:, None], self.drawn(X), self.people(X))
        action = (p.cumsum(axis=1) < rng.random(len(X))[:, None]).sum(axis=1)
        at = np.arange(len(X)), action
        reward = (rng.random(len(X)) < self.chance(X, own)[at]) * self.amount(X)
        if self.is_money:
            reward = reward * rng.lognormal(-0.5, 1.0, len(X))
        pscore = np.where(is_random, p[at], np.nan)
        X[rng.random(len(X)) < 0.1, 5] = np.nan
        names = tuple(f"action {a}" for a in range(ACTIONS))
        return Log(X, action, reward, pscore, names, (4,), group), self.policy(X)


def counted(n_logs: int, first_seed: int, **options: object) -> dict[str, dict[str, float]]:
    """By estimator: share of logs whose interval held the truth, the mean error and its spread over the mean se."""
    worlds = [World(False), World(True)]
    truths = [world.truth() for world in worlds]
    found: dict[str, list[tuple[float, float, bool]]] = {}
    for i in range(n_logs):
        world, truth = worlds[i % 2], truths[i % 2]
        log, policy = world.log(first_seed + i)
        scores = pscores(log, seed=0)
        rows = ope.Rows(policy, log.action, log.reward, scores.pscore, forecasts(log, seed=0), log.group, scores.scores)
        for name, estimate in ope.estimates(rows).items():
            interval = estimate.interval or ope.around(estimate.value, estimate.influence, group=log.group)
            holds = interval.low <= truth <= interval.high
            found.setdefault(name, []).append(
                (estimate.value / truth - 1, interval.se / truth, holds, i % 2, ope.effective_size(rows.weight))
            )
    return found


if __name__ == "__main__":
    import sys
    import time

    t = time.time()
    n = int(sys.argv[1])
    found = counted(n, DRY_SEED)
    print(time.time() - t)
    for name, rows in found.items():
        a = np.array(rows)
        for m in (0, 1, None):
            b = a if m is None else a[a[:, 3] == m]
            print(
                name,
                m,
                "cover",
                b[:, 2].mean().round(3),
                "bias",
                b[:, 0].mean().round(4),
                "sd",
                b[:, 0].std().round(4),
                "se",
                b[:, 1].mean().round(4),
                "z",
                (b[:, 0].mean() / b[:, 0].std() * len(b) ** 0.5).round(2),
                "ess",
                b[:, 4].mean().round(0),
            )
