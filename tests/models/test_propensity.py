import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from worlds import World, make

from data.errors import BadInput
from models import boosting, propensity
from models.folds import block_fold, time_folds
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
from models import boosting, propensity
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


def test_learning_again_from_the_latest_rows_helps_and_stays_calibrated(world: World, model: Propensity) -> None:
    once = propensity.fit(
        world.X,
        world.y,
        block_fold(world.blocks),
        tuned=boosting.untuned(),
        settings=Training(n_folds=3, refit=False),
        seed=7,
        groups=world.groups,
    )
    test, later = world.is_test, (world.blocks == "validation").to_numpy()
    errors = [np.abs(m.probability(world.X[test]) - world.p[test]).mean() for m in (model, once)]
    assert errors[0] < errors[1]
    assert model.probability(world.X[later]).mean() == pytest.approx(world.y[later].mean(), abs=1e-6)


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
