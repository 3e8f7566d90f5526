"""From which value of a column on do accounts expand more often? Found on one block, checked on a later one.

The lift of a threshold is the rate of expansion where it fires ÷ the rate over all rows of the block. A row whose
column is not known (no such event, no answer) never fires, and counts among all.
An account stands in many snapshots that resemble each other, so all errors are added up by account first.

*Which threshold.* The highest lift as such is far out in the tail, where a dozen rows make any rate: of a planted step
from 10 % to 20 % it is found at the step 17 times in 60. The highest *lower end* of an interval (43 in 60) lets the
data themselves set the price of support; and of all broader thresholds whose lift cannot be told from that winner's,
the broadest is taken (55 in 60), since it speaks for more accounts at no loss that could be shown. The intervals hold
for all candidates at once (a margin wide enough for the best of them by chance), so that "the lower end is above 1" is
also true of a winner.

*Whether it is believed.* The lift of a winner is too high on the block that it won on. So it is measured again on the
validation block, where it was not chosen: it holds if its lower end is above 1 there too, and its lift large enough to
be worth an alert on both. The test block only reports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from data.errors import BadInput
from models.blocks import TEST, TRAIN, VALIDATION
from models.settings import Finding

Verdict = Literal["holds", "does not hold later", "no lift", "too little data"]
Source = Literal["auto", "default", "params"]
# Draws × accounts held at once, as float64 (80 MB).
AT_ONCE = 10_000_000


@dataclass(frozen=True)
class Effect:
    """What a threshold does in one block. Rates and lift are None where there is nothing to divide by.

    n_rows, n_accounts, n_positives: where it fires. share: of all rows.
    """

    threshold: float
    n_rows: int
    n_accounts: int
    n_positives: int
    share: float | None
    rate: float | None
    base_rate: float | None
    lift: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Found:
    """A trigger's threshold: what is in force, where it is from, and what was measured of it.

    best: the candidate that won on the train block, by block; empty where none has enough support.
    given: the number of params.yaml, or the default, by block. curve: every candidate on the train block.
    """

    number: float
    source: Source
    verdict: Verdict
    best: Mapping[str, Effect]
    given: Mapping[str, Effect]
    curve: tuple[Effect, ...]


def find(
    values: np.ndarray,
    y: np.ndarray,
    accounts: np.ndarray,
    blocks: np.ndarray,
    *,
    at_least: bool,
    given: float,
    is_auto: bool,
    settings: Finding,
    seed: int,
    may_be: Callable[[float], bool] = lambda _: True,
) -> Found:
    """The threshold of one trigger. `values` are NaN where it can't fire; `y` is 0 or 1; `given` is the fallback.
    Only a number that it `may_be` is tried: growth of less than nothing is no growth, whatever its lift.

    An automatic threshold is in force only where it holds on the validation block; else `given` is.

    >>> rng = np.random.default_rng(0)
    >>> blocks = np.repeat(["train", "validation", "test"], [6000, 2000, 2000])
    >>> x = rng.integers(0, 11, 10_000)
    >>> y = rng.random(10_000) < np.where(x >= 7, 0.3, 0.1)
    >>> found = find(x, y, np.arange(10_000), blocks, at_least=True, given=3, is_auto=True, settings=Finding(), seed=0)
    >>> found.number, found.source, found.verdict
    (7.0, 'auto', 'holds')
    >>> round(found.given["test"].lift, 1), round(found.best["test"].lift, 1)  # at 3 or more; at 7 or more
    (1.2, 1.6)
    """
    x, hits = np.asarray(values, dtype="float64"), np.asarray(y, dtype="float64")
    rows = {name: _Rows.of(x, hits, accounts, np.asarray(blocks) == name) for name in (TRAIN, VALIDATION, TEST)}
    pointwise = NormalDist().inv_cdf((1 + settings.interval) / 2)
    at_given = {name: block.effects(np.array([given]), at_least, pointwise)[0] for name, block in rows.items()}

    def stays(verdict: Verdict, best: Mapping[str, Effect], curve: tuple[Effect, ...]) -> Found:
        return Found(given, "default" if is_auto else "params", verdict, best, at_given, curve)

    train = rows[TRAIN]
    cuts = candidates(train.x, at_least=at_least, settings=settings)
    effects = train.effects(cuts, at_least, pointwise)
    cuts = np.array([e.threshold for e in effects if _has_support(e, settings) and may_be(e.threshold)])
    if not len(cuts):
        return stays("too little data", {}, ())
    curve = tuple(train.effects(cuts, at_least, train.margin(cuts, at_least, settings, seed)))
    best = curve[train.broadest(curve, at_least, pointwise)]
    chosen = np.array([best.threshold])
    later = {name: rows[name].effects(chosen, at_least, pointwise)[0] for name in (VALIDATION, TEST)}
    by_block = {TRAIN: best, **later}
    if not _has_lift(best, settings):
        return stays("no lift", by_block, curve)
    if not _has_lift(later[VALIDATION], settings):
        return stays("does not hold later", by_block, curve)
    if not is_auto:
        return stays("holds", by_block, curve)
    return Found(best.threshold, "auto", "holds", by_block, at_given, curve)


def candidates(values: np.ndarray, *, at_least: bool, settings: Finding) -> np.ndarray:
    """Cuts at equal shares of the known values, ascending, as a person would say them: to two digits, or whole.

    None fires for more than `settings.max_share` of all rows.

    >>> candidates(np.arange(1000) / 999, at_least=True, settings=Finding(n_cuts=5))
    array([0.5 , 0.6 , 0.7 , 0.8 , 0.9 , 0.98, 0.99])
    >>> candidates(np.array([0, 0, 0, 0, 0, 1, 2, 5]), at_least=True, settings=Finding(n_cuts=5))
    array([1., 2., 5.])
    """
    known = values[~np.isnan(values)].astype("float64")
    if not len(known):
        return np.empty(0)
    is_whole = bool((known == np.round(known)).all())
    most = min(1.0, settings.max_share * len(values) / len(known))
    shares = np.append(np.linspace(0, most, settings.n_cuts + 1)[1:], [0.01, 0.02])
    cuts = np.quantile(known, 1 - shares if at_least else shares, method="nearest")
    rounded = np.round(cuts) if is_whole else np.array([float(f"{cut:.2g}") for cut in cuts])
    distinct = np.unique(rounded)
    fired = (known >= distinct[:, None]) if at_least else (known <= distinct[:, None])
    return distinct[fired.sum(axis=1) <= settings.max_share * len(values)]


def _has_support(effect: Effect, settings: Finding) -> bool:
    return effect.n_accounts >= settings.min_accounts and effect.n_positives >= settings.min_positives


def _has_lift(effect: Effect, settings: Finding) -> bool:
    return (effect.low or 0.0) > 1 and (effect.lift or 0.0) >= settings.min_lift


@dataclass(frozen=True)
class _Rows:
    """The rows of a block. accounts: numbered from 0."""

    x: np.ndarray
    y: np.ndarray
    accounts: np.ndarray
    n_accounts: int

    @classmethod
    def of(cls, x: np.ndarray, y: np.ndarray, accounts: np.ndarray, is_in: np.ndarray) -> _Rows:
        if not len(x) == len(y) == len(accounts) == len(is_in):
            raise BadInput(f"{len(x)} values, {len(y)} labels, {len(accounts)} accounts; they must be the same rows.")
        ids, numbered = np.unique(np.asarray(accounts)[is_in], return_inverse=True)
        return cls(x[is_in], y[is_in], numbered, len(ids))

    def effects(self, cuts: np.ndarray, at_least: bool, margin: float) -> list[Effect]:
        """Of each cut, its interval `margin` standard errors of log lift wide to each side."""
        n, base = len(self.y), float(self.y.mean()) if len(self.y) else None
        found = []
        for cut in cuts:
            fires = self._fires(cut, at_least)
            n_rows, n_positives = int(fires.sum()), int(self.y[fires].sum())
            rate = n_positives / n_rows if n_rows else None
            lift = low = high = None
            if rate is not None and base:
                lift = rate / base
                if rate:
                    spread = margin * float(np.sqrt((self._influence(fires) ** 2).sum()))
                    low, high = lift * np.exp(-spread), lift * np.exp(spread)
            n_accounts = len(np.unique(self.accounts[fires]))
            share = n_rows / n if n else None
            found.append(Effect(float(cut), n_rows, n_accounts, n_positives, share, rate, base, lift, low, high))
        return found

    def margin(self, cuts: np.ndarray, at_least: bool, settings: Finding, seed: int) -> float:
        """Standard errors that hold every cut's lift at once, `settings.interval` of the time.

        By drawing: each account's influence on all cuts gets one normal weight, and the largest of the cuts' errors
        counts (a multiplier bootstrap: Chernozhukov, Chetverikov, Kato 2013, by account).
        """
        influence = np.column_stack([self._influence(self._fires(cut, at_least)) for cut in cuts])
        errors = np.sqrt((influence**2).sum(axis=0))
        influence = influence[:, errors > 0] / errors[errors > 0]
        if not influence.size:
            return 0.0
        rng = np.random.default_rng(seed)
        step = max(1, AT_ONCE // self.n_accounts)
        largest = [
            np.abs(rng.standard_normal((min(step, settings.n_draws - start), self.n_accounts)) @ influence).max(axis=1)
            for start in range(0, settings.n_draws, step)
        ]
        # rounded: two machines add up in another order
        return round(float(np.quantile(np.concatenate(largest), settings.interval)), 4)

    def broadest(self, curve: tuple[Effect, ...], at_least: bool, margin: float) -> int:
        """The place of the cut that fires most often, of those whose lift is not lower than that of the one with the
        highest lower end by more than `margin` standard errors of their difference."""
        best = max(curve, key=lambda e: (e.low or 0.0, e.n_rows))
        of_best = self._influence(self._fires(best.threshold, at_least))

        def is_as_good(e: Effect) -> bool:
            error = np.sqrt(((of_best - self._influence(self._fires(e.threshold, at_least))) ** 2).sum())
            return bool(np.log((best.lift or 1.0) / (e.lift or 1.0)) <= margin * error)

        return max(range(len(curve)), key=lambda i: (is_as_good(curve[i]), curve[i].n_rows))

    def _fires(self, cut: float, at_least: bool) -> np.ndarray:
        return self.x >= cut if at_least else self.x <= cut

    def _influence(self, fires: np.ndarray) -> np.ndarray:
        """Each account's influence on log lift (the delta method, linear in its rows); their squares add up to the
        variance, whatever the snapshots of one account have in common. Shape (accounts,)."""
        n, base = len(self.y), self.y.mean()
        rate = self.y[fires].mean()
        by_row = fires * (self.y - rate) / (rate * fires.sum()) - (self.y - base) / (base * n)
        added = np.bincount(self.accounts, weights=by_row, minlength=self.n_accounts)
        return added * np.sqrt(self.n_accounts / max(1, self.n_accounts - 1))
