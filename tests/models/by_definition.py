"""Shapley values by their definition, on trees small enough to enumerate: slow, and plain enough to be believed."""

import itertools
import math

import lightgbm as lgb
import numpy as np


def goes_left(node: dict, x: float) -> bool:
    """LightGBM's decision, from the dump of its model."""
    if node["decision_type"] == "==":
        return bool(np.isfinite(x)) and x > -1 and str(int(x)) in node["threshold"].split("||")
    if math.isnan(x) and node["missing_type"] != "NaN":
        x = 0.0
    if math.isnan(x) or (node["missing_type"] == "Zero" and abs(x) <= 1e-35):
        return node["default_left"]
    return x <= node["threshold"]


def expected(tree: dict, x: np.ndarray, known: frozenset[int]) -> float:
    """The tree's value where only the features in `known` are known: others take both ways, by their cover."""
    if "leaf_value" in tree:
        return tree["leaf_value"]
    left, right = tree["left_child"], tree["right_child"]
    if tree["split_feature"] in known:
        return expected(left if goes_left(tree, x[tree["split_feature"]]) else right, x, known)
    counts = [child.get("internal_count", child.get("leaf_count")) for child in (left, right)]
    return (counts[0] * expected(left, x, known) + counts[1] * expected(right, x, known)) / sum(counts)


def shapley(booster: lgb.Booster, x: np.ndarray) -> list[float]:
    """By feature, and the base."""
    trees = [tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]
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
