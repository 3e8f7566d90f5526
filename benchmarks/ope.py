"""How often an interval of 95 % holds the truth: simulated logs, of a policy whose value is known.

    python -m benchmarks.ope [--dry] [--logs N]

Two simulated worlds take turns: a reward of yes or no, and money (mostly none, then lognormal). Of each log's 10,000
rows, two an account, a fifth was drawn at random, at a logged pscore; in the rest people chose, by the features that
drive the reward too, and their pscores are not there. Writes into benchmarks/results/decisions.json
`ope_coverage.<estimator>`, `ope_error.<estimator>` (mean error as a share of the truth), `ope_unclaimed.<estimator>`
(how often an interval would hold the truth that the estimator does not claim), and `ope_refused.<…>`: the share of logs
refused where there is no overlap, and where there is. --dry counts on other logs, those that methods were chosen by,
and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, softmax

from benchmarks.merged import DECISIONS, merge
from data.errors import BadInput
from decisions import ope, ope_overlap
from decisions.policy_log import Log, chances, forecasts, pscores

ACCOUNTS, ROWS_PER_ACCOUNT, ACTIONS, COLUMNS = 5_000, 2, 4, 6
N_LOGS, N_REFUSED = 200, 20
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

    def log_without_overlap(self, seed: int) -> tuple[Log, np.ndarray]:
        """People never do the last action to half of those for whom the policy would; no row is random."""
        log, policy = self.log(seed)
        rng = np.random.default_rng(seed)
        p = self.people(log.X)
        p[:, -1] = np.where(log.X[:, 0] > 0, 0.0, p[:, -1])
        p /= p.sum(axis=1, keepdims=True)
        action = (p.cumsum(axis=1) < rng.random(len(log))[:, None]).sum(axis=1)
        return replace(log, action=action, pscore=np.full(len(log), np.nan)), policy


def judged(log: Log, policy: np.ndarray, *, with_forecasts: bool = True) -> ope.Rows:
    """The rows as `upsell policy evaluate` would have them."""
    known = pscores(log, seed=0)
    forecast = forecasts(log, seed=0) if with_forecasts else np.zeros_like(policy)
    return ope.Rows(policy, log.action, log.reward, known.pscore, forecast, log.group, known.scores)


def is_refused(log: Log, policy: np.ndarray) -> bool:
    """Whether `upsell policy evaluate` would refuse it."""
    try:
        ope_overlap.check(ope_overlap.overlap(judged(log, policy, with_forecasts=False), chances(log, seed=0)))
    except BadInput:
        return True
    return False


def covered(n_logs: int, first_seed: int) -> dict[str, float]:
    """By estimator: the share of logs whose interval held the truth, and the mean error as a share of the truth."""
    worlds = [World(False), World(True)]
    truths = [world.truth() for world in worlds]
    held: dict[str, list[bool]] = {}
    errors: dict[str, list[float]] = {}
    for i in range(n_logs):
        world, truth = worlds[i % 2], truths[i % 2]
        rows = judged(*world.log(first_seed + i))
        for name, estimate in ope.estimates(rows).items():
            key = f"ope_coverage.{name}" if estimate.interval else f"ope_unclaimed.{name}"
            interval = estimate.interval or ope.around(estimate.value, estimate.influence, group=rows.group)
            if interval is None:
                raise ValueError("one account only")
            held.setdefault(key, []).append(interval.low <= truth <= interval.high)
            errors.setdefault(f"ope_error.{name}", []).append(estimate.value / truth - 1)
        if (i + 1) % 10 == 0:
            so_far = {name: round(float(np.mean(hits)), 3) for name, hits in held.items()}
            print(f"{i + 1} logs: {so_far}", file=sys.stderr, flush=True)
    return {name: round(float(np.mean(found)), 5) for name, found in {**held, **errors}.items()}


def main() -> None:
    """Count, print; write unless it is a dry run."""
    parser = argparse.ArgumentParser(prog="benchmarks.ope", description=__doc__)
    parser.add_argument("--dry", action="store_true")
    parser.add_argument("--logs", type=int, default=N_LOGS)
    given = parser.parse_args()
    first = DRY_SEED if given.dry else JUDGED_SEED
    keys = covered(given.logs, first)
    worlds = [World(False), World(True)]
    seeds = range(first, first + min(N_REFUSED, given.logs))
    for name, make in (("without_overlap", World.log_without_overlap), ("with_overlap", World.log)):
        keys[f"ope_refused.{name}"] = float(np.mean([is_refused(*make(worlds[seed % 2], seed)) for seed in seeds]))
    keys["ope_logs"] = given.logs
    print(json.dumps(keys, indent=1))
    if not given.dry:
        merge(DECISIONS, "ope_", keys)


if __name__ == "__main__":
    main()
