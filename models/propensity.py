"""The propensity model: a few boosters averaged in log-odds, a calibrator, and the words of their training."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from scipy.special import expit, logit

from data.errors import BadInput
from models import calibration, explanation
from models import interval as intervals
from models.ahead import next_level
from models.blocks import both_classes, target
from models.boosting import Tuned, dataset, monotone, subset
from models.calibrator import Calibrator
from models.folds import Fold, learnt, parts_of
from models.interval import Interval
from models.levels import level, log_loss
from models.settings import Training
from models.shift import Reading, Shift, corrected, moved, rehearsed
from models.vocabulary import Vocabulary

FORMAT = 1
# Isotonic steps are fitted on the margins of other boosters than those that serve. Where more than this share of the
# latest rows has a served margin that the steps do not reach, order would be lost at their ends: a line goes on.
MOST_BEYOND = 0.1
MODEL_FILE = "model.json"


@dataclass(frozen=True)
class Propensity:
    """A trained model. Everything about it is text: LightGBM's own format, and JSON.

    A *margin* is in log-odds, before calibration; a *probability* is calibrated. Contributions are in log-odds and add
    up, with the base, to the margin.
    """

    boosters_text: tuple[str, ...] = field(repr=False)
    vocabulary: Vocabulary = field(repr=False)
    calibrator: Calibrator
    # What happened in training: rows, rates, parameters. For people and reports; nothing is computed from it.
    facts: Mapping[str, Any] = field(default_factory=dict)
    # What the latest labelled rows looked like, to hold later scores against. It changes nothing by itself.
    shift: Shift | None = field(default=None, repr=False)
    # How sure a probability is; None where nothing later was there to learn it from.
    interval: Interval | None = None

    @property
    def features(self) -> tuple[str, ...]:
        """In the order of the contributions' columns."""
        return self.vocabulary.features

    @cached_property
    def boosters(self) -> tuple[lgb.Booster, ...]:
        """Always from the text that is kept, so that a model just trained and one just loaded are the same."""
        return tuple(lgb.Booster(model_str=text) for text in self.boosters_text)

    @cached_property
    def model_version(self) -> str:
        """Twelve hex digits of the hash of all that is computed with: boosters, vocabulary, calibrator and so on."""
        parts = [*self.boosters_text, _json(self.vocabulary.to_json()), _json(self.calibrator.to_json())]
        parts += [_json(kept.to_json()) for kept in (self.shift, self.interval) if kept is not None]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]

    def margin(self, X: pd.DataFrame) -> np.ndarray:
        """Mean log-odds of the boosters, one per row of `X`. Raises BadInput where `X` lacks a feature."""
        return self.margin_of(self.vocabulary.encode(X))

    def margin_of(self, matrix: np.ndarray) -> np.ndarray:
        """The same of a matrix that `vocabulary.encode` gave, for whoever asks what another value would do."""
        if len(matrix) == 0:
            return np.zeros(0)
        return np.mean([booster.predict(matrix, raw_score=True) for booster in self.boosters], axis=0)

    def probability(self, X: pd.DataFrame) -> np.ndarray:
        """Calibrated probability, one per row of `X`."""
        return self.calibrator.probability(self.margin(X))

    def bounds(self, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Low and high around each probability that this model gave (models/interval.py says of what).

        NaN where the model has no interval.
        """
        nothing = np.full(len(p), np.nan)
        return self.interval.bounds(p) if self.interval else (nothing, nothing)

    def contributions(self, X: pd.DataFrame) -> np.ndarray:
        """Log-odds by feature, shape (rows, features + 1), the base last; a row sums to its margin."""
        return explanation.contributions(self.boosters, self.vocabulary.encode(X))

    def read(self, probability: np.ndarray, *, correct: bool = True, seed: int = 0) -> Reading | None:
        """What the probabilities of rows to be scored together say of their base rate; None where nothing was kept."""
        return None if self.shift is None else self.shift.read(probability, correct=correct, seed=seed)

    def corrected(self, reading: Reading | None) -> Propensity:
        """This model at the base rate that was read: its calibrator moved, so contributions and points still add up."""
        if reading is None or not reading.is_corrected:
            return self
        return replace(self, calibrator=corrected(self.calibrator, reading.correction))

    @cached_property
    def base_margin(self) -> float:
        """The mean margin over the rows trained on, from which contributions start; the same for every row."""
        empty = np.full((1, len(self.features)), np.nan)
        return float(explanation.contributions(self.boosters, empty)[0, -1])

    def points(self, contributions: np.ndarray) -> np.ndarray:
        """`contributions` as percentage points of probability, same shape, the base last; a row sums to 100 × p."""
        base = contributions[:, -1]
        points = np.empty_like(contributions)
        points[:, :-1] = self.calibrator.points(contributions[:, :-1], contributions.sum(axis=1), self.base_margin)
        points[:, -1] = 100 * self.calibrator.probability(base)
        return points

    def gain(self) -> np.ndarray:
        """Total gain by feature, over all boosters."""
        return np.sum([booster.feature_importance("gain") for booster in self.boosters], axis=0)

    def to_files(self) -> dict[str, str]:
        """Text by file name: a file per booster, and `model.json` with their hashes."""
        files = {f"booster_{i}.txt": text for i, text in enumerate(self.boosters_text)}
        about = {
            "format": FORMAT,
            "model_version": self.model_version,
            "boosters": {name: _sha256(text) for name, text in files.items()},
            "calibrator": self.calibrator.to_json(),
            "interval": self.interval.to_json() if self.interval else None,
            "vocabulary": self.vocabulary.to_json(),
            "facts": dict(self.facts),
            "shift": None if self.shift is None else self.shift.to_json(),
        }
        return {**files, MODEL_FILE: json.dumps(about, indent=1, ensure_ascii=False) + "\n"}

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> Propensity:
        """From what `to_files` gave. Raises BadInput where a file is missing or differs from what was saved."""
        if MODEL_FILE not in files:
            raise BadInput(f"{MODEL_FILE} is missing beside the boosters; restore it, or train again.")
        try:
            about = json.loads(files[MODEL_FILE])
            expected = dict(about["boosters"])
            version = about["model_version"]
            vocabulary, calibrator = (
                Vocabulary.from_json(about["vocabulary"]),
                Calibrator.from_json(about["calibrator"]),
            )
            shift = None if about.get("shift") is None else Shift.from_json(about["shift"])
            interval = Interval.from_json(about["interval"]) if about.get("interval") else None
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput(f"{MODEL_FILE} is not one that this project wrote ({error!r}); train again.") from None
        for name, sha256 in expected.items():
            if name not in files:
                raise BadInput(f"{name} is missing beside {MODEL_FILE}; restore it, or train again.")
            if _sha256(files[name]) != sha256:
                raise BadInput(f"{name} is not the file that was saved with {MODEL_FILE}; restore it, or train again.")
        facts = about.get("facts", {})
        model = cls(tuple(files[name] for name in expected), vocabulary, calibrator, facts, shift, interval)
        if model.model_version != version:
            raise BadInput(
                f"{MODEL_FILE} was changed after it was saved as version {version}; restore it, or train again."
            )
        return model


@dataclass(frozen=True, eq=False)
class Later:
    """What models that knew only the past said of later rows: one entry per later row of the folds, fold after fold.

    For whatever must be chosen on rows that were not learnt from: the calibrator, an interval, a correction.
    """

    margin: np.ndarray  # log-odds, as training left them
    y: np.ndarray
    fold: np.ndarray  # its number, from the earliest
    rows: np.ndarray  # places in the table given
    groups: np.ndarray  # as given, or the place

    def levelled(self, rate: float | None = None) -> Later:
        """Each fold's margins moved until their mean probability is the fold's own rate, or the `rate` given.

        Folds of one class are left out.
        """
        parts, margins = [], []
        for k in np.unique(self.fold):
            places = np.flatnonzero(self.fold == k)
            own = float(self.y[places].mean())
            if 0 < own < 1:
                parts.append(places)
                margins.append(self.margin[places] + level(self.margin[places], own if rate is None else rate))
        if not parts:
            return self
        kept = np.concatenate(parts)
        return Later(np.concatenate(margins), self.y[kept], self.fold[kept], self.rows[kept], self.groups[kept])


def rehearse(
    X: pd.DataFrame,
    y: pd.Series[Any],
    folds: Sequence[Fold],
    *,
    tuned: Tuned,
    settings: Training,
    seed: int,
    groups: pd.Series[Any] | None = None,
    weights: np.ndarray | None = None,
    constraints: Mapping[str, int] | None = None,
) -> Later:
    """The whole ensemble learns from each fold's `train` and speaks of its `later`; arguments as for `fit`."""
    together = np.arange(len(X)) if groups is None else np.asarray(groups)
    parts = []
    for k, fold in enumerate(folds):
        known = target(y.iloc[fold.train])
        if len(fold.later) == 0 or not 0 < known.sum() < len(known):
            continue
        raw = _boosted(
            X, y, fold.train, tuned=tuned, settings=settings, seed=seed,
            groups=together, weights=weights, constraints=constraints,
        )  # fmt: skip
        parts.append((raw.margin(X.iloc[fold.later]), np.full(len(fold.later), k), fold.later))
    if not parts:
        nothing = np.zeros(0)
        return Later(nothing, nothing, np.zeros(0, dtype="int64"), np.zeros(0, dtype="int64"), together[:0])
    margin, numbers, rows = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Later(margin, target(y.iloc[rows]), numbers, rows, together[rows])


def compared(ours: Later, theirs: Later) -> dict[str, float]:
    """Log loss on the same later rows, each fold at its own level; the paired difference and its standard error.

    The standard error is by group: rows of one account stand or fall together.
    """
    mine, other = ours.levelled(), theirs.levelled()
    differences = calibration.log_losses(mine.y, expit(mine.margin)) - calibration.log_losses(
        other.y, expit(other.margin)
    )
    return {
        "log_loss": log_loss(mine.margin, mine.y),
        "log_loss_without": log_loss(other.margin, other.y),
        "difference": float(differences.mean()),
        "standard_error": calibration.standard_error(differences, pd.factorize(mine.groups)[0]),
        "n_rows": len(mine.y),
    }


def fit(
    X: pd.DataFrame,
    y: pd.Series[Any],
    folds: Sequence[Fold],
    *,
    tuned: Tuned,
    settings: Training,
    seed: int,
    groups: pd.Series[Any] | None = None,
    weights: np.ndarray | None = None,
    constraints: Mapping[str, int] | None = None,
    later: Later | None = None,
) -> Propensity:
    """Calibrate on the later rows of `folds`, then boost on all their rows; rows of `X` in no fold are not looked at.

    The ensemble: groups are dealt into `settings.n_folds`, and a booster per fold and seed learns from the groups of
    all others; their log-odds are averaged, so contributions are too, and still add up.

    The calibrator's *shape* is chosen on later rows of every fold, all brought to one level first: its slope is what
    lasts. Its *level* is then what the next block is expected to need, from what each fold needed of models that did
    not know it (models/ahead.py): near the latest fold's rate where levels wander, near the mean of all where they
    differ by chance. Without
    `settings.refit` the boosters are those that learnt from the latest fold's `train` alone.

    One row of `X` per row of `y` (0 or 1), `groups` (rows that belong together, as an account's snapshots) and
    `weights` (in training); `constraints` as for `boosting.monotone`; `later`: what `rehearse` gave, if it was already
    called. The same arguments give the same bytes. Raises BadInput where there is nothing to tell apart.
    """
    lengths = {len(X), len(y)} | {len(given) for given in (groups, weights) if given is not None}
    if len(lengths) > 1:
        raise BadInput(f"features, target, groups and weights have {sorted(lengths)} rows; they must be the same rows.")
    rows = learnt(folds) if settings.refit else folds[-1].train
    known = target(y.iloc[folds[-1].train])
    both_classes(known)
    same: dict[str, Any] = {
        "tuned": tuned, "settings": settings, "seed": seed, "groups": groups, "weights": weights,
        "constraints": constraints,
    }  # fmt: skip
    if later is None:
        later = rehearse(X, y, folds, **same)
    prior = float(known.mean())
    # To one rate, not each fold's own: nobody will know next month's, and `none` would be handed it here.
    shaped = later.levelled(float(later.y.mean()) if 0 < later.y.sum() < len(later.y) else None)
    choice = calibration.choose(
        shaped.margin, shaped.y, shaped.groups, prior=prior, n_folds=settings.n_calibration_folds, seed=seed
    )
    raw = _boosted(X, y, rows, **same)
    latest = folds[-1].later
    shape = choice.calibrator
    if shape.kind == "isotonic" and _beyond(shape, raw.margin(X.iloc[latest])) > MOST_BEYOND:
        codes = np.unique(shaped.groups, return_inverse=True)[1]
        shape = calibration.fit_sigmoid(shaped.margin, shaped.y, codes)
    interval = intervals.learn(shape.probability(later.margin), later.y, later.fold, later.groups)
    levelled = _levelled(shape, later, prior)
    calibrator = _rebased(levelled, _base(y, rows, weights) - _base(y, folds[-1].train, weights))
    facts = {
        "n_rows": len(rows),
        "rate_train": float(target(y.iloc[rows]).mean()),
        "n_later": len(later.y),
        "rate_later": float(later.y.mean()) if len(later.y) else None,
        "rate_latest": float(target(y.iloc[latest]).mean()) if len(latest) else None,
        "n_time_folds": len(folds),
        "is_refit": settings.refit,
        "rounds": tuned.rounds,
        "n_boosters": len(raw.boosters_text),
        "parameters": dict(tuned.parameters),
        "constraints": {
            name: sign
            for name, sign in (constraints or {}).items()
            if name in raw.features and name not in raw.vocabulary.levels
        },
        "calibration_chosen": shape.kind,
        "calibration_losses": dict(choice.losses),
    }
    kept = _kept(later, levelled, target(y), folds, groups=groups, seed=seed)
    return Propensity(raw.boosters_text, raw.vocabulary, calibrator, facts, kept, interval)


def _beyond(isotonic: Calibrator, margin: np.ndarray) -> float:
    """The share of margins below the first knot or above the last: they all have the one probability or the other."""
    x = [knot for knot, _ in isotonic.knots]
    return float(((margin < x[0]) | (margin > x[-1])).mean()) if len(margin) else 0.0


def _kept(
    later: Later,
    levelled: Calibrator,
    y: np.ndarray,
    folds: Sequence[Fold],
    *,
    groups: pd.Series[Any] | None,
    seed: int,
) -> Shift | None:
    """The latest rows as models that did not know them saw them, at the level that is served; None for one class."""
    if len(later.y) == 0:
        return None
    last = later.fold == later.fold.max()
    margin, known = later.margin[last], later.y[last]
    if not 0 < known.mean() < 1:
        return None
    p = np.clip(levelled.probability(margin), 1e-9, 1 - 1e-9)
    rates = [float(y[fold.train].mean()) for fold in folds]
    trusts_em, origins = rehearsed(later.margin, later.y, later.fold, rates, later.groups, seed=seed)
    found = Shift.of(logit(p), known, later.groups[last])
    return replace(found, trusts_em=trusts_em, origins=origins, moved=moved(y, folds, groups=groups))


def _levelled(shape: Calibrator, later: Later, prior: float) -> Calibrator:
    """The calibrator at the level that the next block is expected to need (models/ahead.py).

    By the margins of models that did not know those rows: those that learn from them stand too far apart there, and
    whatever moved between what they had learnt and the fold is likely to move on as much. Where no fold holds both
    classes it is flat, at the latest fold's rate, with one row's worth of the prior.
    """
    if len(later.y) == 0:
        return shape
    p = np.clip(shape.probability(later.margin), 1e-9, 1 - 1e-9)
    ahead = next_level(logit(p), later.y, later.fold, later.groups)
    if ahead is not None:
        return shape.raised(ahead.level)
    y = later.y[later.fold == later.fold.max()]
    rate = (float(y.sum()) + prior) / (len(y) + 1)
    return Calibrator("sigmoid", slope=0.0, intercept=float(logit(rate)))


def _base(y: pd.Series[Any], rows: np.ndarray, weights: np.ndarray | None) -> float:
    """The log-odds from which boosters of these rows start: of their rate, as they weigh."""
    rate = float(np.average(target(y.iloc[rows]), weights=None if weights is None else weights[rows]))
    return float(logit(rate))


def _rebased(calibrator: Calibrator, step: float) -> Calibrator:
    """The calibrator for boosters that start `step` higher than those whose margins it was fitted on.

    The slope is for what boosters say of rows. Where they say little it is steep, and would make of a base rate that
    moved a multiple of itself; so the step goes through as it is.

    >>> steep = Calibrator("sigmoid", slope=8.0, intercept=22.0)
    >>> moved = _rebased(steep, 0.3)
    >>> bool(np.isclose(logit(moved.probability(-2.7)) - logit(steep.probability(-3.0)), 0.3))
    True
    >>> bent = Calibrator("bent", slope=1.2, intercept=1.0, bend=-0.5, knee=-2.0)
    >>> bool(np.isclose(logit(_rebased(bent, 0.3).probability(-2.7)) - logit(bent.probability(-3.0)), 0.3))
    True
    """
    if calibrator.kind in ("none", "isotonic") or calibrator.slope == 0:
        return calibrator
    slope, knee = calibrator.slope, calibrator.knee + step if calibrator.kind == "bent" else calibrator.knee
    return replace(calibrator, intercept=calibrator.intercept + (1 - slope) * step, knee=knee)


def _boosted(
    X: pd.DataFrame,
    y: pd.Series[Any],
    rows: np.ndarray,
    *,
    tuned: Tuned,
    settings: Training,
    seed: int,
    groups: Any,
    weights: np.ndarray | None,
    constraints: Mapping[str, int] | None,
) -> Propensity:
    """An uncalibrated model of these rows: a booster per seed and fold of groups, over one binned set."""
    mine, values = X.iloc[rows], target(y.iloc[rows])
    vocabulary = Vocabulary.learn(mine)
    binned = dataset(vocabulary, vocabulary.encode(mine), values, None if weights is None else weights[rows])
    parameters = {**tuned.parameters, **monotone(vocabulary, constraints)}
    texts = []
    for i, places in enumerate(
        _all_but_one(values, None if groups is None else np.asarray(groups)[rows], settings, seed)
    ):
        part = subset(binned, places)
        for j in range(settings.n_seeds):
            own = {**parameters, "seed": seed + i * settings.n_seeds + j}
            texts.append(lgb.train(own, part, tuned.rounds).model_to_string())
    return Propensity(tuple(texts), vocabulary, Calibrator("none"))


def _all_but_one(y: np.ndarray, groups: np.ndarray | None, settings: Training, seed: int) -> list[np.ndarray]:
    """Places to learn from, for each fold of groups; all places, once, where some fold would leave one class only."""
    everything = [np.arange(len(y))]
    codes = np.arange(len(y)) if groups is None else pd.factorize(groups)[0]
    n_parts = min(settings.n_folds, int(codes.max()) + 1)
    if n_parts < 2:
        return everything
    part = parts_of(codes, y, n_parts=n_parts, seed=seed)
    kept = [np.flatnonzero(part != k) for k in range(n_parts)]
    return kept if all(0 < y[places].sum() < len(places) for places in kept) else everything


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _json(content: Any) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=False)
