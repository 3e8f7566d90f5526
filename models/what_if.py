"""The smallest change of one thing at an account that would take it where it is not, by the model itself.

This is about the model and not about the world: everything else stays as it is, and what would have to happen for the
change is not asked. So values are only those that peers really have.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

MIN_PEERS = 10
N_STEPS = 10  # between the first and the last decile of the peers
AT_ONCE = 50  # accounts of which the model is asked together

Probability = Callable[[pd.DataFrame], np.ndarray]
Reaches = Callable[[pd.DataFrame, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Change:
    """One feature from what it is to another value, and the probability before and after.

    size: of the change, in peers' ranges (from their first decile to their last): what makes changes comparable.
    """

    feature: str
    now: float
    value: float
    p_now: float
    p_then: float
    size: float


@dataclass(frozen=True)
class Question:
    """What would take an account there: its one row, as the model reads it; for each feature the values to try, in that
    order, and the peers' range. reaches: of changed rows and their probabilities, which are where one wants to get.
    """

    account: pd.DataFrame
    values: Mapping[str, np.ndarray]
    ranges: Mapping[str, float]
    reaches: Reaches


def steps(peers: np.ndarray, *, whole: bool) -> np.ndarray:
    """Tenths of the way from the peers' first decile to their last, ascending; whole: only whole numbers.

    None where too few peers have a value or all have the same.

    >>> steps(np.arange(101.0), whole=True).tolist()
    [10.0, 18.0, 26.0, 34.0, 42.0, 50.0, 58.0, 66.0, 74.0, 82.0, 90.0]
    >>> steps(np.arange(5.0), whole=True).tolist()
    []
    """
    known = peers[~np.isnan(peers)]
    if len(known) < MIN_PEERS:
        return np.zeros(0)
    low, high = np.quantile(known, [0.1, 0.9])
    values = np.linspace(low, high, N_STEPS + 1)
    return np.unique(np.round(values) if whole else values) if high > low else np.zeros(0)


def nearest_first(values: np.ndarray, now: float) -> np.ndarray:
    """The values other than the account's own, nearest first; none where its own is not known.

    >>> nearest_first(np.array([10.0, 18.0, 26.0]), 20.0).tolist()
    [18.0, 26.0, 10.0]
    """
    others = values[values != now] if not np.isnan(now) else np.zeros(0)
    return others[np.argsort(np.abs(others - now), kind="stable")]


def smallest(question: Question, *, probability: Probability) -> list[Change]:
    """For each feature the first of its values with which the account gets there; smallest first.

    Features that do not get it there are left out.

    >>> account = pd.DataFrame({"seats": [3.0], "logins": [2.0]})
    >>> model = lambda rows: 0.1 + 0.02 * rows["seats"].to_numpy()
    >>> values = {"seats": np.array([5.0, 8.0, 12.0]), "logins": np.array([9.0])}
    >>> found = smallest(Question(account, values, {"seats": 9.0}, lambda rows, p: p >= 0.25), probability=model)
    >>> [(change.feature, change.value, round(change.p_then, 2), change.size) for change in found]
    [('seats', 8.0, 0.26, 0.5555555555555556)]
    """
    return smallest_of_each([question], probability=probability)[0]


def smallest_of_each(questions: Sequence[Question], *, probability: Probability) -> list[list[Change]]:
    """`smallest` of each question, in their order; the model is asked of some hundreds of rows at once."""
    found: list[list[Change]] = []
    for first in range(0, len(questions), AT_ONCE):
        some = questions[first : first + AT_ONCE]
        rows, ends = _tried(some), np.cumsum([1 + _n_tries(question) for question in some])
        p = probability(rows)
        for question, begin, end in zip(some, [0, *ends[:-1]], ends, strict=True):
            found.append(_nearest(question, rows.iloc[begin:end].reset_index(drop=True), p[begin:end]))
    return found


def _n_tries(question: Question) -> int:
    return sum(len(tried) for tried in question.values.values())


def _tried(questions: Sequence[Question]) -> pd.DataFrame:
    """Of each question the account as it is, and a row for each value that is tried."""
    accounts = pd.concat([question.account for question in questions], ignore_index=True)
    rows = accounts.loc[np.repeat(np.arange(len(accounts)), [1 + _n_tries(q) for q in questions])]
    rows = rows.reset_index(drop=True)
    names = dict.fromkeys(name for question in questions for name in question.values)
    columns = {n: pd.to_numeric(rows[n]).astype("float64").to_numpy(copy=True) for n in names}
    at = 0
    for question in questions:
        at += 1
        for name, tried in question.values.items():
            columns[name][at : at + len(tried)] = tried
            at += len(tried)
    return rows.assign(**columns)


def _nearest(question: Question, rows: pd.DataFrame, p: np.ndarray) -> list[Change]:
    """rows, p: the account as it is, and what was tried, in the order of `_tried`."""
    is_there = np.asarray(question.reaches(rows, p))
    found, at = [], 1
    for name, tried in question.values.items():
        first = next((i for i in range(at, at + len(tried)) if is_there[i]), None)
        at += len(tried)
        if first is not None:
            now, value = float(rows[name].iloc[0]), float(rows[name].iloc[first])
            size = abs(value - now) / question.ranges[name]
            found.append(Change(name, now, value, float(p[0]), float(p[first]), size))
    return sorted(found, key=lambda change: (change.size, change.feature))
