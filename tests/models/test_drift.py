"""A clock with a spurious trend goes; in a world at rest nothing does; what tells the time is named, with its noise.

A number whose later values were never seen goes too, unless later rows are clearly worse off without it.
"""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from models import drift, telling
from models.drift import Selection
from models.folds import Fold, time_folds
from models.telling import ALL_TOGETHER


def world(seed: int, *, n: int = 2400, clock: str | None = None, forgets: bool = False):
    """Rows in 48 periods. `clock`: "spurious", an index of the period, whose level each period has by chance; or
    "cause", where `use` grows with time, and with it the rate."""
    rng = np.random.default_rng(seed)
    when = np.sort(rng.integers(0, 48, n))
    X = pd.DataFrame(rng.normal(size=(n, 4)), columns=["use", "seats", "noise_1", "noise_2"])
    X["plan"] = pd.Series(rng.choice(["free", "pro"], n), dtype="str")
    if clock == "cause":
        X["use"] += 0.15 * when
    score = -1.0 + 1.2 * (X["use"] > X["use"].mean()) + 0.6 * X["seats"]
    if clock == "spurious":
        X["index"] = rng.normal(size=48)[when] + rng.normal(0, 0.02, n)
        score += 1.5 * rng.choice([-1.0, 1.0], 48)[when]
    if clock == "cause":
        score = -1.0 + 0.5 * (X["use"] - X["use"].mean())
    if forgets:
        score = -1.0 + 2.0 * X["use"] * np.where(when < 24, -1, 1)
    return X, pd.Series(rng.random(n) < expit(score)), when


def chosen(X, y, when, seed=0, n_folds=4) -> Selection:
    folds = time_folds(when, n_folds=n_folds, gap=1)
    return drift.choose(X, y, when, folds, told=telling.tells_time(X, folds, seed=seed), seed=seed)


def test_a_spurious_clock_is_left_out() -> None:
    found = [chosen(*world(seed, clock="spurious"), seed=seed) for seed in range(4)]
    assert sum(list(one.dropped) == ["index"] for one in found) >= 3
    assert all(set(one.dropped) <= {"index"} for one in found)


def test_what_tells_the_time_and_predicts_stays() -> None:
    for seed in range(3):
        X, y, when = world(seed, clock="cause")
        folds = time_folds(when, n_folds=4, gap=1)
        told = telling.tells_time(X, folds, seed=seed).set_index("feature")
        assert told.loc["use", "auc_latest"] > drift.STEPS[1][0]  # suspected
        assert dict(chosen(X, y, when, seed).dropped) == {}


def test_a_stranger_without_proof_is_left_out() -> None:
    """A counter of periods in a world at rest: no gain either way, and every later value is new.

    By chance it seems needed in one world of twenty; under the other burden five of six would keep it.
    """
    n_left_out = 0
    for seed in range(6):
        X, y, when = world(seed, n=1200)
        X["period"] = when.astype("float64")
        selection = chosen(X, y, when, seed, n_folds=3)
        assert set(selection.dropped) <= {"period"}
        assert selection.tried[0]["step"] == "outside"
        assert selection.tried[0]["without"] == ["period"]
        n_left_out += bool(selection.dropped)
    assert n_left_out >= 5


@pytest.mark.parametrize("seed", range(3))
def test_a_stranger_that_later_rows_need_stays(seed: int) -> None:
    """New heights each period for those who take part, nought for the others; and whether they do decides."""
    X, _, when = world(seed)
    rng = np.random.default_rng(100 + seed)
    takes_part = rng.random(len(X)) < 0.65
    X["height"] = np.where(takes_part, 1.0 + when, 0.0)
    y = pd.Series(rng.random(len(X)) < np.where(takes_part, 0.4, 0.1))
    folds = time_folds(when, n_folds=4, gap=1)
    told = telling.tells_time(X, folds, seed=seed).set_index("feature")
    assert told.loc["height", "tells_time"]
    assert told.loc["height", "outside"] > drift.MOST_OUTSIDE
    selection = chosen(X, y, when, seed)
    assert "height" not in selection.dropped
    assert not selection.tried[0]["taken"]


def test_a_number_within_its_range_must_not_prove_anything() -> None:
    """Levels of periods that come back: the burden stays with whoever would leave them out."""
    X, y, when = world(0)
    X["season"] = (when % 12 + 0.0) / 12
    selection = chosen(X, y, when)
    assert "season" not in selection.dropped
    assert all(one["step"] != "outside" for one in selection.tried)


def test_in_a_world_at_rest_nothing_is_suspected() -> None:
    n_worlds, n_suspected = 30, 0
    for seed in range(n_worlds):
        X, _, when = world(seed, n=600)
        folds = time_folds(when, n_folds=3, gap=1)
        told = telling.tells_time(X, folds, seed=seed)
        n_suspected += bool(told["tells_time"].any())
        assert not ((told["auc_latest"] >= drift.STEPS[-1][0]) & told["tells_time"]).any()
    assert n_suspected <= 5  # 5 % are expected; more than 5 of 30 has a probability below 0.004


def test_a_world_that_turned_round_makes_old_rows_age() -> None:
    selection = chosen(*world(1, forgets=True))
    assert selection.half_life is not None
    weights = selection.weights(np.arange(12))
    assert weights is not None
    assert weights.mean() == pytest.approx(1)
    assert (np.diff(weights) > 0).all()


def test_the_standard_error_of_an_auc_knows_that_groups_repeat() -> None:
    """Of features drawn per group, the AUC scatters as its standard error says; by row it would be far too small."""
    aucs, errors = [], []
    groups = np.tile(np.arange(120), 8)
    is_later = np.repeat(np.arange(8), 120) >= 4
    fold = Fold(np.flatnonzero(~is_later), np.flatnonzero(is_later))
    rng = np.random.default_rng(3)
    for _ in range(60):
        drawn = rng.normal(size=(2, 120))  # a value per group and half of time
        X = pd.DataFrame({"x": drawn[is_later.astype(int), groups], "other": rng.normal(size=960)})
        told = telling.tells_time(X, [fold], groups=groups).set_index("feature")
        aucs.append(told.loc["x", "auc"])
        errors.append(told.loc["x", "standard_error"])
    assert np.std(aucs) < 1.4 * np.mean(errors)
    assert abs(np.mean(aucs) - 0.5) < 3 * np.std(aucs) / np.sqrt(60)


def test_all_together_tell_what_none_tells_alone() -> None:
    rng = np.random.default_rng(0)
    is_later = np.arange(3000) >= 1500
    X = pd.DataFrame({f"x{i}": rng.normal(size=3000) + 0.4 * is_later for i in range(12)})
    told = telling.tells_time(X, [Fold(np.flatnonzero(~is_later), np.flatnonzero(is_later))]).set_index("feature")[
        "auc"
    ]
    assert told.drop(ALL_TOGETHER).max() < 0.66
    assert told[ALL_TOGETHER] > 0.75


def test_gaps_and_levels_tell_too() -> None:
    n = 1000
    is_later = np.arange(n) >= n // 2
    X = pd.DataFrame(
        {
            "began_to_be_measured": np.where(is_later, 1.0, np.nan),
            "month": pd.Series(np.where(is_later, "jun", "may"), dtype="str"),
            "use": np.random.default_rng(0).normal(size=n),
        }
    )
    told = telling.tells_time(X, [Fold(np.flatnonzero(~is_later), np.flatnonzero(is_later))]).set_index("feature")
    assert told.loc["began_to_be_measured", "auc"] == told.loc["month", "auc"] == 1
    assert not told.loc["month", "is_number"]
    assert not told.loc["use", "tells_time"]


def test_with_too_few_positives_nothing_changes() -> None:
    X, _, when = world(0, clock="spurious", n=400)
    y = pd.Series(np.arange(400) % 100 == 0)
    assert chosen(X, y, when) == Selection()


def test_a_sample_is_enough_and_keeps_groups_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "MAX_ROWS", 600)
    X, y, when = world(0, clock="spurious")
    groups = np.arange(len(X)) // 4
    folds = time_folds(when, n_folds=3, gap=1)
    told = telling.tells_time(X, folds, groups=groups)
    assert told.loc[0, "feature"] == "index"
    assert drift.choose(X, y, when, folds, told=told, groups=groups).tried


def test_it_repeats_and_comes_back_from_json() -> None:
    X, y, when = world(2, clock="spurious", n=1200)
    first, again = chosen(X, y, when), chosen(X, y, when)
    assert first.to_json() == again.to_json() == Selection.from_json(first.to_json()).to_json()


def test_dates_age_by_days() -> None:
    dates = pd.Series(pd.to_datetime(["2026-01-01", "2026-01-31"]))
    weights = Selection(half_life=30.0).weights(dates)
    assert weights is not None
    assert weights[1] / weights[0] == pytest.approx(2)
