"""The solver against every choice there is, and against HiGHS given the whole problem at once."""

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import optimize, sparse

from decisions import prices, solver
from decisions.prices import Extras, Impossible, Problem, priced
from decisions.solver import relaxation, solve


def problem(seed: int, *, n: int, most_accounts: int, floor: bool = False) -> Problem:
    """A random problem with limits that cross: contacts, hours, money, sometimes a floor."""
    random = np.random.default_rng(seed)
    account = np.unique(np.sort(random.integers(0, most_accounts, n)), return_inverse=True)[1]
    n_limits = int(random.integers(1, 6))
    sizes = random.choice([[1, 1, 1], [0.5, 1, 2], [1, 30, 2.25]])
    uses = np.where(random.random((n_limits, n)) < 0.5, random.choice(sizes, (n_limits, n)), 0.0)
    gain = np.round(random.normal(40, 40, n), 2) if seed % 2 else random.integers(-3, 9, n).astype("float64")
    room = np.round(random.random(n_limits) * 8, 1)
    if floor:
        uses[0], room[0] = np.where(random.random(n) < 0.4, -1.0, 0.0), -1.0
    return Problem(gain, account, sparse.csr_array(uses), room)


def by_every_choice(p: Problem) -> float | None:
    """The best value by trying everything; None where nothing is allowed."""
    options = [[-1, *np.flatnonzero(p.account == a)] for a in range(p.n_accounts)]
    uses, best = p.uses.toarray(), None
    for picked in itertools.product(*options):
        ways = [way for way in picked if way >= 0]
        if (uses[:, ways].sum(axis=1) <= p.room + 1e-9).all():
            value = float(p.gain[ways].sum())
            best = value if best is None or value > best else best
    return best


def by_highs(p: Problem) -> float | None:
    n = len(p.gain)
    one_each = sparse.csc_array((np.ones(n), (p.account, np.arange(n))))
    found = optimize.milp(
        -p.gain,
        integrality=np.ones(n),
        bounds=optimize.Bounds(0, 1),
        constraints=[
            optimize.LinearConstraint(sparse.csc_array(p.uses), -np.inf, p.room),
            optimize.LinearConstraint(one_each, -np.inf, 1.0),
        ],
        options={"mip_rel_gap": 0.0},
    )
    return None if found.status == 2 else -float(found.fun)


def same(p: Problem, expected: float | None) -> None:
    if expected is None:
        with pytest.raises(Impossible):
            solve(p)
        return
    found = solve(p)
    assert found.value == pytest.approx(expected, abs=1e-6)
    assert found.is_exact
    assert found.bound == found.value
    assert (p.uses @ found.chosen <= p.room + 1e-6).all()
    assert np.bincount(p.account[found.chosen], minlength=1).max() <= 1
    assert found.value == pytest.approx(p.gain[found.chosen].sum())


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6), n=st.integers(1, 10), floor=st.booleans())
def test_no_choice_is_better(seed: int, n: int, floor: bool) -> None:
    p = problem(seed, n=n, most_accounts=6, floor=floor)
    same(p, by_every_choice(p))


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6), n=st.integers(20, 50), floor=st.booleans())
def test_what_a_large_problem_leaves_out_would_not_have_mattered(
    seed: int, n: int, floor: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prices, "SMALL", 0)  # every problem is a large one: few ways go in, the rest must be asked for
    monkeypatch.setattr(prices, "NEAR", 2)
    monkeypatch.setattr(solver, "CORE", 2)
    p = problem(seed, n=n, most_accounts=40, floor=floor)
    same(p, by_highs(p))


def test_any_prices_prove_a_bound() -> None:
    p = problem(7, n=40, most_accounts=12)
    best = by_highs(p)
    assert best is not None
    random = np.random.default_rng(0)
    for _ in range(50):
        assert priced(p, random.exponential(20, len(p.room))).bound >= best - 1e-9
    assert priced(p, solve(p).prices).bound >= best - 1e-9
    assert relaxation(p) >= best - 1e-6


def test_parts_that_share_nothing_are_solved_apart_and_agree() -> None:
    some = [problem(seed, n=30, most_accounts=10) for seed in range(5)]
    offset = np.cumsum([0, *(p.n_accounts for p in some)])
    together = Problem(
        np.concatenate([p.gain for p in some]),
        np.concatenate([p.account + at for p, at in zip(some, offset[:-1], strict=True)]),
        sparse.csr_array(sparse.block_diag([p.uses for p in some])),
        np.concatenate([p.room for p in some]),
    )
    found = solve(together)
    assert found.value == pytest.approx(sum(solve(p).value for p in some))
    assert found.prices == pytest.approx(np.concatenate([solve(p).prices for p in some]))


def test_free_channels_beside_an_owners_time() -> None:
    # one place; taking it for b (9 instead of 8 by e-mail) is worth less than for a (7 instead of 2)
    p = Problem(np.array([7.0, 2, 9, 8]), np.array([0, 0, 1, 1]), sparse.csr_array([[1.0, 0, 1, 0]]), np.array([1.0]))
    found = solve(p)
    assert found.chosen.tolist() == [True, False, False, True]
    assert found.prices.tolist() == [1.0]  # a second place would add 9 − 8


def test_what_a_share_can_rise_to() -> None:
    # t at most 1, and 4 t at most what account 0 brings: contacts of at most 3
    p = Problem(np.zeros(1), np.array([0]), sparse.csr_array([[1.0], [-3.0]]), np.array([1.0, 0.0]))
    found = solve(Problem(p.gain, p.account, p.uses, p.room, Extras(np.ones(1), np.array([[0.0], [4.0]]), np.ones(1))))
    assert found.extras.tolist() == pytest.approx([0.75])


def test_an_account_out_of_order_is_refused() -> None:
    with pytest.raises(ValueError, match="sorted"):
        solve(Problem(np.ones(2), np.array([1, 0]), sparse.csr_array((0, 2)), np.zeros(0)))
