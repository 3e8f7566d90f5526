"""How likely an offer is accepted: a ridge on the offer as the account meets it, and small trees on its margin.

Estimand: P(accepted | account, offer, channel, discount, made now), censored proposals left out. Learnt from random
proposals and people's alike: what people go by stands in the columns, and is held fixed by them; how far that reaches
is told by the overlap, and each offer's level is set right by the doubly robust residuals (models/overlap.py).
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
from models.offer_design import OfferDesign
from models.ridge import Ridge

PARAMETERS: dict[str, Any] = {
    "objective": "binary", "learning_rate": 0.04, "num_leaves": 6, "min_data_in_leaf": 60, "lambda_l2": 20.0,
    "feature_fraction": 0.4, "max_bin": 63, "verbosity": -1, "deterministic": True, "force_row_wise": True,
    "num_threads": 1,
}  # fmt: skip
MAX_ROUNDS = 120
N_FOLDS = 5
STRENGTHS = (1.0, 4.0)  # of the ridge's penalties, tried on accounts left out


@dataclass(frozen=True, eq=False)
class Acceptance:
    """margin = slope · (ridge + trees) + intercept + the offer's own correction."""

    design: OfferDesign
    ridge: Ridge
    trees: str  # LightGBM's text; empty where they were no help
    slope: float
    intercept: float
    offsets: dict[str, float]

    def margin(self, table: np.ndarray, what: pd.DataFrame) -> np.ndarray:
        """(n,) log-odds. table: (n, raw); what: kind, offer_id, channel, discount_pct."""
        if not len(table):
            return np.zeros(0)
        raw = self.ridge.margin(self.design.matrix(table, what)) + _of_trees(self.trees, table, what)
        own = what["offer_id"].map(self.offsets).fillna(0.0).to_numpy(dtype="float64")
        return self.slope * raw + self.intercept + own

    def standard_error(self, table: np.ndarray, what: pd.DataFrame) -> np.ndarray:
        """(n,) of the log-odds: the ridge's."""
        return self.slope * self.ridge.standard_error(self.design.matrix(table, what))


@dataclass(frozen=True, eq=False)
class Rehearsed:
    """What models that did not know an account said of it: one entry per row of the log."""

    margin: np.ndarray
    fold: np.ndarray
    rounds: int
    strength: float


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
    """One row per proposal. groups: accounts, each wholly in one fold. Uncalibrated: slope 1, intercept 0."""
    design = OfferDesign.learn(table, raw, n_relative, what, ["press_peak", "press_latest"])
    z = design.matrix(table, what)
    fold = parts_of(pd.factorize(groups)[0], y.astype(int), n_parts=N_FOLDS, seed=seed)
    terms = [j for j, (name, _) in enumerate(design.columns) if name == "discount_pct"]
    tried = {}
    for strength in STRENGTHS:
        margin = np.zeros(len(y))
        for k in range(N_FOLDS):
            out = fold == k
            margin[out] = ridge.fit(z[~out], y[~out], strength * design.penalty, at_least_zero=terms).margin(z[out])
        tried[strength] = margin
    strength = min(tried, key=lambda s: _log_loss(tried[s], y))
    left_out = tried[strength]
    rounds, margin = _rounds(table, what, y, left_out, fold, seed=seed)
    trees = _boosted(table, what, y, left_out, rounds, seed=seed).model_to_string() if rounds else ""
    whole = ridge.fit(z, y, strength * design.penalty, at_least_zero=terms)
    return Acceptance(design, whole, trees, 1.0, 0.0, {}), Rehearsed(margin, fold, rounds, strength)


def _log_loss(margin: np.ndarray, y: np.ndarray) -> float:
    return float(np.mean(np.logaddexp(0, margin) - y * margin))


def wide(table: np.ndarray, what: pd.DataFrame) -> np.ndarray:
    """What the trees read: the raw columns, the discount, whether a person calls. No column names the offer: what is
    told of one must hold for the next."""
    terms = np.column_stack([what["discount_pct"].to_numpy(dtype="float64"), what["channel"].to_numpy() != "csm"])
    return np.column_stack([table, terms]).astype(np.float32)


def _of_trees(text: str, table: np.ndarray, what: pd.DataFrame) -> np.ndarray:
    return np.asarray(lgb.Booster(model_str=text).predict(wide(table, what), raw_score=True)) if text else np.zeros(1)


def _boosted(
    table: np.ndarray, what: pd.DataFrame, y: np.ndarray, start: np.ndarray, rounds: int, *, seed: int
) -> lgb.Booster:
    x = wide(table, what)
    held = [0] * (x.shape[1] - 2) + [1, 0]  # a higher discount never makes an acceptance less likely
    parameters = {**PARAMETERS, "seed": seed, "monotone_constraints": held}
    data = lgb.Dataset(x, label=y, init_score=start, params={"verbosity": -1, "max_bin": 63})
    return lgb.train(parameters, data, rounds)


def _rounds(
    table: np.ndarray, what: pd.DataFrame, y: np.ndarray, start: np.ndarray, fold: np.ndarray, *, seed: int
) -> tuple[int, np.ndarray]:
    """How many rounds help on accounts left out (0: none), and the margins of models that did not know each row."""
    x = wide(table, what)
    steps = list(range(0, MAX_ROUNDS + 1, 20))
    added = np.zeros((len(steps), len(y)))
    for k in range(N_FOLDS):
        out = fold == k
        booster = _boosted(table[~out], what[~out], y[~out], start[~out], MAX_ROUNDS, seed=seed)
        for i, n in enumerate(steps[1:], start=1):
            added[i, out] = booster.predict(x[out], raw_score=True, num_iteration=n)
    losses = [_log_loss(start + some, y) for some in added]
    best = int(np.argmin(losses))
    return steps[best], start + added[best]


def probability(margin: np.ndarray) -> np.ndarray:
    """Log-odds as a probability."""
    return np.asarray(expit(margin))
