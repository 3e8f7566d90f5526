"""Columns that hold the answer, or the future: too strong alone, known only for winners, stamped later than their day.

A leak makes a model look better than it will ever be, and is found before anything is learnt. Only rows of the train
and validation blocks come here. Each check gives the leaks it found; that a column is allowed is for others to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from pandas.api import types
from scipy import stats

from data.contract import MOVING_ATTRIBUTES, RAW_TABLES
from models.settings import Leaks

N_BINS = 50
N_FOLDS = 5
PRIOR_ROWS = 5.0  # a level's rate is drawn to the base rate as if so many more rows of that rate were in it
BY_CHANCE = 1e-6  # how unlikely it must be that winners alone came to be known; a table has hundreds of columns
FEW_OTHERS = 0.75  # of those that stay: known at most a third as often as of winners
# Days that a feature may know in advance, since they are agreed on.
PLANNED = ("renews_on", "valid_to_on", *(name for name in MOVING_ATTRIBUTES if name.endswith("_until")))

Form = Literal["power", "winners", "future"]


@dataclass(frozen=True)
class Leak:
    """A column, in which form it leaks, the figure that says so, and the sentence about it."""

    column: str
    form: Form
    figure: float
    says: str


def powers(X: pd.DataFrame, y: np.ndarray, accounts: np.ndarray, *, min_accounts: int = 20) -> dict[str, float]:
    """Each feature's AUC on its own, between 0.5 (useless) and 1; empty where there are winners only, or losers only.

    The largest of several readings: the rank in either direction, gaps at one end or the other; the same among the
    rows where the feature is known, if those are of at least `min_accounts` winners and as many others; and the
    target's rate by level (of text; of numbers in bins; a gap is a level too), learnt on other accounts, so that a
    feature with many levels is not strong by remembering.

    >>> y = np.tile([0.0, 0.0, 1.0, 0.0], 100)
    >>> X = pd.DataFrame({"answer": y, "gap": np.where(y == 1, np.nan, 3.0), "id": [f"{i}" for i in range(400)]})
    >>> powers(X, y, np.arange(400))
    {'answer': 1.0, 'gap': 1.0, 'id': 0.5}
    """
    if not 0 < y.sum() < len(y):
        return {}
    folds = np.unique(accounts, return_inverse=True)[1] % N_FOLDS
    found = {}
    for name in X.columns:
        levels, numbers = _read(X[name])
        read = [_auc(_rates(levels, y, folds), y)]
        if numbers is not None:
            is_known = ~np.isnan(numbers)
            ends = (np.where(is_known, numbers, end) for end in (-np.inf, np.inf))
            ranked = [_auc(values, y) for values in ends]
            if not is_known.all() and _support(y[is_known], accounts[is_known]) >= min_accounts:
                ranked.append(_auc(numbers[is_known], y[is_known]))
            read += [max(auc, 1 - auc) for auc in ranked]
        found[str(name)] = max(0.5, *read)
    return found


def too_strong(auc: dict[str, float], y: np.ndarray, accounts: np.ndarray, settings: Leaks) -> list[Leak]:
    """The features whose AUC alone (of `powers`) is past `max_auc`; none with fewer accounts than count."""
    if _support(y, accounts) < settings.min_accounts:
        return []
    return [
        Leak(
            name,
            "power",
            value,
            f"{name} alone tells those that expand from the others with an AUC of {value:.3f}, over {len(y):,} "
            f"snapshots of {len(np.unique(accounts)):,} accounts; past leaks.max_auc ({settings.max_auc:g}) that is no "
            "signal but the answer",
        )
        for name, value in auc.items()
        if value > settings.max_auc
    ]


def known_by_outcome(
    known: pd.DataFrame, y: np.ndarray, accounts: np.ndarray, settings: Leaks, *, unit: str = "snapshots that expand"
) -> list[Leak]:
    """The columns that are known for winners and for (nearly) nobody else, or the other way round.

    known: one row per row of `y`, whether each column holds a value there; unit: what a winner is. Compared are the
    shares known among winners and among others, so that few winners weigh as much as many others. It takes
    `min_accounts` accounts for which the column is known, and more than chance could do.

    >>> y = np.tile([0.0, 0.0, 1.0, 0.0], 100)
    >>> known = pd.DataFrame({"reason_won": y == 1, "industry": np.arange(400) % 3 > 0})
    >>> [(leak.column, leak.figure) for leak in known_by_outcome(known, y, np.arange(400), Leaks())]
    [('reason_won', 1.0)]
    """
    won = y == 1
    if not 0 < won.sum() < len(won):
        return []
    found = []
    for name in known.columns:
        is_known = known[name].to_numpy(dtype="bool")
        of_won, of_others = float(is_known[won].mean()), float(is_known[~won].mean())
        most = max(of_won, of_others)
        if not most or most / (of_won + of_others) < settings.max_known:
            continue
        # an account's snapshots are no news to one another: one speaks for it, the first that knows the column if any
        first = np.unique(accounts[by := np.argsort(~is_known, kind="stable")], return_index=True)[1]
        one = by[first]
        n, n_won = int(is_known[one].sum()), int((is_known & won)[one].sum())
        drawn = stats.hypergeom(len(one), int(won[one].sum()), n)
        chance = drawn.sf(n_won - 1) if of_won > of_others else drawn.cdf(n_won)
        if n < settings.min_accounts or chance > BY_CHANCE:
            continue
        says = f"{name} is known for {of_won:.1%} of the {unit} and {of_others:.1%} of the others ({n:,} accounts)"
        found.append(Leak(str(name), "winners", most / (of_won + of_others), says))
    return found


def known_of_accounts(
    known: pd.DataFrame, ever: np.ndarray, has_left: np.ndarray, accounts: np.ndarray, settings: Leaks
) -> list[Leak]:
    """The same of columns without a date, one row per account: known whenever it won or will, so in all its snapshots.

    ever: whether the account ever expands, as far as that may be looked at. Those that stay may yet win, or have won
    where nobody may look; so winners are also compared with those that left without, whose story is over, and a column
    is taken for a leak where it is known of few of all others either: of those that stay, one that is merely cleared
    when an account leaves is known.

    >>> n = np.arange(300)
    >>> ever, has_left, later = n < 100, (n >= 100) & (n < 150), n >= 270
    >>> known = pd.DataFrame({"won_by": ever | later, "owner_id": ~has_left})
    >>> [leak.column for leak in known_of_accounts(known, ever.astype(float), has_left, n, Leaks())]
    ['won_by']
    """
    found = known_by_outcome(known, ever, accounts, settings, unit="accounts that ever expand")
    is_over = (ever == 1) | has_left
    told = {leak.column for leak in found}
    for leak in known_by_outcome(
        known[is_over],
        ever[is_over],
        accounts[is_over],
        settings,
        unit="accounts that ever expand, of those that do or left",
    ):
        is_known = known[leak.column].to_numpy(dtype="bool")
        shares = float(is_known[ever == 1].mean()), float(is_known[ever != 1].mean())
        of_over = is_known[is_over & (ever == 1)].mean() > is_known[is_over & (ever != 1)].mean()
        side = shares[0] if of_over else shares[1]
        if leak.column not in told and side / sum(shares) >= FEW_OTHERS:
            found.append(leak)
    return found


def from_the_future(written: pd.DataFrame, rebuilt: pd.DataFrame) -> list[Leak]:
    """The columns of `written` that are not what `rebuilt`, from tables of their day alone, says they were.

    Both have one row per (account_id, as_of) of the same days; columns that only one has are not compared. An account
    that only one has was selected by what came later: that is told of `account_id`.

    >>> day = pd.Timestamp("2026-05-01")
    >>> was = pd.DataFrame({"account_id": ["a", "b"], "as_of": [day, day], "seats": [2.0, None], "n": [1, 1]})
    >>> from_the_future(was.assign(n=[1, 4]), was)[0].says
    'n of b as of 2026-05-01 is 4, and 1 by what was known before that day (so of 1 of 2 snapshots)'
    """
    key = ["account_id", "as_of"]
    both = written.merge(rebuilt, on=key, how="outer", suffixes=("", " then"), indicator="in", validate="one_to_one")
    both = both.sort_values(key, ignore_index=True)
    found = []
    if len(alone := both[both["in"] != "both"]):
        first = alone.iloc[0]
        was = "there, and was not" if first["in"] == "left_only" else "not there, and was"
        says = f"{first['account_id']} as of {first['as_of']:%Y-%m-%d} is {was} by what was known before that day"
        found.append(Leak("account_id", "future", len(alone) / len(both), f"{says} (so of {len(alone):,} snapshots)"))
    both = both[both["in"] == "both"]
    for name in written.columns:
        if name in key or name not in rebuilt:
            continue
        now, then = both[name], both[f"{name} then"]
        differs = (now.isna() != then.isna()) | (
            now.notna() & then.notna() & (now.astype(object) != then.astype(object))
        )
        if not differs.any():
            continue
        first = both[differs].iloc[0]
        says = (
            f"{name} of {first['account_id']} as of {first['as_of']:%Y-%m-%d} is {_shown(first[name])}, and "
            f"{_shown(first[f'{name} then'])} by what was known before that day "
            f"(so of {int(differs.sum()):,} of {len(both):,} snapshots)"
        )
        found.append(Leak(str(name), "future", float(differs.mean()), says))
    return found


def dated_later(X: pd.DataFrame, accounts: Sequence[Any], as_of: pd.Series[Any]) -> list[Leak]:
    """The columns of dates or times, not known in advance by the contract, of which one lies on its as_of or later.

    >>> days = pd.to_datetime(pd.Series(["2026-05-01"] * 2))
    >>> X = pd.DataFrame({"won_on": days + pd.Timedelta(days=3), "renews_on": days + pd.Timedelta(days=3)})
    >>> dated_later(X, ["a", "b"], days)[0].says
    'won_on of a as of 2026-05-01 is 2026-05-04 (so of 2 of 2 snapshots)'
    """
    found = []
    for name in X.columns:
        if name in PLANNED or not types.is_datetime64_any_dtype(X[name]):
            continue
        is_later = (X[name].to_numpy() >= as_of.to_numpy()) & X[name].notna().to_numpy()
        if is_later.any():
            at = int(np.flatnonzero(is_later)[0])
            says = (
                f"{name} of {accounts[at]} as of {as_of.iloc[at]:%Y-%m-%d} is {X[name].iloc[at]:%Y-%m-%d} "
                f"(so of {int(is_later.sum()):,} of {len(X):,} snapshots)"
            )
            found.append(Leak(str(name), "future", float(is_later.mean()), says))
    return found


def raw_columns(tables: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(table, column) of all that may be known of one account and not of another: columns that may be null, and whether
    there is a row at all, which `account_id` tells.

    >>> list(raw_columns(["surveys", "tickets"]))
    [('surveys', 'account_id'), ('tickets', 'account_id'), ('tickets', 'closed_at'), ('tickets', 'csat')]
    """
    for table in tables:
        columns = RAW_TABLES[table].columns
        yield from ((table, name) for name, column in columns.items() if column.nullable or name == "account_id")


def _read(column: pd.Series[Any]) -> tuple[np.ndarray, np.ndarray | None]:
    """A feature as levels (whole numbers from 0, a gap is one of them), and as numbers where it is no text."""
    kind = column.dtype
    if types.is_datetime64_any_dtype(kind):
        numbers = column.astype("datetime64[us]").astype("int64").astype("float64").to_numpy()
        numbers = np.where(column.isna(), np.nan, numbers)
    elif types.is_numeric_dtype(kind) or types.is_bool_dtype(kind):
        numbers = column.astype("Float64").to_numpy(dtype="float64", na_value=np.nan)
    else:
        texts = column.astype("object").where(column.notna(), None)
        return pd.factorize(texts, use_na_sentinel=True)[0] + 1, None
    is_known = ~np.isnan(numbers)
    places = np.zeros(len(numbers), dtype="int64")
    places[is_known] = np.unique(numbers[is_known], return_inverse=True)[1] + 1
    if places.max(initial=0) > N_BINS:
        share = stats.rankdata(numbers[is_known]) / is_known.sum()
        places[is_known] = np.ceil(share * N_BINS)
    return places, numbers


def _rates(levels: np.ndarray, y: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """The target's rate in each row's level among the rows of other folds; the base rate where there are none."""
    n_levels, base = int(levels.max(initial=0)) + 1, float(y.mean())
    rates = np.empty(len(y))
    for fold in range(N_FOLDS):
        here = folds == fold
        n = np.bincount(levels[~here], minlength=n_levels)
        won = np.bincount(levels[~here], weights=y[~here], minlength=n_levels)
        rates[here] = ((won + PRIOR_ROWS * base) / (n + PRIOR_ROWS))[levels[here]]
    return rates


def _auc(values: np.ndarray, y: np.ndarray) -> float:
    """P(a winner stands above a loser), half of ties."""
    n_won = y.sum()
    ranks = stats.rankdata(values)
    return float((ranks @ y - n_won * (n_won + 1) / 2) / (n_won * (len(y) - n_won)))


def _support(y: np.ndarray, accounts: np.ndarray) -> int:
    """Accounts that ever win, or accounts that ever do not: whichever are fewer."""
    return min(len(np.unique(accounts[y == 1])), len(np.unique(accounts[y == 0])))


def _shown(value: Any) -> str:
    if value is None or value != value:
        return "nothing"
    return f"{value:g}" if isinstance(value, float | np.floating) else str(value)
