"""Learning a policy from a log, and going back to the best single action where customers are not shown to differ.

Each row gives a doubly robust score per action (decisions/policy_log.py). What a context adds to an action's mean is
learnt from the scores' distance from the row's mean over actions, which is free of how good the customer is anyway.
Then the whole procedure is repeated without a fifth of the groups and judged on that fifth, five times over: a policy
that is not proven better there than the best single action learnt from the same rows is not used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import lightgbm as lgb
import numpy as np

from decisions import ope_interval
from decisions.ope_interval import Interval
from decisions.policy import Policy
from decisions.policy_log import Log, Pscores, forecasts, pscores, reward_model, scores_of_actions
from models.design import Design, Ridge

KINDS = ("linear", "boosted")
N_FOLDS, N_INNER_FOLDS = 5, 3
# The chance with which a policy may be taken although customers do not differ; shared by the kinds that compete.
CHANCE = 0.05
BOOSTER: dict[str, Any] = {
    "objective": "regression",
    "metric": "",
    "verbosity": -1,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "max_bin": 63,
    "learning_rate": 0.05,
    "num_leaves": 4,
    "feature_fraction": 0.7,
    "lambda_l2": 10.0,
    "cat_smooth": 50.0,
}
ROUNDS = 60


@dataclass(frozen=True)
class Held:
    """What a kind of policy was worth per row on groups that it had not seen, and how far above the best single action.

    `gain` is None for the single action itself.
    """

    kind: str
    value: Interval
    gain: Interval | None
    gain_value: float
    p_of_chance: float  # one-sided: of such a gain where there is none
    mean: float


@dataclass(frozen=True)
class Learned:
    """The policy, how each kind did on rows that it had not seen, and the pscores that were used."""

    policy: Policy
    held: Mapping[str, Held]
    pscores: Pscores


def learn(
    log: Log,
    *,
    costs: np.ndarray | None = None,
    choosable: np.ndarray | None = None,
    seed: int = 7,
    say: Callable[[str], None] = lambda line: None,
) -> Learned:
    """Learn from all rows of `log`. `costs`: of each action, in the reward's unit; `choosable`: places it may choose.

    >>> rng = np.random.default_rng(0)
    >>> X, action = rng.normal(size=(3000, 2)), rng.integers(0, 2, 3000)
    >>> reward = action * X[:, 0] + 0.3 * rng.normal(size=3000)
    >>> log = Log(X, action, reward, np.full(3000, 0.5), ("rest", "call"))
    >>> found = learn(log).policy
    >>> found.kind != "constant", found.choose(np.array([[1.0, 0.0], [-1.0, 0.0]]))
    (True, array([1, 0]))
    >>> learn(replace(log, reward=rng.normal(size=3000))).policy.kind
    'constant'
    """
    costs = np.zeros(len(log.actions)) if costs is None else costs
    places = np.arange(len(log.actions)) if choosable is None else choosable
    say(f"estimating pscores of {int(log.is_estimated.sum()):,} of {len(log):,} rows …")
    known = pscores(log, seed=seed)
    folds = log.folds(N_FOLDS, seed)
    worth: dict[str, np.ndarray] = {kind: np.empty(len(log)) for kind in ("constant", *KINDS)}
    for k in np.unique(folds):
        say(f"judging on fold {int(k) + 1} of {int(folds.max()) + 1} what was learnt from the others …")
        away, here = np.flatnonzero(folds != k), np.flatnonzero(folds == k)
        part, held_out = log.take(away), log.take(here)
        scores = scores_of_actions(held_out, known.pscore[here], reward_model(part, seed=seed).predict(held_out.X))
        net = (scores - costs)[:, places]
        learnt = _policies(part, known.pscore[away], costs, places, ("constant", *KINDS), seed)
        for kind, policy in learnt.items():
            worth[kind][here] = net[np.arange(len(here)), policy.choose(held_out.X)]
    held = _held(worth, log)
    proven = [held[kind] for kind in KINDS if held[kind].p_of_chance < CHANCE / len(KINDS)]
    kind = max(proven, key=lambda one: one.gain_value).kind if proven else "constant"
    say(f"learning from {len(log):,} rows …")
    return Learned(_policies(log, known.pscore, costs, places, (kind,), seed)[kind], held, known)


def _held(worth: Mapping[str, np.ndarray], log: Log) -> dict[str, Held]:
    found = {}
    for kind, net in worth.items():
        mean = float(net.mean())
        value = ope_interval.around(mean, net - mean, group=log.group)
        apart = net - worth["constant"]
        gain = float(apart.mean())
        interval = ope_interval.around(gain, apart - gain, group=log.group)
        if value is None or interval is None:  # folds were made, so there are two groups
            raise ValueError("one group only")
        chance = ope_interval.p_above(gain, interval.se)
        found[kind] = Held(kind, value, None if kind == "constant" else interval, gain, chance, mean)
    return found


def _policies(
    log: Log, pscore: np.ndarray, costs: np.ndarray, places: np.ndarray, kinds: tuple[str, ...], seed: int
) -> dict[str, Policy]:
    """A policy of each kind, from these rows alone."""
    scores = scores_of_actions(log, pscore, forecasts(log, seed=seed, n_folds=N_INNER_FOLDS)) - costs
    net = scores[:, places]
    names = tuple(log.actions[a] for a in places)
    constant = Policy(names, tuple(float(mean) for mean in net.mean(axis=0)))
    found = {"constant": constant}
    apart = net - net.mean(axis=1, keepdims=True)
    apart -= apart.mean(axis=0)
    for kind in kinds:
        if kind == "constant" or len(places) < 2:
            found[kind] = constant
            continue
        policy = _effects(kind, constant, log, apart, seed)
        found[kind] = replace(policy, trust=_trust(kind, constant, log, apart, seed))
    return {kind: found[kind] for kind in kinds}


def _effects(kind: str, constant: Policy, log: Log, apart: np.ndarray, seed: int) -> Policy:
    """How far a context is from an action's mean, by action; `apart` has mean 0 in each column."""
    if kind == "linear":
        design = Design.learn(log.X, log.categorical)
        Z = design(log.X)
        lines = tuple(Ridge.fit(Z, column) for column in apart.T)
        return replace(constant, kind=kind, trust=1.0, design=design, lines=lines)
    texts = []
    for column in apart.T:
        rows = lgb.Dataset(
            log.X,
            label=column,
            categorical_feature=list(log.categorical),
            params={"verbosity": -1, "max_bin": BOOSTER["max_bin"], "num_threads": 1},
        )
        parameters = {**BOOSTER, "min_data_in_leaf": max(50, len(log) // 100), "seed": seed}
        texts.append(lgb.train(parameters, rows, num_boost_round=ROUNDS).model_to_string())
    return replace(constant, kind=kind, trust=1.0, boosters_text=tuple(texts))


def _trust(kind: str, constant: Policy, log: Log, apart: np.ndarray, seed: int) -> float:
    """How much of the learnt effects holds on other groups: the slope of scores on effects, from 0 to 1.

    The best linear predictor of Chernozhukov, Demirer, Duflo and Fernández-Val (2018).
    """
    folds = log.folds(N_INNER_FOLDS, seed + 1)
    effects = np.zeros_like(apart)
    for k in np.unique(folds):
        away = folds != k
        policy = _effects(kind, constant, log.take(np.flatnonzero(away)), apart[away], seed)
        effects[~away] = policy.effects(log.X[~away])
        effects[~away] -= effects[~away].mean(axis=0)
    squares = float((effects**2).sum())
    return float(np.clip((effects * apart).sum() / squares, 0.0, 1.0)) if squares > 0 else 0.0
