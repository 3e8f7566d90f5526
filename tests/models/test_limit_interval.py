"""Intervals for the days until a limit: coverage and sharpness where the truth is known, and slow twins."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data.errors import BadInput
from features.headroom import PREDICTORS
from models import limit_coverage, limit_interval
from models.limit_interval import LimitIntervals, covers, fit, n_weeks, shortest
from models.settings import Forecast

H = 180
WEEKS = n_weeks(H)
SETTINGS = Forecast(min_reached=50)


def walks(seed: int, n_accounts: int, n_snapshots: int = 3) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Gauges that walk at random with a drift that shows, read weekly; and the true chance of each week.

    The chance is counted over 200 walks that might have gone on from the same state.
    """
    rng = np.random.default_rng(seed)
    n = n_accounts * n_snapshots
    drift = np.repeat(rng.normal(0.008, 0.012, n_accounts), n_snapshots)
    share = rng.uniform(0.5, 0.99, n)
    steps = drift[:, None, None] + rng.normal(0, 0.02, (n, 200, WEEKS)).astype("float32")
    is_over = share[:, None, None] + np.cumsum(steps, axis=2) >= 1
    week = np.where(is_over.any(axis=2), is_over.argmax(axis=2), WEEKS)
    truth = np.stack([(week == w).mean(axis=1) for w in range(WEEKS + 1)], axis=1)
    rows = pd.DataFrame(
        {
            "account_id": np.repeat([f"A{i:05}" for i in range(n_accounts)], n_snapshots),
            "as_of": np.tile(pd.date_range("2025-01-06", periods=n_snapshots, freq="28D").as_unit("us"), n_accounts),
            "metric": "storage_gb",
            **dict.fromkeys(PREDICTORS, np.nan),
            "share": share,
            "so_far": share,
            "slope": drift * 4.35,
            "line": np.clip(np.where(drift > 0, (1 - share) / np.maximum(drift, 1e-9) * 7, 365), 0, 365),
        }
    )
    happened = week[:, 0]  # one of the walks is what came to pass
    outcomes = pd.DataFrame({"reached_after": np.where(happened < WEEKS, happened * 7.0, np.nan), "seen_days": H})
    return rows, outcomes, truth


@pytest.fixture(scope="module")
def learnt() -> LimitIntervals:
    rows, outcomes, _ = walks(1, 900)
    return fit(rows, outcomes, SETTINGS, seed=7)


def given(model: LimitIntervals, rows: pd.DataFrame) -> np.ndarray:
    return (model.intervals(rows)["p_reached"] > 1 - model.coverage).to_numpy()


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_it_covers_as_often_as_it_says_on_accounts_it_has_not_seen(learnt: LimitIntervals, seed: int) -> None:
    rows, outcomes, _ = walks(seed, 700)
    may = given(learnt, rows)
    held = covers(learnt.intervals(rows), outcomes, H)[may]
    # three standard errors, and what 900 accounts leave unsure of the mass that gives it
    assert held.mean() == pytest.approx(0.8, abs=3 * np.sqrt(0.16 / len(held)) + 0.02)
    near = held[rows["share"].to_numpy()[may] > 0.85]
    assert near.mean() == pytest.approx(0.8, abs=3 * np.sqrt(0.16 / len(near)) + 0.04)


def test_it_is_nearly_as_sharp_as_one_who_knows_the_truth(learnt: LimitIntervals) -> None:
    rows, _, truth = walks(21, 700)
    may = given(learnt, rows)
    first, last = shortest(truth[may], np.full(may.sum(), 0.8))
    best = np.minimum((last + 1) * 7, H) - np.minimum(first * 7, H)
    got = learnt.intervals(rows)[may]
    width = got["high"].add(1).fillna(H) - got["low"]
    assert width.mean() < 1.25 * best.mean()
    assert width.mean() < 0.75 * H


def test_the_chance_of_reaching_it_is_the_true_one_on_average(learnt: LimitIntervals) -> None:
    rows, _, truth = walks(22, 700)
    masses = learnt.masses(rows)
    assert masses.sum(axis=1) == pytest.approx(1)
    assert np.abs(masses[:, -1] - truth[:, -1]).mean() < 0.06
    assert masses.mean(axis=0) == pytest.approx(truth.mean(axis=0), abs=0.025)


def test_leaving_is_not_taken_for_never_reaching() -> None:
    rows, outcomes, _ = walks(2, 500)
    leaves = np.random.default_rng(3).integers(1, 300, len(rows))  # independent of the walk
    stays = outcomes["reached_after"].fillna(H) < leaves
    censored = pd.DataFrame(
        {
            "reached_after": outcomes["reached_after"].where(stays),
            "seen_days": np.minimum(np.where(stays, H, leaves), H),
        }
    )
    model = fit(rows, censored, SETTINGS, seed=7)
    new, _, truth = walks(23, 500)
    assert model.masses(new)[:, -1].mean() == pytest.approx(truth[:, -1].mean(), abs=0.04)
    naive = fit(rows, censored.assign(seen_days=H), SETTINGS, seed=7)
    assert naive.masses(new)[:, -1].mean() > truth[:, -1].mean() + 0.08


def test_a_counter_that_starts_anew_each_month_is_full_near_its_end() -> None:
    """Every month fills on its 25th, give or take two days, or not at all in the first two months."""
    rng = np.random.default_rng(5)
    n = 900
    as_of = pd.Timestamp("2025-01-06") + pd.to_timedelta(7 * rng.integers(0, 40, n), unit="D")
    ends = (as_of.to_period("M") + 1 * (as_of.day > 20)).to_timestamp() + pd.to_timedelta(
        rng.integers(22, 27, n), unit="D"
    )
    rows = pd.DataFrame(
        {"account_id": [f"A{i}" for i in range(n)], "as_of": as_of.as_unit("us"), "metric": "api_calls"}
    ).assign(**dict.fromkeys(PREDICTORS, 0.9))
    never = rng.random(n) < 0.15
    outcomes = pd.DataFrame({"reached_after": np.where(never, np.nan, (ends - as_of).days), "seen_days": H})
    model = fit(rows, outcomes, SETTINGS, seed=1)
    got = model.intervals(rows)
    width = got["high"].add(1).fillna(H) - got["low"]
    assert width.median() <= 21
    assert covers(got, outcomes, H).mean() == pytest.approx(0.82, abs=0.06)


def test_sets_are_the_shortest_there_are() -> None:
    masses = np.random.default_rng(1).dirichlet(np.full(7, 0.5), 60)
    for wanted in (0.5, 0.8, 0.95, 1.0):
        first, last = shortest(masses, np.full(len(masses), wanted))
        for row, i, j in zip(masses, first, last, strict=True):
            every = [
                (min(b + 1, 6) - min(a, 6), a, b)  # "never" has no length
                for a in range(7)
                for b in range(a, 7)
                if row[a : b + 1].sum() >= wanted - 1e-9
            ]
            length = min(j + 1, 6) - min(i, 6)
            assert row[i : j + 1].sum() >= wanted - 1e-8
            assert length == min(every)[0]


@pytest.mark.parametrize(
    ("low", "high", "reached", "seen", "holds"),
    [
        (7, 41, 7, H, True), (7, 41, 41, H, True), (7, 41, 42, H, False), (7, 41, 6, H, False),
        (7, np.nan, 179, H, True), (7, np.nan, np.nan, H, True), (7, np.nan, 6, H, False),
        (7, 41, np.nan, H, False),  # never
        (180, np.nan, np.nan, H, True), (180, np.nan, 179, H, False),
        (7, 41, np.nan, 42, True),  # left, last seen on the interval's last day: it may have come then
        (7, 41, np.nan, 43, False),  # left after the interval was over
        (180, np.nan, np.nan, 20, True),
    ],
)  # fmt: skip
def test_what_counts_as_covered(low: float, high: float, reached: float, seen: int, holds: bool) -> None:
    interval = pd.DataFrame({"low": [low], "high": [high]})
    assert covers(interval, pd.DataFrame({"reached_after": [reached], "seen_days": [seen]}), H).tolist() == [holds]


def test_it_is_text_that_gives_the_same_again_and_tells_what_was_changed(learnt: LimitIntervals) -> None:
    rows, outcomes, _ = walks(1, 900)
    files = learnt.to_files()
    some = slice(0, 600)
    twice = [fit(rows[some], outcomes[some], SETTINGS, seed=7).to_files() for _ in range(2)]
    assert twice[0] == twice[1] != files
    again = LimitIntervals.from_files(files)
    pd.testing.assert_frame_equal(again.intervals(rows), learnt.intervals(rows))
    with pytest.raises(BadInput, match=r"booster.txt is not the file"):
        LimitIntervals.from_files(files | {"booster.txt": files["booster.txt"] + " "})
    with pytest.raises(BadInput, match=r"intervals.json is missing"):
        LimitIntervals.from_files({"booster.txt": files["booster.txt"]})


def test_with_too_little_to_learn_from_it_knows_none_and_says_why() -> None:
    rows, outcomes, _ = walks(1, 20)
    model = fit(rows, outcomes, Forecast(), seed=1)
    assert model.booster_text is None
    assert "at least 100" in model.facts["note"]
    assert not len(model.intervals(rows))
    assert list(LimitIntervals.from_files(model.to_files()).intervals(rows)) == list(fit_columns(rows, outcomes))


def fit_columns(rows: pd.DataFrame, outcomes: pd.DataFrame) -> Mapping[str, Any]:
    """The columns of a model that knows some."""
    columns: Mapping[str, Any] = fit(rows, outcomes, Forecast(min_reached=10), seed=1).intervals(rows)
    return columns


def test_rows_are_drawn_by_whole_accounts_in_any_order() -> None:
    rows, _, _ = walks(3, 200)
    chosen = limit_interval._drawn(rows["account_id"], 300, seed=2)
    assert 290 <= chosen.sum() <= 300
    assert set(rows["account_id"][chosen]).isdisjoint(rows["account_id"][~chosen])
    mixed = rows.sample(frac=1, random_state=1)
    again = limit_interval._drawn(mixed["account_id"], 300, seed=2)
    assert set(mixed["account_id"][again]) == set(rows["account_id"][chosen])


def test_coverage_by_group_is_what_counting_gives(learnt: LimitIntervals) -> None:
    rows, outcomes, _ = walks(31, 300)
    intervals = learnt.intervals(rows)
    report = limit_coverage.judged(intervals, outcomes, rows["share"], coverage=0.8, horizon_days=H)
    counted: dict[tuple[str, str], list[tuple[bool, float]]] = {}
    for i, row in enumerate(intervals.itertuples()):
        end = H - 1 if np.isnan(row.high) else row.high
        after = outcomes["reached_after"][i]
        at = H if np.isnan(after) else after
        holds = row.low <= at and (np.isnan(row.high) or at <= row.high)
        is_given = row.p_reached > 0.2
        of = [("all", "all"), ("all", "given an interval" if is_given else "said to be far")]
        of += [("metric", row.metric), ("as_of", str(row.as_of.date()))] if is_given else []
        for key in of:
            counted.setdefault(key, []).append((holds, end + 1 - row.low))
    for line in report.itertuples():
        if line.by in ("all", "metric", "as_of"):
            seen = counted.pop((line.by, line.group))
            assert line.n_rows == len(seen)
            assert line.coverage == pytest.approx(np.mean([holds for holds, _ in seen]))
            assert line.width_mean == pytest.approx(np.mean([width for _, width in seen]))
    assert not counted
    for by in ("metric", "as_of", "share of the limit", "straight line"):
        assert report.loc[report["by"] == by, "n_rows"].sum() == report.loc[1, "n_rows"]


def test_the_interval_of_the_coverage_minds_that_an_account_counts_several_times() -> None:
    """Rows of an account are alike: a mean over 60 accounts of 10 such rows is within its interval 19 times of 20."""
    rng = np.random.default_rng(4)
    held = 0
    for _ in range(400):
        p = rng.beta(2, 0.5, 60)  # mean 0.8
        values = (rng.random((60, 10)) < p[:, None]).astype(float).ravel()
        low, high = limit_coverage.clustered(values, pd.Series(np.repeat(np.arange(60), 10)))
        held += low <= 0.8 <= high
    assert 0.91 <= held / 400 <= 0.98
