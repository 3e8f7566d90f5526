from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from worlds import World, make

from models import boosting
from models.backtest import AGAINST_BASE_RATE, COLUMNS, backtest, origins
from models.boosting import Tuned
from models.settings import Evaluation, Training, Tuning

FEW = Evaluation(n_bootstrap=50, capacity=20)
GAP = timedelta(days=60)


def short() -> Tuned:
    untuned = boosting.untuned()
    return Tuned(**{**vars(untuned), "rounds": 30})


def run(world: World, **changed: Any) -> pd.DataFrame:
    given: dict[str, Any] = {
        "X": world.X, "y": world.y, "periods": dates(world), "groups": world.groups,
        "added_mrr": pd.Series(np.where(world.y, 50.0, 0.0)),
    } | changed  # fmt: skip
    return backtest(
        tuned=short(), tuning=Tuning(n_folds=2), training=Training(n_folds=1), settings=FEW, gap=GAP, seed=1, **given
    )


def dates(world: World) -> pd.Series:
    return pd.Series(pd.Timestamp("2025-01-01") + pd.to_timedelta(30 * world.periods, unit="D"), index=world.X.index)


@pytest.fixture(scope="module")
def small() -> World:
    return make(n_groups=150, n_periods=14)


@pytest.fixture(scope="module")
def found(small: World) -> pd.DataFrame:
    return run(small)


def test_at_least_four_origins_each_with_every_metric_and_its_interval(found: pd.DataFrame) -> None:
    assert list(found.columns) == list(COLUMNS)
    assert found["origin"].nunique() >= 4
    assert found.groupby("origin")["metric"].nunique().nunique() == 1
    assert {"auc", "calibration_error", AGAINST_BASE_RATE, "mrr_captured", "mrr_perfect"} <= set(found["metric"])
    assert (found["low"] <= found["value"]).all()
    assert (found["value"] <= found["high"]).all()
    by = found.pivot_table(index="origin", columns="metric", values="value")
    assert (by["auc"] > 0.55).all()
    assert ((by["mrr_random"] < by["mrr_captured"]) & (by["mrr_captured"] <= by["mrr_perfect"])).all()


def test_nothing_is_learnt_whose_outcome_was_not_known_at_the_origin(small: World, found: pd.DataFrame) -> None:
    assert (found["learnt_to"] + GAP <= found["first_as_of"]).all()
    last = found["origin"].max()
    when = dates(small)
    # What an origin could not know, turned around, changes nothing of the origins before it.
    y = small.y.copy()
    y[when >= last - GAP + timedelta(days=1)] ^= True
    again = run(small, y=y)
    early = found["last_as_of"] + GAP <= last
    assert found[early]["origin"].nunique() >= 2
    pd.testing.assert_frame_equal(again[early.to_numpy()], found[early])
    assert not again[~early.to_numpy()]["value"].equals(found[~early]["value"])


def test_noise_is_no_better_than_chance_at_hardly_any_origin() -> None:
    found = run(make(n_groups=150, n_periods=14, signal=0.0))
    auc = found[found["metric"] == "auc"]
    assert len(auc) >= 4
    assert (auc["low"] > 0.5).sum() <= 1


def test_a_history_too_short_gives_no_origins_and_says_nothing_wrong(small: World) -> None:
    soon = pd.Series(pd.Timestamp("2025-01-01"), index=small.X.index)
    assert origins(soon, settings=FEW, gap=GAP) == []
    assert len(run(small, periods=soon)) == 0
    one_class = run(small, y=small.y & False)
    assert len(one_class) == 0  # no model could be made, and none was judged


def test_two_runs_give_the_same(small: World, found: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(run(small), found)
