"""A tree as the steps of one walk, depth first, with all that can be known before any row is seen.

A coalition S is worth `Σ v Π (o if j in S else z)` over the leaves: v the leaf's value, j the distinct features on its
path, o whether the row takes all of j's branches on it (1 or 0), z the product of the shares of rows that took them in
training. A Shapley value is what a feature adds when every other has joined with probability t, averaged over t:

    φ_i = Σ v (o_i − z_i) ∫ Π_{j≠i} (t·o_j + (1−t)·z_j) dt   over [0, 1].

The integrand is a polynomial in t, one degree below the number of distinct features, so Gauss and Legendre's rule with
half as many nodes is exact. At each node the walk keeps the product of all factors; going down an edge multiplies it
(or replaces the factor of a feature that returns); a leaf makes of it a value; on the way back an edge takes its share
(o − z) ÷ (t·o + (1−t)·z) of the sum below it, less the share that the same feature's edge above it will take.

An edge has three states: taken, so o = 1 (`yes`); not taken, though the feature was until now (`no`); not taken before
(`gone`). For each there are coefficients per node t:

    OPEN   an edge to a node      3 × n  the product's multiplier: yes, no, gone
    CLOSE  the same, on return    2 × n  its share of the sum: yes, no (when gone: nothing)
    LEAF   an edge to a leaf      5 × n  what it adds to the sum: yes, no, gone; and to its feature: yes, no
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np

from models.compiled import compiled
from models.trees import Trees

OPEN, CLOSE, LEAF = 0, 1, 2
# A step's columns. Numba keeps the numbers within the machine code of models/walk.py: edit that file when they change.
KIND, NODE, SIDE, FEATURE, DEPTH, BEFORE, COEFFICIENTS = range(7)
WIDTH = 7


class Steps(NamedTuple):
    """The walks of all trees."""

    steps: np.ndarray  # (steps, WIDTH); BEFORE: the depth of the same feature's last edge above, or -1
    coefficients: np.ndarray
    first_step: np.ndarray  # per tree, and the end
    n_nodes: np.ndarray  # of the rule, per tree
    expected: np.ndarray  # the mean over the rows trained on, per tree
    depth: int  # of the deepest


def laid_out(trees: Trees) -> Steps:
    """The steps of every tree, in float64."""
    shape = _measure(trees.n_leaves, trees.feature, trees.children)
    n_nodes, depth = (shape[:, 0] + 1) // 2, int(shape[:, 1].max(initial=0))
    n_steps = np.where(trees.n_leaves > 0, 3 * trees.n_leaves - 4, 0)
    first_step = np.concatenate([[0], np.cumsum(n_steps)])
    edges = np.where(trees.n_leaves > 0, 2 * (trees.n_leaves - 1), 0)
    first_coefficient = np.concatenate([[0], np.cumsum(5 * edges * n_nodes)])
    steps = np.zeros((first_step[-1], WIDTH), dtype="int64")
    coefficients = np.zeros(first_coefficient[-1])
    expected = trees.alone.copy()
    _lay_out(
        trees.n_leaves, trees.feature, trees.children, trees.node_count, trees.leaf_count, trees.value,
        n_nodes, *rules(int(n_nodes.max(initial=0))), depth, first_step, first_coefficient,
        steps, coefficients, expected,
    )  # fmt: skip
    return Steps(steps, coefficients, first_step, n_nodes, expected, depth)


@cache
def rules(most: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes in [0, 1] and weights of the rules of 0 … `most` nodes: row n has n of them.

    >>> t, w = rules(3)
    >>> round(float(w[2] @ t[2] ** 3), 12)  # ∫ t³, by two nodes
    0.25
    """
    t, w = np.zeros((2, most + 1, most))
    for n in range(1, most + 1):
        for i in range(n):
            # Newton's steps to a zero of Legendre's polynomial, from where it nearly is. An eigenvalue solver would
            # end in other last bits on other machines.
            x = math.cos(math.pi * (i + 0.75) / (n + 0.5))
            for _ in range(8):
                p, slope = _legendre(n, x)
                x -= p / slope
            slope = _legendre(n, x)[1]
            t[n, i], w[n, i] = (x + 1) / 2, 1 / ((1 - x * x) * slope * slope)
    return t, w


def _legendre(n: int, x: float) -> tuple[float, float]:
    """The n-th polynomial at x, and its slope."""
    before, p = 1.0, x
    for k in range(2, n + 1):
        before, p = p, ((2 * k - 1) * x * p - (k - 1) * before) / k
    return p, n * (x * p - before) / (x * x - 1)


@compiled
def _measure(n_leaves, feature, children):  # type: ignore[no-untyped-def]  # Numba infers them
    """Per tree: the most distinct features on a path, and the depth."""
    found = np.zeros((len(n_leaves), 2), dtype=np.int64)
    first = 0
    for tree in range(len(n_leaves)):
        n = n_leaves[tree] - 1
        if n < 1:
            continue
        above = np.full(n, -1, dtype=np.int64)
        distinct = np.zeros(n, dtype=np.int64)
        depth = np.zeros(n, dtype=np.int64)
        # A node's children come later than it does: LightGBM numbers nodes as it splits.
        for node in range(n):
            parent = above[node]
            here, is_new = feature[first + node], 1
            while parent >= 0:
                if feature[first + parent] == here:
                    is_new = 0
                    break
                parent = above[parent]
            if above[node] >= 0:
                distinct[node] = distinct[above[node]]
                depth[node] = depth[above[node]]
            distinct[node] += is_new
            depth[node] += 1
            found[tree, 0] = max(found[tree, 0], distinct[node])
            found[tree, 1] = max(found[tree, 1], depth[node])
            for side in range(2):
                child = children[first + node, side]
                if child >= 0:
                    above[child] = node
        first += n
    return found


@compiled
def _lay_out(  # type: ignore[no-untyped-def]  # Numba infers them
    n_leaves, feature, children, node_count, leaf_count, value,
    n_nodes, ts, ws, most_depth, first_step, first_coefficient,
    steps, coefficients, expected,
):  # fmt: skip
    """Fill `steps` and `coefficients`; add to `expected`."""
    shares = np.ones(most_depth + 1)  # z of the feature of the edge at a depth
    features = np.full(most_depth + 1, -1, dtype=np.int64)
    covers = np.ones(most_depth + 1)  # share of all rows that came this deep
    # (node, side, depth), or (-1, step, depth) for the way back
    to_do = np.zeros((2 * most_depth + 4, 3), dtype=np.int64)
    first_node = first_leaf = 0
    for tree in range(len(n_leaves)):
        n = n_leaves[tree] - 1
        if n < 1:
            continue
        K = n_nodes[tree]
        step, at = first_step[tree], first_coefficient[tree]
        to_do[0] = (0, 1, 1)
        to_do[1] = (0, 0, 1)
        left = 2
        while left > 0:
            left -= 1
            node, side, depth = to_do[left]
            if node < 0:
                opened = steps[side]
                z = shares[depth]
                y = shares[opened[BEFORE]] if opened[BEFORE] > 0 else 1.0
                steps[step] = opened
                steps[step, KIND] = CLOSE
                steps[step, COEFFICIENTS] = at
                for k in range(K):
                    t = ts[K, k]
                    above = (1 - y) / (t + (1 - t) * y)
                    coefficients[at + 2 * k] = (1 - z) / (t + (1 - t) * z) - above
                    coefficients[at + 2 * k + 1] = -1 / (1 - t) - above
                step += 1
                at += 2 * K
                continue
            here = feature[first_node + node]
            child = children[first_node + node, side]
            count = node_count[first_node + child] if child >= 0 else leaf_count[first_leaf + ~child]
            parent_count = node_count[first_node + node]
            ratio = count / parent_count if parent_count > 0 else 0.0
            before = depth - 1
            while before > 0 and features[before] != here:
                before -= 1
            if before == 0:
                before = -1
            y = shares[before] if before > 0 else 1.0
            z = y * ratio
            features[depth], shares[depth], covers[depth] = here, z, covers[depth - 1] * ratio
            steps[step, KIND] = OPEN if child >= 0 else LEAF
            steps[step, NODE] = node
            steps[step, SIDE] = side
            steps[step, FEATURE] = here
            steps[step, DEPTH] = depth
            steps[step, BEFORE] = before
            steps[step, COEFFICIENTS] = at
            if child >= 0:
                for k in range(K):
                    t = ts[K, k]
                    old = t + (1 - t) * y
                    coefficients[at + 3 * k] = (t + (1 - t) * z) / old
                    coefficients[at + 3 * k + 1] = (1 - t) * z / old
                    coefficients[at + 3 * k + 2] = ratio
                at += 3 * K
                to_do[left] = (-1, step, depth)
                to_do[left + 1] = (child, 1, depth + 1)
                to_do[left + 2] = (child, 0, depth + 1)
                left += 3
            else:
                v = value[first_leaf + ~child]
                expected[tree] += v * covers[depth]
                for k in range(K):
                    t = ts[K, k]
                    old = t + (1 - t) * y
                    yes, no = v * ws[K, k] * (t + (1 - t) * z) / old, v * ws[K, k] * (1 - t) * z / old
                    coefficients[at + 5 * k] = yes
                    coefficients[at + 5 * k + 1] = no
                    coefficients[at + 5 * k + 2] = v * ws[K, k] * ratio
                    above = (1 - y) / old
                    coefficients[at + 5 * k + 3] = v * ws[K, k] * (1 - z) / old - yes * above
                    coefficients[at + 5 * k + 4] = -v * ws[K, k] * z / old - no * above
                at += 5 * K
            step += 1
        first_node += n
        first_leaf += n + 1
