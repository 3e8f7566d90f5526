"""Do the reasons on the list say what the model did? Measured on the list itself, with the model asked again.

A reason may add up and still mislead: its mark may be wrong, what it names may not matter to the model, or it may
change from week to week though nothing changed at the account. Each function here measures one of these.
"""

from collections.abc import Callable, Sequence
from math import comb
from typing import Any

import numpy as np
import pandas as pd

from data.catalog import Language
from delivery.outputs import BASE
from delivery.words import LOWERS, RAISES, REASONS

Margin = Callable[[np.ndarray], np.ndarray]  # log-odds by row of a matrix of features
N_TOP = 3  # reasons that one remembers
AT_REST = 0.25  # the share of accounts whose features moved least


def additivity(reasons: pd.DataFrame, ranked: pd.DataFrame, margin: "pd.Series[Any]") -> dict[str, float]:
    """The largest distance between what an account's reasons add up to and what the model says of it.

    margin: the model's log-odds by account_id, computed from features and not from contributions.

    >>> reasons = pd.DataFrame({"account_id": ["a", "a"], "contribution": [-2.0, 0.5], "points": [0.1, 0.05]})
    >>> ranked = pd.DataFrame({"account_id": ["a"], "propensity": [0.15]})
    >>> {name: round(off, 9) for name, off in additivity(reasons, ranked, pd.Series({"a": -1.4})).items()}
    {'margin': 0.1, 'points': 0.0}
    """
    total = reasons.groupby("account_id")[["contribution", "points"]].sum()
    propensity = ranked.set_index("account_id")["propensity"]
    return {
        "margin": float((total["contribution"] - margin).abs().max()),
        "points": float((total["points"] - propensity).abs().max()),
    }


def sentences(ranked: pd.DataFrame, reasons: pd.DataFrame, language: Language) -> pd.DataFrame:
    """One row per sentence on the list: account_id, place, direction (+1 for the account, -1 against), and of the
    feature that says it, `group` and `contribution`; null where no feature of the account says this.

    Where several features say the same words, it is the one that moved the score most in the sentence's direction.
    """
    long = ranked.melt("account_id", REASONS, var_name="place", value_name="said").dropna(subset="said")
    marked = long["said"].str.startswith((RAISES, LOWERS))
    long = long.assign(
        place=long["place"].str.removeprefix("reason_").astype(int),
        direction=np.where(long["said"].str.startswith(RAISES), 1, np.where(marked, -1, 0)),
        text=long["said"].str.slice(len(RAISES)).where(marked, long["said"]),
    )
    spoken = reasons.loc[reasons["feature"] != BASE, ["account_id", "feature", "group", "contribution"]].assign(
        text=reasons[f"text_{language}"]
    )
    pairs = long.merge(spoken, on=["account_id", "text"], how="left")
    pairs = pairs.assign(pull=pairs["contribution"].fillna(0) * pairs["direction"])
    pairs = pairs.sort_values(["account_id", "place", "pull"], ascending=[True, True, False], kind="stable")
    kept = pairs.drop_duplicates(["account_id", "place"])
    return kept[["account_id", "place", "direction", "group", "contribution"]].reset_index(drop=True)


def sign_agreement(said: pd.DataFrame) -> float | None:
    """The share of sentences whose mark is the sign of a contribution behind them; None where nothing is said.

    >>> said = pd.DataFrame({"direction": [1, -1, 1], "contribution": [0.2, 0.1, None]})
    >>> round(sign_agreement(said), 3)
    0.333
    """
    return float((said["direction"] * said["contribution"] > 0).mean()) if len(said) else None


def by_group(contributions: np.ndarray, groups: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """What each group of features adds up to, one column per group; `contributions` without the base.

    >>> by_group(np.array([[0.5, 0.25, -1.0]]), ["use", "use", "life"])
    (array([[-1.  ,  0.75]]), ['life', 'use'])
    """
    names = sorted(set(groups))
    belongs = np.array([[group == name for name in names] for group in groups], dtype=float)
    return contributions @ belongs, names


def deletion(
    matrix: np.ndarray,
    *,
    groups: Sequence[str],
    categorical: Sequence[int],
    plans: Sequence[str],
    named: Sequence[set[str]],
    margin: Margin,
    seed: int,
) -> dict[str, float | int | None]:
    """How far the log-odds move when the named groups are made like the peers', beside as many groups at random.

    Every feature of a named group is set to the median of the accounts on the same plan (a text to what most of them
    have), and the model is asked again. `named`: mean absolute move; `others`: with as many groups drawn from those not
    named; `any`: from all. `wins`: the share of accounts whose named groups moved it more than the others did.
    matrix: as the model reads it; groups: of its columns; named: groups by row. Rows that name nothing are left out.
    """
    rows = np.flatnonzero([len(found) > 0 for found in named])
    if not len(rows):
        return {"n": 0, "named": None, "others": None, "any": None, "wins": None}
    names = sorted(set(groups))
    of_column = np.array([names.index(group) for group in groups])
    is_named = np.array([[name in named[int(i)] for name in names] for i in rows])
    wanted = is_named.sum(axis=1)
    peers = typical(matrix, np.asarray(plans, dtype=object), categorical)[rows]
    before = margin(matrix[rows])
    rng = np.random.default_rng(seed)

    def move(chosen: np.ndarray) -> np.ndarray:
        changed = np.where(chosen[:, of_column], peers, matrix[rows])
        return np.abs(margin(changed) - before)

    def drawn(allowed: np.ndarray) -> np.ndarray:
        order = np.where(allowed, rng.random(allowed.shape), np.inf).argsort(axis=1).argsort(axis=1)
        return (order < wanted[:, None]) & allowed

    ours, others, any_ = move(is_named), move(drawn(~is_named)), move(drawn(np.ones_like(is_named)))
    return {
        "n": len(rows),
        "named": float(ours.mean()),
        "others": float(others.mean()),
        "any": float(any_.mean()),
        "wins": float((ours > others).mean()),
    }


def typical(matrix: np.ndarray, plans: np.ndarray, categorical: Sequence[int]) -> np.ndarray:
    """What is usual among the accounts on the same plan, in the matrix's shape; NaN where nobody has a value.

    >>> typical(np.array([[1.0, 0.0], [3.0, 2.0], [8.0, 2.0]]), np.array(["pro"] * 3), [1])[0]
    array([3., 2.])
    """
    found = np.empty_like(matrix)
    for plan in pd.unique(plans):
        rows = plans == plan
        values = pd.DataFrame(matrix[rows])
        usual = values.median().to_numpy(copy=True)
        for column in categorical:
            common = values[column].mode()
            usual[column] = common.iloc[0] if len(common) else np.nan
        found[rows] = usual
    return found


def top(by_group: np.ndarray, n: int = N_TOP) -> np.ndarray:
    """The places of each row's `n` groups that weigh most, whichever way.

    >>> top(np.array([[0.1, -0.5, 0.3]]), 2)
    array([[1, 2]])
    """
    return np.argsort(-np.abs(by_group), axis=1, kind="stable")[:, :n]


def stability(
    now: np.ndarray, before: np.ndarray, top_now: np.ndarray, top_before: np.ndarray
) -> dict[str, float | int | None]:
    """The share of the top reasons that were there at the earlier snapshot, too: of all accounts, and of those at rest.

    At rest is the quarter whose features moved least, in standard deviations of each. The matrices hold the same
    accounts in the same order.
    """
    if not len(now):
        return {"n": 0, "at_rest": None, "all": None}
    spread = np.nanstd(np.vstack([now, before]), axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        moves = np.where(spread > 0, (now - before) / spread, 0.0)
    moves = np.where(np.isnan(now) & np.isnan(before), 0.0, np.where(np.isnan(moves), 1.0, moves))
    moved = np.sqrt((moves**2).mean(axis=1))
    kept = (top_now[:, :, None] == top_before[:, None, :]).any(axis=2).mean(axis=1)
    return {
        "n": len(now),
        "at_rest": float(kept[moved <= np.quantile(moved, AT_REST)].mean()),
        "all": float(kept.mean()),
    }


def first_reason(by_group: np.ndarray) -> np.ndarray:
    """What stands first for each row, as a code: the group that speaks most for it; else the one most against it.

    >>> first_reason(np.array([[0.1, 0.4, -2.0], [-0.1, -0.3, 0.0]]))
    array([1, 4])
    """
    n = by_group.shape[1]
    return np.where((by_group > 0).any(axis=1), by_group.argmax(axis=1), n + by_group.argmin(axis=1))


def before_upgrades(
    first: np.ndarray, upgraded: np.ndarray, accounts: Sequence[str], periods: Sequence[Any], *, seed: int, n: int = 500
) -> dict[str, float | int | None]:
    """How far the first reasons of accounts that went on to upgrade are from those of the others.

    `distance`: half the sum of absolute differences of the two distributions (0: the same, 1: nothing in common);
    `chance`: what 95 % of permutations of the outcomes stay below. Outcomes change places whole, account by account,
    among those seen on the same days: the snapshots of one account resemble each other.
    """
    upgraded = np.asarray(upgraded, dtype=bool)
    if not 0 < upgraded.sum() < len(upgraded):
        return {"n_upgrades": int(upgraded.sum()), "distance": None, "chance": None}
    codes = pd.factorize(first)[0]
    places, patterns = _swappable(accounts, periods)
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(n):
        shuffled = upgraded.copy()
        for rows in places:  # (accounts, days) of one pattern
            shuffled[rows] = upgraded[rows[rng.permutation(len(rows))]]
        drawn.append(_distance(codes, shuffled))
    return {
        "n_upgrades": int(upgraded.sum()),
        "n_patterns": patterns,
        "distance": _distance(codes, upgraded),
        "chance": float(np.quantile(drawn, 0.95)),
    }


def _distance(codes: np.ndarray, upgraded: np.ndarray) -> float:
    size = int(codes.max()) + 1
    one, other = (np.bincount(codes[part], minlength=size) / part.sum() for part in (upgraded, ~upgraded))
    return float(np.abs(one - other).sum() / 2)


def _swappable(accounts: Sequence[str], periods: Sequence[Any]) -> tuple[list[np.ndarray], int]:
    """Row numbers, an array (accounts, days) for each set of days on which accounts were seen."""
    rows = pd.DataFrame({"account": list(accounts), "period": list(periods)}).reset_index(names="row")
    rows = rows.sort_values(["account", "period"], kind="stable")
    seen = rows.groupby("account")["period"].agg(tuple)
    found = [
        np.stack([part["row"].to_numpy() for _, part in rows[rows["account"].isin(who)].groupby("account")])
        for who in seen.groupby(seen).groups.values()
    ]
    return found, len(found)


def truth_agreement(
    reasons: pd.DataFrame, causes: pd.DataFrame, probability: pd.DataFrame, groups: Sequence[str]
) -> dict[str, float | int | None]:
    """Of accounts truly among the tenth likeliest to expand: do their reasons name one of their three largest causes?

    `true_cause_rate`: the share where one of the first three sentences does; `random_cause_rate`: what as many groups
    drawn from `groups` would come to, exactly. reasons: account_id, place, group; causes: account_id, group, log_odds;
    probability: account_id, p. Accounts without a cause that speaks for them are left out.

    >>> reasons = pd.DataFrame({"account_id": "a", "place": [1, 2, 3], "group": ["use", "life", "seats"]})
    >>> causes = pd.DataFrame({"account_id": "a", "group": ["use", "limits"], "log_odds": [0.1, 2.0]})
    >>> probability = pd.DataFrame({"account_id": ["a"], "p": [0.4]})
    >>> truth_agreement(reasons, causes, probability, ["use", "life", "seats", "limits"])
    {'n': 1, 'true_cause_rate': 1.0, 'random_cause_rate': 1.0}
    """
    likely = probability.loc[probability["p"] >= probability["p"].quantile(0.9), "account_id"]
    why = causes[causes["account_id"].isin(likely) & (causes["log_odds"] > 0)]
    why = why.sort_values(["account_id", "log_odds"], ascending=[True, False], kind="stable")
    true = why.groupby("account_id").head(N_TOP).groupby("account_id")["group"].agg(set)
    first = reasons[reasons["place"] <= N_TOP].dropna(subset="group")
    told = first.groupby("account_id")["group"].agg(set)
    known = [account for account in true.index if account in told.index]
    if not known:
        return {"n": 0, "true_cause_rate": None, "random_cause_rate": None}
    hits = [bool(true[account] & told[account]) for account in known]
    size = len(set(groups))
    by_chance = []
    for account in known:
        n_true, n_told = len(true[account] & set(groups)), len(told[account])
        by_chance.append(1 - comb(size - n_true, n_told) / comb(size, n_told))
    return {
        "n": len(known),
        "true_cause_rate": float(np.mean(hits)),
        "random_cause_rate": float(np.mean(by_chance)),
    }
