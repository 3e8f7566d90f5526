"""The week's limits as a solver takes them: what each way uses of each, and how much there is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from data.errors import BadInput
from decisions.week_settings import Limit, Week

OWNER, BUDGET = "owner", "budget"


def limits_of(week: Week, *, per_owner: float, without_owner: float) -> list[Limit]:
    """All limits of the week: each owner's time, the budget, and the others that `week` names.

    >>> [limit.id for limit in limits_of(Week(budget=900), per_owner=8, without_owner=5)]
    ['owner', 'budget']
    """
    owner = Limit(
        id=OWNER, uses=week.owner_counts, max=per_owner, max_of={"": without_owner}, per="owner_id",
        channels=week.owner_channels,
    )  # fmt: skip
    budget = [] if week.budget is None else [Limit(id=BUDGET, uses="money", max=week.budget)]
    return [owner, *budget, *week.limits]


@dataclass(frozen=True)
class Rows:
    """Limits, a row each.

    table: `limit_id`, `group`, `uses`, `max`, `used_before`; matrix: (rows, ways); room: (rows,).
    """

    table: pd.DataFrame
    matrix: sparse.csr_array
    room: np.ndarray


def rows_of(limits: Sequence[Limit], ways: pd.DataFrame, used: pd.DataFrame | None = None) -> Rows:
    """What each way uses of each limit. A limit `per` a column is a row for each of its values among the ways.

    ways: one row per way; the columns that the limits are about (see `amounts`).
    used: `limit_id`, `group`, `used`: what was used earlier in the limit's period; it is no longer there.
    Raises BadInput where a limit is `per` a column that is not there.
    """
    tables, blocks = [], []
    for limit in limits:
        counts = pd.Series(True, index=ways.index)
        if limit.channels:
            counts &= ways["channel"].isin(limit.channels)
        if limit.offers:
            counts &= ways["offer_id"].isin(limit.offers)
        if limit.per is None:
            names, code = np.array([""], dtype=object), np.zeros(len(ways), dtype=np.int64)
        else:
            if limit.per not in ways:
                raise BadInput(
                    f"params.yaml: decide.week.limits: {limit.id}: there is no column {limit.per} to count by; use "
                    "one of an account or an offer, as owner_id, region, segment, plan_id, channel or offer_id."
                )
            code, found = pd.factorize(ways[limit.per].astype("str").fillna(""), sort=True)
            names = np.asarray(found, dtype=object)
        amount = np.where(counts, amounts(ways, limit.uses), 0.0)
        takes = np.flatnonzero(amount > 0)
        blocks.append(sparse.csr_array((amount[takes], (code[takes], takes)), shape=(len(names), len(ways))))
        tables.append(
            pd.DataFrame(
                {
                    "limit_id": limit.id,
                    "group": names,
                    "uses": limit.uses,
                    "max": [float(limit.max_of.get(name, limit.max)) for name in names],
                }
            )
        )
    columns = ["limit_id", "group", "uses", "max"]
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)
    table["used_before"] = 0.0
    if used is not None and len(used):
        before = used.groupby(["limit_id", "group"])["used"].sum()
        asked = pd.MultiIndex.from_frame(table[["limit_id", "group"]])
        table["used_before"] = before.reindex(asked).fillna(0.0).to_numpy(dtype="float64")
    room = (table["max"] - table["used_before"]).clip(lower=0).to_numpy(dtype="float64")
    matrix = sparse.vstack(blocks).tocsr() if blocks else sparse.csr_array((0, len(ways)))
    return Rows(table, matrix, room)


def amounts(ways: pd.DataFrame, uses: str) -> np.ndarray:
    """What each way uses: 1 contact; `hours`; `contact_cost`, `discount_cost`, or both, in money."""
    if uses == "contacts":
        return np.ones(len(ways))
    if uses == "money":
        return amounts(ways, "contact_cost") + amounts(ways, "discount")
    found = ways["discount_cost" if uses == "discount" else uses].to_numpy(dtype="float64")
    if np.isnan(found).any() or (found < 0).any():
        raise BadInput(
            f"candidates: {uses} must be known and not negative wherever a limit is on it; see catalog.yaml."
        )
    return found
