"""What one more contact, hour, e-mail or unit of budget would be worth: the week, solved again with one more."""

from dataclasses import replace

import numpy as np
import pandas as pd

from decisions.assignment import Assigned
from decisions.prices import SMALL, Problem
from decisions.solver import parts_of, relaxation, solve


def one_more(week: Assigned, limit_id: str, group: str = "", *, by: float = 1.0) -> float:
    """Money that `by` more of a limit would add: the difference of two solutions, no derivative.

    Only the part of the week that shares something with the limit is solved again, twice: to the cent where it is
    small, and as the linear relaxation where it is large (there an answer within a millionth of the best would be
    further off than one more is worth). Raises KeyError for no such limit.
    """
    table = week.limits
    found = np.flatnonzero((table["limit_id"] == limit_id) & (table["group"] == group))
    if len(found) == 0:
        raise KeyError(f"no limit {limit_id} of {group!r}")
    at = int(found[0])
    problem = week.problem
    ways, limits = next((ways, limits) for ways, limits in parts_of(problem) if at in limits)
    if len(ways) == 0:
        return 0.0
    part = Problem(
        problem.gain[ways],
        np.cumsum(np.diff(problem.account[ways], prepend=-1) > 0) - 1,
        problem.uses[limits][:, ways].tocsr(),
        problem.room[limits],
    )
    wider = replace(part, room=np.where(limits == at, part.room + by, part.room))
    taken, near = week.taken[ways], week.prices[limits]
    if len(ways) <= SMALL:
        with_more, as_it_is = (solve(one, start=taken, near=near).value for one in (wider, part))
    else:
        with_more, as_it_is = (relaxation(one, start=taken, near=near) for one in (wider, part))
    return max(with_more - as_it_is, 0.0)


def worths(week: Assigned, *, n_checked: int = 20, by: float = 1.0) -> pd.DataFrame:
    """One row per limit and group, the dearest first: `limit_id`, `group`, `uses`, `price`, `one_more`.

    `price` is the relaxation's: the worth of a little more. `one_more` is the worth of `by` more, found by solving
    again for the `n_checked` dearest; null beyond. Where one more adds nothing the price is 0 or a kink of the curve.
    """
    table = week.limits[["limit_id", "group", "uses", "price"]]
    table = table.sort_values(["price", "limit_id", "group"], ascending=[False, True, True], ignore_index=True)
    found = [
        one_more(week, str(limit_id), str(group), by=by) if price > 0 else 0.0
        for limit_id, group, price in table[["limit_id", "group", "price"]].head(n_checked).to_numpy()
    ]
    return table.assign(one_more=pd.Series(found, dtype="float64").reindex(table.index))


def by_column(worth: pd.DataFrame, ways: pd.DataFrame, column: str, *, limit_id: str = "owner") -> pd.DataFrame:
    """Where one more of a limit would do the most, for each value of a column (`region`, `segment`): one row each.

    An owner belongs where most of their accounts are (of equals, the first by name). `group` is the owner for whom one
    more is worth most there, `worth` how much: one_more, or the price where that was not asked for.

    >>> worth = pd.DataFrame({"limit_id": "owner", "group": ["A", "B"], "price": [5.0, 9], "one_more": [4.0, None]})
    >>> ways = pd.DataFrame({"account_id": ["x", "y"], "owner_id": ["A", "B"], "region": "EMEA"})
    >>> by_column(worth, ways, "region").to_dict("records")
    [{'region': 'EMEA', 'limit_id': 'owner', 'group': 'B', 'worth': 9.0}]
    """
    accounts = ways.drop_duplicates("account_id")[["owner_id", column]].astype("object").fillna("")
    count = accounts.value_counts().rename("n").reset_index()
    count = count.sort_values(["owner_id", "n", column], ascending=[True, False, True], kind="stable")
    home = count.drop_duplicates("owner_id").set_index("owner_id")[column]
    rows = worth[worth["limit_id"] == limit_id]
    rows = rows.assign(**{column: rows["group"].map(home), "worth": rows["one_more"].fillna(rows["price"])})
    rows = rows.dropna(subset=[column]).sort_values(
        [column, "worth", "group"], ascending=[True, False, True], kind="stable"
    )
    return rows.drop_duplicates(column)[[column, "limit_id", "group", "worth"]].reset_index(drop=True)
