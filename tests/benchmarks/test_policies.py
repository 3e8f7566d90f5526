"""The arithmetic of the holdout on numbers that can be checked by hand, and the simulated logs."""

import numpy as np
import pandas as pd
import pytest

from benchmarks import hillstrom, ope

ARMS = hillstrom.ARMS


def test_a_policy_is_worth_three_times_what_its_own_customers_brought() -> None:
    """9 customers, 3 an arm: men's e-mail brought 1, 0, 2; women's 4, 0, 0; none 0, 0, 1."""
    arm = np.repeat(ARMS, 3)
    reward = np.array([1.0, 0, 2, 4, 0, 0, 0, 0, 1])
    everyone = [hillstrom.judged(np.full(9, name), arm, reward) for name in ARMS]
    assert [figure.value for figure in everyone] == pytest.approx([3 * 3 / 9, 3 * 4 / 9, 3 * 1 / 9])
    assert [figure.value for figure in everyone] == pytest.approx([1.0, 4 / 3, 1 / 3])  # the arms' own means
    mixed = np.array([ARMS[0], ARMS[1], ARMS[0]] * 3)  # meets its own arm in rows 1, 3 and 5
    figure = hillstrom.judged(mixed, arm, reward)
    assert figure.value == pytest.approx(3 * (1 + 2 + 0) / 9)
    parts = np.array([3.0, 0, 6, 0, 0, 0, 0, 0, 0])
    assert figure.se == pytest.approx(parts.std(ddof=1) / 3)


def test_the_halves_share_no_customer_and_outcomes_are_hidden_from_those_who_choose() -> None:
    table = pd.DataFrame({"x": range(101), "segment": "a", "visit": 0, "conversion": 0, "spend": 0.0})
    learn, judge = hillstrom.halves(table, 1)
    assert set(learn["x"]) | set(judge["x"]) == set(range(101))
    assert not set(learn["x"]) & set(judge["x"])
    assert not hillstrom.halves(table, 2)[0].equals(learn)


def test_the_gap_to_the_best_is_paired() -> None:
    def figure(value: float, influence: list[float]) -> hillstrom.Figure:
        return hillstrom.Figure(value, value - 1, value + 1, 0.5, np.array(influence))

    mine, other = figure(1.0, [1.0, -1, 0, 0]), figure(1.5, [1.0, -1, 0, 0])
    found = {"ours": {"visits": mine}, "ours_by_spend": {"spend": mine}, "none": {"visits": other, "spend": other}}
    keys = hillstrom.flat(found)
    assert keys["hillstrom.below_best_visits"] == 0.5
    assert keys["hillstrom.below_best_visits_se"] == 0.0  # the same customers, the same choices
    assert keys["hillstrom.none.spend_high"] == 2.5


@pytest.mark.parametrize("is_money", [False, True])
def test_a_simulated_log_has_what_it_says(is_money: bool) -> None:
    world = ope.World(is_money)
    log, policy = world.log(3)
    p = world.people(log.X)
    by_people = log.is_estimated
    assert 1 - by_people.mean() == pytest.approx(ope.SHARE_RANDOM, abs=0.02)
    shares = np.bincount(log.action[by_people], minlength=ope.ACTIONS) / by_people.sum()
    assert shares == pytest.approx(p[by_people].mean(axis=0), abs=0.02)
    assert policy.sum(axis=1) == pytest.approx(np.ones(len(log)))
    # Confounded: rows that did what the policy mostly does differ from what it is worth.
    likes = policy[np.arange(len(log)), log.action] > 0.5
    assert abs(log.reward[likes].mean() / world.truth() - 1) > 0.03
