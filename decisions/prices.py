"""The prices of the week's limits: those of the linear relaxation, found without handing all of it to a solver.

First each family of limits that share no account has its prices moved, all at once, to where demand meets room
(bisection), family by family. Then HiGHS solves the linear program over the few options that lie near each account's
best at those prices; options that its prices make better than any inside come in, until there is none (column
generation; Dantzig and Wolfe, 1960). Whatever the prices, the bound that is given holds: it is counted over all ways.
"""

from dataclasses import dataclass

import numpy as np
from scipy import optimize, sparse

from data.errors import BadInput

SMALL = 3_000  # ways: below, all of them go into the first linear program
NEAR = 6_000  # options beside the best ones that go into the first program of a large problem
ROUNDS, HALVINGS = 3, 18
TOLERANCE = 1e-7  # of HiGHS, on gains of at most 1,000


class Impossible(BadInput):
    """No choice satisfies all limits and floors."""

    def __init__(self) -> None:
        super().__init__("the week's limits contradict one another: no assignment satisfies them all; loosen one.")


@dataclass(frozen=True)
class Extras:
    """Continuous variables beside the ways, between 0 and `upper`: gain (k,), uses (limits, k), upper (k,)."""

    gain: np.ndarray
    uses: np.ndarray
    upper: np.ndarray


@dataclass(frozen=True)
class Problem:
    """What is to be solved.

    gain: (n,) money of each way; account: (n,) its account, 0 … m − 1, ascending; uses: (limits, n); room: (limits,).
    """

    gain: np.ndarray
    account: np.ndarray
    uses: sparse.csr_array
    room: np.ndarray
    extras: Extras | None = None

    @property
    def n_accounts(self) -> int:
        """How many accounts have a way."""
        return int(self.account[-1]) + 1 if len(self.account) else 0


@dataclass(frozen=True)
class Priced:
    """At some prices: what each way is worth net of them, each account's best (nothing: 0), and the bound."""

    net: np.ndarray
    best: np.ndarray
    bound: float


def priced(problem: Problem, prices: np.ndarray) -> Priced:
    """What the prices make of each way, and the upper bound that they prove.

    >>> one = Problem(np.array([5.0, 4]), np.array([0, 1]), sparse.csr_array([[1.0, 1]]), np.array([1.0]))
    >>> priced(one, np.array([4.0])).bound, priced(one, np.array([0.0])).bound
    (5.0, 9.0)
    """
    net = problem.gain - problem.uses.T @ prices
    best = np.maximum(_each(np.maximum, net, problem.account), 0.0)
    bound = float(prices @ problem.room + best.sum())
    if (extras := problem.extras) is not None:
        bound += float(extras.upper @ np.maximum(extras.gain - extras.uses.T @ prices, 0))
    return Priced(net, best, bound)


def _each(of: np.ufunc, values: np.ndarray, account: np.ndarray) -> np.ndarray:
    """Per account, which come sorted."""
    return of.reduceat(values, np.flatnonzero(np.diff(account, prepend=-1)))


def relaxed(
    problem: Problem, start: np.ndarray | None = None, near: np.ndarray | None = None
) -> tuple[np.ndarray, float]:
    """Prices (limits,) of the linear relaxation, and the bound that they prove.

    start: (n,) bool, a choice that satisfies the limits, where doing nothing does not.
    near: (limits,) prices to begin from.
    Raises Impossible where nothing satisfies the limits.
    """
    n = len(problem.gain)
    if n <= SMALL:
        inside, idle = np.ones(n, dtype=bool), np.ones(problem.n_accounts, dtype=bool)
        prices = np.zeros(len(problem.room))
    else:
        prices = _meeting(problem) if near is None else near
        at = priced(problem, prices)
        loss = at.best[problem.account] - at.net
        apart = np.sort(np.concatenate([loss, at.best]))
        delta = float(apart[min(len(apart) - 1, problem.n_accounts + NEAR)])
        inside, idle = loss <= delta, at.best <= delta
    if start is not None:
        inside = inside | start
    bound = priced(problem, prices).bound
    dearest = 1e3 * max(1.0, float(prices.max(initial=0)))
    for _ in range(300):
        found = _program(problem, inside, idle, dearest)
        at = priced(problem, found.prices)
        if at.bound < bound:
            prices, bound = found.prices, at.bound
        best_inside = np.full(problem.n_accounts, -np.inf)
        np.maximum.at(best_inside, problem.account[inside], at.net[inside])
        best_inside = np.maximum(best_inside, np.where(idle, 0.0, -np.inf))
        missed = at.net - best_inside[problem.account]
        comes = ~inside & (missed > TOLERANCE) & (at.net >= at.best[problem.account] - TOLERANCE)
        rests = ~idle & (best_inside < -TOLERANCE)
        if comes.any() or rests.any():
            inside, idle = inside | comes, idle | rests
        elif found.over <= TOLERANCE:
            return prices, bound
        elif dearest < 1e9:
            dearest *= 100
        else:
            raise Impossible
    return prices, bound


def _meeting(problem: Problem) -> np.ndarray:
    """Prices at which demand about meets room: the families of limits in turn, each with the others' prices fixed."""
    families = _families(problem)
    prices = np.zeros(len(problem.room))
    first = np.flatnonzero(np.diff(problem.account, prepend=-1))
    for turn in range(ROUNDS):
        for family in families:
            low = np.zeros(len(family))
            high = np.full(len(family), 2_000.0) if turn == 0 else prices[family] * 4 + 1.0
            rest = prices.copy()
            rest[family] = 0.0
            base = problem.gain - problem.uses.T @ rest
            mine = problem.uses[family]
            for _ in range(HALVINGS):
                middle = (low + high) / 2
                net = base - mine.T @ middle
                best = np.maximum.reduceat(net, first)
                taken = (net >= best[problem.account]) & (net > 0)
                demand = mine @ taken.astype("float64")
                too_dear = demand <= problem.room[family]
                low, high = np.where(too_dear, low, middle), np.where(too_dear, middle, high)
            prices[family] = np.where(high < 1e-2, 0.0, high)
    return prices


def _families(problem: Problem) -> list[np.ndarray]:
    """Limits grouped so that none in a group shares an account with another: their prices do not meet."""
    links = problem.uses.tocoo()
    touched = sparse.csr_array(
        (np.ones(links.nnz), (links.coords[0], problem.account[links.coords[1]])),
        shape=(len(problem.room), problem.n_accounts),
    )
    touched.data[:] = 1.0
    meets = (touched @ touched.T).tocsr()
    families: list[list[int]] = []
    barred: list[set[int]] = []
    for limit in range(len(problem.room)):
        place = next((i for i, bars in enumerate(barred) if limit not in bars), len(barred))
        if place == len(barred):
            families.append([])
            barred.append(set())
        families[place].append(limit)
        barred[place].update(meets.indices[meets.indptr[limit] : meets.indptr[limit + 1]].tolist())
    return [np.array(family) for family in families]


@dataclass(frozen=True)
class _Found:
    prices: np.ndarray
    over: float  # how far the limits are exceeded, at the dearest price


def _program(problem: Problem, inside: np.ndarray, idle: np.ndarray, dearest: float) -> _Found:
    """The linear program over some options, one of which each account takes; limits may be exceeded, dearly."""
    n_inside = _each(np.add, inside.astype(np.int64), problem.account) + idle
    settled = n_inside == 1  # one option: it is taken, and need not be asked for
    taken = np.flatnonzero(inside & settled[problem.account])
    ways = np.flatnonzero(inside & ~settled[problem.account])
    room = problem.room - problem.uses[:, taken].sum(axis=1)
    accounts, at = np.unique(problem.account[ways], return_inverse=True)
    k, n_limits = len(ways), len(room)
    one_each = sparse.csr_array((np.ones(k), (at, np.arange(k))), shape=(len(accounts), k))
    gain = [problem.gain[ways], np.full(n_limits, -dearest)]
    uses = [problem.uses[:, ways], -sparse.eye_array(n_limits)]
    upper = [np.ones(k), np.full(n_limits, np.inf)]
    if (extras := problem.extras) is not None:
        gain, upper = [*gain, extras.gain], [*upper, extras.upper]
        uses = [*uses, sparse.csr_array(extras.uses)]
    all_gain, all_uses = np.concatenate(gain), sparse.hstack(uses).tocsr()
    one_each.resize((len(accounts), len(all_gain)))
    may_idle = idle[accounts]
    found = optimize.linprog(
        -all_gain,
        A_ub=sparse.vstack([all_uses, one_each[may_idle]]).tocsr(),
        b_ub=np.concatenate([room, np.ones(int(may_idle.sum()))]),
        A_eq=one_each[~may_idle] if not may_idle.all() else None,
        b_eq=np.ones(int((~may_idle).sum())) if not may_idle.all() else None,
        bounds=np.column_stack([np.zeros(len(all_gain)), np.concatenate(upper)]),
        method="highs-ds",
    )
    if found.x is None:
        raise RuntimeError(f"the linear program of the week did not end: {found.message}")
    return _Found(np.maximum(-found.ineqlin.marginals[:n_limits], 0.0), float(found.x[k : k + n_limits].sum()))
