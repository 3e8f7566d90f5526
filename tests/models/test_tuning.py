import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss
from worlds import World, make

from models import boosting, propensity, tuning
from models.boosting import Tuned
from models.settings import Training, Tuning

FEW = Tuning(n_trials=10, max_rounds=150)


@pytest.fixture(scope="module")
def found(world: World) -> tuple[Tuned, pd.DataFrame]:
    return tuning.tune(world.X, world.y, world.blocks, settings=FEW, seed=3)


def test_the_loss_is_that_of_the_parameters_and_rounds_it_names(
    world: World, found: tuple[Tuned, pd.DataFrame]
) -> None:
    tuned, _ = found
    # The search's seed, one booster, no calibration: the very booster that was judged.
    model = propensity.fit(
        world.X, world.y, world.blocks, tuned=tuned, settings=Training(n_seeds=1, refit=False), seed=3
    )
    rows = (world.blocks == "validation").to_numpy()
    p = 1 / (1 + np.exp(-model.margin(world.X[rows])))
    assert log_loss(world.y[rows], p) == pytest.approx(tuned.loss, abs=1e-9)
    assert tuned.loss < tuned.base_rate_loss


def test_only_complete_trials_are_compared(found: tuple[Tuned, pd.DataFrame]) -> None:
    tuned, trials = found
    assert len(trials) == FEW.n_trials
    complete = trials[trials["state"] == "complete"]
    assert trials.loc[trials["state"] != "complete", "loss"].isna().all()
    assert tuned.loss == complete["loss"].min()
    assert (tuned.n_complete, tuned.n_complete + tuned.n_pruned) == (len(complete), len(trials))


def test_the_first_trial_is_the_default(found: tuple[Tuned, pd.DataFrame]) -> None:
    first = found[1].iloc[0]
    assert {name: first[name] for name in boosting.DEFAULT} == dict(boosting.DEFAULT)


def test_the_same_seed_finds_the_same(world: World, found: tuple[Tuned, pd.DataFrame]) -> None:
    again, trials = tuning.tune(world.X, world.y, world.blocks, settings=FEW, seed=3)
    assert json.dumps(again.to_json()) == json.dumps(found[0].to_json())
    pd.testing.assert_frame_equal(trials, found[1])
    assert Tuned.from_json(json.loads(json.dumps(again.to_json()))) == again


def test_the_test_block_is_not_looked_at(world: World, found: tuple[Tuned, pd.DataFrame]) -> None:
    y = world.y.where(~world.is_test, ~world.y)
    X = world.X.assign(use=world.X["use"].where(~world.is_test, 1e9))
    again, _ = tuning.tune(X, y, world.blocks, settings=FEW, seed=3)
    assert again == found[0]


def test_noise_does_not_fall_over_and_stays_at_the_base_rate() -> None:
    world = make(signal=0.0, n_groups=200, seed=5)
    tuned, _ = tuning.tune(world.X, world.y, world.blocks, settings=FEW, seed=3)
    model = propensity.fit(
        world.X, world.y, world.blocks, tuned=tuned, settings=Training(n_seeds=2), seed=3, groups=world.groups
    )
    base = world.y[world.blocks == "validation"].mean()
    assert np.abs(model.probability(world.X) - base).max() < 0.06


@pytest.mark.parametrize("positives", [0, 5])
def test_too_few_positives_to_choose_by_means_the_default(world: World, positives: int) -> None:
    y = world.y.copy()
    on_validation = y.index[(world.blocks == "validation") & y]
    y[on_validation[positives:]] = False
    tuned, trials = tuning.tune(world.X, y, world.blocks, settings=FEW, seed=3)
    assert tuned.parameters == boosting.untuned().parameters
    assert f"holds {positives} positives" in tuned.note
    assert len(trials) == 0
