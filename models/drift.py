"""A world that moves: which features merely tell the time, and what later rows gain without them.

A tree that may read the calendar (an interest rate, a price index, a counter that only grows) explains past levels by
it, and has nothing to say of values that it has never seen. Random folds reward that; time-ordered ones do not.

Naming them is `models/telling.py`'s; here it is decided what is done about it.

**Who must prove what.** Beyond the range that a number had in training, trees can only repeat their outermost leaf:
they say of all such rows the same, which is a level, and the level is the calibrator's. So a number that tells the time
and had *most* of the latest fold's later rows outside the range of its earlier ones (a rate that fell to a new low, a
counter of days) is left out, with all its like, unless later rows are clearly predicted worse without. What it
explained in the past may be any other thing that changed at that time: no row could have told them apart.

**Dropping.** For all others the burden is the other way: telling the time is no crime, tenure does and may predict.
Those that tell it best are left out in at most three nested steps (`STEPS`): numbers first, whereas a text's levels
come back, as months do. A step is taken only where later rows lose less without: the paired difference of
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

from models import boosting
from models.blocks import target
from models.boosting import DEFAULT_ROUNDS, FIXED, Space
from models.calibration import standard_error
from models.folds import Fold, learnt
from models.levels import level
from models.telling import ALL_TOGETHER, sampled
from models.vocabulary import Vocabulary

# From which AUC in the latest fold a feature is left out, and whether texts are too; each step leaves out more.
STEPS = ((0.95, False), (0.85, False), (0.85, True))
# Of the latest fold's later rows: with more outside the range of its earlier ones, a number must prove its worth.
MOST_OUTSIDE = 0.5
# Of the span of all rows to learn from.
HALF_LIVES = (1 / 2, 1 / 4)
# Standard errors by which a change must be better than none. To leave out what predicts nothing costs nothing, and only
# what tells the time is suspected; to forget costs in a world at rest, and could be tried anywhere.
BEYOND = 1.0
BEYOND_TO_FORGET = 1.28
# By which later rows must lose without what was never seen before, for it to stay: a proof, at one side's 95 %.
BEYOND_TO_STAY = 1.645
# Parts of a fold's later rows, in the order of time, that are taken for independent of one another.
N_SPANS = 8
# Boosters that differ by their seed, averaged: a paired difference should not be one seed's luck.
N_SEEDS = 2


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

    `tried` holds one entry per candidate: `step` (outside, drop or half_life), `without` or `half_life`, `gain` in nats
    a row (weighted mean over the folds) against what the kind of step before it left, its `standard_error`, and whether
    it was `taken`: `outside` unless the gain is clearly negative, the others only where it is clearly positive.
    """
    values, when = target(y), _numbers(times)
    together = np.arange(len(X)) if groups is None else pd.factorize(np.asarray(groups))[0]
    judges = [sampled(fold, together, seed, X.shape[1]) for fold in folds]
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
    strangers = suspects.loc[suspects["outside"] > MOST_OUTSIDE, "feature"].tolist()
    if 0 < len(strangers) < len(vocabulary.features):
        rival = rehearsal.losses(strangers, None)
        gain, error = rehearsal.gain(base, rival)
        taken = gain >= -BEYOND_TO_STAY * error
        if taken:
            dropped, base = strangers, rival
        tried.append({"step": "outside", "without": strangers, "gain": gain, "standard_error": error, "taken": taken})
    strange, best = set(dropped), 0.0
    losses = base
    for without in _nested(suspects, len(vocabulary.features), already=dropped):
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
    because = {
        True: "most later rows lie outside its earlier range, and it proved no use",
        False: "later rows are predicted better without",
    }
    why = {name: f"tells the time (AUC {auc[name]:.3f}); {because[name in strange]}" for name in dropped}
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


def _nested(suspects: pd.DataFrame, n_features: int, *, already: Sequence[str] = ()) -> list[list[str]]:
    """The features to leave out at each step beyond those `already` out, fewest first.

    Steps that add none, or leave none, are passed over.
    """
    steps: list[list[str]] = []
    for cut, texts_too in STEPS:
        is_out = (suspects["auc_latest"] >= cut) & (suspects["is_number"] | texts_too)
        names = suspects.loc[is_out | suspects["feature"].isin(already), "feature"].tolist()
        if len(names) < n_features and len(names) > len(steps[-1] if steps else already):
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


def _n_rarer(y: np.ndarray) -> int:
    return int(min(y.sum(), len(y) - y.sum()))
