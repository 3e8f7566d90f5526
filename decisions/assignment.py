"""The team's week: who is contacted, about what and by which channel, for the most money within every limit."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import sparse

from data.catalog import Catalog
from data.errors import BadInput
from decisions import turnover
from decisions.limits import OWNER, Rows, rows_of
from decisions.prices import Extras, Impossible, Problem
from decisions.solver import Solved, solve
from decisions.week_settings import Limit, Quality, Week

ORDER = ["account_id", "offer_id", "channel", "discount_pct"]


@dataclass(frozen=True)
class Assigned:
    """A week, assigned.

    chosen: the ways that are taken, at most one per account, by account_id; the columns and index of `ways`.
    limits: one row per limit and group: `limit_id`, `group`, `uses`, `max`, `used_before`, `used`, and `price`: what a
    little more of it would be worth, in money, by the linear relaxation (decisions/worth.py asks for one whole unit).
    floors: one row per floor and group: `floor`, `group`, `asked`, `bound` (what the limits leave of it), `got`,
    `price`.
    value: the sum of priority; bound: no assignment has more; is_exact: the two are one.
    ways, taken, problem, prices: what it was chosen from, sorted, and how it was solved (for decisions/worth.py).
    """

    chosen: pd.DataFrame
    limits: pd.DataFrame
    floors: pd.DataFrame
    value: float
    bound: float
    is_exact: bool
    ways: pd.DataFrame
    taken: np.ndarray
    problem: Problem
    prices: np.ndarray


def ways(candidates: pd.DataFrame, accounts: pd.DataFrame, catalog: Catalog, week: Week) -> pd.DataFrame:
    """The allowed candidates beside what a limit may count: owner, region, segment, plan, hours, costs.

    `discount_cost` is the money that the discount gives away in its twelve months, as expected: p_accept (where it is
    null, propensity) × list value × discount, where `value` is net of the discount. One row per allowed candidate.
    """
    rows = candidates[candidates["is_allowed"]]
    cost = {offer.id: offer.contact_cost for offer in catalog.offers}
    beside = accounts[[c for c in accounts if c not in rows or c == "account_id"]]
    rows = rows.merge(beside, on="account_id", how="left", validate="many_to_one")
    if "contact_cost" not in rows:
        rows["contact_cost"] = rows["offer_id"].map(cost).astype("float64")
    hours = rows["channel"].map(week.hours).astype("float64").fillna(0.0)
    by_csm = rows["channel"] == "csm"
    rows["hours"] = hours.mask(by_csm, rows["offer_id"].map(week.hours_of).astype("float64").fillna(hours))
    if "discount_cost" not in rows:
        share = rows["discount_pct"].astype("float64") / 100
        full = rows["value"].astype("float64") / (1 - share).where(share < 1, np.nan)
        chance = rows["p_accept"].astype("float64").fillna(rows["propensity"].astype("float64"))
        rows["discount_cost"] = (chance * full * share).fillna(0.0).clip(lower=0)
    return rows


def assign(
    ways: pd.DataFrame,
    limits: Sequence[Limit],
    week: Week | None = None,
    *,
    used: pd.DataFrame | None = None,
    previous: Collection[str] = (),
) -> Assigned:
    """The assignment with the highest sum of `priority`: at most one way per account, no limit exceeded.

    ways: one row per way to contact an account (account_id, offer_id, channel, discount_pct, priority, and what the
    limits count). Those with priority at 0 or under are never taken. No way but these is: gates come before.
    used: see `rows_of`. previous: the accounts contacted last week, for `week.max_turnover`.
    Equals are told apart by account_id, then offer_id; the order of `ways` does not matter.
    Raises BadInput where the limits contradict one another, or a column is missing.

    >>> three = pd.DataFrame({"account_id": ["a", "a", "b"], "offer_id": ["x", "y", "x"], "channel": "csm",
    ...     "discount_pct": 0.0, "priority": [90.0, 80, 70], "owner_id": "CSM-1"})
    >>> week = assign(three, [Limit(id="owner", max=1, per="owner_id")])
    >>> week.chosen[["account_id", "offer_id"]].values.tolist(), week.value, week.limits["price"].tolist()
    ([['a', 'x']], 90.0, [70.0])
    """
    week = week or Week()
    if wrong := ways["priority"].isna().sum():
        raise BadInput(f"candidates: priority is missing for {wrong} of {len(ways)} allowed rows; each needs one.")
    rows = ways[ways["priority"] > 0].sort_values(ORDER, kind="stable")
    if rows.duplicated(ORDER).any():
        raise BadInput("candidates: an account has the same offer, channel and discount twice; each way stands once.")
    counted = rows_of(limits, rows, used)
    account = (rows["account_id"] != rows["account_id"].shift()).to_numpy().cumsum() - 1
    problem = Problem(rows["priority"].to_numpy(dtype="float64"), account, counted.matrix, counted.room)
    floors = [_quality(rows, week.quality)] if week.quality is not None else []
    if week.max_turnover is not None and len(previous):
        floors.append(_turnover(rows, previous, week.max_turnover))
    try:
        bounded, floors, found = _solved(problem, floors, rows, counted, week)
    except Impossible:
        floors = [_cut(problem, floor, floors, week) if floor.name == "turnover" else floor for floor in floors]
        bounded, floors, found = _solved(problem, floors, rows, counted, week)
    taken = _earliest(found.chosen, bounded)
    return _told(rows, counted, floors, bounded, replace(found, chosen=taken))


@dataclass(frozen=True)
class _Floor:
    """Σ gives_j x_j ≥ bound, per group."""

    name: str
    groups: list[str]
    gives: sparse.csr_array
    asked: np.ndarray
    bound: np.ndarray


def _bounded(problem: Problem, floors: Sequence[_Floor]) -> Problem:
    """The problem with its floors as limits, signs turned."""
    if not floors:
        return problem
    uses = sparse.vstack([problem.uses, *(-floor.gives for floor in floors)]).tocsr()
    return replace(problem, uses=uses, room=np.concatenate([problem.room, *(-floor.bound for floor in floors)]))


def _quality(rows: pd.DataFrame, quality: Quality) -> _Floor:
    if quality.column not in rows:
        raise BadInput(f"params.yaml: decide.week.quality: there is no column {quality.column}; see docs/features.md.")
    seen = pd.to_numeric(rows[quality.column]).to_numpy(dtype="float64")
    above = np.where(np.isnan(seen), -np.inf, seen) - quality.at_least_mean
    if np.isinf(above).any():
        raise BadInput(
            f"params.yaml: decide.week.quality: {quality.column} is not known of {int(np.isinf(above).sum())} of "
            f"{len(rows)} candidates; a floor on its mean needs all. Ask for it in the offers' `suitable` instead."
        )
    return _Floor("quality", [""], sparse.csr_array(above[None, :]), np.zeros(1), np.zeros(1))


def _by_owner(rows: pd.DataFrame, gives: np.ndarray, owners: Sequence[str]) -> sparse.csr_array:
    place = {owner: i for i, owner in enumerate(owners)}
    code = rows["owner_id"].astype("object").fillna("").map(place)
    mine = np.flatnonzero(code.notna().to_numpy() & (gives != 0))
    at = code.to_numpy(dtype="float64")[mine].astype(np.int64)
    return sparse.csr_array((gives[mine], (at, mine)), shape=(len(owners), len(rows)))


def _turnover(rows: pd.DataFrame, previous: Collection[str], max_turnover: float) -> _Floor:
    """How many of last week's must stay on each owner's list."""
    is_keeper = turnover.keepers(rows, previous)
    asked = turnover.asked(rows, is_keeper, max_turnover)
    gives = _by_owner(rows, is_keeper.astype("float64"), list(asked.index))
    return _Floor(
        "turnover", list(asked.index), gives, asked.to_numpy(dtype="float64"), asked.to_numpy(dtype="float64")
    )


def _cut(problem: Problem, floor: _Floor, floors: Sequence[_Floor], week: Week) -> _Floor:
    """The floor as far as the limits leave room for it: as many in all as can be, of no owner more than asked."""
    gives = np.asarray(floor.gives.sum(axis=0)).ravel()
    most = replace(
        problem,
        gain=gives,
        uses=sparse.vstack([problem.uses, floor.gives]).tocsr(),
        room=np.concatenate([problem.room, floor.asked]),
    )
    found = solve(
        _bounded(most, [other for other in floors if other is not floor]), nodes=week.nodes, within=week.within
    )
    return replace(floor, bound=np.round(floor.gives @ found.chosen.astype("float64")))


def _solved(
    problem: Problem, floors: Sequence[_Floor], rows: pd.DataFrame, counted: Rows, week: Week
) -> tuple[Problem, list[_Floor], Solved]:
    """The problem within its floors, fairness last, and its solution. Raises Impossible where there is none."""
    start = None
    all_floors = list(floors)
    if week.fairness is not None:
        fair, start = _fairness(problem, floors, rows, counted, week)
        all_floors.append(fair)
    bounded = _bounded(problem, all_floors)
    return bounded, all_floors, solve(bounded, nodes=week.nodes, within=week.within, start=start)


def _fairness(
    problem: Problem,
    floors: Sequence[_Floor],
    rows: pd.DataFrame,
    counted: Rows,
    week: Week,
) -> tuple[_Floor, np.ndarray]:
    """Each owner's share of what would be theirs alone: the share asked for or, where the limits leave less, the
    largest that all can have. And a choice that gives it.
    """
    fairness = week.fairness
    assert fairness is not None  # noqa: S101  for the type checker: asked before
    own = (counted.table["limit_id"] == OWNER).to_numpy()
    alone = solve(
        replace(problem, uses=problem.uses[own], room=problem.room[own]), nodes=week.nodes, within=week.within
    )
    gives = problem.gain if fairness.of == "money" else np.ones(len(rows))
    owners = sorted(set(rows["owner_id"].astype("object").fillna("")))
    given = _by_owner(rows, gives, owners)
    whole = given @ alone.chosen.astype("float64")
    share = Extras(np.ones(1), np.concatenate([np.zeros(len(problem.room) + sum(len(f.groups) for f in floors)), whole])[:, None], np.array([fairness.share]))  # fmt: skip  # noqa: E501  # a column beside the others
    as_floor = _Floor("fairness", owners, given, fairness.share * whole, np.zeros(len(owners)))
    most = replace(_bounded(problem, [*floors, as_floor]), gain=np.zeros(len(rows)), extras=share)
    found = solve(most, nodes=week.nodes, within=week.within)
    bound = float(found.extras[0]) * whole if len(found.extras) else np.zeros(len(owners))
    got = given @ found.chosen.astype("float64")
    bound = np.floor(bound + 1e-9) if fairness.of == "contacts" else bound * (1 - 1e-9)
    return replace(as_floor, bound=np.minimum(bound, got)), found.chosen


def _earliest(chosen: np.ndarray, problem: Problem) -> np.ndarray:
    """The same choice, with the first accounts among equals: ways that gain and use the same may change places."""
    taken = np.flatnonzero(chosen)
    if len(taken) == 0:
        return chosen
    uses = problem.uses.tocsc()
    # only ways that gain exactly what a chosen one does can be its equals
    near = np.flatnonzero(np.isin(problem.gain, problem.gain[taken]))
    part = uses[:, near]
    part.sort_indices()
    kinds = [
        (float(problem.gain[at]), part.indices[a:b].tobytes(), part.data[a:b].tobytes())
        for at, a, b in zip(near, part.indptr[:-1], part.indptr[1:], strict=True)
    ]
    of_kind: dict[tuple[float, bytes, bytes], list[int]] = {}
    for at, kind in zip(near, kinds, strict=True):
        of_kind.setdefault(kind, []).append(int(at))
    result = chosen.copy()
    busy = set(problem.account[taken].tolist())
    for members in of_kind.values():  # in the order of their first way
        held = [way for way in members if result[way]]
        if not held or len(members) == len(held):
            continue
        busy -= {int(problem.account[way]) for way in held}
        result[held] = False
        places = len(held)
        for member in members:  # sorted by account
            if places and int(problem.account[member]) not in busy:
                result[member] = True
                busy.add(int(problem.account[member]))
                places -= 1
    return result


def _told(rows: pd.DataFrame, counted: Rows, floors: Sequence[_Floor], bounded: Problem, found: Solved) -> Assigned:
    x = found.chosen.astype("float64")
    n = len(counted.room)
    used = counted.matrix @ x
    if (used > counted.room + 1e-6 * np.maximum(1.0, counted.room)).any():
        raise RuntimeError("the solver's week exceeds a limit; this is a defect, please report it")
    limits = counted.table.assign(used=used, price=found.prices[:n])
    begins, parts = n, []
    for floor in floors:
        ends = begins + len(floor.groups)
        parts.append(
            pd.DataFrame(
                {
                    "floor": floor.name, "group": floor.groups, "asked": floor.asked, "bound": floor.bound,
                    "got": floor.gives @ x, "price": found.prices[begins:ends],
                }
            )
        )  # fmt: skip
        begins = ends
    columns = ["floor", "group", "asked", "bound", "got", "price"]
    told = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    return Assigned(
        rows[found.chosen],
        limits,
        told,
        found.value,
        found.bound,
        found.is_exact,
        rows,
        found.chosen,
        bounded,
        found.prices,
    )
