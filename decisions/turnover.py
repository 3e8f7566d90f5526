"""How much of each owner's list may change in a week.

Last week's accounts that may still be contacted are *keepers*. Of each owner's, at most the share `max_turnover` may
leave the list: at least ⌈(1 − share) × keepers⌉ stay, as far as the other limits let them. It is a bound and no bonus:
a bonus for having been on the list would have to be guessed, and would hold nothing. The price of the bound is that
bonus: what an account's having been there is worth this week. Per owner, since an owner reads their own list.
"""

from collections.abc import Collection

import numpy as np
import pandas as pd


def keepers(ways: pd.DataFrame, previous: Collection[str]) -> np.ndarray:
    """Whether each way is of an account that was contacted last week.

    >>> keepers(pd.DataFrame({"account_id": ["a", "b"]}), ["b", "gone"]).tolist()
    [False, True]
    """
    return ways["account_id"].isin(list(previous)).to_numpy()


def asked(ways: pd.DataFrame, is_keeper: np.ndarray, max_turnover: float) -> pd.Series:
    """How many of each owner's keepers have to stay; indexed by owner ("" for accounts that have none).

    >>> ways = pd.DataFrame({"account_id": ["a", "a", "b", "c"], "owner_id": "CSM-1"})
    >>> asked(ways, np.array([True] * 4), 0.34).to_dict()
    {'CSM-1': 2}
    """
    mine = ways[is_keeper]
    count = mine["account_id"].groupby(mine["owner_id"].astype("object").fillna("")).nunique()
    least = np.ceil(count.to_numpy(dtype="float64") * (1 - max_turnover) - 1e-9)
    return pd.Series(least.astype(np.int64), index=count.index)


def explained(chosen: pd.DataFrame, freely: pd.DataFrame) -> pd.DataFrame:
    """Which accounts the bound moved: `kept` is on the list because of it, `waits` would be without it.

    chosen, freely: account_id and priority of the list with the bound and without. One row per account that it moved.

    >>> chosen = pd.DataFrame({"account_id": ["a"], "priority": [5.0]})
    >>> freely = pd.DataFrame({"account_id": ["b"], "priority": [7.0]})
    >>> explained(chosen, freely).to_dict("records")
    [{'account_id': 'a', 'priority': 5.0, 'moved': 'kept'}, {'account_id': 'b', 'priority': 7.0, 'moved': 'waits'}]
    """
    kept = chosen[~chosen["account_id"].isin(freely["account_id"])].assign(moved="kept")
    waits = freely[~freely["account_id"].isin(chosen["account_id"])].assign(moved="waits")
    both = pd.concat([kept, waits], ignore_index=True)[["account_id", "priority", "moved"]]
    return both.sort_values("account_id", kind="stable", ignore_index=True)
