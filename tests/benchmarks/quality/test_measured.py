"""The arithmetic, held against scikit-learn, against brute force, and against what must be so."""

import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from benchmarks.quality import measured
from benchmarks.quality.measured import Figures, by_bootstrap, by_fold, is_among_best, metrics, rank


def world(n=400, seed=0, digits=2):
    """Outcomes and probabilities, many of which are the same."""
    generator = np.random.default_rng(seed)
    p = np.round(generator.beta(1, 4, n), digits).clip(0.01, 0.99)
    return (generator.random(n) < p).astype(float), p


def test_docstrings():
    assert doctest.testmod(measured).failed == 0


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("digits", [1, 2, 12])
def test_as_scikit_learn_has_them(seed, digits):
    y, p = world(seed=seed, digits=digits)
    found = {name: value[0] for name, value in metrics(y, p).items()}
    assert found["auc"] == pytest.approx(sk.roc_auc_score(y, p), rel=1e-12)
    assert found["average_precision"] == pytest.approx(sk.average_precision_score(y, p), rel=1e-12)
    assert found["logloss"] == pytest.approx(sk.log_loss(y, p), rel=1e-12)
    assert found["brier"] == pytest.approx(sk.brier_score_loss(y, p), rel=1e-12)


def test_calibration_error_and_lift_by_hand():
    y, p = world(digits=12)
    order = np.argsort(p)
    gaps = [abs(p[rows].mean() - y[rows].mean()) for rows in np.split(order, 10)]
    found = metrics(y, p)
    assert found["ece"][0] == pytest.approx(np.mean(gaps))
    assert found["lift"][0] == pytest.approx(y[order[-40:]].mean() / y.mean())


def test_one_probability_for_all_is_a_single_bin_without_rank():
    y, _ = world()
    found = metrics(y, np.full(len(y), 0.5))
    assert found["auc"][0] == 0.5
    assert found["lift"][0] == pytest.approx(1)
    assert found["ece"][0] == pytest.approx(abs(0.5 - y.mean()))
    assert found["average_precision"][0] == pytest.approx(y.mean())


def test_a_true_probability_may_stand_for_the_outcome():
    _, p = world(digits=12)
    found = metrics(p, p)
    assert found["ece"][0] == pytest.approx(0, abs=1e-12)
    assert found["brier"][0] == 0
    assert metrics(p, (p + 0.05))["ece"][0] == pytest.approx(0.05)


@given(st.lists(st.integers(0, 3), min_size=30, max_size=30), st.integers(0, 100))
def test_a_weight_is_a_number_of_copies(weights, seed):
    y, p = world(n=30, seed=seed, digits=1)
    w = np.array(weights, dtype=float)
    copies = np.repeat(np.arange(30), weights)
    if 0 < y[copies].sum() < len(copies):
        weighted, copied = metrics(y, p, w[:, None]), metrics(y[copies], p[copies])
        for name in measured.METRICS:
            assert weighted[name][0] == pytest.approx(copied[name][0], rel=1e-9, abs=1e-12), name


@given(st.integers(0, 100))
def test_the_order_of_rows_says_nothing(seed):
    y, p = world(n=60, seed=seed, digits=1)
    if 0 < y.sum() < len(y):
        shuffled = np.random.default_rng(seed).permutation(60)
        told, again = metrics(y, p), metrics(y[shuffled], p[shuffled])
        for name in measured.METRICS:
            assert told[name][0] == pytest.approx(again[name][0], rel=1e-12), name


def test_bootstrap_errors_are_those_of_theory():
    y, p = world(n=3000, digits=12)
    q = np.clip(p + 0.03, 0.01, 0.99)
    loss, other = ((y - one) ** 2 for one in (p, q))
    told = by_bootstrap(y, {"ours": p, "other": q}, groups=None, seed=1, n_samples=800)
    assert told["ours"].error["brier"] == pytest.approx(loss.std() / np.sqrt(3000), rel=0.1)
    assert told["other"].paired_error["brier"] == pytest.approx((other - loss).std() / np.sqrt(3000), rel=0.1)
    assert told["ours"].paired_error["auc"] == 0
    # paired: far smaller than what two independent samples would leave
    assert told["other"].paired_error["brier"] < 0.5 * told["ours"].error["brier"]


def test_rows_of_a_group_are_drawn_together():
    y, p = world(n=300, digits=12)
    once = by_bootstrap(y, {"ours": p}, groups=None, seed=1, n_samples=800)["ours"]
    fourfold, groups = (np.tile(values, 4) for values in (y, np.arange(300)))
    grouped = by_bootstrap(fourfold, {"ours": np.tile(p, 4)}, groups=groups, seed=1, n_samples=800)["ours"]
    alone = by_bootstrap(fourfold, {"ours": np.tile(p, 4)}, groups=None, seed=1, n_samples=800)["ours"]
    assert grouped.error["logloss"] == pytest.approx(once.error["logloss"], rel=1e-9)
    assert alone.error["logloss"] == pytest.approx(once.error["logloss"] / 2, rel=0.15)


def test_the_same_seed_gives_the_same_errors_in_parts_of_any_size(monkeypatch):
    y, p = world()
    whole = by_bootstrap(y, {"ours": p}, groups=None, seed=3, n_samples=50)
    monkeypatch.setattr(measured, "AT_ONCE", 7 * len(y))
    assert by_bootstrap(y, {"ours": p}, groups=None, seed=3, n_samples=50)["ours"].error == pytest.approx(
        whole["ours"].error
    )


def test_errors_over_folds_know_that_folds_share_rows():
    folds = [world(n=200, seed=seed, digits=12) for seed in range(10)]
    truths, ours = [y for y, _ in folds], [p for _, p in folds]
    other = [np.clip(p + 0.02, 0.01, 0.99) for p in ours]
    told = by_fold(truths, {"ours": ours, "other": other}, n_folds=5)
    losses = np.array([sk.log_loss(y, p) for y, p in folds])
    assert told["ours"].value["logloss"] == pytest.approx(losses.mean())
    assert told["ours"].error["logloss"] == pytest.approx(losses.std(ddof=1) * np.sqrt(1 / 10 + 1 / 4))
    assert told["ours"].paired_error["logloss"] == 0
    assert told["other"].paired_error["logloss"] > 0


def at(value, error=0.0, metric="logloss"):
    return Figures({metric: value}, {metric: 0.0}, {metric: error})


@pytest.mark.parametrize(
    ("ours", "others", "place", "among"),
    [
        (0.30, [(0.31, 0.1), (0.32, 0.1)], 1, True),
        (0.31, [(0.30, 0.0), (0.32, 0.1)], 2, True),
        (0.33, [(0.30, 0.9), (0.32, 0.02)], 3, True),  # within an error of the second
        (0.33, [(0.30, 0.9), (0.32, 0.005)], 3, False),  # the first's wide error does not help
        (0.33, [(0.30, 0.0), (0.31, 0.0), (0.32, 0.5)], 4, False),  # nor does the third's
        (0.30, [], 1, True),
    ],
)
def test_best_or_second_or_within_an_error_of_it(ours, others, place, among):
    figures = {"ours": at(ours)} | {f"peer {i}": at(*other) for i, other in enumerate(others)}
    assert rank("logloss", figures, "ours") == place
    assert is_among_best("logloss", figures, "ours") is among
