"""A policy as it is kept, and as it is learnt."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from data.errors import BadInput
from decisions.policy import POLICY_FILE, Policy
from decisions.policy_learning import _policies, learn
from decisions.policy_log import Log, pscores


def log(n: int = 3_000, seed: int = 0, gain: float = 1.0) -> Log:
    """People call where x is high, where customers pay anyway; a call adds gain × x. A category matters for nothing."""
    rng = np.random.default_rng(seed)
    X = np.stack([rng.normal(size=n), rng.normal(size=n), rng.integers(0, 3, n)], axis=1)
    action = (rng.random(n) < expit(1.2 * X[:, 0])).astype(int)
    reward = 2 * X[:, 0] + gain * X[:, 0] * action + rng.normal(size=n)
    return Log(X, action, reward, np.full(n, np.nan), ("rest", "call"), (2,))


def test_it_learns_whom_to_call_from_people_s_choices_alone() -> None:
    learnt = learn(log())
    fresh = log(seed=1).X
    right = learnt.policy.choose(fresh) == (fresh[:, 0] > 0)
    assert learnt.policy.kind != "constant"
    assert right.mean() > 0.9
    held = learnt.held[learnt.policy.kind]
    truth = 1 / np.sqrt(2 * np.pi)  # E[x 1(x > 0)] more than never calling
    assert held.gain is not None
    assert held.gain.low < truth < held.gain.high


def test_where_a_call_does_nothing_it_is_not_fooled_by_whom_people_call() -> None:
    found = log(gain=0.0)
    called = found.action == 1
    assert found.reward[called].mean() > found.reward[~called].mean() + 1
    policy = learn(found).policy
    assert policy.kind == "constant"
    assert abs(policy.means[1] - policy.means[0]) < 0.2


def test_noise_makes_it_the_same_for_everyone_nearly_always() -> None:
    """At 5 % chance, 6 logs have 2 or more false policies in 3 of 100 such sixes."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(6):
        n = 400
        noise = Log(
            rng.normal(size=(n, 3)), rng.integers(0, 2, n), rng.normal(size=n), np.full(n, 0.5), ("rest", "call")
        )
        found.append(learn(noise).policy.kind)
    assert found.count("constant") >= 5


def test_a_cost_turns_the_best_action() -> None:
    n = 1_000
    rng = np.random.default_rng(0)
    action = rng.integers(0, 2, n)
    paid = Log(rng.normal(size=(n, 1)), action, 3.0 * action + rng.normal(size=n), np.full(n, 0.5), ("rest", "call"))
    assert learn(paid).policy.best == 1
    assert learn(paid, costs=np.array([0.0, 5.0])).policy.best == 0


def test_an_action_that_may_not_be_chosen_is_not() -> None:
    policy = learn(log(1_000), choosable=np.array([0])).policy
    assert policy.actions == ("rest",)


@pytest.fixture(scope="module")
def policies() -> dict[str, Policy]:
    found = log(800)
    known = pscores(found, seed=0).pscore
    return _policies(found, known, np.zeros(2), np.arange(2), ("constant", "linear", "boosted"), 0)


@pytest.mark.parametrize("kind", ["constant", "linear", "boosted"])
def test_a_policy_is_the_same_after_it_was_kept(policies: dict[str, Policy], kind: str) -> None:
    policy = policies[kind]
    again = Policy.from_files(policy.to_files())
    X = log(500, seed=3).X
    assert again.policy_version == policy.policy_version
    assert np.array_equal(again.net_reward(X), policy.net_reward(X))
    assert policy.kind == kind


def test_a_changed_policy_is_refused(policies: dict[str, Policy]) -> None:
    files = policies["linear"].to_files()
    content = json.loads(files[POLICY_FILE])
    content["means"][0] += 1
    with pytest.raises(BadInput, match="were changed"):
        Policy.from_files({POLICY_FILE: json.dumps(content)})
    boosted = policies["boosted"].to_files()
    with pytest.raises(BadInput, match="were changed"):
        Policy.from_files({**boosted, "booster_0.txt": boosted["booster_1.txt"]})
    with pytest.raises(BadInput, match="cannot be read"):
        Policy.from_files({POLICY_FILE: boosted[POLICY_FILE]})
    with pytest.raises(BadInput, match="lacks policy"):
        Policy.from_files({})


def test_no_trust_is_the_best_single_action(policies: dict[str, Policy]) -> None:
    distrusted = replace(policies["boosted"], trust=0.0)
    assert set(distrusted.choose(log(200, seed=4).X)) == {distrusted.best}


def test_the_same_log_gives_the_same_policy() -> None:
    assert learn(log(600)).policy.to_files() == learn(log(600)).policy.to_files()
