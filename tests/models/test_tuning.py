import json
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from scipy.optimize import minimize_scalar
from scipy.special import expit
from sklearn.metrics import log_loss
from worlds import World, make

from models import boosting, propensity, tuning
from models.boosting import Space, Tuned
from models.folds import Fold, block_fold, learnt, time_folds
from models.levels import level, losses
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


def by_time(world: World, n_folds: int = 2) -> tuple[pd.DataFrame, pd.Series, list[Fold]]:
    """The rows to learn from, and rolling origins over them."""
    known = np.flatnonzero(~world.is_test)
    return world.X.iloc[known], world.y.iloc[known], time_folds(world.periods.iloc[known], n_folds=n_folds, gap=1)


def test_a_level_that_moves_does_not_change_what_is_better() -> None:
    """Half of the positives go: the shape is as before, only the level has moved."""
    rng = np.random.default_rng(0)
    margin = 2.0 * rng.normal(size=4000) - 1.0
    y = (rng.random(4000) < expit(margin)).astype(float)
    shown = (y == 0) | (rng.random(4000) < 0.5)
    better, worse = margin, margin + rng.normal(size=4000)
    assert losses(better[shown], y[shown])[0] < losses(worse[shown], y[shown])[0]
    shifted = margin - np.log(2)  # what the level ought to be
    assert losses(better[shown], y[shown])[0] == pytest.approx(losses(shifted[shown], y[shown])[1], abs=2e-3)
    assert losses(better[shown], y[shown])[1] > losses(better[shown], y[shown])[0] + 0.01
    # A booster is judged the same whatever is added to it.
    assert losses(margin + 3.0, y)[0] == pytest.approx(losses(margin, y)[0], abs=1e-9)


def test_pruned_trials_stop_before_the_last_fold_or_round(world: World) -> None:
    X, y, folds = by_time(world, 3)
    tuned, trials = tuning.tune(X, y, folds, settings=Tuning(n_trials=14, max_rounds=100), seed=1)
    assert tuned.n_folds == 3
    assert len(tuned.fold_losses) == 3
    assert np.mean(tuned.fold_losses) == pytest.approx(tuned.loss)
    pruned, complete = (trials[trials["state"] == state] for state in ("pruned", "complete"))
    assert len(pruned) >= 3
    assert (complete["n_folds"] == 3).all()
    assert (pruned["n_folds"] < 3).all()
    assert (tuned.rounds % tuning.EVERY, tuned.rounds <= 100) == (0, True)


def test_a_search_goes_on_where_it_stopped_and_on_other_rows_anew(world: World, tmp_path: Path) -> None:
    X, y, folds = by_time(world)

    def search(n_trials: int, y: pd.Series = y) -> tuple[Tuned, pd.DataFrame, list[str]]:
        told: list[str] = []
        storage = JournalStorage(JournalFileBackend(str(tmp_path / "journal")))
        found = tuning.tune(
            X, y, folds, settings=Tuning(n_trials=n_trials, max_rounds=40), seed=1, storage=storage,
            progress=lambda progress: told.append(str(progress)),
        )  # fmt: skip
        return *found, told

    _, first, told = search(3)
    assert [line.split(":")[0] for line in told] == ["trial 1 of 3", "trial 2 of 3", "trial 3 of 3"]
    tuned, second, told = search(5)
    assert [line.split(":")[0] for line in told] == ["trial 4 of 5", "trial 5 of 5"]
    pd.testing.assert_frame_equal(second.iloc[:3], first)
    assert tuned.loss == second["loss"].min()
    assert search(5)[2] == []
    _, third, told = search(2, ~y)
    assert len(third) == len(told) == 2


def test_given_parameters_are_tried_first_and_moved_into_the_space(world: World) -> None:
    X, y, folds = by_time(world)
    first = {"num_leaves": 5, "lambda_l2": 1e9, "learning_rate": 7.0}
    tuned, trials = tuning.tune(X, y, folds, settings=Tuning(n_trials=2, max_rounds=20), seed=1, first=first)
    assert (trials.loc[0, "num_leaves"], trials.loc[0, "lambda_l2"]) == (5, 100.0)
    assert trials.loc[1, "num_leaves"] != 5
    assert tuned.parameters["learning_rate"] < 1


def test_a_budget_in_seconds_leaves_at_least_one_complete_trial(world: World) -> None:
    X, y, folds = by_time(world)
    tuned, trials = tuning.tune(X, y, folds, settings=Tuning(n_trials=1000, timeout_s=0.001, max_rounds=30), seed=1)
    assert tuned.n_complete == 1
    assert len(trials) == 1
    assert tuned.n_folds >= 1


def test_spans_with_too_few_positives_do_not_judge(world: World) -> None:
    X, y, folds = by_time(world)
    y = y.copy()
    y.iloc[folds[0].later] = False
    tuned, _ = tuning.tune(X, y, folds, settings=Tuning(n_trials=1, max_rounds=20), seed=1)
    assert tuned.n_folds == 1


def test_weights_count_in_training_and_constraints_are_held(world: World) -> None:
    X, y, folds = by_time(world)
    few = Tuning(n_trials=1, max_rounds=20)
    plain, weighted, held = (
        tuning.tune(X, y, folds, settings=few, seed=1, **more)[0].loss
        for more in ({}, {"weights": np.linspace(0.1, 1, len(X))}, {"constraints": {"use": -1, "seats": -1}})
    )
    assert plain != weighted
    assert held > plain + 0.005  # against what is true


@pytest.mark.parametrize("rate", [0.001, 0.3, 0.999])
def test_the_level_is_the_one_at_which_the_mean_is_the_rate(rate: float) -> None:
    for margin in (np.random.default_rng(0).normal(0, 8, 500), np.zeros(3), np.array([-700.0, 700.0])):
        assert expit(margin + level(margin, rate)).mean() == pytest.approx(rate, rel=1e-6)
