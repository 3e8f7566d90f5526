"""Draws happen as often as their pscore says, never exceed a limit, and let another policy's value be read off them."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from data.errors import BadInput
from decisions.assignment import Assigned, assign
from decisions.exploration import NOBODY, Explored, draw, explored, lotteries
from decisions.limits import limits_of
from decisions.week_settings import Exploration, Limit, Week
from tests.decisions.test_assignment import some_ways

DAY = "2026-06-01"
WEEK = Week(budget=90.0, limits=[Limit(id="mails", channels=["email"], max=2)], owner_channels=["csm"])
LIMITS = limits_of(WEEK, per_owner=2, without_owner=0)
KINDS = [
    Exploration(kind="epsilon", share=0.5),
    Exploration(kind="thompson", share=0.2, temperature=2.0, n_draws=50),
]


def plan(seed: int = 5, n_accounts: int = 14) -> Assigned:
    rows = some_ways(seed, n_accounts)
    return assign(rows.assign(se=rows["priority"] * 0.4), LIMITS)


def drawn(week: Assigned, settings: Exploration, seed: int) -> Explored:
    return explored(week, settings, seed=seed, as_of=DAY)


@pytest.mark.parametrize("settings", KINDS, ids=lambda s: s.kind)
def test_what_is_drawn_is_drawn_as_often_as_its_pscore_says(settings: Exploration) -> None:
    week, n = plan(), 60
    came, said = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for seed in range(n):
        one = drawn(week, settings, seed)
        assert one.lottery.groupby("place")["p"].sum().to_numpy() == pytest.approx(1.0)
        assert (one.lottery["p"] > 0).all()  # what may come out at all has a chance
        by_way = one.lottery[one.lottery["account_id"] != NOBODY].groupby(["account_id", "offer_id"])["p"].sum()
        left_out = 1 - by_way.groupby("account_id").sum()
        left_out.index = pd.MultiIndex.from_product([left_out.index, [NOBODY]])
        log = pd.concat([one.chosen, one.withheld.assign(offer_id=NOBODY)]).set_index(["account_id", "offer_id"])
        expected = pd.concat([by_way, left_out])
        assert log["pscore"].to_numpy() == pytest.approx(expected[log.index].to_numpy())
        assert set(log.index.get_level_values(0)) == set(by_way.index.get_level_values(0))  # each is logged, once
        came.update(log.index)
        said.update(expected.to_dict())
    # who stands in where turns with the seed: of each outcome, as many as the probabilities of all seeds add up to
    for what, expected_times in said.items():
        assert abs(came[what] - expected_times) < 4.5 * np.sqrt(max(expected_times, 1.0)), what


def test_with_the_places_fixed_frequencies_are_the_pscores() -> None:
    """Four hundred days of the same lotteries: the exact claim, at four and a half standard errors."""
    lottery = lotteries(plan(), Exploration(kind="epsilon", share=0.5), key="fixed")
    n = 400
    counts: dict[tuple[str, str], int] = {}
    for day in range(n):
        one = draw(lottery, key=str(day))
        for row in one.chosen.itertuples():
            counts[row.account_id, row.offer_id] = counts.get((row.account_id, row.offer_id), 0) + 1
    for row in lottery[lottery["account_id"] != NOBODY].itertuples():
        times = counts.get((row.account_id, row.offer_id), 0)
        assert abs(times / n - row.p) < 4.5 * np.sqrt(row.p * (1 - row.p) / n), row


@pytest.mark.parametrize("settings", KINDS, ids=lambda s: s.kind)
def test_another_policys_value_is_read_off_the_log_without_bias(settings: Exploration) -> None:
    """Inverse propensity weighting, account by account, of a policy that the log does not follow."""
    week = plan(8)
    rewards = {row.account_id: i % 7 + 1.0 for i, row in enumerate(week.ways.itertuples())}
    hosts = set(week.chosen["account_id"])

    def reward(account_id: str, offer_id: str) -> float:
        return 0.0 if offer_id == NOBODY else rewards[account_id] * (2.0 if offer_id == "o1" else 1.0)

    # the policy: to those on the plan its own offer, except that every other one is left alone
    wanted = {row.account_id: row.offer_id if i % 2 else NOBODY for i, row in enumerate(week.chosen.itertuples())}
    truth = sum(reward(account, offer) for account, offer in wanted.items())
    found = []
    lottery = lotteries(week, settings, key="fixed")
    for seed in range(250):
        one = draw(lottery, key=str(seed))
        log = pd.concat([one.chosen, one.withheld.assign(offer_id=NOBODY)])
        log = log[log["account_id"].isin(hosts)]
        assert len(log) == len(hosts)
        hit = log["offer_id"] == log["account_id"].map(wanted)
        found.append(sum(reward(r.account_id, r.offer_id) / r.pscore for r in log[hit].itertuples()))
    error = np.std(found, ddof=1) / np.sqrt(len(found))
    assert abs(np.mean(found) - truth) < 3 * error


@pytest.mark.parametrize("settings", KINDS, ids=lambda s: s.kind)
def test_no_draw_exceeds_a_limit_or_contacts_an_account_twice(settings: Exploration) -> None:
    for company in range(3):
        week = plan(company)
        allowed = set(week.ways[["account_id", "offer_id", "channel"]].itertuples(index=False, name=None))
        for seed in range(10):
            chosen = drawn(week, settings, seed).chosen
            assert not chosen["account_id"].duplicated().any()
            assert set(chosen[["account_id", "offer_id", "channel"]].itertuples(index=False, name=None)) <= allowed
            assert (chosen[chosen["channel"] == "csm"].groupby("owner_id").size() <= 2).all()
            assert (chosen["contact_cost"] + chosen["discount_cost"]).sum() <= 90
            assert (chosen["channel"] == "email").sum() <= 2


def test_the_same_seed_and_day_draw_the_same_and_others_do_not() -> None:
    week = plan()
    one, again = (drawn(week, KINDS[0], 3) for _ in range(2))
    pd.testing.assert_frame_equal(one.chosen, again.chosen)
    others = [tuple(drawn(week, KINDS[0], seed).chosen["account_id"]) for seed in range(20)]
    assert len(set(others)) > 1


def test_without_exploration_the_plan_stands_with_pscore_1() -> None:
    week = plan()
    one = drawn(week, Exploration(), 3)
    assert one.chosen["account_id"].tolist() == week.chosen["account_id"].tolist()
    assert one.chosen["pscore"].tolist() == [1.0] * len(week.chosen)
    assert one.chosen["is_planned"].all()
    assert one.withheld.empty


def test_the_plan_comes_out_with_one_less_the_share_and_its_part() -> None:
    rows = some_ways(5, 1)  # one account with two offers: the plan, the other, and nobody
    rows["channel"] = "csm"
    lottery = drawn(assign(rows, LIMITS[:1]), Exploration(kind="epsilon", share=0.3), 0).lottery
    by_plan = lottery.groupby("is_planned")["p"].sum()
    assert by_plan[True] == pytest.approx(0.7 + 0.3 / 2 / 2)
    assert lottery[lottery["account_id"] == NOBODY]["p"].tolist() == pytest.approx([0.15])


def test_thompson_counts_what_the_normals_say() -> None:
    rows = pd.DataFrame(
        {
            "account_id": "a", "offer_id": ["x", "y"], "channel": "csm", "discount_pct": 0.0, "priority": [10.0, 8.0],
            "se": [3.0, 4.0], "owner_id": "o",
        }
    )  # fmt: skip
    settings = Exploration(kind="thompson", share=1e-9, n_draws=10_000)
    p = drawn(assign(rows, LIMITS[:1]), settings, 1).lottery.set_index("offer_id")["p"]
    grid = np.linspace(-40, 40, 8001)
    step = grid[1] - grid[0]
    x, y = stats.norm(10, 3), stats.norm(8, 4)
    over_0 = grid > 0
    assert p["x"] == pytest.approx((x.pdf(grid) * y.cdf(grid))[over_0].sum() * step, abs=0.02)
    assert p[NOBODY] == pytest.approx(x.cdf(0) * y.cdf(0), abs=0.005)
    with pytest.raises(BadInput, match="thompson sampling needs the standard error"):
        drawn(assign(rows.drop(columns="se"), LIMITS[:1]), settings, 1)


def test_room_that_is_left_goes_to_those_who_promise_nothing() -> None:
    hopeless = some_ways(2, 9).assign(priority=-1.0, se=1.0)
    nothing = assign(hopeless, LIMITS)
    assert nothing.chosen.empty
    settings = Exploration(kind="epsilon", share=0.1, spare_places=2)
    counts = []
    for seed in range(60):
        one = explored(nothing, settings, seed=seed, as_of=DAY, limits=LIMITS, no_gain=hopeless)
        counts.append(len(one.chosen))
        assert not one.chosen["is_planned"].any()
        assert (one.chosen["contact_cost"] + one.chosen["discount_cost"]).sum() <= 90
        assert (one.chosen[one.chosen["channel"] == "csm"].groupby("owner_id").size() <= 2).all()
        assert (one.chosen["pscore"] < 1).all()
    assert 0 < max(counts) <= 4
    full = assign(some_ways(2, 9).assign(se=1.0, priority=9.0), [Limit(id="owner", max=0, per="owner_id")])
    none = [Limit(id="owner", max=0, per="owner_id")]
    assert explored(full, settings, seed=1, as_of=DAY, limits=none, no_gain=hopeless).chosen.empty


def test_more_uncertain_ways_come_out_more_often() -> None:
    """With the same expectation below the plan's, the wider one is tried more."""
    rows = pd.DataFrame(
        {
            "account_id": list("abc"), "offer_id": "x", "channel": "csm", "discount_pct": 0.0,
            "priority": [10.0, 6.0, 6.0], "se": [1.0, 1.0, 6.0], "owner_id": "o",
        }
    )  # fmt: skip
    week = assign(rows, [Limit(id="owner", max=1, per="owner_id")])
    p = drawn(week, Exploration(kind="thompson", share=0.01), 1).lottery.set_index("account_id")["p"]
    assert all(one < other for one, other in pairwise([p["b"], p["c"], p["a"]]))
