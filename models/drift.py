"""A world that moves: which features merely tell the time, and what later rows gain without them.

A tree that may read the calendar (an interest rate, a price index, a counter that only grows) explains past levels by
it, and has nothing to say of values that it has never seen. Random folds reward that; time-ordered ones do not.

**Naming.** Adversarial validation: how well does a feature tell the rows of a fold's `train` from its `later`? An AUC
of 0.5 is not at all, 1 is a calendar. It is measured for each feature alone and for all together.

**Dropping.** Telling the time is no crime: tenure does, and may predict. So those that tell it best are left out in at
most three nested steps (`STEPS`): numbers first, for beyond their range trees can only repeat the last leaf, whereas a
text's levels come back, as months do. A step is taken only where later rows lose less without: the paired difference of
log loss, each fold at its own level and weighing twice as much as the one before, must be beyond `BEYOND` standard
errors. Then, in the same way (`BEYOND_TO_FORGET`), whether recent rows should weigh more (`HALF_LIVES`). The candidates
are few on purpose: many tried on few folds would fit the folds. In doubt nothing changes.

**Why no transformation.** The rank of a value within its period, or its distance from the period's mean, needs the
other rows of that period whenever one row is scored: a row's probability would depend on who else is asked about. A
constant frozen with the model changes nothing for a tree. What is constant within a period becomes nought by either,
and dropping it is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from scipy.stats import rankdata

from models import boosting
from models.blocks import target
from models.boosting import DEFAULT_ROUNDS, FIXED, Space
from models.calibration import standard_error
from models.folds import Fold, learnt
from models.levels import level
from models.vocabulary import Vocabulary

# From which AUC in the latest fold a feature is left out, and whether texts are too; each step leaves out more.
STEPS = ((0.95, False), (0.85, False), (0.85, True))
# Of the span of all rows to learn from.
HALF_LIVES = (1 / 2, 1 / 4)
# Standard errors by which a change must be better than none. To leave out what predicts nothing costs nothing, and only
# what tells the time is suspected; to forget costs in a world at rest, and could be tried anywhere.
BEYOND = 1.0
BEYOND_TO_FORGET = 1.28
# Parts of a fold's later rows, in the order of time, that are taken for independent of one another.
N_SPANS = 8
N_BINS = 32
# Rows of a sample (whole groups) that is enough to tell; more would cost as much as tuning does.
MAX_ROWS = 100_000
MAX_CELLS = 20_000_000
# Boosters that differ by their seed, averaged: a paired difference should not be one seed's luck.
N_SEEDS = 2
ALL_TOGETHER = "(all together)"


@dataclass(frozen=True)
class Selection:
    """What to learn from: the features that are left out, and how fast rows age.

    >>> Selection(dropped={"month": "tells the time"}).kept(pd.DataFrame({"month": [1], "use": [2]})).columns.tolist()
    ['use']
    """

    # Why, by feature.
    dropped: Mapping[str, str] = field(default_factory=dict)
    # Days (or the unit of the times given) after which a row weighs half; None: all weigh the same.
    half_life: float | None = None
    # One entry per candidate, in the order tried: see `choose`.
    tried: Sequence[Mapping[str, Any]] = ()

    def kept(self, X: pd.DataFrame) -> pd.DataFrame:
        """`X` without the features that are left out."""
        return X.drop(columns=[name for name in self.dropped if name in X.columns])

    def weights(self, times: Any) -> np.ndarray | None:
        """One per row, their mean 1; None where all weigh the same.

        >>> Selection(half_life=10.0).weights([0, 10, 20]).round(3)
        array([0.429, 0.857, 1.714])
        """
        return None if self.half_life is None else _aged(_numbers(times), self.half_life)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {"dropped": dict(self.dropped), "half_life": self.half_life, "tried": [dict(one) for one in self.tried]}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Selection:
        """From what `to_json` gave."""
        return cls(dict(content["dropped"]), content["half_life"], tuple(content["tried"]))


def tells_time(X: pd.DataFrame, folds: Sequence[Fold], *, groups: Any = None, seed: int = 0) -> pd.DataFrame:
    """How well each feature tells the earlier rows of a fold from the later.

    One row per feature, most telling first, and `(all together)` at the end: `is_number`, `auc` (mean over the folds),
    `auc_latest` (in the latest), `standard_error` of the latter by group, `tells_time` (whether that is beyond chance,
    with Bonferroni's correction for the number of features). Each half of the groups is judged by the other, so that a
    feature that tells nothing has 0.5; gaps are a value like any other. Features that do not vary are left out.

    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"clock": np.arange(400.0), "noise": rng.normal(size=400)})
    >>> folds = [Fold(np.arange(200), np.arange(200, 300)), Fold(np.arange(300), np.arange(300, 400))]
    >>> tells_time(X, folds)[["feature", "auc_latest", "tells_time"]].head(2).to_dict("records")
    [{'feature': 'clock', 'auc_latest': 1.0, 'tells_time': True}, {'feature': 'noise', ...
    """
    from scipy.stats import norm  # slow to import, and whoever only applies a selection has no use for it

    together = np.arange(len(X)) if groups is None else pd.factorize(np.asarray(groups))[0]
    folds = [_sampled(fold, together, seed, X.shape[1]) for fold in folds]
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
    table = pd.DataFrame(
        [
            {
                "feature": name,
                "is_number": name != ALL_TOGETHER and name not in vocabulary.levels,
                "auc": float(np.mean([auc for auc, _ in by])),
                "auc_latest": by[-1][0],
                "standard_error": by[-1][1],
                "tells_time": bool(by[-1][0] - 0.5 > beyond * by[-1][1]),
            }
            for name, by in found.items()
        ]
    )
    last = table["feature"] == ALL_TOGETHER
    alone = table[~last].sort_values(["auc_latest", "auc", "feature"], ascending=[False, False, True])
    return pd.concat([alone, table[last]], ignore_index=True)


def choose(
    X: pd.DataFrame,
    y: pd.Series[Any],
    times: Any,
    folds: Sequence[Fold],
    *,
    told: pd.DataFrame,
    groups: Any = None,
    seed: int = 0,
    min_positives: int = 20,
) -> Selection:
    """What later rows gain by: which of the features that tell the time to leave out, and a half-life of rows.

    times: one per row, dates or numbers; told: what `tells_time` found. Folds whose later rows hold fewer than
    `min_positives` of the rarer class do not judge; with fewer than two left nothing is changed.

    `tried` holds one entry per candidate: `step` (drop or half_life), `without` or `half_life`, `gain` in nats a row
    against the best so far (weighted mean over the folds), its `standard_error`, and whether it was `taken`.
    """
    values, when = target(y), _numbers(times)
    together = np.arange(len(X)) if groups is None else pd.factorize(np.asarray(groups))[0]
    judges = [_sampled(fold, together, seed, X.shape[1]) for fold in folds]
    judges = [
        fold for fold in judges if all(_n_rarer(values[part]) >= min_positives for part in (fold.train, fold.later))
    ]
    if len(judges) < 2:
        return Selection()
    rows = learnt(judges)
    vocabulary = Vocabulary.learn(X.iloc[rows])
    judges = [Fold(*(np.searchsorted(rows, part) for part in (fold.train, fold.later))) for fold in judges]
    rehearsal = _Rehearsal(
        vocabulary, vocabulary.encode(X.iloc[rows]), values[rows], when[rows], together[rows], judges, seed
    )
    suspects = told[told["tells_time"] & (told["feature"] != ALL_TOGETHER)]
    tried: list[dict[str, Any]] = []

    base = rehearsal.losses([], None)
    dropped: list[str] = []
    best = 0.0
    losses = base
    for without in _nested(suspects, len(vocabulary.features)):
        rival = rehearsal.losses(without, None)
        gain, error = rehearsal.gain(base, rival)
        better, error_of_better = rehearsal.gain(losses, rival)
        # The next step must be clearly better than no change, and clearly better than the step before.
        taken = gain > BEYOND * error and better > error_of_better and gain > best
        if taken:
            dropped, losses, best = without, rival, gain
        tried.append({"step": "drop", "without": list(without), "gain": gain, "standard_error": error, "taken": taken})

    half_life, base, best = None, losses, 0.0
    span = float(np.ptp(when[learnt(folds)]))
    for share in HALF_LIVES if span > 0 else ():
        gain, error = rehearsal.gain(base, rehearsal.losses(dropped, share * span))
        taken = gain > BEYOND_TO_FORGET * error and gain > best
        if taken:
            half_life, best = share * span, gain
        tried.append(
            {"step": "half_life", "half_life": share * span, "gain": gain, "standard_error": error, "taken": taken}
        )
    auc = dict(zip(suspects["feature"], suspects["auc_latest"], strict=True))
    why = {name: f"tells the time (AUC {auc[name]:.3f}); later rows are predicted better without" for name in dropped}
    return Selection(why, half_life, tuple(tried))


@dataclass(frozen=True, eq=False)
class _Rehearsal:
    """The same small boosters on every candidate, judged on the same later rows."""

    vocabulary: Vocabulary
    matrix: np.ndarray
    y: np.ndarray
    when: np.ndarray
    groups: np.ndarray
    folds: Sequence[Fold]
    seed: int

    def losses(self, without: Sequence[str], half_life: float | None) -> list[np.ndarray]:
        """Each later row's log loss, fold by fold, at the fold's own level."""
        kept = [place for place, name in enumerate(self.vocabulary.features) if name not in set(without)]
        features = tuple(self.vocabulary.features[place] for place in kept)
        levels = {name: words for name, words in self.vocabulary.levels.items() if name in features}
        matrix, vocabulary = self.matrix[:, kept], Vocabulary(features, levels)
        found = []
        for fold in self.folds:
            known = self.y[fold.train]
            weights = None if half_life is None else _aged(self.when[fold.train], half_life)
            rows = boosting.dataset(vocabulary, matrix[fold.train], known, weights)
            space = Space.of(n_rows=len(known), n_rare=_n_rarer(known))
            parameters = {**FIXED, **space.default, "learning_rate": space.learning_rate}
            seeds = range(self.seed, self.seed + N_SEEDS)
            boosters = [lgb.train({**parameters, "seed": seed}, rows, DEFAULT_ROUNDS) for seed in seeds]
            margin = np.mean([one.predict(matrix[fold.later], raw_score=True) for one in boosters], axis=0)
            y = self.y[fold.later]
            margin = margin + level(margin, float(y.mean()))
            found.append(np.logaddexp(0, margin) - y * margin)
        return found

    def gain(self, of: Sequence[np.ndarray], to: Sequence[np.ndarray]) -> tuple[float, float]:
        """How much less is lost, in nats a row, and the standard error: the larger of that by group and by time."""
        share = 2.0 ** np.arange(len(self.folds))
        share /= share.sum()
        differences = [a - b for a, b in zip(of, to, strict=True)]
        n = sum(map(len, differences))
        # Weighed so that the plain mean of all is the weighted mean of the folds.
        values = np.concatenate([w * n / len(d) * d for w, d in zip(share, differences, strict=True)])
        centre = float(values.mean())
        rows = np.concatenate([fold.later for fold in self.folds])
        weight = np.concatenate([np.full(len(d), w * n / len(d)) for w, d in zip(share, differences, strict=True)])
        away = values - centre * weight
        spans = np.concatenate([k * N_SPANS + _spans(self.when[f.later]) for k, f in enumerate(self.folds)])
        errors = [standard_error(away, pd.factorize(self.groups[rows])[0])]
        parts = pd.factorize(spans)[0]
        if parts.max() + 1 >= 2 * len(self.folds):
            errors.append(standard_error(away, parts))
        return centre, max(errors)


def _nested(suspects: pd.DataFrame, n_features: int) -> list[list[str]]:
    """The features to leave out at each step, fewest first; steps that add none, or leave none, are passed over."""
    steps: list[list[str]] = []
    for cut, texts_too in STEPS:
        is_out = (suspects["auc_latest"] >= cut) & (suspects["is_number"] | texts_too)
        names = suspects.loc[is_out, "feature"].tolist()
        if names and len(names) < n_features and (not steps or len(names) > len(steps[-1])):
            steps.append(names)
    return steps


def _spans(when: np.ndarray) -> np.ndarray:
    """The part (0 … N_SPANS - 1) of each row, by its time; rows of one time are in one part."""
    _, places, counts = np.unique(when, return_inverse=True, return_counts=True)
    before = np.concatenate([[0], np.cumsum(counts)[:-1]])
    parts = np.minimum(before * N_SPANS // max(len(when), 1), N_SPANS - 1)
    return parts[places]


def _aged(when: np.ndarray, half_life: float) -> np.ndarray:
    weights = 0.5 ** ((when.max() - when) / half_life)
    return weights / weights.mean()


def _numbers(times: Any) -> np.ndarray:
    """Times as numbers; dates as days."""
    stamps = pd.Series(np.asarray(times))
    if stamps.dtype == object:
        stamps = pd.to_datetime(stamps)
    if pd.api.types.is_datetime64_any_dtype(stamps):
        return (stamps - pd.Timestamp("2000-01-01")).dt.total_seconds().to_numpy() / 86_400
    return stamps.to_numpy(dtype="float64")


def _sampled(fold: Fold, groups: np.ndarray, seed: int, n_columns: int) -> Fold:
    """The fold, or so many of its groups as hold about `MAX_ROWS` rows, or `MAX_CELLS` values."""
    n, most = len(fold.train) + len(fold.later), min(MAX_ROWS, MAX_CELLS // max(n_columns, 1))
    if n <= most:
        return fold
    drawn = np.random.default_rng(seed).random(int(groups.max()) + 1) < most / n
    return Fold(*(part[drawn[groups[part]]] for part in (fold.train, fold.later)))


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


def _n_rarer(y: np.ndarray) -> int:
    return int(min(y.sum(), len(y) - y.sum()))
