"""What would earlier models have been worth? Rolling origins: learn from what was known then, be judged on what came.

Each origin's model is made as the served one is (boosters, calibrator, level), from rows whose outcome was known before
the origin. Only the booster's parameters are today's: they were found by all of the learning rows, so figures of early
origins are a little better than a search at that time would have been. Origins share rows; their intervals are each
origin's own, and no two are independent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from data.errors import BadInput
from models import propensity
from models.boosting import Tuned
from models.evaluation import METRICS, compare
from models.folds import Fold, time_folds
from models.money import MONEY, money_at_capacity
from models.settings import Evaluation, Training, Tuning

COLUMNS = (
    "origin", "first_as_of", "last_as_of", "learnt_to", "n_learnt", "n_rows", "n_accounts", "n_positive", "rate",
    "mean_p", "metric", "value", "low", "high",
)  # fmt: skip
# Ours less the base rate of the rows learnt from: negative is better.
AGAINST_BASE_RATE = "log_loss_less_base_rate"


def origins(periods: pd.Series[Any], *, settings: Evaluation, gap: timedelta) -> list[Fold]:
    """Places to learn from and to be judged on, per origin, the earliest first; none where the history is too short.

    >>> months = pd.Series(pd.date_range("2025-01-01", periods=12, freq="MS"))
    >>> drawn = origins(months, settings=Evaluation(n_origins=3, backtest_share=0.5), gap=timedelta(days=90))
    >>> [(len(fold.train), len(fold.later)) for fold in drawn]
    [(4, 2), (6, 2), (8, 2)]
    """
    try:
        return time_folds(periods, n_folds=settings.n_origins, gap=gap, later_share=settings.backtest_share)
    except BadInput:
        return []


def backtest(
    X: pd.DataFrame,
    y: pd.Series[Any],
    periods: pd.Series[Any],
    *,
    tuned: Tuned,
    tuning: Tuning,
    training: Training,
    settings: Evaluation,
    gap: timedelta,
    seed: int,
    groups: pd.Series[Any] | None = None,
    added_mrr: pd.Series[Any] | None = None,
    told: Callable[[str], None] = lambda line: None,
) -> pd.DataFrame:
    """One row per origin and metric: COLUMNS, value, low and high null where the origin cannot give it.

    `periods`: the snapshot of each row; `gap`: how long an outcome takes to be known. Metrics are those of evaluation,
    the paired difference in log loss to the base rate, and, with `added_mrr`, those of money at capacity. An origin
    before which nothing could be learnt is left out.
    """
    rows: list[dict[str, Any]] = []
    for fold in origins(periods, settings=settings, gap=gap):
        learnt = (X.iloc[fold.train], y.iloc[fold.train], periods.iloc[fold.train])
        own = None if groups is None else groups.iloc[fold.train]
        try:
            inner = time_folds(learnt[2], n_folds=tuning.n_folds, gap=gap, later_share=tuning.later_share)
            model = propensity.fit(learnt[0], learnt[1], inner, tuned=tuned, settings=training, seed=seed, groups=own)
        except BadInput as why:
            told(f"no model as of {str(periods.iloc[fold.later].min())[:10]}: {why}")
            continue
        judged = _judged(model, fold, X, y, periods, groups, added_mrr, float(learnt[1].mean()), settings, seed)
        rows += [{"origin": periods.iloc[fold.later].min(), **about} for about in judged]
        day = str(periods.iloc[fold.later].min())[:10]
        told(f"origin {day}: {len(fold.train):,} rows learnt, {len(fold.later):,} judged")
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _judged(
    model: propensity.Propensity, fold: Fold, X: pd.DataFrame, y: pd.Series[Any], periods: pd.Series[Any],
    groups: pd.Series[Any] | None, added_mrr: pd.Series[Any] | None, base_rate: float, settings: Evaluation, seed: int,
) -> list[dict[str, Any]]:  # fmt: skip
    later = fold.later
    truth, when = y.iloc[later], periods.iloc[later]
    together = None if groups is None else groups.iloc[later]
    p = model.probability(X.iloc[later])
    systems = {"ours": p, "base_rate": np.full(len(later), base_rate)}
    compared = compare(truth, systems, settings=settings, seed=seed, groups=together, periods=when)
    about: Mapping[str, Any] = {
        "first_as_of": when.min(), "last_as_of": when.max(), "learnt_to": periods.iloc[fold.train].max(),
        "n_learnt": len(fold.train), "n_rows": len(later), "n_accounts": compared.n_groups,
        "n_positive": compared.n_positive, "rate": float(truth.mean()), "mean_p": float(p.mean()),
    }  # fmt: skip
    found = {metric: compared.metrics["ours"][metric] for metric in METRICS}
    found[AGAINST_BASE_RATE] = compared.differences["base_rate"]["log_loss"]
    if added_mrr is not None:
        money = money_at_capacity(
            added_mrr.iloc[later].to_numpy(dtype="float64"), p,
            settings=settings, seed=seed, groups=together, periods=when,
        )  # fmt: skip
        found |= {f"mrr_{name}": money[name] for name in MONEY}
    return [{**about, "metric": name, **measured.to_json()} for name, measured in found.items()]
