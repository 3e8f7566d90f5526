"""How well a feature tells the time: adversarial validation between the rows of a fold's `train` and its `later`.

An AUC of 0.5 is not at all, 1 is a calendar. It is measured for each feature alone and for all together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from scipy.stats import rankdata

from models import boosting
from models.boosting import FIXED
from models.calibration import standard_error
from models.folds import Fold, learnt
from models.vocabulary import Vocabulary

N_BINS = 32
# Rows of a sample (whole groups) that is enough to tell; more would cost as much as tuning does.
MAX_ROWS = 100_000
MAX_CELLS = 20_000_000
ALL_TOGETHER = "(all together)"


def tells_time(X: pd.DataFrame, folds: Sequence[Fold], *, groups: Any = None, seed: int = 0) -> pd.DataFrame:
    """How well each feature tells the earlier rows of a fold from the later.

    One row per feature, most telling first, and `(all together)` at the end: `is_number`, `auc` (mean over the folds),
    `auc_latest` (in the latest), `standard_error` of the latter by group, `tells_time` (whether that is beyond chance,
    with Bonferroni's correction for the number of features), `outside` (the share of the latest later rows beyond the
    range that a number had earlier; 0 for texts). Each half of the groups is judged by the other, so that a
    feature that tells nothing has 0.5; gaps are a value like any other. Features that do not vary are left out.

    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"clock": np.arange(400.0), "noise": rng.normal(size=400)})
    >>> folds = [Fold(np.arange(200), np.arange(200, 300)), Fold(np.arange(300), np.arange(300, 400))]
    >>> tells_time(X, folds)[["feature", "auc_latest", "tells_time", "outside"]].head(2).to_dict("records")
    [{'feature': 'clock', 'auc_latest': 1.0, 'tells_time': True, 'outside': 1.0}, {'feature': 'noise', ...
    """
    from scipy.stats import norm  # slow to import, and whoever only applies a selection has no use for it

    together = np.arange(len(X)) if groups is None else pd.factorize(np.asarray(groups))[0]
    folds = [sampled(fold, together, seed, X.shape[1]) for fold in folds]
    rows = learnt(folds)
    vocabulary = Vocabulary.learn(X.iloc[rows])
    matrix = vocabulary.encode(X.iloc[rows])
    half = np.random.default_rng(seed).random(int(together.max()) + 1)[together] < 0.5
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in (*vocabulary.features, ALL_TOGETHER)}
    for fold in folds:
        places = np.concatenate([fold.train, fold.later])
        at = np.searchsorted(rows, places)
        is_later = np.repeat([0.0, 1.0], [len(fold.train), len(fold.later)])
        who, side = together[places], half[places]
        for j, name in enumerate(vocabulary.features):
            codes = _binned(matrix[at, j], is_text=name in vocabulary.levels)
            found[name].append(_auc(_crossed_rate(codes, is_later, side), is_later, side, who))
        guess = _crossed_guess(vocabulary, matrix[at], is_later, side, seed)
        found[ALL_TOGETHER].append(_auc(guess, is_later, side, who))
    beyond = float(norm.ppf(1 - 0.05 / len(found)))
    earlier, later = (matrix[np.searchsorted(rows, part)] for part in (folds[-1].train, folds[-1].later))
    outside = {
        name: _outside(earlier[:, j], later[:, j])
        for j, name in enumerate(vocabulary.features)
        if name not in vocabulary.levels
    }
    table = pd.DataFrame(
        [
            {
                "feature": name,
                "is_number": name != ALL_TOGETHER and name not in vocabulary.levels,
                "auc": float(np.mean([auc for auc, _ in by])),
                "auc_latest": by[-1][0],
                "standard_error": by[-1][1],
                "tells_time": bool(by[-1][0] - 0.5 > beyond * by[-1][1]),
                "outside": outside.get(name, 0.0),
            }
            for name, by in found.items()
        ]
    )
    last = table["feature"] == ALL_TOGETHER
    alone = table[~last].sort_values(["auc_latest", "auc", "feature"], ascending=[False, False, True])
    return pd.concat([alone, table[last]], ignore_index=True)


def sampled(fold: Fold, groups: np.ndarray, seed: int, n_columns: int) -> Fold:
    """The fold, or so many of its groups as hold about `MAX_ROWS` rows, or `MAX_CELLS` values."""
    n, most = len(fold.train) + len(fold.later), min(MAX_ROWS, MAX_CELLS // max(n_columns, 1))
    if n <= most:
        return fold
    drawn = np.random.default_rng(seed).random(int(groups.max()) + 1) < most / n
    return Fold(*(part[drawn[groups[part]]] for part in (fold.train, fold.later)))


def _outside(earlier: np.ndarray, later: np.ndarray) -> float:
    """The share of `later` values beyond the range of the `earlier` ones; a gap is not, and without a range none is.

    >>> _outside(np.array([1.0, 5.0, np.nan]), np.array([0.0, 3.0, 9.0, np.nan]))
    0.5
    """
    known = earlier[~np.isnan(earlier)]
    if len(known) == 0 or len(later) == 0:
        return 0.0
    return float(((later < known.min()) | (later > known.max())).mean())


def _binned(values: np.ndarray, *, is_text: bool) -> np.ndarray:
    """Codes 0 … k: levels of a text or of a number with few values, else equal-count bins; a gap has its own."""
    known = values[~np.isnan(values)]
    codes = np.zeros(len(values), dtype="int64")
    if len(known):
        moments = np.unique(known)
        edges = (
            moments
            if is_text or len(moments) <= N_BINS
            else np.unique(np.quantile(known, np.arange(1, N_BINS) / N_BINS))
        )
        codes = np.searchsorted(edges, values)
    codes[np.isnan(values)] = int(codes.max()) + 1
    return codes


def _crossed_rate(codes: np.ndarray, is_later: np.ndarray, side: np.ndarray) -> np.ndarray:
    """The share of later rows with this code, as the other half of the groups has it; one row's worth of the mean."""
    rate, guess = float(is_later.mean()), np.empty(len(codes))
    size = int(codes.max()) + 1
    for here in (side, ~side):
        away = ~here
        later, all_rows = np.bincount(codes[away], is_later[away], size), np.bincount(codes[away], minlength=size)
        guess[here] = ((later + rate) / (all_rows + 1))[codes[here]]
    return guess


def _crossed_guess(
    vocabulary: Vocabulary, matrix: np.ndarray, is_later: np.ndarray, side: np.ndarray, seed: int
) -> np.ndarray:
    """The same from all features, by small trees."""
    guess = np.full(len(matrix), float(is_later.mean()))
    parameters = {**FIXED, **boosting.DEFAULT, "learning_rate": 0.1, "seed": seed}
    for here in (side, ~side):
        if 0 < is_later[~here].sum() < (~here).sum():
            rows = boosting.dataset(vocabulary, matrix[~here], is_later[~here])
            guess[here] = lgb.train(parameters, rows, 50).predict(matrix[here])
    return guess


def _auc(score: np.ndarray, y: np.ndarray, side: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    """Mean AUC of both sides, each ranked for itself, and its standard error by group (DeLong's components)."""
    parts, errors = [], []
    for here in (side, ~side):
        s, later = score[here], y[here] > 0
        n1, n0 = int(later.sum()), int((~later).sum())
        if not n1 or not n0:
            continue
        ranks, own = rankdata(s), np.empty(len(s))
        own[later] = (ranks[later] - rankdata(s[later])) / n0  # the share of earlier rows below
        own[~later] = 1 - (ranks[~later] - rankdata(s[~later])) / n1  # the share of later rows above
        auc = float(own[later].mean())
        influence = (own - auc) * np.where(later, len(s) / n1, len(s) / n0)
        parts.append(auc)
        errors.append(standard_error(influence, pd.factorize(groups[here])[0]))
    if not parts:
        return 0.5, 0.5
    # Both sides see the same chance agreement of the halves, so the mean of two is no surer than one.
    return float(np.mean(parts)), float(np.sqrt(np.mean(np.square(errors))))
