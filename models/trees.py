"""The trees of a LightGBM booster as flat arrays, read from its own text: a line's numbers of all trees at once."""

from __future__ import annotations

from typing import NamedTuple

import lightgbm as lgb
import numpy as np

from data.errors import BadInput

KEYS = (
    "num_leaves", "num_cat", "split_feature", "threshold", "decision_type", "left_child", "right_child", "leaf_value",
    "leaf_count", "internal_count", "cat_boundaries", "cat_threshold", "is_linear",
)  # fmt: skip


class Trees(NamedTuple):
    """All trees that predict, one after another; those of one leaf have it as their value, and no nodes.

    A child counts from 0 within its tree where it is a node, and is `~leaf` where it is a leaf.
    """

    n_features: int
    n_classes: int
    # one entry per tree
    n_leaves: np.ndarray  # of trees of one leaf: 0
    alone: np.ndarray  # the value of a tree of one leaf, else 0
    # one entry per node (leaves - 1 a tree)
    feature: np.ndarray
    threshold: np.ndarray
    kind: np.ndarray  # LightGBM's decision_type: bit 0 categorical, bit 1 missing goes left, bits 2-3 what is missing
    children: np.ndarray  # (nodes, 2): left, right
    node_count: np.ndarray
    words: np.ndarray  # (nodes, 2): where the categories that go left begin in `categories`, and where they end
    # one entry per leaf
    value: np.ndarray
    leaf_count: np.ndarray
    # bits of all categorical splits
    categories: np.ndarray


def read(booster: lgb.Booster, *, start_iteration: int = 0, num_iteration: int | None = None) -> Trees:
    """The trees that `booster.predict` would use. Raises BadInput for linear trees.

    >>> X = np.arange(8.0)[:, None]
    >>> rows = lgb.Dataset(X, X[:, 0] > 3, params={"min_data_in_bin": 1, "verbosity": -1})
    >>> one = lgb.train({"num_leaves": 2, "min_data_in_leaf": 1, "num_threads": 1, "verbosity": -1}, rows, 1)
    >>> trees = read(one)
    >>> trees.children.tolist(), trees.threshold.round(1).tolist(), trees.leaf_count.tolist()
    ([[-1, -2]], [3.5], [4.0, 4.0])
    """
    if num_iteration is None:  # as predict does
        num_iteration = booster.best_iteration if start_iteration <= 0 else -1
    text = booster.model_to_string(num_iteration=num_iteration, start_iteration=start_iteration)
    head, *blocks = text.partition("\nend of trees")[0].split("\nTree=")
    about = dict(line.partition("=")[::2] for line in head.split("\n"))
    lines: dict[str, list[str]] = {key: [] for key in KEYS}
    for block in blocks:
        for line in block.split("\n"):
            key, _, numbers = line.partition("=")
            if key in lines and numbers:
                lines[key].append(numbers)
    if any(said != "0" for said in lines["is_linear"]):
        raise BadInput("the booster has linear trees (linear_tree=true), whose leaves have no contributions to give.")
    n_leaves = _numbers(lines["num_leaves"], "int64")
    is_alone = n_leaves == 1
    value, n_values = _numbers(lines["leaf_value"]), np.cumsum(n_leaves)
    alone = np.where(is_alone, value[n_values - 1], 0.0) if len(value) else np.zeros(0)
    # A tree of one leaf may have a count or none: only the others' lines are read.
    grown = np.flatnonzero(~is_alone)
    counts = lines["leaf_count"]
    counts = [counts[i] for i in grown] if len(counts) == len(n_leaves) else counts
    kind = _numbers(lines["decision_type"], "int64")
    threshold = _numbers(lines["threshold"])
    categories = _numbers(lines["cat_threshold"], "int64").astype("uint32")
    return Trees(
        n_features=int(about["max_feature_idx"]) + 1,
        n_classes=int(about["num_tree_per_iteration"]),
        n_leaves=np.where(is_alone, 0, n_leaves),
        alone=alone,
        feature=_numbers(lines["split_feature"], "int64"),
        threshold=threshold,
        kind=kind,
        children=np.column_stack([_numbers(lines[f"{side}_child"], "int64") for side in ("left", "right")]),
        node_count=_numbers(lines["internal_count"]),
        words=_words(kind, threshold, n_leaves, _numbers(lines["num_cat"], "int64"), lines["cat_boundaries"]),
        value=value[np.repeat(~is_alone, n_leaves)],
        leaf_count=_numbers(counts),
        categories=categories,
    )


def _numbers(lines: list[str], dtype: str = "float64") -> np.ndarray:
    text = " ".join(lines)
    return np.fromstring(text, dtype=dtype, sep=" ") if text else np.zeros(0, dtype=dtype)


def _words(
    kind: np.ndarray, threshold: np.ndarray, n_leaves: np.ndarray, n_cat: np.ndarray, boundaries: list[str]
) -> np.ndarray:
    """A categorical node's threshold is its place among its tree's categorical splits, whose bits have boundaries."""
    words = np.zeros((len(kind), 2), dtype="int64")
    by_tree = iter(boundaries)
    start = first = 0
    for n, cats in zip(n_leaves - 1, n_cat, strict=True):
        if cats:
            edges = start + np.array(next(by_tree).split(), dtype="int64")
            places = first + np.flatnonzero(kind[first : first + n] & 1)
            which = threshold[places].astype("int64")
            words[places] = np.column_stack([edges[which], edges[which + 1]])
            start = edges[-1]
        first += n
    return words
