"""The engine against LightGBM's own contributions on random models, against their definition, and against itself."""

import by_definition
import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import BadInput
from models.contributions import contributions

ODD = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-35, -1e-36, -0.5, -1.0, 31.0, 32.0, 63.7, 64.0, 1e12, -1e12]
CATEGORIES = 2  # the last columns of `table`


def table(rng: np.random.Generator, n: int, missing: float, zero: float) -> np.ndarray:
    """Two numbers, a small whole one, and two categories, the second with more levels than a word has bits."""
    X = np.column_stack(
        [rng.normal(size=(n, 2)), rng.integers(0, 4, n), rng.integers(0, 3, n), rng.integers(0, 70, n)]
    ).astype(float)
    X[rng.random(X.shape) < missing] = np.nan
    X[rng.random(X.shape) < zero] = 0.0
    return X


def trained(rng: np.random.Generator, X: np.ndarray, rounds: int, **given: object) -> lgb.Booster:
    score = np.nan_to_num(X[:, 0] * X[:, 1] + X[:, 2]) + (np.nan_to_num(X[:, 4]) % 3) + rng.normal(size=len(X))
    parameters = {
        "num_threads": 1, "verbosity": -1, "min_data_in_leaf": 3, "min_data_per_group": 5, "cat_smooth": 1,
        "objective": "regression", "deterministic": True, **given,
    }  # fmt: skip
    if parameters["objective"] == "multiclass":
        score = np.digitize(score, np.quantile(score, [0.4, 0.7]))
    elif parameters["objective"] == "binary":
        score = (score > np.median(score)).astype(float)
    places = list(range(X.shape[1]))[-CATEGORIES:]
    return lgb.train(parameters, lgb.Dataset(X, score, categorical_feature=places, params=parameters), rounds)


@st.composite
def models(draw: st.DrawFn) -> dict:
    kind = draw(st.sampled_from(["gbdt", "gbdt", "gbdt", "rf", "dart"]))
    of_kind = {"bagging_freq": 1, "bagging_fraction": 0.7} if kind == "rf" else {}
    objective = draw(st.sampled_from(["regression", "binary", "multiclass"]))
    return {
        "boosting": kind, **of_kind, "objective": objective, "num_class": 3 if objective == "multiclass" else 1,
        "num_leaves": draw(st.integers(2, 40)),
        "max_depth": draw(st.sampled_from([-1, 1, 3, 6])),
        "use_missing": draw(st.booleans()),
        "zero_as_missing": draw(st.booleans()),
        "max_cat_to_onehot": draw(st.sampled_from([1, 4, 100])),
        "min_gain_to_split": draw(st.sampled_from([0.0, 0.0, 3.0, 1e9])),  # the last leaves trees of one leaf
        "path_smooth": draw(st.sampled_from([0.0, 2.0])),
    }  # fmt: skip


@given(
    parameters=models(),
    seed=st.integers(0, 10**6),
    rounds=st.integers(1, 6),
    used=st.integers(-1, 7) | st.none(),
    first=st.sampled_from([0, 0, 2]),
    missing=st.sampled_from([0.0, 0.2]),
    zero=st.sampled_from([0.0, 0.3]),
)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_they_are_lightgbms_own(
    parameters: dict, seed: int, rounds: int, used: int | None, first: int, missing: float, zero: float
) -> None:
    rng = np.random.default_rng(seed)
    X = table(rng, 120, missing, zero)
    booster = trained(rng, X, rounds, seed=seed, **parameters)
    X[:40][rng.random((40, X.shape[1])) < 0.5] = np.nan
    X[40:90][rng.random((50, X.shape[1])) < 0.3] = rng.choice(ODD)
    which = {"num_iteration": used, "start_iteration": first}
    own = booster.predict(X, pred_contrib=True, **which)
    found = contributions(booster, X, **which)
    np.testing.assert_allclose(found, own, rtol=0, atol=1e-10)
    summed = found.reshape(len(X), -1, X.shape[1] + 1).sum(axis=2)
    margin = booster.predict(X, raw_score=True, **which)
    np.testing.assert_allclose(summed, margin.reshape(summed.shape), rtol=0, atol=1e-10)


@pytest.mark.parametrize("how", [{}, {"zero_as_missing": True}, {"use_missing": False}, {"boosting": "dart"}])
def test_they_are_shapley_values_by_their_definition(how: dict) -> None:
    rng = np.random.default_rng(len(how))
    X = table(rng, 200, 0.2, 0.2)
    booster = trained(rng, X, 3, num_leaves=12, **how)
    X[:3, 3] = [-1.0, np.nan, 99.0]
    by_hand = [by_definition.shapley(booster, x) for x in X[:12]]
    np.testing.assert_allclose(contributions(booster, X[:12]), by_hand, rtol=0, atol=1e-10)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_neither_threads_nor_order_nor_company_change_a_bit_of_a_row(dtype: str) -> None:
    rng = np.random.default_rng(5)
    X = table(rng, 333, 0.2, 0.2)
    booster = trained(rng, X, 40, num_leaves=31)
    found = contributions(booster, X, dtype=dtype)
    for threads in (2, 3, 64):
        np.testing.assert_array_equal(contributions(booster, X, dtype=dtype, threads=threads), found)
    order = rng.permutation(len(X))
    np.testing.assert_array_equal(contributions(booster, X[order], dtype=dtype), found[order])
    for i in (0, 63, 64, 332):
        np.testing.assert_array_equal(contributions(booster, X[i : i + 1], dtype=dtype)[0], found[i])
    assert found.dtype == dtype
    np.testing.assert_allclose(found, contributions(booster, X), rtol=0, atol=1e-10 if dtype == "float64" else 1e-5)


def test_a_booster_stopped_early_is_explained_with_the_trees_that_predict() -> None:
    rng = np.random.default_rng(3)
    X = table(rng, 300, 0.1, 0.1)
    y = (np.nan_to_num(X[:, 0]) + rng.normal(size=300) > 0).astype(float)
    rows = lgb.Dataset(X[:200], y[:200])
    parameters = {"objective": "binary", "num_threads": 1, "verbosity": -1, "learning_rate": 0.3}
    stop = lgb.early_stopping(3, verbose=False)
    booster = lgb.train(parameters, rows, 60, callbacks=[stop], keep_training_booster=True,
                        valid_sets=[rows.create_valid(X[200:], y[200:])])  # fmt: skip
    assert 0 < booster.best_iteration < booster.current_iteration()
    found = contributions(booster, X)
    np.testing.assert_allclose(found.sum(axis=1), booster.predict(X, raw_score=True), rtol=0, atol=1e-12)
    whole = contributions(booster, X, num_iteration=-1)
    np.testing.assert_allclose(whole, booster.predict(X, pred_contrib=True, num_iteration=-1), rtol=0, atol=1e-12)


def test_trees_forty_deep_over_features_that_return_add_up_better_than_lightgbms_own() -> None:
    rng = np.random.default_rng(4)
    X = rng.normal(size=(600, 30))
    y = X.sum(axis=1) ** 2 * 1e3
    parameters = {"num_leaves": 300, "min_data_in_leaf": 1, "num_threads": 1, "verbosity": -1}
    booster = lgb.train(parameters, lgb.Dataset(X, y), 3)
    own, found = booster.predict(X, pred_contrib=True), contributions(booster, X)
    scale = np.abs(own).max()
    np.testing.assert_allclose(found / scale, own / scale, rtol=0, atol=1e-9)
    margin = booster.predict(X, raw_score=True)
    np.testing.assert_allclose(found.sum(axis=1) / scale, margin / scale, rtol=0, atol=1e-13)
    assert np.abs(own.sum(axis=1) - margin).max() > 10 * np.abs(found.sum(axis=1) - margin).max()


def test_a_data_frame_is_read_as_it_was_trained_on() -> None:
    rng = np.random.default_rng(6)
    X = pd.DataFrame({"a": rng.normal(size=200), "b": rng.choice(["x", "y", "z"], 200), "c": rng.integers(0, 9, 200)})
    X["b"] = X["b"].astype("category")
    y = X["a"] + (X["b"] == "y") * X["c"]
    parameters = {"num_threads": 1, "verbosity": -1, "min_data_in_leaf": 3, "min_data_per_group": 5}
    booster = lgb.train(parameters, lgb.Dataset(X, y), 10)
    later = pd.DataFrame({"a": [0.1, np.nan, 2.0], "b": pd.Categorical(["z", "new", None]), "c": [1, 2, 8]})
    for rows in (X, later):
        own = booster.predict(rows, pred_contrib=True)
        np.testing.assert_allclose(contributions(booster, rows), own, rtol=0, atol=1e-10)


def test_what_cannot_be_explained_is_refused_in_a_sentence() -> None:
    rng = np.random.default_rng(7)
    X = rng.normal(size=(100, 2))
    parameters = {"num_threads": 1, "verbosity": -1}
    linear = lgb.train({**parameters, "linear_tree": True}, lgb.Dataset(X, X[:, 0], params={"linear_tree": True}), 2)
    with pytest.raises(BadInput, match="linear trees"):
        contributions(linear, X)
    booster = lgb.train(parameters, lgb.Dataset(X, X[:, 0]), 2)
    with pytest.raises(BadInput, match="trained on 2 features"):
        contributions(booster, X[:, :1])
    with pytest.raises(BadInput, match="float16"):
        contributions(booster, X, dtype="float16")
    assert contributions(booster, X[:0]).shape == (0, 3)
