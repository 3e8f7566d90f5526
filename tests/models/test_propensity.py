import dataclasses
import functools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score
from worlds import World, make

from data.errors import BadInput
from models import boosting, calibration, propensity
from models.calibrator import Calibrator
from models.folds import Fold, block_fold, learnt, time_folds
from models.propensity import Propensity
from models.settings import Training


def test_finds_what_is_there(world: World, model: Propensity) -> None:
    test = world.is_test
    ours = roc_auc_score(world.y[test], model.probability(world.X[test]))
    best = roc_auc_score(world.y[test], world.p[test])
    assert ours > best - 0.05
    assert set(model.vocabulary.dropped) == {"empty", "country"}


def test_probabilities_are_near_the_true_ones(world: World, model: Propensity) -> None:
    test = world.is_test
    p = model.probability(world.X[test])
    order = np.argsort(p)
    gaps = [abs(p[rows].mean() - world.p[test][rows].mean()) for rows in np.array_split(order, 5)]
    assert np.mean(gaps) < 0.03


def test_contributions_add_up_to_the_margin_with_text_gaps_and_unseen_levels(world: World, model: Propensity) -> None:
    X = world.X[:400].copy()
    X.loc[:50, "plan"] = "unheard of"
    X.loc[50:100, "use"] = np.nan
    parts = model.contributions(X)
    assert parts.shape == (400, len(model.features) + 1)
    np.testing.assert_allclose(parts.sum(axis=1), model.margin(X), atol=1e-9, rtol=0)
    np.testing.assert_allclose(parts[:, -1], model.base_margin, atol=1e-9, rtol=0)


def test_points_add_up_to_the_probability(world: World, model: Propensity) -> None:
    points = model.points(model.contributions(world.X[:400]))
    np.testing.assert_allclose(points.sum(axis=1), 100 * model.probability(world.X[:400]), atol=1e-9, rtol=0)


def test_saved_and_loaded_it_is_the_same(world: World, model: Propensity) -> None:
    files = model.to_files()
    again = Propensity.from_files(json.loads(json.dumps(files)))
    assert again.to_files() == files
    assert again.model_version == model.model_version
    np.testing.assert_array_equal(again.probability(world.X), model.probability(world.X))


def test_a_changed_file_is_found(model: Propensity) -> None:
    files = model.to_files()
    with pytest.raises(BadInput, match=r"booster_1\.txt is not the file that was saved"):
        Propensity.from_files(
            {**files, "booster_1.txt": files["booster_1.txt"].replace("leaf_value=", "leaf_value=1", 1)}
        )
    with pytest.raises(BadInput, match=r"booster_2\.txt is missing"):
        Propensity.from_files({name: text for name, text in files.items() if name != "booster_2.txt"})
    other = json.loads(files["model.json"])
    other["calibrator"]["slope"] = 3.0
    with pytest.raises(BadInput, match="was changed after it was saved"):
        Propensity.from_files({**files, "model.json": json.dumps(other)})
    with pytest.raises(BadInput, match="not one that this project wrote"):
        Propensity.from_files({**files, "model.json": "{}"})


def test_other_processes_make_the_same_bytes() -> None:
    script = """
import hashlib
from worlds import make
from models import boosting, calibration, propensity
from models.calibrator import Calibrator
from models.settings import Training
from models.folds import block_fold
w = make(n_groups=80)
settings = Training(n_folds=2)
m = propensity.fit(w.X, w.y, block_fold(w.blocks), tuned=boosting.untuned(), settings=settings, seed=1, groups=w.groups)
for made in (repr(m.to_files()).encode(), m.contributions(w.X).tobytes()):
    print(hashlib.sha256(made).hexdigest())
"""
    paths = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
    code = f"import sys; sys.path[:0] = {paths!r}\n{script}"
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout for _ in range(2)]
    assert runs[0] == runs[1]


def test_the_test_block_is_not_looked_at(world: World, model: Propensity) -> None:
    X, y = world.X.copy(), world.y.copy()
    X.loc[world.is_test, "use"] = 1e6
    y[world.is_test] = True
    again = propensity.fit(
        X,
        y,
        block_fold(world.blocks),
        tuned=boosting.untuned(),
        settings=Training(n_folds=3),
        seed=7,
        groups=world.groups,
    )
    assert again.model_version == model.model_version


def test_learning_again_from_the_latest_rows_helps_and_keeps_the_level_of_later_rows(
    world: World, model: Propensity
) -> None:
    folds = block_fold(world.blocks)
    once = propensity.fit(
        world.X,
        world.y,
        folds,
        tuned=boosting.untuned(),
        settings=Training(n_folds=3, refit=False),
        seed=7,
        groups=world.groups,
    )
    test = world.is_test
    errors = [np.abs(m.probability(world.X[test]) - world.p[test]).mean() for m in (model, once)]
    assert errors[0] < errors[1]
    later = propensity.rehearse(
        world.X, world.y, folds, tuned=boosting.untuned(), settings=Training(n_folds=3), seed=7, groups=world.groups
    )
    step = propensity._base(world.y, learnt(folds), None) - propensity._base(world.y, folds[0].train, None)
    for as_fitted in (propensity._rebased(model.calibrator, -step), once.calibrator):
        assert as_fitted.probability(later.margin).mean() == pytest.approx(later.y.mean(), abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_noise_leaves_the_base_rate(seed: int) -> None:
    world = make(signal=0.0, n_groups=300, seed=seed)
    known = np.flatnonzero(~world.is_test)
    X, y, groups = (part.iloc[known] for part in (world.X, world.y, world.groups))
    folds = time_folds(world.periods.iloc[known], n_folds=3, gap=1)
    model = propensity.fit(X, y, folds, tuned=boosting.untuned(), settings=Training(), seed=1, groups=groups)
    p = model.probability(world.X[world.is_test])
    base = y.iloc[folds[-1].later].mean()
    assert np.abs(p - base).max() < 0.06
    assert abs(p.mean() - base) < 0.01


def test_a_validation_block_without_positives_leaves_the_base_rate(world: World) -> None:
    y = world.y & (world.blocks != "validation")
    model = propensity.fit(
        world.X,
        y,
        block_fold(world.blocks),
        tuned=boosting.untuned(),
        settings=Training(n_folds=1),
        seed=1,
        groups=world.groups,
    )
    p = model.probability(world.X)
    assert np.ptp(p) == 0
    assert 0 < p[0] < 0.01  # 1,200 rows without one


def test_what_cannot_be_learnt_from_is_refused(world: World) -> None:
    def fit(y: pd.Series, blocks: pd.Series) -> Propensity:
        return propensity.fit(world.X, y, block_fold(blocks), tuned=boosting.untuned(), settings=Training(), seed=1)

    with pytest.raises(BadInput, match="there are no positives"):
        fit(world.y & False, world.blocks)
    with pytest.raises(BadInput, match="there are no rows"):
        fit(world.y, world.blocks.replace("train", "gap"))
    with pytest.raises(BadInput, match="the target holds 2"):
        fit(world.y.astype(float) * 2, world.blocks)


def test_no_rows_give_no_scores(world: World, model: Propensity) -> None:
    assert model.probability(world.X[:0]).shape == (0,)
    assert model.points(model.contributions(world.X[:0])).shape == (0, len(model.features) + 1)


def test_the_margin_is_the_mean_of_boosters_that_each_left_out_some_groups(world: World) -> None:
    """A column that tells each group from all others: what a booster has not seen, it cannot know by heart."""
    rng = np.random.default_rng(0)
    groups = pd.Series(np.repeat(np.arange(100), 6))
    y = pd.Series((rng.random(100) < 0.4)[groups])
    X = pd.DataFrame({"who": groups * 1.0, "else": rng.normal(size=600)})
    heart = {"num_leaves": 64, "min_data_in_leaf": 1, "lambda_l2": 0.0, "path_smooth": 0.0, "feature_fraction": 1.0}
    tuned = dataclasses.replace(boosting.untuned(), parameters={**boosting.untuned().parameters, **heart}, rounds=60)
    fold = Fold(np.arange(0, 600, 2), np.arange(1, 600, 2))
    model = propensity.fit(X, y, [fold], tuned=tuned, settings=Training(n_folds=4, n_seeds=2), seed=1, groups=groups)
    assert len(model.boosters) == 8
    margins = np.array([booster.predict(model.vocabulary.encode(X), raw_score=True) for booster in model.boosters])
    np.testing.assert_allclose(margins.mean(axis=0), model.margin(X), atol=1e-12)
    right = (margins > 0) == y.to_numpy()
    by_group = np.array([right[:, groups == g].mean(axis=1) for g in range(100)])
    # Of its 8 boosters, 6 know a group by heart, and the 2 that left it out go by its neighbours.
    assert ((by_group > 0.99).sum(axis=1) >= 6).mean() > 0.95
    assert by_group.mean() < 0.95
    assert len(set(model.boosters_text)) == 8


def test_more_seeds_and_folds_spread_less(world: World) -> None:
    def margins(settings: Training) -> np.ndarray:
        return np.array([
            propensity.fit(
                world.X, world.y, block_fold(world.blocks), tuned=boosting.untuned(), settings=settings, seed=seed,
                groups=world.groups,
            ).margin(world.X[:300])
            for seed in (0, 100, 200)
        ])  # fmt: skip

    one, many = margins(Training(n_folds=1)), margins(Training(n_folds=4))
    assert many.std(axis=0).mean() < 0.75 * one.std(axis=0).mean()


def test_a_rehearsal_knows_only_the_past(world: World) -> None:
    known = np.flatnonzero(~world.is_test)
    X, y, groups = (part.iloc[known] for part in (world.X, world.y, world.groups))
    folds = time_folds(world.periods.iloc[known], n_folds=2, gap=1)

    def rehearse(X: pd.DataFrame, y: pd.Series) -> propensity.Later:
        return propensity.rehearse(
            X, y, folds, tuned=boosting.untuned(), settings=Training(n_folds=2), seed=1, groups=groups
        )

    later = rehearse(X, y)
    assert later.rows.tolist() == [*folds[0].later, *folds[1].later]
    assert later.groups.tolist() == groups.iloc[later.rows].tolist()
    assert later.fold.tolist() == [0] * len(folds[0].later) + [1] * len(folds[1].later)
    other = y.copy()
    other.iloc[folds[1].later] = ~other.iloc[folds[1].later]
    np.testing.assert_array_equal(rehearse(X, other).margin, later.margin)
    np.testing.assert_array_equal(later.y, y.iloc[later.rows].to_numpy(dtype="float64"))
    levelled = later.levelled()
    for k, fold in enumerate(folds):
        p = expit(levelled.margin[levelled.fold == k])
        assert p.mean() == pytest.approx(y.iloc[fold.later].mean(), abs=1e-9)
    # What was already rehearsed need not be again.
    fit = functools.partial(
        propensity.fit, X, y, folds, tuned=boosting.untuned(), settings=Training(n_folds=2), seed=1, groups=groups
    )
    assert fit(later=later).to_files() == fit().to_files()


def test_a_fold_of_one_class_is_left_out_of_the_shape(world: World) -> None:
    known = np.flatnonzero(~world.is_test)
    X, y, groups = (part.iloc[known] for part in (world.X, world.y.copy(), world.groups))
    folds = time_folds(world.periods.iloc[known], n_folds=2, gap=1)
    y.iloc[folds[0].later] = False
    same = {"tuned": boosting.untuned(), "settings": Training(n_folds=2), "seed": 1, "groups": groups}
    later = propensity.rehearse(X, y, folds, **same)
    assert set(later.levelled().fold) == {1}
    model = propensity.fit(X, y, folds, **same)
    latest = later.margin[later.fold == 1]
    step = propensity._base(y, learnt(folds), None) - propensity._base(y, folds[1].train, None)
    as_fitted = propensity._rebased(model.calibrator, -step)
    assert as_fitted.probability(latest).mean() == pytest.approx(y.iloc[folds[1].later].mean(), abs=1e-6)


def test_a_level_that_moved_is_that_of_the_latest_rows() -> None:
    world = make(n_groups=400, seed=2)
    rng = np.random.default_rng(0)
    known = np.flatnonzero(~world.is_test)
    period = world.periods.iloc[known]
    y = world.y.iloc[known] & ((period < 6) | (rng.random(len(known)) < 0.5))  # half of the positives go
    folds = time_folds(period, n_folds=2, gap=1)
    model = propensity.fit(
        world.X.iloc[known], y, folds, tuned=boosting.untuned(), settings=Training(n_folds=2), seed=1,
        groups=world.groups.iloc[known],
    )  # fmt: skip
    p, truth = model.probability(world.X[world.is_test]), world.p[world.is_test] / 2
    assert abs(p.mean() - truth.mean()) < 0.02
    assert np.abs(p - truth).mean() < 0.04


def test_recent_rows_can_weigh_more(world: World) -> None:
    """The sign of a cause turns half-way: what is learnt is what the weights say."""
    n = 4000
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n)})
    turn = np.where(np.arange(n) < 2000, -1.5, 1.5)
    y = pd.Series(rng.random(n) < expit(turn * X["a"]))
    folds = [Fold(np.arange(3000), np.arange(3000, 4000))]
    for weights, low, high in ((np.where(turn > 0, 1.0, 0.01), 1.0, 9.0), (np.where(turn < 0, 1.0, 0.01), -9.0, -1.0)):
        later = propensity.rehearse(
            X, y, folds, tuned=boosting.untuned(), settings=Training(n_folds=1), seed=1, weights=weights
        )
        a = X["a"].to_numpy()[later.rows]
        assert low < np.polyfit(a, later.margin, 1)[0] * 2 < high


def test_the_cost_of_constraints_is_a_paired_difference(world: World) -> None:
    fold = block_fold(world.blocks)
    settings = Training(n_folds=1)
    free, held = (
        propensity.rehearse(
            world.X, world.y, fold, tuned=boosting.untuned(), settings=settings, seed=1, groups=world.groups,
            constraints=constraints,
        )
        for constraints in (None, {"use": -1, "seats": -1})
    )  # fmt: skip
    cost = propensity.compared(held, free)
    assert cost["log_loss"] - cost["log_loss_without"] == pytest.approx(cost["difference"])
    assert cost["difference"] > 2 * cost["standard_error"] > 0
    assert propensity.compared(free, free)["difference"] == 0


def test_tables_of_different_length_are_refused(world: World) -> None:
    with pytest.raises(BadInput, match="they must be the same rows"):
        propensity.fit(
            world.X, world.y[:-1], block_fold(world.blocks), tuned=boosting.untuned(), settings=Training(), seed=1
        )


def test_steps_that_the_served_margins_leave_give_way_to_a_line(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Isotonic steps end where the margins of other boosters ended; past that they would give all one probability."""
    rows = world.X.index[~world.is_test]
    X, y = world.X.loc[rows], pd.Series(world.y, index=world.X.index).loc[rows]
    cut = len(X) // 2
    folds = [Fold(np.arange(cut), np.arange(cut, len(X)))]

    def fitted(low: float, high: float) -> Propensity:
        steps = Calibrator("isotonic", knots=((low, 0.05), (high, 0.4)))
        monkeypatch.setattr(calibration, "choose", lambda *_, **__: calibration.Choice(steps, {}))
        return propensity.fit(X, y, folds, tuned=boosting.untuned(), settings=Training(n_folds=1), seed=0)

    assert fitted(-30.0, 30.0).calibrator.kind == "isotonic"
    narrow = fitted(-2.1, -2.0)
    assert narrow.calibrator.kind == narrow.facts["calibration_chosen"] == "sigmoid"
    assert len(np.unique(narrow.probability(X))) == len(np.unique(narrow.margin(X)))


def test_a_steep_slope_makes_no_multiple_of_a_base_rate_that_moved() -> None:
    """Boosters of a few rounds say little, so the slope is steep; those that serve start from another rate."""
    rng = np.random.default_rng(5)
    n, cut = 8000, 6000
    X = pd.DataFrame({"x": rng.normal(size=n)})
    later = np.arange(n) >= cut
    y = pd.Series(rng.random(n) < expit(np.where(later, -1.5, -3.0) + 1.2 * X["x"]))
    folds = [Fold(np.arange(cut), np.arange(cut, n))]
    tuned = dataclasses.replace(boosting.untuned(), rounds=3)
    model = propensity.fit(X, y, folds, tuned=tuned, settings=Training(), seed=0)
    assert model.calibrator.slope > 3
    p, rate = model.probability(X[later]), float(y[later].mean())
    step = float(logit(y.mean()) - logit(y[:cut].mean()))  # half of a log-odds
    assert logit(rate) - 0.3 < logit(p.mean()) < logit(rate) + step + 0.3
