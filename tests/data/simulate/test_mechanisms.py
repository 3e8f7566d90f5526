"""What docs/simulator.md says the world has is there: each mechanism, alone, on the same accounts."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from data.catalog import Catalog
from data.simulate.calendar import Month, horizon, months_until
from data.simulate.company import Part
from data.simulate.history import History, live
from data.simulate.month import N_NORMALS, N_UNIFORMS, evolve, turn
from data.simulate.outlook import look
from data.simulate.response import _list_revenue, response, revenue_after_a_year
from data.simulate.selling import Proposals, feasible, intend, needs, nobody, p_accept
from data.simulate.shop import Shop, open_shop
from data.simulate.state import State
from data.simulate.streams import FUTURES, futures
from data.simulate.truth import p_expansion
from data.simulate.use import usage_and_meters
from data.simulate.world import Dynamics, Leaving, World
from tests.data.simulate.conftest import whole

WORLD = World()
SEED = 11


@pytest.fixture(scope="module")
def shop(catalog: Catalog) -> Shop:
    return open_shop(catalog)


@pytest.fixture(scope="module")
def history(shop: Shop) -> History:
    months = months_until(date(2026, 6, 1), 24, WORLD.arrivals.burn_in_months, WORLD.price_rise_on)
    return live(WORLD, shop, months, range(400), SEED)


@pytest.fixture(scope="module")
def end(history: History) -> Month:
    return horizon(history.months[-1], history.months[-1].n_days + 1)[-1]


@pytest.fixture(scope="module")
def state(history: History) -> State:
    last = history.states[-1]
    return last.take(np.flatnonzero(last.is_active))


def changed(state: State, **given: object) -> State:
    copy = state.copy()
    for name, value in given.items():
        setattr(copy, name, np.full_like(getattr(copy, name), value))
    return copy


def test_what_csms_choose_hangs_on_nothing_that_no_table_holds(shop: Shop, state: State, end: Month) -> None:
    """Mood, champion, budget, price sensitivity, fit and growth move what is bought, and not who is asked what."""
    outlook = look(WORLD, shop, state, end)
    now = intend(WORLD, shop, state, outlook)
    assert now.p_person.max() > 3 * np.median(now.p_person[now.p_person > 0])  # they do choose
    for name in ("satisfaction", "champion", "budget", "price_sensitivity", "fit", "growth", "breadth", "self_service"):
        other = changed(state, **{name: -2.0})
        then = intend(WORLD, shop, other, look(WORLD, shop, other, end))
        np.testing.assert_array_equal(now.p_person, then.p_person, err_msg=name)
        np.testing.assert_array_equal(now.seen, then.seen, err_msg=name)


def test_csms_are_told_the_locked_features_that_the_usage_table_shows(shop: Shop, history: History) -> None:
    usage = usage_and_meters(WORLD, shop, history, SEED)[0].to_pandas()
    usage = usage[usage["kind"] == "gated"]
    month = pd.to_datetime(usage["used_on"]).dt.to_period("M")
    number = usage["account_id"].str[4:].astype(int) - 1
    feature = usage["feature"].map({name: i for i, name in enumerate(shop.features)})
    n_same = n_met = 0
    for t in list(history.window)[1:]:
        terms = history.repriced[t]
        code = shop.code(terms.plan, terms.add_ons)
        settled = (history.changes[t].kind == 0) & history.states[t].is_active
        rows = (month == pd.Period(history.months[t].starts_on, "M")).to_numpy()
        of_next = shop.gated_next[code][number[rows], feature[rows]] > 0
        counted = np.bincount(number[rows][of_next], minlength=len(code))
        told = history.states[t + 1].gates_met
        n_same += (counted == told)[settled & (told > 0)].sum()
        n_met += (settled & (told > 0)).sum()
        assert (counted <= told)[settled].all()
    assert n_met > 2000
    assert n_same > 0.95 * n_met


def test_use_spreads_from_colleague_to_colleague_where_seats_are_full(shop: Shop, state: State, end: Month) -> None:
    n = len(state.plan)
    z, u = np.zeros((n, N_NORMALS + len(shop.metrics)), np.float32), np.full((n, N_UNIFORMS), 0.5, np.float32)

    def grown(world: World) -> np.ndarray:
        later = state.copy()
        evolve(world, shop, later, look(world, shop, state, end), nobody(n), np.zeros(n, bool), np.zeros(n, bool), z, u)
        return later.log_users - state.log_users

    gain = grown(WORLD) - grown(World(dynamics=Dynamics(contagion=0.0)))
    assert (gain >= -1e-6).all()
    share, content = np.exp(state.log_users) / state.seats, state.satisfaction > 0
    assert gain[(share > 0.9) & content].mean() > 1.5 * gain[(share < 0.6) & content].mean()


def test_an_event_in_the_customers_company_works_three_months_later(shop: Shop, state: State, end: Month) -> None:
    by_age = [look(WORLD, shop, changed(state, life_age=age), end).expansion.sum() for age in (0.0, 3.0, 12.0, 40.0)]
    assert by_age[1] > 1.5 * by_age[0]
    assert by_age[1] > by_age[2] > by_age[3]


def test_a_trial_works_for_months_where_features_were_missed_and_nowhere_else(
    shop: Shop, state: State, end: Month
) -> None:
    outlook = look(WORLD, shop, state, end)
    free = outlook.expansion.sum(axis=1) > 0
    missed = outlook.gates > 0.8

    def ratio(age: int) -> np.ndarray:
        tried, never = (look(WORLD, shop, changed(state, trial_age=a), end).expansion for a in (age, 90))
        return tried.sum(axis=1)[free] / never.sum(axis=1)[free]

    assert (missed & free).sum() > 20
    np.testing.assert_allclose(ratio(3)[~missed[free]], 1.0)
    np.testing.assert_allclose(ratio(4), 1.0)  # forgotten
    assert (ratio(3)[missed[free]] > 1.5).all()


def test_leaving_competes_with_expanding(shop: Shop, state: State, end: Month, history: History) -> None:
    ahead = horizon(end, 90)
    shape = (len(ahead), N_NORMALS + len(shop.metrics)), (len(ahead), N_UNIFORMS)
    z, u = futures(SEED, range(len(state.plan)), FUTURES, 4, normals=shape[0], uniforms=shape[1])
    worse = World(leaving=Leaving(churn_monthly=-1.5, churn_free=-1.5))
    now = p_expansion(WORLD, shop, state, ahead, z, u, contact=False)
    then = p_expansion(worse, shop, state, ahead, z, u, contact=False)
    monthly = ~state.is_annual & (now > 0.02)
    assert (then[monthly] < now[monthly]).all()
    np.testing.assert_allclose(then[state.is_annual], now[state.is_annual])


def test_august_and_the_turn_of_the_year_are_quiet(simulated: Callable[..., list[Part]]) -> None:
    usage = whole(simulated(accounts=150))["usage"]
    by_day = usage.groupby("used_on")["n_events"].sum()
    rows = by_day.groupby([by_day.index.year, by_day.index.month]).mean()
    assert rows[2025, 8] < 0.93 * (rows[2025, 6] + rows[2025, 10]) / 2
    christmas = by_day["2025-12-25":"2025-12-31"].mean()  # type: ignore[misc]
    assert christmas < 0.7 * by_day["2025-12-08":"2025-12-14"].mean()  # type: ignore[misc]


def test_cohorts_pay_the_list_of_their_day_until_their_own_renewal(company: dict[str, pd.DataFrame]) -> None:
    """The rise of prices reaches yearly contracts one month after the other, and new accounts at once."""
    rows = company["subscriptions"]
    rows = rows[(rows["product_id"] == "starter") & (rows["billing"] == "annual")]
    listed = (29 + 9 * rows["quantity"]) * (1 - rows["discount_pct"] / 100)
    risen = (rows["mrr"] / listed - 1).round(3)
    assert set(risen) <= {0.0, 0.07}

    def share(day: str) -> float:
        runs = (rows["valid_from_on"] < day) & ~(rows["valid_to_on"] < day)
        return float((risen[runs] > 0).mean())

    assert share("2025-09-30") == 0.0
    assert 0.02 < share("2025-11-30") < 0.6 < share("2026-05-31")


def test_response_differs_by_account_and_by_offer(midmarket: tuple) -> None:  # type: ignore[type-arg]
    response = midmarket[1]["response"]
    per_offer = response.groupby(["account_id", "offer_id"])["p_accept"].max().unstack()
    best = per_offer.drop(columns=["training", "recovery", "trial_next"]).idxmax(axis=1)
    assert best.value_counts(normalize=True).max() < 0.7  # no offer is everybody's
    assert per_offer["seats_20"].std() > 0.08
    value = response.groupby("account_id")["value"].max()
    assert 0.1 < (value > 0).mean() < 0.99


def test_a_pitch_to_the_angry_does_harm_and_help_does_not(shop: Shop, state: State, end: Month) -> None:
    angry = changed(state, satisfaction=-1.6)
    table = response(World(year_replicates=4), shop, angry, end, SEED, range(len(angry.plan)))
    table["cost"] = [next(o.contact_cost for o in shop.offers if o.id == i) for i in table["offer_id"]]
    gross = (table["value"] + table["cost"]).groupby(table["offer_id"]).mean()
    assert gross["annual_billing"] < 0
    assert gross["training"] > 0


def test_sure_things_gain_less_from_an_offer(shop: Shop, state: State, end: Month) -> None:
    """Of accounts that need seats alike, those that will buy them anyway gain a smaller share of the seats' price."""
    outlook = look(WORLD, shop, state, end)
    o = next(i for i, offer in enumerate(shop.offers) if offer.kind == "seats")
    at = np.zeros(len(state.plan), int)
    p = p_accept(WORLD, shop, state, needs(shop, state, outlook)[:, o], at + o, at, at.astype(float))
    able = feasible(shop, state)[:, o] & (p > 0.3)
    table = response(World(year_replicates=8), shop, state, end, SEED, range(len(state.plan)))
    csm = table[(table["offer_id"] == "seats_20") & (table["channel"] == "csm") & (table["discount_pct"] == 0)]
    value = pd.Series(csm["value"].to_numpy() + shop.offers[o].contact_cost, index=csm["position"])
    extra = 12 * 0.2 * shop.per_seat[shop.code(state.plan, state.add_ons)] * state.seats
    share = (value / (p * extra)[value.index]).reindex(np.flatnonzero(able)).dropna()
    by_itself = pd.Series(outlook.expansion[:, 1])[share.index]
    sure = by_itself > by_itself.median()
    assert share[sure].mean() < share[~sure].mean() - 0.1


def slow_revenue(world: World, shop: Shop, state: State, month: Month, z: np.ndarray, u: np.ndarray) -> np.ndarray:
    """(n, R): the slow twin: what each drawn year pays at list prices after its own events, whatever they are."""
    n, R = z.shape[:2]
    state = state.repeat(R)
    z, u = z.reshape(n * R, *z.shape[2:]), u.reshape(n * R, *u.shape[2:])
    for t, at in enumerate(horizon(month, 365)[:12]):
        turn(world, shop, state, z[:, t], u[:, t], at, nobody(n * R))
    return _list_revenue(shop, state).reshape(n, R)


def test_expected_revenue_is_that_of_drawn_years_with_a_fraction_of_their_noise(
    shop: Shop, state: State, end: Month
) -> None:
    few, R = state.take(np.arange(60)), 300
    shape = (12, N_NORMALS + len(shop.metrics)), (12, N_UNIFORMS)
    rng = np.random.default_rng(5)
    z = rng.standard_normal((60, R, *shape[0])).astype(np.float32)
    u = rng.uniform(1e-6, 1 - 1e-6, (60, R, *shape[1])).astype(np.float32)
    drawn = slow_revenue(WORLD, shop, few, end, z, u)
    one_each = [revenue_after_a_year(WORLD, shop, few, end, z[:, [r]], u[:, [r]], None)[0] for r in range(R)]
    expected = np.column_stack(one_each)
    error = np.sqrt(drawn.var(axis=1) / R + 1e-9)
    z_scores = (expected.mean(axis=1) - drawn.mean(axis=1)) / np.maximum(error, 1e-6)
    assert abs(z_scores).max() < 4.5
    assert abs(z_scores.mean()) < 0.45
    assert np.median(expected.var(axis=1) / np.maximum(drawn.var(axis=1), 1e-9)) < 0.15


def test_two_sets_of_futures_agree_on_what_an_offer_is_worth(shop: Shop, state: State, end: Month) -> None:
    numbers = range(len(state.plan))
    a, b = (response(WORLD, shop, state, end, seed, numbers)["value"] for seed in (1, 2))
    assert np.corrcoef(a, b)[0, 1] > 0.9
    assert (a - b).abs().median() < 0.2 * a.abs().median() + 25


def test_proposals_are_rows_like_any_other(state: State) -> None:
    """Every field of proposals to nobody has a row for each account, so that they can be repeated."""
    none = nobody(len(state.plan)).repeat(2)
    assert {len(getattr(none, f.name)) for f in fields(Proposals)} == {2 * len(state.plan)}
    assert not replace(none).is_made.any()
