"""The batch interface against Shapley values by their definition, on trees small enough to enumerate."""

import itertools
import math

import lightgbm as lgb
import numpy as np
import pytest

from models import explanation


def expected(tree: dict, x: np.ndarray, known: frozenset[int]) -> float:
    """The tree's value where only the features in `known` are known: others take both ways, by their cover."""
    if "leaf_value" in tree:
        return tree["leaf_value"]
    left, right = tree["left_child"], tree["right_child"]
    if tree["split_feature"] in known:
        return expected(left if x[tree["split_feature"]] <= tree["threshold"] else right, x, known)
    counts = [child.get("internal_count", child.get("leaf_count")) for child in (left, right)]
    return (counts[0] * expected(left, x, known) + counts[1] * expected(right, x, known)) / sum(counts)


def shapley(trees: list[dict], x: np.ndarray) -> list[float]:
    players = range(len(x))

    def worth(known: frozenset[int]) -> float:
        return sum(expected(tree, x, known) for tree in trees)

    values = []
    for i in players:
        rest = [j for j in players if j != i]
        value = 0.0
        for size in range(len(rest) + 1):
            weight = math.factorial(size) * math.factorial(len(rest) - size) / math.factorial(len(x))
            for others in itertools.combinations(rest, size):
                value += weight * (worth(frozenset(others) | {i}) - worth(frozenset(others)))
        values.append(value)
    return [*values, worth(frozenset())]


@pytest.mark.parametrize("seed", [0, 1])
def test_they_are_shapley_values_of_the_mean_of_the_boosters(seed: int) -> None:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(300, 4))
    y = (X[:, 0] * X[:, 1] + X[:, 2] > 0).astype(float)
    parameters = {
        "objective": "binary",
        "verbosity": -1,
        "num_leaves": 6,
        "num_threads": 1,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
    }
    boosters = [lgb.train({**parameters, "seed": s}, lgb.Dataset(X, y), 4) for s in range(3)]
    found = explanation.contributions(boosters, X[:5])
    for row, x in zip(found, X[:5], strict=True):
        by_booster = [shapley([t["tree_structure"] for t in b.dump_model()["tree_info"]], x) for b in boosters]
        np.testing.assert_allclose(row, np.mean(by_booster, axis=0), atol=1e-9)
