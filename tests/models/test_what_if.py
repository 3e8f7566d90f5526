"""The smallest change is the smallest, gets there, and is one that peers have."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from models.what_if import AT_ONCE, Change, Question, nearest_first, smallest, smallest_of_each, steps

PEERS = pd.DataFrame(
    {"events": np.arange(200.0), "users": np.tile(np.arange(20.0), 10), "same": 5.0, "rare": [1.0] * 5 + [np.nan] * 195}
)


def probability(rows: pd.DataFrame) -> np.ndarray:
    return expit(-3 + 0.01 * rows["events"].to_numpy() + 0.1 * rows["users"].to_numpy())


def tries(peers: np.ndarray, now: float, *, whole: bool) -> np.ndarray:
    return nearest_first(steps(peers, whole=whole), now)


def question(account: dict[str, float], target: float) -> Question:
    values = {name: tries(PEERS[name].to_numpy(), account[name], whole=True) for name in account}
    ranges = {name: float(np.subtract(*np.nanquantile(PEERS[name], [0.9, 0.1]))) or 1.0 for name in account}
    return Question(pd.DataFrame([account]), values, ranges, lambda rows, p: p >= target)


def asked(account: dict[str, float], target: float) -> dict[str, tuple[float, float]]:
    row = pd.DataFrame([account])
    found = smallest(question(account, target), probability=probability)
    assert [change.size for change in found] == sorted(change.size for change in found)
    assert all(change.p_now == pytest.approx(float(probability(row)[0])) for change in found)
    return {change.feature: (change.value, change.p_then) for change in found}


def test_it_is_the_smallest_that_gets_there() -> None:
    account = {"events": 30.0, "users": 4.0}
    now = float(probability(pd.DataFrame([account]))[0])
    for target in (now + 0.01, now + 0.05, 0.15):
        found = asked(account, target)
        for name, (value, p_then) in found.items():
            low, high = np.quantile(PEERS[name], [0.1, 0.9])
            assert low - 0.5 <= value <= high + 0.5
            assert p_then >= target
            assert p_then == pytest.approx(float(probability(pd.DataFrame([account | {name: value}]))[0]))
            nearer = [v for v in tries(PEERS[name].to_numpy(), account[name], whole=True)
                      if abs(v - account[name]) < abs(value - account[name])]  # fmt: skip
            assert all(probability(pd.DataFrame([account | {name: v}]))[0] < target for v in nearer)


def test_what_no_peer_has_is_not_asked_for() -> None:
    assert asked({"events": 30.0, "users": 4.0}, 0.9) == {}


def test_nothing_is_asked_of_what_all_have_few_have_or_nobody_knows() -> None:
    assert len(tries(PEERS["same"].to_numpy(), 3.0, whole=False)) == 0
    assert len(tries(PEERS["rare"].to_numpy(), 3.0, whole=False)) == 0
    assert len(tries(PEERS["events"].to_numpy(), float("nan"), whole=False)) == 0


def test_a_change_may_go_down_and_is_whole_where_it_counts() -> None:
    values = tries(np.linspace(0, 7.5, 50), 6.0, whole=True)
    assert values[0] == 5.0 or values[0] == 7.0
    assert (values == np.round(values)).all()
    assert 6.0 not in values
    row = pd.DataFrame({"tickets": [6.0]})
    found = smallest(
        Question(row, {"tickets": values}, {"tickets": 6.0}, lambda rows, p: p <= 0.3),
        probability=lambda rows: rows["tickets"].to_numpy() / 10,
    )
    assert [change.value for change in found] == [3.0]


def test_many_asked_at_once_are_answered_as_each_alone() -> None:
    rng = np.random.default_rng(5)
    questions = []
    for i in range(2 * AT_ONCE + 3):
        account = {"events": float(rng.integers(0, 200)), "users": float(rng.integers(0, 20))}
        account = {"users": account["users"]} | account if i % 2 else account
        now = float(probability(pd.DataFrame([account]))[0])
        questions.append(question(account, now + rng.choice([-0.01, 0.02, 0.1, 0.9])))
    questions[7] = Question(questions[7].account, {}, {}, questions[7].reaches)  # nothing to try
    together = smallest_of_each(questions, probability=probability)
    assert together == [slow(each) for each in questions]
    assert together[7] == []
    assert sum(map(len, together)) > 50
    assert smallest_of_each([], probability=probability) == []


def slow(each: Question) -> list[Change]:
    """One value after the other, until it gets there."""
    found, p_now = [], float(probability(each.account)[0])
    for name, tried in each.values.items():
        for value in tried:
            row = each.account.assign(**{name: value})
            p = probability(row)
            if each.reaches(row, p)[0]:
                now = float(each.account[name].iloc[0])
                size = abs(value - now) / each.ranges[name]
                found.append(Change(name, now, float(value), p_now, float(p[0]), size))
                break
    return sorted(found, key=lambda change: (change.size, change.feature))
