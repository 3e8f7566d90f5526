"""What asking leaves behind, where the truth is known: by answer, by health, by span; and when accounts leave."""

import json
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from data.catalog import Catalog
from models import aftermath, organic
from models.aftermath import After, Logs, Ratios, log_ratios
from models.exposure import MONTHS, at_renewal, evenly
from models.months import Months
from models.organic import LEAVE

PRIOR = (0.5, 1.0, 0.5)


def test_ratios_of_a_no_and_of_a_yes_are_told_apart() -> None:
    draw = np.random.default_rng(3)
    n = 20_000
    p, mood = draw.beta(1, 4, n), draw.beta(1, 3, n)
    due = draw.gamma(2, 0.15, n)
    truth = (1 - p) * np.exp(-0.2 - 0.9 * mood) + p * np.exp(-1.1)
    seen = draw.poisson(due * truth).astype(float)
    found = log_ratios(seen, due, p, mood, PRIOR, refusal=True)
    assert found == pytest.approx((-0.2, -0.9, -1.1), abs=0.3)  # three standard errors of the widest
    assert log_ratios(due, due, p, mood, PRIOR, refusal=True) == pytest.approx((0, 0, 0), abs=1e-3)


def test_help_that_is_declined_leaves_nothing() -> None:
    due, p = np.full(4000, 0.5), np.full(4000, 0.25)
    level, slope, accepted = log_ratios(0.8 * due, due, p, np.ones(4000), PRIOR, refusal=False)
    assert (level, slope) == (0.0, 0.0)
    assert 1 - 0.25 + 0.25 * np.exp(accepted) == pytest.approx(0.8, abs=0.03)


def test_few_events_say_little() -> None:
    few = log_ratios(np.zeros(4), np.full(4, 0.25), np.full(4, 0.5), np.zeros(4), PRIOR, refusal=True)
    assert all(abs(log) < 0.2 for log in few)


def test_an_effect_counts_where_it_falls() -> None:
    """Of one quarter: a quarter of what may happen any day; all or nothing of a renewal."""
    logs = Logs(early=(np.log(2.0), 0.0))
    calm = np.zeros(3)
    assert logs.over_year(calm, evenly(3)) == pytest.approx([1.25] * 3)
    accounts = pd.DataFrame({"billing": "annual", "days_to_renewal": [10.0, 70.0, 200.0]})
    assert logs.over_year(calm, at_renewal(accounts)) == pytest.approx([1.0, 2.0, 1.0], abs=0.03)
    assert Logs(early=(0.0, np.log(2.0))).over_year(np.array([0.0, 1.0]), evenly(2)) == pytest.approx([1.0, 1.25])


@pytest.mark.parametrize("days", [0, 29, 31, 200, 364, 800, -3, np.nan])
def test_a_year_has_twelve_months_whenever_the_renewal_is(days: float) -> None:
    accounts = pd.DataFrame({"billing": ["annual", "monthly"], "days_to_renewal": [days, days]})
    assert at_renewal(accounts).sum(axis=1) == pytest.approx([MONTHS, MONTHS])


def test_there_and_back() -> None:
    after = After(Ratios(Logs((0.1, 0.2), (0.3, 0.4)), Logs((0.5, 0.6), (0.7, 0.8))), Ratios())
    assert After.from_json(json.loads(json.dumps(asdict(after)))) == after


def yearly(n: int, chance: float, seed: int) -> pd.DataFrame:
    """n accounts billed by the year, who leave at the renewal with this chance and at no other time."""
    draw = np.random.default_rng(seed)
    months = pd.date_range("2024-01-01", periods=18, freq="MS")
    anchor = draw.integers(0, 12, n)
    gone = np.zeros(n, dtype=bool)
    frames = []
    for day in months:
        k = (anchor - (day.month - 1)) % 12
        rows = pd.DataFrame({
            "account_id": [f"A{i:05}" for i in range(n)], "as_of": day, "plan_id": "pro", "plan_tier": 2, "seats": 10.0,
            "mrr": 200.0, "billing": "annual", "add_ons": None, "current_discount_pct": 0.0,
            "days_to_renewal": k * 30.4375 + 10.0, "health_score": 70.0,
        })  # fmt: skip
        frames.append(rows[~gone])
        gone |= (k == 0) & (draw.random(n) < chance)
    return pd.concat(frames, ignore_index=True)


def test_who_pays_by_the_year_leaves_as_often_wherever_in_the_year_it_stands(catalog: Catalog) -> None:
    """Most are watched for a few months only: a rate counted over those months would say that nobody leaves in ten."""
    snapshots = yearly(4000, 0.2, seed=5)
    draw = np.random.default_rng(1)
    some = snapshots[draw.random(len(snapshots)) < 0.15]
    contacts = pd.DataFrame({"account_id": some["account_id"], "proposed_at": some["as_of"] + pd.Timedelta(days=3)})
    months = Months.of(snapshots, contacts, catalog)
    model = organic.fit(snapshots, months, catalog, ["health_score"], horizon_days=90, max_rows=400_000, seed=1)
    now = snapshots[snapshots["as_of"] == snapshots["as_of"].max()].reset_index(drop=True)
    left = organic.probability(model.log_rate(model.matrix(LEAVE, now, catalog), over_year=True), 12.0)
    by_quarter = pd.Series(left).groupby(now["days_to_renewal"] // 92).mean()
    assert by_quarter.to_numpy() == pytest.approx([0.2] * len(by_quarter), abs=0.05)


def test_learns_that_asking_leaves_a_quarter_without_growth(catalog: Catalog) -> None:
    """Everybody adds seats at one rate, but nobody does in the three months after it was asked for storage."""
    draw = np.random.default_rng(2)
    n, months = 2500, pd.date_range("2024-01-01", periods=16, freq="MS")
    seats, since = np.full(n, 20.0), np.full(n, 99)
    frames, contacts = [], []
    for day in months:
        frames.append(pd.DataFrame({
            "account_id": [f"A{i:05}" for i in range(n)], "as_of": day, "plan_id": "pro", "plan_tier": 2,
            "seats": seats, "mrr": 99 + 15 * seats, "billing": "monthly", "add_ons": None, "current_discount_pct": 0.0,
            "days_to_renewal": 20.0, "health_score": 70.0,
        }))  # fmt: skip
        asked = draw.random(n) < 0.06
        since = np.where(asked, 0, since + 1)
        contacts.append(pd.DataFrame({
            "account_id": frames[-1].loc[asked, "account_id"], "proposed_at": day + pd.Timedelta(days=3),
        }))  # fmt: skip
        grows = (draw.random(n) < 0.08) & ~((since >= 1) & (since <= 3))
        seats = np.where(grows, np.ceil(seats * 1.2), seats)
    snapshots, log = pd.concat(frames, ignore_index=True), pd.concat(contacts, ignore_index=True)
    wide = Months.of(snapshots, log, catalog)
    model = organic.fit(snapshots, wide, catalog, ["health_score"], horizon_days=90, max_rows=100_000, seed=1)
    place = pd.Series(snapshots.index, index=pd.MultiIndex.from_frame(snapshots[["account_id", "as_of"]]))
    day = log["proposed_at"] - pd.Timedelta(days=3)
    made = pd.DataFrame({"row": place[pd.MultiIndex.from_arrays([log["account_id"], day])].to_numpy()})
    made = made.assign(offer_id="add_storage")
    p = np.full(len(made), 0.2)
    found, facts = aftermath.learn(made, p, snapshots, wide, model, catalog)
    told = facts["sells"]
    assert told["grow_early"]["seen"] == 0
    assert found["sells"].refused.grow.early[0] < -0.8
    assert abs(found["sells"].refused.grow.late[0]) < 0.15
    ratio = found["sells"].refused.grow.over_year(np.array([0.3]), evenly(1))
    assert ratio == pytest.approx([0.75 + 0.25 * np.exp(-0.8)], abs=0.12)
