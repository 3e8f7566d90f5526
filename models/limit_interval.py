"""The interval for the days until a limit: a distribution over weeks, the shortest set of them, held to its coverage.

1. *Distribution.* A booster learns the chance that the limit is reached in week w, given that it was not reached before
   and that the account is still there (discrete-time hazard: Singer and Willett, 1993). An account that left counts for
   the weeks in which it was seen, so that leaving is not taken for never reaching.
2. *Set.* The shortest run of weeks with the mass wanted, "not within the horizon" being one of them: its ends are free,
   so that a limit that may never be reached gets a lower end alone, and a limit that is most likely never reached gets
   no interval, but the words "not within 180 days".
3. *Coverage.* The mass wanted is not the coverage promised, but what gave that coverage on accounts that the booster
   had not seen (split conformal over folds of accounts, on the set's mass: Chernozhukov, Wüthrich and Zhu, 2021). It is
   held among the accounts whose limit may be reached; the others are right far more often than promised, and counting
   them would allow intervals that are too narrow where people read them.

A simpler way, how often accounts of the same metric, share and straight line reached it when, gave sets a seventh wider
on the learning snapshots.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.errors import BadInput
from features.headroom import PREDICTORS
from models.settings import Forecast

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
BOOSTER_FILE, FACTS_FILE = "booster.txt", "intervals.json"
FIXED: Mapping[str, Any] = {
    "objective": "binary",
    "verbosity": -1,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "learning_rate": 0.1,
    "num_leaves": 15,
    "min_data_in_leaf": 100,
    "lambda_l2": 5.0,
    "feature_fraction": 0.7,
    "max_bin": 127,
}
ROUNDS = 100
N_FOLDS = 3
MASSES = np.round(np.arange(0.5, 1.0, 0.005), 3)  # among which the one with the coverage promised is looked for
WEEK = 7


@dataclass(frozen=True)
class LimitIntervals:
    """Learnt intervals. All text: LightGBM's own format, and JSON. Without a booster it knows none, and says why."""

    horizon_days: int
    coverage: float
    mass: float
    metrics: tuple[str, ...] = ()
    booster_text: str | None = field(default=None, repr=False)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def booster(self) -> lgb.Booster:
        """From the text that is kept, so that one just learnt and one just loaded are the same."""
        return lgb.Booster(model_str=self.booster_text)

    def masses(self, rows: pd.DataFrame) -> Floats:
        """The chance of each week and, last, of none of them: shape (rows, weeks + 1); a row sums to 1."""
        n, weeks = len(rows), n_weeks(self.horizon_days)
        if n == 0:
            return np.zeros((0, weeks + 1))
        at, week = np.repeat(np.arange(n), weeks), np.tile(np.arange(weeks), n)
        hazard = self.booster.predict(_matrix(rows, at, week, self.metrics)).reshape(n, weeks)
        survives = np.cumprod(1 - hazard, axis=1)
        before = np.column_stack([np.ones(n), survives[:, :-1]])
        return np.column_stack([hazard * before, survives[:, -1:]])

    def intervals(self, rows: pd.DataFrame) -> pd.DataFrame:
        """One row per row of `rows` (of features.headroom): `days` (the straight line), `low`, `high`, `p_reached`.

        low and high are days from as_of, both included; a null `high` is an open end: that many days, or more, or
        never; a `low` of the whole horizon: not within it. `p_reached`: within the horizon, if the account stays.
        """
        found = rows[["account_id", "as_of", "metric"]].reset_index(drop=True)
        found["days"] = rows["line"].to_numpy(float)
        if self.booster_text is None:
            return found.iloc[:0].assign(low=0.0, high=0.0, p_reached=0.0)
        masses = self.masses(rows)
        first, last = shortest(masses, np.where(self.is_far(masses), self.coverage, self.mass))
        weeks = masses.shape[1] - 1
        ends = np.minimum((last + 1) * WEEK, self.horizon_days) - 1.0
        found["low"] = np.minimum(first * WEEK, self.horizon_days).astype(float)
        found["high"] = np.where(last == weeks, np.nan, ends)
        found["p_reached"] = 1 - masses[:, -1]
        return found

    def is_far(self, masses: Floats) -> NDArray[np.bool_]:
        """Whether "not within the horizon" is alone likely enough: such rows get no interval."""
        far: NDArray[np.bool_] = masses[:, -1] >= self.coverage
        return far

    def to_files(self) -> dict[str, str]:
        """Text by file name."""
        about = {
            "horizon_days": self.horizon_days,
            "coverage": self.coverage,
            "mass": self.mass,
            "metrics": list(self.metrics),
            "booster_sha256": _sha256(self.booster_text) if self.booster_text else None,
            "facts": dict(self.facts),
        }
        files = {FACTS_FILE: json.dumps(about, indent=1, ensure_ascii=False) + "\n"}
        return files | ({BOOSTER_FILE: self.booster_text} if self.booster_text else {})

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> LimitIntervals:
        """From what `to_files` gave. Raises BadInput where a file is missing or differs from what was saved."""
        if FACTS_FILE not in files:
            raise BadInput(f"{FACTS_FILE} is missing among the limits' intervals; run `dvc repro`.")
        about = json.loads(files[FACTS_FILE])
        wanted, text = about.pop("booster_sha256"), files.get(BOOSTER_FILE)
        if wanted != (_sha256(text) if text else None):
            raise BadInput(f"{BOOSTER_FILE} is not the file that was saved with {FACTS_FILE}; run `dvc repro`.")
        return cls(**{**about, "metrics": tuple(about["metrics"])}, booster_text=text)


def n_weeks(horizon_days: int) -> int:
    """How many weeks the horizon touches.

    >>> n_weeks(180), n_weeks(182)
    (26, 26)
    """
    return -(-horizon_days // WEEK)


def shortest(masses: Floats, wanted: Floats) -> tuple[Ints, Ints]:
    """The first and the last week of the shortest run with at least the mass `wanted`; the earlier of two equal ones.

    "Never", the last column, has no length: a run up to it ends where the weeks do.

    >>> first, last = shortest(np.array([[0.1, 0.7, 0.15, 0.05], [0.1, 0.2, 0.3, 0.4]]), np.array([0.8, 0.8]))
    >>> first.tolist(), last.tolist()
    ([0, 1], [1, 3])
    """
    starts, lengths = _runs(masses.shape[1])
    total = np.column_stack([np.zeros(len(masses)), np.cumsum(masses, axis=1)])
    run = total[:, starts + lengths] - total[:, starts]
    # rounding must not make the whole too little
    chosen = np.argmax(run >= np.minimum(wanted, 1)[:, None] - 1e-9, axis=1)
    return starts[chosen], starts[chosen] + lengths[chosen] - 1


def _runs(n: int) -> tuple[Ints, Ints]:
    """Starts and lengths of all runs of `n` columns, the shortest in time first."""
    first, last = np.triu_indices(n)
    weeks = np.minimum(last + 1, n - 1) - np.minimum(first, n - 1)
    order = np.lexsort((first, weeks))
    return first[order], (last - first + 1)[order]


def covers(intervals: pd.DataFrame, outcomes: pd.DataFrame, horizon_days: int) -> NDArray[np.bool_]:
    """Whether each interval holds its outcome; row by row.

    An account that left before the limit was reached could have reached it on any later day, or never: it counts as
    covered where its interval is not over by the last day on which it was seen.
    """
    low, high = intervals["low"].to_numpy(float), intervals["high"].fillna(np.inf).to_numpy(float)
    days, seen = outcomes["reached_after"].to_numpy(float), outcomes["seen_days"].to_numpy(float)
    is_reached = ~np.isnan(days)
    has_left = ~is_reached & (seen < horizon_days)
    at = np.where(is_reached, days, horizon_days)
    return np.where(has_left, high >= seen - 1, (low <= at) & (at <= high))


def fit(rows: pd.DataFrame, outcomes: pd.DataFrame, settings: Forecast, *, seed: int) -> LimitIntervals:
    """Learn from rows of features.headroom and, in the same order, their outcomes (data.reached).

    The same rows and seed give the same bytes. Where there is too little to learn from, the intervals know none, and
    `facts["note"]` says why.
    """
    horizon = settings.horizon_days
    keep = _drawn(rows["account_id"], settings.max_rows, seed)
    rows, outcomes = rows[keep].reset_index(drop=True), outcomes[keep].reset_index(drop=True)
    n_reached, n_accounts = int(outcomes["reached_after"].notna().sum()), rows["account_id"].nunique()
    facts: dict[str, Any] = {
        "n_rows": len(rows),
        "n_accounts": n_accounts,
        "n_reached": n_reached,
        "first_as_of": f"{rows['as_of'].min():%Y-%m-%d}" if len(rows) else None,
        "last_as_of": f"{rows['as_of'].max():%Y-%m-%d}" if len(rows) else None,
    }
    if n_reached < settings.min_reached or len(rows) - n_reached < settings.min_reached or n_accounts < 2 * N_FOLDS:
        note = (
            f"of {len(rows)} accounts and metrics near a limit whose {horizon} days are over, {n_reached} reached it; "
            f"at least {settings.min_reached} that did and as many that did not are needed"
        )
        return LimitIntervals(horizon, settings.coverage, settings.coverage, facts={**facts, "note": note})
    metrics = tuple(sorted(rows["metric"].unique()))
    folds = _folds(rows["account_id"], seed)
    masses = np.zeros((len(rows), n_weeks(horizon) + 1))
    for fold in range(N_FOLDS):
        is_out = folds == fold
        text = _boosted(rows[~is_out], outcomes[~is_out], metrics, horizon, seed)
        one = LimitIntervals(horizon, settings.coverage, settings.coverage, metrics, text)
        masses[is_out] = one.masses(rows[is_out])
    may = masses[:, -1] < settings.coverage
    mass = _mass(masses[may], outcomes[may], horizon, settings.coverage)
    text = _boosted(rows, outcomes, metrics, horizon, seed)
    return LimitIntervals(
        horizon, settings.coverage, mass, metrics, text, {**facts, "share_far": float(1 - may.mean())}
    )


def _mass(masses: Floats, outcomes: pd.DataFrame, horizon_days: int, coverage: float) -> float:
    """The least mass whose sets cover as often as promised; the most there is where none does."""
    weeks = masses.shape[1] - 1
    for mass in MASSES:
        first, last = shortest(masses, np.full(len(masses), mass))
        ends = np.where(last == weeks, np.nan, np.minimum((last + 1) * WEEK, horizon_days) - 1.0)
        sets = pd.DataFrame({"low": np.minimum(first * WEEK, horizon_days), "high": ends})
        if len(sets) and covers(sets, outcomes, horizon_days).mean() >= coverage:
            return float(mass)
    return float(MASSES[-1])


def _boosted(rows: pd.DataFrame, outcomes: pd.DataFrame, metrics: tuple[str, ...], horizon_days: int, seed: int) -> str:
    """A row per week in which the limit could still be reached and the account was there; did it happen then?"""
    days, seen = outcomes["reached_after"].to_numpy(float), outcomes["seen_days"].to_numpy(float)
    reached_in = np.where(np.isnan(days), -1, days // WEEK).astype(int)
    # a week that was seen in part, and passed without reaching the limit, is not counted as one that could have
    lasted = np.where(seen >= horizon_days, n_weeks(horizon_days), seen // WEEK).astype(int)
    weeks = np.where(reached_in >= 0, reached_in + 1, lasted)
    at = np.repeat(np.arange(len(rows)), weeks)
    week = np.arange(len(at)) - np.repeat(np.cumsum(weeks) - weeks, weeks)
    target = (week == reached_in[at]).astype("float64")
    matrix = _matrix(rows, at, week, metrics)
    binned = lgb.Dataset(matrix, label=target, params={"max_bin": FIXED["max_bin"], "verbosity": -1, "num_threads": 1})
    return str(lgb.train({**FIXED, "seed": seed}, binned, ROUNDS).model_to_string())


def _matrix(rows: pd.DataFrame, at: Ints, week: Ints, metrics: tuple[str, ...]) -> Floats:
    """What the hazard of a row's week depends on: the headroom, the metric, and where in its month the week ends.

    A counter starts from nothing each month, and is seldom full before its end.
    """
    codes = rows["metric"].map({metric: i for i, metric in enumerate(metrics)}).to_numpy(float)
    plain = np.column_stack([rows[list(PREDICTORS)].to_numpy(float), codes])[at]
    as_of = rows["as_of"].to_numpy("datetime64[D]")[at]
    end = as_of + (week * WEEK + WEEK - 1).astype("timedelta64[D]")
    month = end.astype("datetime64[M]")
    day_of_month = (end - month.astype("datetime64[D]")).astype(int) + 1
    months_on = (month - as_of.astype("datetime64[M]")).astype(int)
    return np.column_stack([plain, week, day_of_month, months_on]).astype("float64")


def _folds(accounts: pd.Series[Any], seed: int) -> Ints:
    """A fold per row; an account lies wholly in one."""
    ids = np.sort(accounts.unique())
    fold_of = dict(zip(ids, np.random.default_rng(seed).permutation(len(ids)) % N_FOLDS, strict=True))
    return accounts.map(fold_of).to_numpy(int)


def _drawn(accounts: pd.Series[Any], max_rows: int, seed: int) -> NDArray[np.bool_]:
    """Whole accounts at random, as many as fit into `max_rows`; the order of rows does not matter."""
    counts = accounts.value_counts().sort_index()
    order = np.random.default_rng([seed, 1]).permutation(len(counts))
    fits = np.cumsum(counts.to_numpy()[order]) <= max_rows
    return accounts.isin(counts.index[order[fits]]).to_numpy()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
