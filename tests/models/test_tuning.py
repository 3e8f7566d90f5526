import json

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import expit
from sklearn.metrics import log_loss
from worlds import World, make

from models import boosting, propensity, tuning
from models.boosting import Space, Tuned
from models.folds import block_fold, learnt
from models.settings import Training, Tuning
from models.vocabulary import Vocabulary

FEW = Tuning(n_trials=10, max_rounds=150)


@pytest.fixture(scope="module")
def found(world: World) -> tuple[Tuned, pd.DataFrame]:
    return tuning.tune(world.X, world.y, block_fold(world.blocks), settings=FEW, seed=3)


def test_the_loss_is_that_of_the_parameters_and_rounds_it_names(
    world: World, found: tuple[Tuned, pd.DataFrame]
) -> None:
    tuned, _ = found
    # The same rows binned together, the booster made by LightGBM's own loop, the loss by scikit-learn.
    fold = block_fold(world.blocks)[0]
    rows = learnt([fold])
    words = Vocabulary.learn(world.X.iloc[rows])
    matrix = words.encode(world.X)
    binned = boosting.dataset(words, matrix[rows], world.y.to_numpy(dtype="float64")[rows])
    part = boosting.subset(binned, np.searchsorted(rows, fold.train))
    booster = lgb.train({**tuned.parameters, "seed": 3}, part, tuned.rounds)
    margin, y = booster.predict(matrix[fold.later], raw_score=True), world.y.to_numpy()[fold.later]
    assert log_loss(y, expit(margin)) == pytest.approx(tuned.loss_as_is, abs=1e-9)
    best = minimize_scalar(lambda shift: log_loss(y, expit(margin + shift)), bracket=(-1, 1), tol=1e-12)
    assert best.fun == pytest.approx(tuned.loss, abs=1e-9)
    assert tuned.loss < tuned.base_rate_loss


def test_only_complete_trials_are_compared(found: tuple[Tuned, pd.DataFrame]) -> None:
    tuned, trials = found
    assert len(trials) == FEW.n_trials
    complete = trials[trials["state"] == "complete"]
    assert trials.loc[trials["state"] != "complete", "loss"].isna().all()
    assert tuned.loss == complete["loss"].min()
    assert (tuned.n_complete, tuned.n_complete + tuned.n_pruned) == (len(complete), len(trials))


def test_the_first_trial_is_the_default(world: World, found: tuple[Tuned, pd.DataFrame]) -> None:
    space = Space.of(n_rows=int((world.blocks == "train").sum()), n_rare=int(world.y[world.blocks == "train"].sum()))
    assert {name: found[1].iloc[0][name] for name in space.ranges} == space.within(space.default)


def test_the_same_seed_finds_the_same(world: World, found: tuple[Tuned, pd.DataFrame]) -> None:
    again, trials = tuning.tune(world.X, world.y, block_fold(world.blocks), settings=FEW, seed=3)
    assert json.dumps(again.to_json()) == json.dumps(found[0].to_json())
    pd.testing.assert_frame_equal(trials, found[1])
    assert Tuned.from_json(json.loads(json.dumps(again.to_json()))) == again


def test_the_test_block_is_not_looked_at(world: World, found: tuple[Tuned, pd.DataFrame]) -> None:
    y = world.y.where(~world.is_test, ~world.y)
    X = world.X.assign(use=world.X["use"].where(~world.is_test, 1e9))
    again, _ = tuning.tune(X, y, block_fold(world.blocks), settings=FEW, seed=3)
    assert again == found[0]


def test_noise_does_not_fall_over_and_stays_at_the_base_rate() -> None:
    world = make(signal=0.0, n_groups=200, seed=5)
    tuned, _ = tuning.tune(world.X, world.y, block_fold(world.blocks), settings=FEW, seed=3)
    model = propensity.fit(
        world.X,
        world.y,
        block_fold(world.blocks),
        tuned=tuned,
        settings=Training(n_folds=2),
        seed=3,
        groups=world.groups,
    )
    base = world.y[world.blocks == "validation"].mean()
    assert np.abs(model.probability(world.X) - base).max() < 0.06


@pytest.mark.parametrize("positives", [0, 5])
def test_too_few_positives_to_choose_by_means_the_default(world: World, positives: int) -> None:
    y = world.y.copy()
    on_validation = y.index[(world.blocks == "validation") & y]
    y[on_validation[positives:]] = False
    tuned, trials = tuning.tune(world.X, y, block_fold(world.blocks), settings=FEW, seed=3)
    assert tuned.rounds == boosting.DEFAULT_ROUNDS
    assert f"hold {positives} of the rarer class" in tuned.note
    assert len(trials) == 0
