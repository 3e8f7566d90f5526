"""Estimators against obp's figures, against worlds whose truth is known, and against each other."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from decisions import ope
from decisions.ope import Rows
from decisions.ope_interval import around

GOLDEN = Path(__file__).parents[1] / "golden" / "ope.json"


@pytest.fixture(scope="module")
def golden() -> tuple[dict, Rows]:
    content = json.loads(GOLDEN.read_text(encoding="utf-8"))
    columns = (np.array(content[name]) for name in ("policy", "action", "reward", "pscore", "forecast"))
    return content, Rows(*columns)


@pytest.mark.parametrize("name", ["ips", "snips", "direct", "dr"])
def test_the_figures_are_those_of_obp(golden: tuple[dict, Rows], name: str) -> None:
    content, rows = golden
    assert getattr(ope, name)(rows)[0] == pytest.approx(content["found"][name], abs=1e-9)


def test_switch_dr_is_that_of_obp_at_every_switch(golden: tuple[dict, Rows]) -> None:
    content, rows = golden
    found = [ope.switch_dr(rows, switch)[0] for switch in content["switches"]]
    assert found == pytest.approx(content["switched"], abs=1e-9)
    assert len({round(value, 6) for value in found}) == len(found)  # else the switches would not be told apart


def world(n: int, seed: int) -> tuple[Rows, float]:
    """A log by a policy that follows what drives the reward; the policy judged, and its true value in this population.

    x ~ N(0, 1); the log acts with probability expit(1 + x); E[reward] = x + action × (1 + x); the policy acts where
    x > 0: V = E[(1 + x) 1(x > 0)] = 1/2 + 1/√(2π).
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    p = expit(1 + x)
    action = (rng.random(n) < p).astype(int)
    reward = x + action * (1 + x) + rng.normal(size=n)
    policy = np.eye(2)[(x > 0).astype(int)]
    forecast = np.stack([x, 1 + 2 * x], axis=1)
    return Rows(policy, action, reward, np.where(action == 1, p, 1 - p), forecast), 0.5 + 1 / np.sqrt(2 * np.pi)


@pytest.mark.parametrize("name", ["ips", "snips", "direct", "dr", "switch_dr"])
def test_a_confounded_log_gives_the_true_value(name: str) -> None:
    rows, truth = world(40_000, 1)
    taken = (rows.policy.argmax(axis=1) == rows.action).astype(bool)
    assert abs(rows.reward[taken].mean() - truth) > 0.1  # the plain mean of rows that did the same is wrong
    found = ope.estimates(rows)[name]
    se = found.interval.se if found.interval else found.influence.std() / np.sqrt(len(rows.action))
    assert abs(found.value - truth) < 3 * se


def test_doubly_robust_stands_on_either_leg() -> None:
    rows, truth = world(40_000, 2)
    no_model = replace(rows, forecast=np.full_like(rows.forecast, 5.0))
    no_pscore = replace(rows, pscore=np.full_like(rows.pscore, 0.3))
    for one in (no_model, no_pscore):
        value, influence = ope.dr(one)
        assert abs(value - truth) < 3 * influence.std() / np.sqrt(len(influence))
    assert abs(ope.direct(no_model)[0] - truth) > 1
    assert abs(ope.ips(no_pscore)[0] - truth) > 0.1


def test_direct_claims_no_interval_and_every_estimator_says_what_it_estimates() -> None:
    found = ope.estimates(world(500, 3)[0])
    assert [name for name, one in found.items() if one.interval is None] == ["direct"]
    assert all(len(one.estimand) > 20 for one in found.values())


def test_the_switch_leaves_all_or_nothing_at_its_ends() -> None:
    rows, _ = world(2_000, 4)
    assert ope.switch_dr(rows, np.inf)[0] == ope.dr(rows)[0]
    assert ope.switch_dr(rows, 0.0)[0] == pytest.approx(ope.direct(rows)[0])


def test_switch_dr_leaves_out_a_row_that_carries_all() -> None:
    rows, truth = world(2_000, 5)
    pscore = rows.pscore.copy()
    row = int(np.flatnonzero(rows.weight > 0)[0])
    pscore[row] = 1e-5  # a weight of 100,000 on a model's error of some noise
    heavy = replace(rows, pscore=pscore)
    found = ope.estimates(heavy)
    assert abs(found["switch_dr"].value - truth) < 0.2 < abs(found["dr"].value - truth)


@pytest.mark.parametrize(("n", "least"), [(2_000, 0.1), (4_000, 0.05)])
def test_an_interval_holds_the_truth_where_rewards_are_rare_and_weights_heavy(n: int, least: float) -> None:
    """Weights of up to 1 / least on rewards that 1 in 10 gives, 4 heavy ones a log; a plain interval is too low."""
    rng = np.random.default_rng(0)
    held, plain = [], []
    for _ in range(400):
        p = rng.choice([least, 0.5, 1.0], size=n, p=[0.2, 0.4, 0.4])
        weight = (rng.random(n) < p) / p
        part = weight * (rng.random(n) < 0.1) * rng.lognormal(-0.125, 0.5, n)
        interval = around(part.mean(), part - part.mean())
        assert interval is not None
        held.append(interval.low <= 0.1 <= interval.high)
        plain.append(abs(part.mean() - 0.1) <= 1.96 * interval.se)
    assert 0.92 <= np.mean(held) <= 0.98
    assert np.mean(held) > np.mean(plain)


def test_an_interval_that_rests_on_few_rows_says_so() -> None:
    part = np.zeros(1_000)
    part[:300] = 1.0
    many = around(part.mean(), part - part.mean())
    part[0] = 400.0
    few = around(part.mean(), part - part.mean())
    assert many is not None
    assert few is not None
    assert few.rests_on_few
    assert not many.rests_on_few


def test_rows_of_one_account_count_as_one_draw() -> None:
    influence = np.random.default_rng(0).normal(size=300)
    alone = around(0.0, influence)
    thrice = around(0.0, np.repeat(influence, 3), group=np.repeat(np.arange(300), 3))
    assert alone is not None
    assert thrice is not None
    assert (thrice.low, thrice.high) == pytest.approx((alone.low, alone.high))


def test_what_estimated_pscores_explain_is_no_longer_varying() -> None:
    rng = np.random.default_rng(0)
    scores, noise = rng.normal(size=(4000, 2)), rng.normal(size=4000)
    plain = around(0.0, noise + scores @ [2.0, 1.0])
    less = around(0.0, noise + scores @ [2.0, 1.0], scores=scores)
    assert less is not None
    assert plain is not None
    assert less.se == pytest.approx(1 / np.sqrt(4000), rel=0.05)
    assert plain.se == pytest.approx(np.sqrt(6 / 4000), rel=0.05)


def test_one_group_has_no_interval() -> None:
    assert around(1.0, np.zeros(5), group=np.zeros(5)) is None
