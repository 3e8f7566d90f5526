"""The base rate moves: a warning when it has, and the correction, one intercept in log-odds.

A model trained at one rate and asked at another is off by a level, however well it ranks. Two things are known later:

* the **latest labelled rates**, which are carried forward: calibration has put the level there (models/ahead.py), so
  this means no correction at all;
* the **scores of the rows to be scored**, whose rate nobody knows yet. If what the classes look like has not changed
  and only their shares have, the rate can be read from the scores: by EM (Saerens, Latinne and Decaestecker 2002), the
  maximum likelihood; and by moments (BBSE: Lipton, Wang and Smola 2018), here with mean probabilities by class.

That "if" often fails: where causes move (other customers, another season), both estimates run away, to nought or to
one. So they are believed only where *all* of this holds: rehearsed on rolling origins, EM came closer to the rate than
carrying it forward, at most of them and on the whole; now, both estimates agree; the interval is narrow, and
does not hold the rate carried forward. Else the latest rate stands, and the warning is all there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.special import expit, logit

from models.calibrator import Calibrator
from models.folds import Fold

N_BINS = 40
N_BOOTSTRAP = 200
LEVEL = 0.9
# The population stability index that is customarily called a shift worth looking at.
NOTABLE_PSI = 0.1
# In log-odds: the width of EM's interval, and its distance from BBSE, past which it is not believed.
MAX_WIDTH = 1.5
MAX_APART = 0.5
MIN_ROWS = 200
MIN_ORIGINS = 2


@dataclass(frozen=True)
class Moved:
    """The base rate of the latest rows against that of the earlier ones, and how far in log-odds."""

    rate_earlier: float
    rate_latest: float
    difference: float  # log-odds, latest less earlier
    low: float
    high: float
    has_moved: bool

    @property
    def sentence(self) -> str:
        """For reports."""
        rates = f"{self.rate_earlier:.1%} of earlier rows, {self.rate_latest:.1%} of the latest"
        if not self.has_moved:
            return f"The base rate has not clearly moved: {rates}."
        return f"The base rate has moved: {rates}; probabilities go by the latest."


@dataclass(frozen=True)
class Reading:
    """What the scores of unlabelled rows say of their rate, and what is done about it."""

    n_rows: int
    psi: float  # of the scores against those of the latest labelled rows
    ks: float  # the largest distance between both distributions
    distribution_moved: bool
    rate_carried: float  # of the latest labelled rows
    rate_mean: float  # the mean probability as the model gives it
    rate_em: float | None
    low: float | None
    high: float | None
    rate_bbse: float | None
    correction: float  # log-odds to add; 0 unless `is_corrected`
    is_corrected: bool
    why: str

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return dict(vars(self))


@dataclass(frozen=True)
class Shift:
    """What a model keeps of its latest labelled rows, so that later scores can be held against it.

    Margins here are the log-odds of calibrated probabilities. Bins are between `edges`, the outer ones open.
    """

    edges: tuple[float, ...]
    centres: tuple[float, ...]  # the mean margin of each bin
    n_positive: tuple[float, ...]  # rows by bin
    n_negative: tuple[float, ...]
    # Rows that depend on each other count as one: groups ÷ rows.
    independent: float
    # Whether EM has come closer than the rate carried forward, on rolling origins of the learning rows.
    trusts_em: bool = False
    # One entry per origin: the true rate, the one carried forward, EM's and BBSE's.
    origins: tuple[Mapping[str, Any], ...] = ()
    moved: Moved | None = None

    @property
    def rate(self) -> float:
        """Of the latest labelled rows."""
        return sum(self.n_positive) / (sum(self.n_positive) + sum(self.n_negative))

    @property
    def rate_said(self) -> float:
        """The mean probability that the model gives those rows."""
        rows = np.array(self.n_positive) + np.array(self.n_negative)
        return float(np.average(expit(np.array(self.centres)), weights=rows))

    @classmethod
    def of(cls, margin: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None) -> Shift:
        """From rows that the boosters did not learn from, their margins as the calibrator that is served gives them."""
        margin = np.asarray(margin, dtype="float64")
        edges = np.unique(np.quantile(margin, np.arange(1, N_BINS) / N_BINS))
        bins = np.searchsorted(edges, margin, side="right")
        size = len(edges) + 1
        rows = np.bincount(bins, minlength=size)
        sums = np.bincount(bins, weights=margin, minlength=size)
        middle = np.concatenate([edges[:1], edges])
        centres = np.where(rows > 0, sums / np.maximum(rows, 1), middle)
        positive = np.bincount(bins, weights=y, minlength=size)
        share = 1.0 if groups is None else len(np.unique(groups)) / len(margin)
        return cls(_plain(edges), _plain(centres), _plain(positive), _plain(rows - positive), share)

    def read(self, probability: np.ndarray, *, correct: bool = True, seed: int = 0) -> Reading:
        """What these rows' calibrated probabilities say; `correct` False never corrects."""
        p = np.clip(np.asarray(probability, dtype="float64"), 1e-9, 1 - 1e-9)
        counts, centres = self._counts(logit(p))
        known = np.array(self.n_positive) + np.array(self.n_negative)
        psi, ks, is_other = _distance(known, counts, self.independent)
        mean = float(p.mean()) if len(p) else float("nan")
        same: dict[str, Any] = {
            "n_rows": len(p), "psi": psi, "ks": ks, "distribution_moved": is_other, "rate_carried": self.rate,
            "rate_mean": mean if len(p) else self.rate,
        }  # fmt: skip
        estimate = self.estimate(counts, centres, seed=seed) if len(p) >= MIN_ROWS else None
        if estimate is None:
            cause = f"fewer than {MIN_ROWS} rows" if len(p) < MIN_ROWS else "the scores do not tell the classes apart"
            nothing: dict[str, Any] = dict.fromkeys(("rate_em", "low", "high", "rate_bbse"))
            return Reading(**same, **nothing, correction=0.0, is_corrected=False, why=f"not estimated: {cause}")
        why = "" if correct else "correction is off"
        why = why or ("" if self.trusts_em else "on earlier origins EM did not beat the latest rate")
        why = why or estimate.doubt()
        if not why and estimate.low <= self.rate <= estimate.high:
            why = "EM's interval holds the latest rate"
        # From the rate that the model itself gives the labelled rows: its level need not be that of these alone.
        correction = 0.0 if why else float(logit(estimate.em) - logit(self.rate_said))
        return Reading(
            **same, rate_em=estimate.em, low=estimate.low, high=estimate.high, rate_bbse=estimate.bbse,
            correction=correction, is_corrected=not why,
            why=why or "EM has beaten the latest rate before, is narrow, and BBSE agrees",
        )  # fmt: skip

    def estimate(self, counts: np.ndarray, centres: np.ndarray, *, seed: int = 0) -> Estimate | None:
        """The rate of rows binned as the reference is; None where the reference's classes look the same.

        The interval is by bootstrap of both sides: the classes' shapes are estimates too.
        """
        positive, negative = np.array(self.n_positive), np.array(self.n_negative)
        found = _rates(positive, negative, np.array(self.centres), counts, centres)
        if found is None:
            return None
        rng = np.random.default_rng(seed)
        both = np.concatenate([positive, negative])
        n_known, n_rows = int(max(both.sum() * self.independent, 2)), int(counts.sum())
        drawn = []
        for _ in range(N_BOOTSTRAP):
            again = rng.multinomial(n_known, both / both.sum()).astype("float64")
            other = rng.multinomial(n_rows, counts / counts.sum()).astype("float64")
            rates = _rates(again[: len(positive)], again[len(positive) :], np.array(self.centres), other, centres)
            # A draw in which the classes look the same says nothing of the rate: anything is possible.
            drawn.append(rates[0] if rates else (0.0 if rng.random() < 0.5 else 1.0))
        low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return Estimate(found[0], float(low), float(high), found[1])

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            **{name: list(getattr(self, name)) for name in ("edges", "centres", "n_positive", "n_negative")},
            "independent": self.independent,
            "trusts_em": self.trusts_em,
            "origins": [dict(origin) for origin in self.origins],
            "moved": None if self.moved is None else dict(vars(self.moved)),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Shift:
        """From what `to_json` gave."""
        moved = content["moved"]
        return cls(
            _plain(content["edges"]), _plain(content["centres"]), _plain(content["n_positive"]),
            _plain(content["n_negative"]), content["independent"], content["trusts_em"], tuple(content["origins"]),
            None if moved is None else Moved(**moved),
        )  # fmt: skip

    def _counts(self, margin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows by bin, and their mean margin in it."""
        size = len(self.centres)
        bins = np.searchsorted(np.array(self.edges), margin, side="right")
        rows = np.bincount(bins, minlength=size).astype("float64")
        sums = np.bincount(bins, weights=margin, minlength=size)
        return rows, np.where(rows > 0, sums / np.maximum(rows, 1), self.centres)


@dataclass(frozen=True)
class Estimate:
    """A rate read from scores."""

    em: float
    low: float
    high: float
    bbse: float

    def doubt(self) -> str:
        """Why not to believe it, or nothing."""
        if not 0 < self.low <= self.high < 1 or logit(self.high) - logit(self.low) > MAX_WIDTH:
            return "EM's interval is too wide"
        if not 0 < self.bbse < 1 or abs(logit(self.bbse) - logit(self.em)) > MAX_APART:
            return "EM and BBSE do not agree"
        return ""


def moved(y: np.ndarray, folds: Sequence[Fold], groups: Any = None) -> Moved | None:
    """The latest fold's later rows against the rows known before them; None where either holds one class only.

    The interval (90 %) is by group on both sides. `y` is 0 or 1, one per row of the table that the folds place.
    """
    latest, earlier = folds[-1].later, folds[-1].train
    sides = []
    for rows in (earlier, latest):
        if len(rows) == 0 or not 0 < y[rows].mean() < 1:
            return None
        rate = float(y[rows].mean())
        codes = np.arange(len(rows)) if groups is None else np.unique(np.asarray(groups)[rows], return_inverse=True)[1]
        by_group = np.bincount(codes, weights=y[rows] - rate)
        error = float(np.sqrt((by_group**2).sum()) / len(rows))
        sides.append((rate, error / (rate * (1 - rate))))
    (before, error_before), (now, error_now) = sides
    difference = float(logit(now) - logit(before))
    half = 1.645 * float(np.hypot(error_before, error_now))
    return Moved(before, now, difference, difference - half, difference + half, not abs(difference) <= half)


def rehearsed(
    margin: np.ndarray, y: np.ndarray, fold: np.ndarray, rates: Sequence[float], groups: np.ndarray, *, seed: int = 0
) -> tuple[bool, tuple[Mapping[str, Any], ...]]:
    """Whether EM is to be trusted here, and what was seen: one entry per origin but the first.

    At each origin the previous fold's later rows are the reference (its margins levelled to their rate, a sigmoid
    fitted on them), and the fold's own rows are read without their labels. margin: raw log-odds of models that knew
    only what came before; rates: of the rows that each of them learnt from.
    """
    from models.calibration import fit_sigmoid

    origins: list[dict[str, Any]] = []
    numbers = np.unique(fold)
    for before, now in pairwise(numbers):
        known, asked = fold == before, fold == now
        if not (0 < y[known].mean() < 1 and 0 < y[asked].mean() < 1):
            continue
        codes = np.unique(groups[known], return_inverse=True)[1]
        shape = fit_sigmoid(margin[known], y[known], codes)
        carried, true = float(y[known].mean()), float(y[asked].mean())
        origin: dict[str, Any] = {"rate": true, "carried": carried, "em": None, "bbse": None, "is_believed": False}
        if shape.slope > 0 and asked.sum() >= MIN_ROWS:
            reference = Shift.of(logit(shape.probability(margin[known])), y[known], groups[known])
            # Each fold's model was trained at a rate of its own: its margins are moved from there to the reference's.
            step = float(logit(rates[int(before)]) - logit(rates[int(now)]))
            counts, centres = reference._counts(logit(shape.probability(margin[asked] + step)))
            estimate = reference.estimate(counts, centres, seed=seed)
            if estimate is not None:
                origin |= {"em": estimate.em, "low": estimate.low, "high": estimate.high, "bbse": estimate.bbse,
                           "is_believed": not estimate.doubt()}  # fmt: skip
        origins.append(origin)
    judged = [origin for origin in origins if origin["is_believed"]]
    if len(judged) < MIN_ORIGINS or len(judged) < len(origins):
        return False, tuple(origins)
    errors = np.array([[abs(logit(o[name]) - logit(o["rate"])) for name in ("em", "carried")] for o in judged])
    is_closer = bool(errors[:, 0].sum() < errors[:, 1].sum() and (errors[:, 0] < errors[:, 1]).mean() > 0.5)
    return is_closer, tuple(origins)


def corrected(calibrator: Calibrator, correction: float) -> Calibrator:
    """The calibrator whose probabilities are `correction` higher in log-odds. Contributions go through it as before.

    >>> plain = Calibrator("none")
    >>> corrected(plain, 1.0).probability(np.zeros(1)).round(3)
    array([0.731])
    """
    return calibrator if correction == 0 else calibrator.raised(correction)


def _plain(values: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _rates(
    positive: np.ndarray, negative: np.ndarray, centres: np.ndarray, counts: np.ndarray, own: np.ndarray
) -> tuple[float, float] | None:
    """EM's and BBSE's rate of the rows `counts` (by bin, mean margin `own`), classes as the reference's bins show."""
    rate = positive.sum() / (positive.sum() + negative.sum())
    if not 0 < rate < 1 or np.ptp(centres[positive + negative > 0]) < 1e-9:
        return None
    level, slope = _line(centres, positive, negative)
    if slope <= 0:
        return None
    score = level + slope * own
    ratio = np.exp(np.clip(score - logit(rate), -30, 30))  # positives' density ÷ negatives'
    weights = counts / counts.sum()
    em = _likeliest(ratio, weights)
    p_known, p = expit(level + slope * centres), expit(score)
    of_positive, of_negative = (float((by * p_known).sum() / by.sum()) for by in (positive, negative))
    if of_positive - of_negative < 1e-9:
        return None
    return em, float((float((weights * p).sum()) - of_negative) / (of_positive - of_negative))


def _likeliest(ratio: np.ndarray, weights: np.ndarray) -> float:
    """The share q that maximises the mean of log(1 + q (ratio - 1)): where EM ends, found by bisection.

    >>> round(_likeliest(np.array([9.0, 1 / 9]), np.array([0.5, 0.5])), 3)
    0.5
    """

    def slope(q: float) -> float:
        return float((weights * (ratio - 1) / (1 + q * (ratio - 1))).sum())

    low, high = 1e-6, 1 - 1e-6
    if slope(low) <= 0:
        return low
    if slope(high) >= 0:
        return high
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return (low + high) / 2


def _line(x: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> tuple[float, float]:
    """Level and slope of a logistic regression on binned rows, by Newton steps with a trace of ridge."""
    design = np.column_stack([np.ones_like(x), x])
    n = positive + negative
    beta = np.array([0.0, 1.0])
    for _ in range(25):
        p = expit(design @ beta)
        gradient = design.T @ (positive - n * p) - 1e-6 * beta
        hessian = design.T @ (design * (n * p * (1 - p))[:, None]) + 1e-6 * np.eye(2)
        step = np.clip(np.linalg.solve(hessian, gradient), -2, 2)
        beta = beta + step
        if np.abs(step).max() < 1e-9:
            break
    return float(beta[0]), float(beta[1])


def _distance(known: np.ndarray, counts: np.ndarray, independent: float) -> tuple[float, float, bool]:
    """PSI, KS, and whether the PSI is notable and beyond chance (under no shift it is near chi² × (1/n + 1/m))."""
    from scipy.stats import chi2

    if not counts.sum():
        return 0.0, 0.0, False
    # Tens rather than single bins: half a row more in each keeps an empty one finite.
    tens = np.minimum(np.arange(len(known)) * 10 // len(known), 9)
    a, b = (np.bincount(tens, weights=by) + 0.5 for by in (known, counts))
    n, m = known.sum() * independent, counts.sum()
    a, b = a / a.sum(), b / b.sum()
    psi = float(((b - a) * np.log(b / a)).sum())
    ks = float(np.abs(np.cumsum(known / known.sum()) - np.cumsum(counts / counts.sum())).max())
    by_chance = float(chi2.ppf(0.99, max(len(a) - 1, 1))) * (1 / n + 1 / m)
    return psi, ks, bool(psi > max(NOTABLE_PSI, by_chance))
