"""How likely an offer is accepted: a ridge and boosted trees on the offer as the account meets it, stacked.

Estimand: P(accepted | account, offer, channel, discount, made now), censored proposals left out. Learnt from random
proposals and people's alike: what people go by stands in the columns, and is held fixed by them; how far that reaches
is told by the overlap (models/overlap.py), and each offer's level is set right by weighted residuals
(models/calibrated.py).

The trees bend where needs saturate and moods multiply; what sells and what helps have trees of their own, for what
speaks for the one (contentment) speaks against the other. The ridge knows each offer's level and what its kind makes of
a need; how much of either is heard is chosen on accounts that neither had seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from scipy.special import expit

from models import ridge
from models.folds import parts_of
from models.offer_design import TERMS, OfferDesign
from models.ridge import Ridge

PARAMETERS: dict[str, Any] = {
    "objective": "binary", "learning_rate": 0.05, "num_leaves": 12, "min_data_in_leaf": 40, "lambda_l2": 20.0,
    "feature_fraction": 0.4, "max_bin": 63, "verbosity": -1, "deterministic": True, "force_row_wise": True,
    "num_threads": 1, "extra_trees": True,  # thresholds drawn at random: answers are few, and one split is one answer
}  # fmt: skip
MAX_ROUNDS = 400
STEP = 50  # rounds are tried in such steps
# What presses harder, or is wanted more without being asked, is never accepted less; nor is a higher discount.
RISES = {"press_peak": 1, "press_latest": 1, "press_days": -1, "met_tier": 1, "met_add_on": 1, "alone": 1}
HELP = ("enablement", "retention")  # kinds; all others sell, at once or in the end
FAMILIES = ("sale", "help")
LEAST_ROWS = 300  # of a family, or its trees are those of all proposals
N_FOLDS = 5
STRENGTH = 4.0  # of the ridge's penalties
OWN_LEVEL = 8.0  # penalty on an offer's level in the stack, in rows' worth of information
AT_LEAST_ZERO = (0, 1, 2)  # of the stack: the ridge, the trees, the discount


@dataclass(frozen=True, eq=False)
class Acceptance:
    """margin = slope · stack(ridge, trees, terms, offer) + intercept + the offer's own correction."""

    design: OfferDesign
    ridge: Ridge
    trees: dict[str, str]  # LightGBM's text by family
    stack: Ridge  # of ridge, trees, discount ÷ 10, is_remote, then one column for each of the design's offers
    slope: float
    intercept: float
    offsets: dict[str, float]

    def margin(self, table: np.ndarray, what: pd.DataFrame) -> np.ndarray:
        """(n,) log-odds. table: (n, raw); what: kind, offer_id, channel, discount_pct."""
        if not len(table):
            return np.zeros(0)
        linear = self.ridge.margin(self.design.matrix(table, what))
        trees, x, of = np.zeros(len(table)), self.wide(table, what), family(what)
        for name in np.unique(of):
            trees[of == name] = self.booster(name).predict(x[of == name], raw_score=True)
        own = what["offer_id"].map(self.offsets).fillna(0.0).to_numpy(dtype="float64")
        return self.slope * self.stack.margin(stacked(linear, trees, what, self.design)) + self.intercept + own

    def margins(self, table: np.ndarray, ways: list[pd.DataFrame]) -> tuple[list[np.ndarray], np.ndarray]:
        """`margin` of the same rows for several channels and discounts of one offer, and the first's standard error.

        What does not hang on channel and discount is worked out once.
        """
        z = self.design.matrix(table, ways[0])
        error = self.slope * float(self.stack.coefficients[:2].sum()) * self.ridge.standard_error(z)
        n_terms = len(TERMS) + len(self.design.channels)
        rest = self.ridge.margin(z) - z[:, :n_terms] @ self.ridge.coefficients[:n_terms]
        trees: dict[tuple[float, bool], np.ndarray] = {}
        booster, found = self.booster(str(family(ways[0])[0])), []
        for what in ways:
            step, channel = float(what["discount_pct"].iloc[0]), str(what["channel"].iloc[0])
            key = (step, channel != "csm")
            if key not in trees:
                trees[key] = np.asarray(booster.predict(self.wide(table, what), raw_score=True))
            terms = np.array([step / 10, float(key[1]), *(float(channel == c) for c in self.design.channels)])
            linear = rest + terms @ self.ridge.coefficients[:n_terms]
            own = what["offer_id"].map(self.offsets).fillna(0.0).to_numpy(dtype="float64")
            heard = stacked(linear, trees[key], what, self.design)
            found.append(self.slope * self.stack.margin(heard) + self.intercept + own)
        return found, error

    def booster(self, family: str) -> lgb.Booster:
        """The trees of a family."""
        return lgb.Booster(model_str=self.trees[family])

    def wide(self, table: np.ndarray, what: pd.DataFrame) -> np.ndarray:
        """(n, raw + 3) what the trees read."""
        return wide(table, what, self.design)


@dataclass(frozen=True, eq=False)
class Rehearsed:
    """What models that did not know an account said of it: one entry per row of the log."""

    margin: np.ndarray
    fold: np.ndarray
    rounds: dict[str, int]  # by family ("": both)
    losses: dict[str, float]


def fit(
    table: np.ndarray,
    raw: list[str],
    n_relative: int,
    what: pd.DataFrame,
    y: np.ndarray,
    groups: np.ndarray,
    *,
    seed: int,
) -> tuple[Acceptance, Rehearsed]:
    """One row per proposal. groups: accounts, each wholly in one fold. Not levelled: slope 1, intercept 0."""
    of = family(what)
    for name in FAMILIES:
        if np.sum(of == name) < LEAST_ROWS or len(np.unique(y[of == name])) < 2:
            of = np.full(len(y), "")  # too few of it: all proposals speak for both
    design = OfferDesign.learn(table, raw, n_relative, what, ["press_peak", "press_latest"])
    z, x = design.matrix(table, what), wide(table, what, design)
    fold = parts_of(pd.factorize(groups)[0], y.astype(int), n_parts=N_FOLDS, seed=seed)
    penalty = STRENGTH * design.penalty
    linear = np.zeros(len(y))
    steps = list(range(STEP, MAX_ROUNDS + 1, STEP))
    trees = np.zeros((len(steps), len(y)))
    for k in range(N_FOLDS):
        out = fold == k
        linear[out] = ridge.fit(z[~out], y[~out], penalty, at_least_zero=[0]).margin(z[out])
        for name in np.unique(of):
            mine = of == name
            booster = _boosted(x[~out & mine], y[~out & mine], raw, MAX_ROUNDS, seed=seed)
            for i, n in enumerate(steps):
                trees[i, out & mine] = booster.predict(x[out & mine], raw_score=True, num_iteration=n)
    best = {
        str(name): int(np.argmin([_log_loss(said[of == name], y[of == name]) for said in trees]))
        for name in np.unique(of)
    }
    said = np.zeros(len(y))
    for name, i in best.items():
        said[of == name] = trees[i][of == name]
    heard = stacked(linear, said, what, design)
    held = np.array([0.5, 0.5, 0.5, 0.5, *[OWN_LEVEL] * len(design.offers)])
    stack = ridge.fit(heard, y, held, at_least_zero=AT_LEAST_ZERO)
    margin = stack.margin(heard)
    losses = {"ridge": _log_loss(linear, y), "trees": _log_loss(said, y), "stack": _log_loss(margin, y)}
    # the whole has a quarter more rows than what was left out: as many rounds more
    rounds = {name: round(steps[i] * N_FOLDS / (N_FOLDS - 1)) for name, i in best.items()}
    texts = {
        name: _boosted(x[of == name], y[of == name], raw, n, seed=seed).model_to_string() for name, n in rounds.items()
    }
    texts = {name: texts.get(name, texts.get("", "")) for name in FAMILIES}
    whole = ridge.fit(z, y, penalty, at_least_zero=[0])
    return Acceptance(design, whole, texts, stack, 1.0, 0.0, {}), Rehearsed(margin, fold, rounds, losses)


def family(what: pd.DataFrame) -> np.ndarray:
    """(n,) of FAMILIES."""
    return np.where(what["kind"].isin(HELP), "help", "sale")


def stacked(linear: np.ndarray, trees: np.ndarray, what: pd.DataFrame, design: OfferDesign) -> np.ndarray:
    """(n, 4 + offers) what the stack hears. An offer that was never seen has no level of its own."""
    discount = what["discount_pct"].to_numpy(dtype="float64") / 10
    remote = (what["channel"].to_numpy() != "csm").astype(float)
    offer = what["offer_id"].to_numpy()
    return np.column_stack([linear, trees, discount, remote, *[(offer == o).astype(float) for o in design.offers]])


def wide(table: np.ndarray, what: pd.DataFrame, design: OfferDesign) -> np.ndarray:
    """What the trees read: the raw columns, the kind, the discount, whether a person calls. No column names the offer:
    what is told of one must hold for the next of its kind."""
    kind = what["kind"].map({k: float(i) for i, k in enumerate(design.kinds)}).to_numpy(dtype="float64")
    remote = what["channel"].to_numpy() != "csm"
    return np.column_stack([table, kind, what["discount_pct"].to_numpy(dtype="float64"), remote]).astype(np.float32)


def _boosted(x: np.ndarray, y: np.ndarray, raw: list[str], rounds: int, *, seed: int) -> lgb.Booster:
    held = [*(RISES.get(name, 0) for name in raw), 0, 1, 0]  # then kind, discount, whether a person calls
    data = lgb.Dataset(x, label=y, params={"verbosity": -1, "max_bin": PARAMETERS["max_bin"]})
    return lgb.train({**PARAMETERS, "seed": seed, "monotone_constraints": held}, data, rounds)


def _log_loss(margin: np.ndarray, y: np.ndarray) -> float:
    return float(np.mean(np.logaddexp(0, margin) - y * margin))


def probability(margin: np.ndarray) -> np.ndarray:
    """Log-odds as a probability."""
    return np.asarray(expit(margin))
