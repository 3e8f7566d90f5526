"""What accounts do by themselves: a rate for each part of an offer, learnt from the months in which nobody asked.

Estimand: the rate (a month) at which an account whose terms leave room for a change makes it of its own accord, given
what is known of it today; over the horizon, and over the twelve months on which its worth depends. An account is
followed from a snapshot until it changes, is contacted, leaves, or the data end: contacts censor. That is right if,
given what is known, those who are about to be contacted are no likelier to move by themselves than others.

One booster serves all parts (its columns are the offer's as the account meets it), for each of the two spans; leaving
is one more part, for which those who pay by the year are at risk when they renew. Counts over unequal times at risk:
Poisson, the time as weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from data.catalog import Catalog
from features.offer_relative import COLUMNS, relative
from features.offers import Part, all_parts, is_open
from models.account_columns import AccountColumns
from models.exposure import at_renewal
from models.months import Months

LEAVE = Part("leave")
NEVER = -12.0  # log of a rate a month, where nothing was ever seen to happen
ROUNDS = 200
PARAMETERS: dict[str, Any] = {
    "objective": "poisson", "learning_rate": 0.08, "num_leaves": 16, "min_data_in_leaf": 100, "lambda_l2": 1.0,
    "feature_fraction": 0.6, "max_bin": 63, "verbosity": -1, "deterministic": True, "force_row_wise": True,
    "num_threads": 1, "poisson_max_delta_step": 0.7,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Organic:
    """`horizon` and `year`: LightGBM's text, whose margin is the log of a rate a month over that span."""

    columns: AccountColumns
    part_names: list[str]
    kinds: list[str]
    horizon: str
    year: str
    n_horizon: float  # months

    @property
    def names(self) -> list[str]:
        """Of the columns that the boosters read."""
        return [*COLUMNS, *(f"part={name}" for name in self.part_names), *self.columns.names]

    def matrix(self, part: Part, accounts: pd.DataFrame, catalog: Catalog, own: np.ndarray | None = None) -> np.ndarray:
        """(n, columns) of one part; `own`: the accounts' own columns, if they were already made."""
        is_part = np.tile([float(part.name == name) for name in self.part_names], (len(accounts), 1))
        own = self.columns.matrix(accounts) if own is None else own
        return np.column_stack([relative((part,), accounts, catalog), is_part, own]).astype(np.float32)

    def log_rate(self, matrix: np.ndarray, *, over_year: bool) -> np.ndarray:
        """(n,) log of the rate a month."""
        text = self.year if over_year else self.horizon
        if not text or not len(matrix):
            return np.full(len(matrix), NEVER)
        return np.asarray(lgb.Booster(model_str=text).predict(matrix, raw_score=True))

    def to_json(self) -> dict[str, Any]:
        """All but the boosters."""
        return {
            "columns": self.columns.to_json(), "part_names": self.part_names, "kinds": self.kinds,
            "n_horizon": self.n_horizon,
        }  # fmt: skip


def probability(log_rate: np.ndarray, months: float) -> np.ndarray:
    """That it happens within so many months.

    >>> probability(np.log(np.array([0.1])), 3.0).round(3)
    array([0.259])
    """
    return -np.expm1(-np.exp(np.minimum(log_rate, 3.0)) * months)


def fit(
    snapshots: pd.DataFrame, months: Months, catalog: Catalog, predictors: Sequence[str], *, horizon_days: int,
    max_rows: int, seed: int,
) -> Organic:  # fmt: skip
    """Learn from the snapshots; `months` says of each what followed and how long it was watched."""
    columns = AccountColumns.learn(snapshots, predictors)
    parts = [*all_parts(catalog), LEAVE]
    n_horizon = horizon_days / (365.25 / 12)
    model = Organic(columns, [p.name for p in parts], sorted({p.kind for p in parts}), "", "", n_horizon)
    texts = [
        _boosted(model, snapshots, months, parts, catalog, n_months=n, max_rows=max_rows, seed=seed)
        for n in (int(np.ceil(n_horizon)), 12)
    ]
    return Organic(columns, model.part_names, model.kinds, texts[0], texts[1], n_horizon)


def _boosted(
    model: Organic, snapshots: pd.DataFrame, months: Months, parts: Sequence[Part], catalog: Catalog, *,
    n_months: int, max_rows: int, seed: int,
) -> str:  # fmt: skip
    draw = np.random.default_rng(seed)
    matrices, labels, weights = [], [], []
    for part in parts:
        room = np.ones(len(snapshots), dtype=bool)
        if part is not LEAVE:
            room = is_open(part, snapshots, catalog).to_numpy(dtype=bool)
        exposure = at_renewal(snapshots) if part is LEAVE else None
        happened, watched = months.followed(part, n_months, exposure)
        rows = np.flatnonzero(room & (watched > 0))
        share = min(1.0, max_rows / len(parts) / max(len(rows), 1))
        # all that moved would be too many of a busy company's; half of the room is theirs at most
        event_share = min(1.0, max_rows / len(parts) / 2 / max(happened[rows].sum(), 1))
        chance = np.where(happened[rows], event_share, share)
        kept = draw.random(len(rows)) < chance
        rows, chance = rows[kept], chance[kept]
        if not len(rows):
            continue
        matrices.append(model.matrix(part, snapshots.iloc[rows], catalog))
        labels.append(happened[rows] / watched[rows])
        weights.append(watched[rows] / chance)
    if not any(label.any() for label in labels):
        return ""  # nobody ever did anything
    weight = np.concatenate(weights)
    data = lgb.Dataset(
        np.concatenate(matrices), label=np.concatenate(labels), weight=weight / weight.mean(), params={"verbosity": -1}
    )
    return lgb.train({**PARAMETERS, "seed": seed}, data, ROUNDS).model_to_string()
