import numpy as np
import pytest
from worlds import World

from models import boosting, propensity
from models.boosting import Space
from models.folds import block_fold
from models.settings import Training


@pytest.mark.parametrize("n_rare", [1, 299, 300, 4_999, 50_000, 200_000])
@pytest.mark.parametrize("n_rows", [200, 2_000, 3_000_000])
def test_a_space_holds_its_default_and_moves_others_into_it(n_rows: int, n_rare: int) -> None:
    space = Space.of(n_rows=n_rows, n_rare=n_rare)
    assert space.within(space.default) == {name: space.default[name] for name in space.ranges}
    far = space.within({"num_leaves": 10_000, "lambda_l2": 0.0, "unheard_of": 3})
    assert far["num_leaves"] == space.ranges["num_leaves"][1]
    assert far["lambda_l2"] == space.ranges["lambda_l2"][0]
    assert set(far) == set(space.ranges)


def test_more_positives_bear_larger_trees_and_faster_steps() -> None:
    spaces = [Space.of(n_rows=1_000_000, n_rare=n) for n in (100, 1_000, 10_000, 200_000)]
    leaves = [space.ranges["num_leaves"][1] for space in spaces]
    rates = [space.learning_rate for space in spaces]
    assert leaves == sorted(set(leaves))
    assert rates == sorted(set(rates))


def test_a_subset_of_a_binned_set_is_learnt_from_as_if_it_were_all(world: World) -> None:
    """With text, gaps and rare levels: a subset once failed a check inside LightGBM."""
    rows = np.arange(0, 3000, 2)
    X = world.X.assign(rare=np.where(np.arange(len(world.X)) % 2, "odd", "even"))  # one level only in the subset
    words = propensity.Vocabulary.learn(X)
    matrix, y = words.encode(X), world.y.to_numpy(dtype="float64")
    binned = boosting.dataset(words, matrix, y)
    part = boosting.subset(binned, rows)
    assert part.num_data() == len(rows)
    assert boosting.subset(binned, np.arange(len(y))) is binned
    other = binned.subset(rows.tolist()).construct()
    parameters = dict(boosting.untuned().parameters)
    texts = [boosting.lgb.train(parameters, s, 20).model_to_string() for s in (part, other)]
    assert texts[0] == texts[1]
    margin = boosting.lgb.Booster(model_str=texts[0]).predict(matrix[rows], raw_score=True)
    assert np.corrcoef(margin, world.p[rows])[0, 1] > 0.7


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_constraint_holds_on_every_row_and_leaves_the_rest_alone(world: World, sign: int) -> None:
    held = {"use": sign, "plan": 1, "no such feature": 1}

    def fit(constraints: dict[str, int] | None) -> propensity.Propensity:
        return propensity.fit(
            world.X,
            world.y,
            block_fold(world.blocks),
            tuned=boosting.untuned(),
            settings=Training(n_folds=2),
            seed=1,
            groups=world.groups,
            constraints=constraints,
        )

    def steps(model: propensity.Propensity) -> np.ndarray:
        rows = world.X.iloc[:40]
        margins = [model.margin(rows.assign(use=value)) for value in np.linspace(-3, 3, 25)]
        return sign * np.diff(np.stack(margins), axis=0)

    model = fit(held)
    assert model.facts["constraints"] == {"use": sign}  # text has no order
    assert steps(model).min() >= -1e-9
    assert steps(fit(None)).min() < -0.001
    X = world.X.iloc[:200]
    np.testing.assert_allclose(model.contributions(X).sum(axis=1), model.margin(X), atol=1e-9, rtol=0)
