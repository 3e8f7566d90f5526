"""The walk of models/steps.py over rows, 64 side by side: all of them take the same steps, so none has a branch."""

from __future__ import annotations

import numpy as np

from models.compiled import compiled
from models.steps import BEFORE, CLOSE, COEFFICIENTS, DEPTH, FEATURE, KIND, NODE, OPEN, SIDE

LANES = 64
NEARLY_ZERO = float(np.float32(1e-35))  # LightGBM's kZeroThreshold


@compiled
def decide(values, threshold, kind, words, categories, go):  # type: ignore[no-untyped-def]  # Numba infers them
    """1 in `go` where a row goes left at a node, else 0: LightGBM's own decisions, in float64."""
    yes, no = go.dtype.type(1), go.dtype.type(0)
    missing_left = kind & 2 != 0
    if kind & 1:
        for i in range(LANES):
            x = values[i]
            go[i] = no
            if x > -1.0 and x < 32.0 * (words[1] - words[0]):
                code = np.int64(x)
                if (categories[words[0] + (code >> 5)] >> np.uint32(code & 31)) & np.uint32(1):
                    go[i] = yes
    elif (kind >> 2) & 3 == 1:  # zeros are missing, as is what is not a number
        default = yes if missing_left else no
        for i in range(LANES):
            x = values[i]
            is_missing = (abs(x) <= NEARLY_ZERO) | (x != x)
            go[i] = default if is_missing else (yes if x <= threshold else no)
    else:
        # Where nothing was missing in training, what is missing is 0.
        left = missing_left if (kind >> 2) & 3 == 2 else threshold >= 0.0
        default = yes if left else no
        for i in range(LANES):
            x = values[i]
            go[i] = default if x != x else (yes if x <= threshold else no)


@compiled
def walk(  # type: ignore[no-untyped-def]  # Numba infers them
    X, start, stop, n_classes, n_leaves, feature, threshold, kind, words, categories,
    steps, coefficients, first_step, n_nodes, most_nodes, depth, flush, out,
):  # fmt: skip
    """Add to rows [start, stop) of `out` what each feature adds, by class, base columns left as they are."""
    real = coefficients.dtype
    n_features = X.shape[1]
    values = np.zeros((n_features, LANES))
    most_leaves = 1
    for tree in range(len(n_leaves)):
        most_leaves = max(most_leaves, n_leaves[tree])
    go = np.zeros((most_leaves, LANES), dtype=real)
    yes = np.zeros((depth + 1, LANES), dtype=real)  # o of the edge at a depth
    no = np.zeros((depth + 1, LANES), dtype=real)  # o of the same feature's edge above, less that
    product = np.ones((depth + 1, most_nodes, LANES), dtype=real)
    total = np.zeros((depth + 1, most_nodes, LANES), dtype=real)
    share = np.zeros(LANES, dtype=real)
    # What some trees gave, in the width they are computed in; all trees' sum is kept in float64.
    some = np.zeros((n_classes * (n_features + 1), LANES), dtype=real)
    whole = np.zeros((n_classes * (n_features + 1), LANES))
    one = real.type(1)
    for block in range(start, stop, LANES):
        n_rows = min(LANES, stop - block)
        for row in range(n_rows):
            for j in range(n_features):
                values[j, row] = X[block + row, j]
        whole[:] = 0.0
        first_node = 0
        for tree in range(len(n_leaves)):
            if n_leaves[tree] == 0:
                continue
            K = n_nodes[tree]
            column = (tree % n_classes) * (n_features + 1)
            for node in range(n_leaves[tree] - 1):
                at = first_node + node
                decide(values[feature[at]], threshold[at], kind[at], words[at], categories, go[node])
            first_node += n_leaves[tree] - 1
            for s in range(first_step[tree], first_step[tree + 1]):
                step = steps[s]
                d, what, at = step[DEPTH], step[KIND], step[COEFFICIENTS]
                y, n = yes[d], no[d]
                if what == CLOSE:
                    share[:] = 0
                    for k in range(K):
                        c1, c0 = coefficients[at + 2 * k], coefficients[at + 2 * k + 1]
                        below, here = total[d, k], total[d - 1, k]
                        for i in range(LANES):
                            share[i] += below[i] * (c1 * y[i] + c0 * n[i])
                            here[i] += below[i]
                else:
                    # The other side is 1 - go: a sign and a summand, not a branch.
                    summand = real.type(step[SIDE])
                    sign = one - summand - summand
                    g = go[step[NODE]]
                    returns = step[BEFORE] > 0
                    if returns:
                        before = yes[step[BEFORE]]
                        for i in range(LANES):
                            y[i] = before[i] * (summand + sign * g[i])
                            n[i] = before[i] - y[i]
                    else:
                        for i in range(LANES):
                            y[i] = summand + sign * g[i]
                            n[i] = one - y[i]
                    if what == OPEN:
                        if returns:
                            for k in range(K):
                                c1, c0 = coefficients[at + 3 * k], coefficients[at + 3 * k + 1]
                                c = coefficients[at + 3 * k + 2]
                                above, here, sum_here = product[d - 1, k], product[d, k], total[d, k]
                                for i in range(LANES):
                                    here[i] = above[i] * (c1 * y[i] + c0 * n[i] + c * (one - y[i] - n[i]))
                                    sum_here[i] = 0
                        else:
                            for k in range(K):
                                c0 = coefficients[at + 3 * k + 1]
                                c1 = coefficients[at + 3 * k] - c0
                                above, here, sum_here = product[d - 1, k], product[d, k], total[d, k]
                                for i in range(LANES):
                                    here[i] = above[i] * (c0 + c1 * y[i])
                                    sum_here[i] = 0
                        continue
                    share[:] = 0
                    if returns:
                        for k in range(K):
                            a = at + 5 * k
                            c1, c0, c = coefficients[a], coefficients[a + 1], coefficients[a + 2]
                            h1, h0 = coefficients[a + 3], coefficients[a + 4]
                            above, here = product[d - 1, k], total[d - 1, k]
                            for i in range(LANES):
                                here[i] += above[i] * (c1 * y[i] + c0 * n[i] + c * (one - y[i] - n[i]))
                                share[i] += above[i] * (h1 * y[i] + h0 * n[i])
                    else:
                        for k in range(K):
                            a = at + 5 * k
                            c0, h0 = coefficients[a + 1], coefficients[a + 4]
                            c1, h1 = coefficients[a] - c0, coefficients[a + 3] - h0
                            above, here = product[d - 1, k], total[d - 1, k]
                            for i in range(LANES):
                                here[i] += above[i] * (c0 + c1 * y[i])
                                share[i] += above[i] * (h0 + h1 * y[i])
                to = some[column + step[FEATURE]]
                for i in range(LANES):
                    to[i] += share[i]
            if (tree + 1) % flush == 0 or tree + 1 == len(n_leaves):
                for c in range(n_classes * (n_features + 1)):
                    for i in range(LANES):
                        whole[c, i] += some[c, i]
                        some[c, i] = 0
        for row in range(n_rows):
            for c in range(n_classes * (n_features + 1)):
                out[block + row, c] += whole[c, row]
