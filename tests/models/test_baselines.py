import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.metrics import roc_auc_score
from worlds import World

from data.errors import BadInput
from models import baselines


def probabilities(world: World, **changed: object) -> dict[str, np.ndarray]:
    given = {"rule_feature": "limit", "rule_limit": 0.8, "groups": world.groups} | changed
    return dict(baselines.probabilities(world.X, world.y, world.blocks, **given))


def test_rates_are_those_of_the_rows_that_may_be_seen(world: World) -> None:
    found = probabilities(world)
    seen = ~world.is_test
    over = (world.X["limit"] >= 0.8).to_numpy()
    assert found["base_rate"] == pytest.approx(world.y[seen].mean())
    assert found["rule_80"][over] == pytest.approx(world.y[seen & over].mean(), abs=2e-3)
    assert found["rule_80"][~over] == pytest.approx(world.y[seen & ~over].mean(), abs=2e-3)
    assert found["rule_80"][over][0] > found["rule_80"][~over][0]


def test_the_logistic_regression_is_a_worthy_opponent() -> None:
    rng = np.random.default_rng(0)
    n = 6000
    X = pd.DataFrame({"a": rng.uniform(-1, 1, n), "b": rng.uniform(-1, 1, n), "plan": rng.choice(["x", "y"], n)})
    p = expit(-1 + 1.5 * X["a"] - X["b"] + (X["plan"] == "x"))
    X.loc[rng.random(n) < 0.1, "b"] = np.nan
    y = pd.Series(rng.random(n) < p)
    blocks = pd.Series(np.repeat(["train", "validation", "test"], n // 3))
    found = baselines.probabilities(X, y, blocks, rule_feature="a", rule_limit=0.5)["logistic"]
    test = blocks == "test"
    assert roc_auc_score(y[test], found[test]) > roc_auc_score(y[test], p[test]) - 0.03
    assert np.abs(found[test] - p[test]).mean() < 0.05


def test_labels_of_the_test_block_change_nothing(world: World) -> None:
    flipped = world.y.where(~world.is_test, ~world.y)
    again = baselines.probabilities(
        world.X, flipped, world.blocks, rule_feature="limit", rule_limit=0.8, groups=world.groups
    )
    for name, p in probabilities(world).items():
        np.testing.assert_array_equal(p, again[name])


def test_a_rule_without_its_feature_says_so_and_one_without_values_is_the_base_rate(world: World) -> None:
    with pytest.raises(BadInput, match=r"evaluate\.rule_feature is limits"):
        probabilities(world, rule_feature="limits")
    nothing = probabilities(world, rule_feature="empty")
    np.testing.assert_allclose(nothing["rule_80"], nothing["base_rate"])
