"""At most one way per account, within limits, for the greatest gain: solved exactly, however many accounts.

The problem.  max Σ g_j x_j,  x_j ∈ {0, 1},  Σ of an account's x_j ≤ 1,  A x ≤ b.
A floor is a limit with its sign turned. Doing nothing is an account's option too.

How.  A price λ ≥ 0 on each limit splits the problem by account: D(λ) = λ·b + Σ over accounts of max(0, max g_j − λ·A_j)
is an upper bound for every λ (Lagrange; decisions/prices.py finds the best). A choice that at those prices falls short
of its account's best by more than δ cannot be part of a solution that is better than D(λ) − δ. So the integer problem
needs only the options within δ; where its value z has D(λ) − z ≤ δ it is the optimum of the whole (reduced-cost
fixing), and else δ := D(λ) − z is enough. HiGHS proves the small problem, this argument the large one.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy import optimize, sparse
from scipy.sparse import csgraph

from data.errors import BadInput
from decisions.prices import Extras, Impossible, Problem, priced, relaxed

CORE = 200  # options beside the best ones that go into the first integer program


@dataclass(frozen=True)
class Solved:
    """chosen: (n,) bool. value ≤ bound, in money; is_exact: proven equal to what is possible. prices: (limits,)."""

    chosen: np.ndarray
    value: float
    bound: float
    is_exact: bool
    prices: np.ndarray
    extras: np.ndarray = field(default_factory=lambda: np.zeros(0))


def solve(
    problem: Problem,
    *,
    nodes: int = 1_000,
    within: float = 0.0,
    start: np.ndarray | None = None,
    near: np.ndarray | None = None,
) -> Solved:
    """The best choice. Parts that share no limit are solved apart.

    start: (n,) bool, a choice that satisfies the limits; needed where choosing nothing does not.
    nodes: of HiGHS's search, per program. A count and no time, so that two machines come to the same answer.
    within: a share of the bound; an answer that is proven to lie so near it is enough.
    near: (limits,) prices to begin from, of a problem that differs little.
    Raises Impossible where nothing satisfies the limits.

    >>> two = Problem(np.array([5.0, 4, 3]), np.array([0, 0, 1]), sparse.csr_array([[1.0, 1, 1]]), np.array([1.0]))
    >>> solve(two).chosen.tolist()
    [True, False, False]
    """
    if (np.diff(problem.account) < 0).any():
        raise ValueError("ways must come sorted by account")
    n = len(problem.gain)
    parts = parts_of(problem)
    chosen, prices = np.zeros(n, dtype=bool), np.zeros(len(problem.room))
    value, bound, is_exact = 0.0, 0.0, True
    extras = np.zeros(0)
    order = np.concatenate([np.zeros(0, dtype=np.int64), *(ways for ways, _ in parts)])
    uses, begins = problem.uses.tocsc()[:, order], 0
    for ways, limits in parts:
        ends = begins + len(ways)
        part = Problem(
            problem.gain[ways],
            np.cumsum(np.diff(problem.account[ways], prepend=-1) > 0) - 1,
            uses[:, begins:ends].tocsr()[limits],
            problem.room[limits],
            problem.extras,
        )
        begins = ends
        found = _solve_part(
            part, nodes, within, None if start is None else start[ways], None if near is None else near[limits]
        )
        chosen[ways], prices[limits] = found.chosen, found.prices
        value, bound, is_exact = value + found.value, bound + found.bound, is_exact and found.is_exact
        extras = found.extras
    return Solved(chosen, value, bound, is_exact, prices, extras)


def parts_of(problem: Problem) -> list[tuple[np.ndarray, np.ndarray]]:
    """Ways and limits of each part that shares no account and no limit with another; the free ways are one part."""
    n, n_limits = len(problem.gain), len(problem.room)
    if problem.extras is not None or n_limits == 0:
        return [(np.arange(n), np.arange(n_limits))]
    m = int(problem.account[-1]) + 1 if n else 0
    links = problem.uses.tocoo()
    graph = sparse.coo_array(
        (np.ones(links.nnz, dtype=np.int8), (links.coords[0], n_limits + problem.account[links.coords[1]])),
        shape=(n_limits + m, n_limits + m),
    )
    _, label = csgraph.connected_components(graph, directed=False)
    of_limit, of_way = label[:n_limits], label[n_limits + problem.account]
    free = ~np.isin(of_way, of_limit)
    of_way = np.where(free, -1, of_way)
    order = np.argsort(of_way, kind="stable")
    starts = np.flatnonzero(np.diff(of_way[order], prepend=-2))
    groups = np.split(order, starts[1:]) if n else []
    parts = [(ways, np.flatnonzero(of_limit == of_way[ways[0]])) for ways in groups]
    covered = np.isin(of_limit, [of_way[ways[0]] for ways in groups])
    if not covered.all():  # limits that nobody uses, which hold unless they ask for something
        parts.append((np.zeros(0, dtype=np.int64), np.flatnonzero(~covered)))
    return parts


def _solve_part(
    problem: Problem, nodes: int, within: float, start: np.ndarray | None, near: np.ndarray | None
) -> Solved:
    n = len(problem.gain)
    if n == 0 or len(problem.room) == 0:
        if (problem.room < -1e-9).any():
            raise Impossible
        chosen = _best_of_each(problem.gain, problem.account)
        value = float(problem.gain[chosen].sum())
        return Solved(chosen, value, value, True, np.zeros(len(problem.room)))
    by_sort = _by_order(problem)
    return by_sort if by_sort is not None else _by_prices(problem, nodes, within, start, near)


def _by_order(problem: Problem) -> Solved | None:
    """The commonest part: one limit, which each way uses alike or not at all. Those for whom using it adds most fill
    it, the first of equals; None for any other part.
    """
    uses, room = problem.uses, float(problem.room[0])
    if len(problem.room) > 1 or problem.extras is not None or room < 0 or uses.nnz == 0:
        return None
    if np.ptp(uses.data) != 0 or uses.data[0] <= 0:
        return None
    takes = np.zeros(len(problem.gain), dtype=bool)
    takes[uses.indices] = True
    free = _best_of_each(np.where(takes, -1.0, problem.gain), problem.account)
    without = np.zeros(int(problem.account[-1]) + 1)
    without[problem.account[free]] = problem.gain[free]
    more = np.where(takes, problem.gain - without[problem.account], -1.0)
    best = np.flatnonzero(_best_of_each(more, problem.account))
    places = int(np.floor(room / uses.data[0] + 1e-9))
    order = best[np.lexsort((problem.account[best], -more[best]))]
    chosen = free.copy()
    chosen[free & np.isin(problem.account, problem.account[order[:places]])] = False
    chosen[order[:places]] = True
    value = float(problem.gain[chosen].sum())
    price = float(more[order[places]]) / uses.data[0] if places < len(order) else 0.0
    return Solved(chosen, value, value, True, np.array([price]))


def _best_of_each(gain: np.ndarray, account: np.ndarray) -> np.ndarray:
    """Of each account the way that gains most, the first of equals, if it gains anything."""
    order = np.lexsort((-gain, account))
    first = np.flatnonzero(np.diff(account[order], prepend=-1))
    chosen = np.zeros(len(gain), dtype=bool)
    chosen[order[first]] = True
    return chosen & (gain > 0)


def relaxation(problem: Problem, *, start: np.ndarray | None = None, near: np.ndarray | None = None) -> float:
    """The value of the problem if accounts could be contacted in part: the least upper bound that prices prove."""
    scaled, scale, sizes = _scaled(problem)
    return relaxed(scaled, start, None if near is None else near * scale * sizes)[1] / scale


def _scaled(problem: Problem) -> tuple[Problem, float, np.ndarray]:
    """Gains of at most 1,000 and uses of at most 1, as a solver likes them; and what they were scaled by."""
    extra = 0.0 if problem.extras is None else float(np.abs(problem.extras.gain).max())
    scale = 1_000 / max(float(np.abs(problem.gain).max()), extra, 1e-12)
    sizes = np.abs(problem.uses).max(axis=1).toarray().ravel()
    sizes = np.where(sizes > 0, sizes, 1.0)
    extras = problem.extras and Extras(
        problem.extras.gain * scale, problem.extras.uses / sizes[:, None], problem.extras.upper
    )
    uses = sparse.csr_array(sparse.diags_array(1 / sizes) @ problem.uses)
    return Problem(problem.gain * scale, problem.account, uses, problem.room / sizes, extras), scale, sizes


def _by_prices(
    problem: Problem, nodes: int, within: float, start: np.ndarray | None, near: np.ndarray | None
) -> Solved:
    scaled, scale, sizes = _scaled(problem)
    grain = _grain(problem)
    prices, bound = relaxed(scaled, start, None if near is None else near * scale * sizes)
    bound = _whole(bound / scale, grain) * scale
    chosen, found_extras, bound = _choice(scaled, prices, bound, nodes, within, start)
    value = float(problem.gain[chosen].sum())
    if problem.extras is not None:
        value += float(problem.extras.gain @ found_extras)
    top = max(_whole(bound / scale, grain), value)
    is_exact = top - value <= max(1e-9 * abs(top), grain / 2)
    return Solved(chosen, value, value if is_exact else top, is_exact, prices / scale / sizes, found_extras)


def _whole(bound: float, grain: float) -> float:
    """A bound on a sum of whole cents, which is whole cents too."""
    return float(np.floor(bound / grain * (1 + 1e-12) + 1e-6) * grain) if grain else bound


def _grain(problem: Problem) -> float:
    """The amount of which every gain is a multiple: 1, or a cent; 0 where there is none, or extras gain too."""
    if problem.extras is not None:
        return 0.0
    return next((g for g in (1.0, 0.01) if np.allclose(problem.gain, np.round(problem.gain / g) * g, 0, 1e-9)), 0.0)


def _choice(
    problem: Problem, prices: np.ndarray, bound: float, nodes: int, within: float, start: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, float]:
    """Ways chosen, extras, and the bound that is proven: the integer program over the choices that may still matter."""
    at = priced(problem, prices)
    loss = np.maximum(at.best[problem.account] - at.net, 0.0)  # against the account's best at these prices
    apart = np.sort(np.concatenate([loss, at.best]))
    delta = float(apart[min(len(apart) - 1, len(at.best) + CORE)])
    everything = float(apart[-1])
    best: tuple[np.ndarray, np.ndarray, float] | None = None
    while True:
        found = _integer(problem, loss, at.best, delta, nodes, within)
        if found.chosen is not None and (best is None or found.value > best[2]):
            best = (found.chosen, found.extras, found.value)
        if best is None:
            if delta >= everything:
                break
            delta = min(4 * delta + 1e-3, everything)
            continue
        # the best choice lies within the gap of any other (one grain more, for rounding); a wide gap is narrowed first
        gap = (bound - best[2]) * (1 + 1e-9) + 1e-9
        if gap <= within * abs(bound):
            return best[0], best[1], bound
        if (gap <= delta or delta >= everything) and found.is_proven:
            return best[0], best[1], min(bound, best[2] + within / 2 * abs(best[2]))
        if delta >= everything:
            return best[0], best[1], bound
        if gap > delta:
            delta = min(gap, 4 * delta + 1e-3, everything)
        elif gap < 0.8 * delta:
            delta = gap
        else:
            return best[0], best[1], bound
    if start is not None:
        return start, np.zeros(0 if problem.extras is None else len(problem.extras.gain)), bound
    if found.is_proven:
        raise Impossible
    raise BadInput(f"the week: HiGHS found no assignment in {nodes} nodes; raise decide.week.nodes, or loosen a floor.")


@dataclass(frozen=True)
class _Found:
    """chosen: None where the program has no solution, or none was found. is_proven: the best, or that there is none."""

    chosen: np.ndarray | None
    extras: np.ndarray
    value: float
    is_proven: bool


def _integer(problem: Problem, loss: np.ndarray, best: np.ndarray, delta: float, nodes: int, within: float) -> _Found:
    """The integer program over the choices that lose at most `delta`; what has no alternative is fixed beforehand."""
    near = loss <= delta
    must = best > delta  # doing nothing would lose more
    n_ways = np.bincount(problem.account[near], minlength=len(best))
    fixed = near & (must & (n_ways == 1))[problem.account]
    open_ways = np.flatnonzero(near & ~fixed)
    room = problem.room - problem.uses[:, np.flatnonzero(fixed)].sum(axis=1)
    account = problem.account[open_ways]
    accounts, at = np.unique(account, return_inverse=True)
    one_each = sparse.csr_array((np.ones(len(at)), (at, np.arange(len(at)))), shape=(len(accounts), len(at)))
    gain, uses, n_extras = problem.gain[open_ways], problem.uses[:, open_ways], 0
    upper = np.ones(len(gain))
    if (extras := problem.extras) is not None:
        n_extras = len(extras.gain)
        gain, upper = np.concatenate([gain, extras.gain]), np.concatenate([upper, extras.upper])
        uses = sparse.hstack([uses, sparse.csr_array(extras.uses)])
        one_each = sparse.hstack([one_each, sparse.csr_array((len(accounts), n_extras))])
    nothing = np.zeros(n_extras)
    if len(gain) == 0:
        if (room < -1e-6).any():
            return _Found(None, nothing, 0.0, True)
        return _Found(fixed, nothing, float(problem.gain[fixed].sum()), True)
    least = np.where(must[accounts], 1.0, 0.0)
    found = optimize.milp(
        -gain,
        integrality=np.concatenate([np.ones(len(open_ways)), np.zeros(n_extras)]),
        bounds=optimize.Bounds(0, upper),
        constraints=[
            optimize.LinearConstraint(sparse.csc_array(uses), -np.inf, room),
            optimize.LinearConstraint(sparse.csc_array(one_each), least, 1.0),
        ],
        options={"node_limit": nodes, "mip_rel_gap": within / 2},
    )
    if found.x is None:
        return _Found(None, nothing, 0.0, found.status == 2)
    chosen = fixed.copy()
    chosen[open_ways] = found.x[: len(open_ways)] > 0.5
    of_extras = found.x[len(open_ways) :]
    value = float(problem.gain[chosen].sum())
    value += float(problem.extras.gain @ of_extras) if problem.extras is not None else 0.0
    return _Found(chosen, of_extras, value, found.status == 0)
