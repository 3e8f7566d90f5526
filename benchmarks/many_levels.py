"""What today's rule for texts of very many levels costs, and what target statistics would win of that.

    python -m benchmarks.many_levels [--quick]

The rule (models/vocabulary.py): the 254 most frequent levels count, if 20 rows or more hold them; all others are one
level. Here tables are drawn in which a level moves the log-odds by N(0, spread²), with as many levels as customers or
postcodes are; the last quarter of the rows by time judges. Three systems read the same rows: the rule alone; the rule
and, beside it, an ordered target statistic (at each row the smoothed rate of its level among *earlier* rows, as
CatBoost does it; a later row gets what all learnt rows say: nothing of a row's own outcome is in it); and the rule with
each level's true effect, which is as far as anybody could come. Gains are in log loss on the later rows against the
rule alone, a mean over seeds with its standard error. Writes benchmarks/results/many_levels.json.
"""

import json
import sys
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
from scipy.special import expit, logit

from models.boosting import DEFAULT, FIXED, dataset
from models.vocabulary import Vocabulary

RESULTS = Path("benchmarks/results/many_levels.json")
N_ROWS, N_SEEDS, MAX_ROUNDS, PATIENCE = 40_000, 8, 600, 40
RATE = 0.1
PRIOR_ROWS = 20.0  # as many rows at the overall rate are added to each level's
# Name: how many levels, how unevenly rows are spread over them (Zipf's exponent; 0: evenly), spread of their effects.
WORLDS: dict[str, tuple[int, float, float]] = {
    "customers": (5_000, 0.0, 0.8),
    "postcodes": (20_000, 1.0, 0.8),
    "weak": (2_000, 1.0, 0.3),
    "no_effect": (5_000, 0.0, 0.0),
}


def world(name: str, n: int, seed: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Rows in the order of time, their outcome, and the true effect of each row's level."""
    n_levels, exponent, spread = WORLDS[name]
    rng = np.random.default_rng(seed)
    share = np.arange(1, n_levels + 1, dtype="float64") ** -exponent
    level = rng.choice(n_levels, n, p=share / share.sum())
    effect = rng.normal(scale=spread, size=n_levels)[level]
    x = rng.normal(size=(n, 4))
    z = logit(RATE) - 0.5 + 0.7 * x[:, 0] + 0.5 * x[:, 1] * (x[:, 2] > 0) + effect
    X = pd.DataFrame({f"x{i}": x[:, i] for i in range(4)} | {"level": [f"l{k}" for k in level]})
    return X, (rng.random(n) < expit(z)).astype("float64"), effect


def ordered_rate(level: pd.Series, y: np.ndarray, n_learnt: int) -> np.ndarray:
    """The smoothed log-odds of each row's level: among earlier rows of the first `n_learnt`, later rows by all of them.

    >>> ordered_rate(pd.Series(["a", "a", "b", "a"]), np.array([1.0, 0.0, 0.0, 1.0]), 3).round(2)
    array([-0.69, -0.55, -0.69, -0.63])
    """
    known, rate = level.iloc[:n_learnt], y[:n_learnt].mean()
    by = pd.Series(y[:n_learnt], index=known.index).groupby(known)
    n_before, hits_before = by.cumcount().to_numpy(), (by.cumsum() - y[:n_learnt]).to_numpy()
    later = level.iloc[n_learnt:]
    n = np.append(n_before, later.map(by.size()).fillna(0).to_numpy())
    hits = np.append(hits_before, later.map(by.sum()).fillna(0).to_numpy())
    return logit((hits + PRIOR_ROWS * rate) / (n + PRIOR_ROWS))


def loss(X: pd.DataFrame, y: np.ndarray, n_learnt: int) -> float:
    """Log loss on the rows from `n_learnt` on; rounds are chosen on the last fifth of those before."""
    words = Vocabulary.learn(X.iloc[:n_learnt])
    matrix = words.encode(X)
    start = int(0.8 * n_learnt)
    rows = dataset(words, matrix[:start], y[:start])
    chosen_by = lgb.Dataset(matrix[start:n_learnt], y[start:n_learnt], reference=rows)
    parameters = {**FIXED, **DEFAULT, "learning_rate": 0.05}
    booster = lgb.train(
        parameters, rows, MAX_ROUNDS, valid_sets=[chosen_by], callbacks=[lgb.early_stopping(PATIENCE, verbose=False)]
    )
    p = np.clip(booster.predict(matrix[n_learnt:]), 1e-9, 1 - 1e-9)
    later = y[n_learnt:]
    return float(-(later * np.log(p) + (1 - later) * np.log1p(-p)).mean())


def gains(name: str, n: int, seeds: range) -> dict[str, float]:
    """Of one world: the rule's loss, and what is gained on it, with standard errors over the seeds."""
    found = []
    for seed in seeds:
        X, y, effect = world(name, n, seed)
        n_learnt = 3 * n // 4
        rule = loss(X, y, n_learnt)
        beside = loss(X.assign(rate=ordered_rate(X["level"], y, n_learnt)), y, n_learnt)
        known = loss(X.assign(effect=effect), y, n_learnt)
        found.append((rule, rule - beside, rule - known))
    losses = np.array(found)
    error = losses.std(axis=0, ddof=1) / np.sqrt(len(losses))
    told = {"rule": losses[:, 0].mean()}
    for place, system in ((1, "statistic"), (2, "effect_known")):
        told |= {f"{system}_gain": losses[:, place].mean(), f"{system}_gain_se": error[place]}
    return {key: round(float(value), 5) for key, value in told.items()}


def main() -> None:
    """Measure and write."""
    is_quick = "--quick" in sys.argv
    n, seeds = (10_000, range(3)) if is_quick else (N_ROWS, range(N_SEEDS))
    results: dict[str, float] = {"rows": n, "seeds": len(seeds)}
    for name in WORLDS:
        results |= {f"{name}.{key}": value for key, value in gains(name, n, seeds).items()}
        print(json.dumps(results), file=sys.stderr)
    text = json.dumps(results, indent=1)
    if not is_quick:
        RESULTS.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
