"""What each feature adds to a LightGBM booster's score: what `predict(pred_contrib=True)` gives, many times as fast.

For any booster of LightGBM, of this project or not: docs/contributions.md. How: models/steps.py.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from data.errors import BadInput
from models import steps, trees
from models.walk import LANES, walk

# Sums of so many trees' float32 are kept in float64, so that a thousand trees lose no more than ten do.
TREES_AT_ONCE = 8


def contributions(
    booster: lgb.Booster, X: Any, *, dtype: Any = "float64", start_iteration: int = 0,
    num_iteration: int | None = None, threads: int = 1,
) -> np.ndarray:  # fmt: skip
    """Exact path-dependent Shapley values of `booster`'s raw score, one row per row of `X`, the base last.

    The layout is that of `predict(pred_contrib=True)`: (rows, features + 1), and for several classes the same once per
    class, side by side. Each row sums to `predict(raw_score=True)`. `X`: numbers in the order of training, or a
    DataFrame as it was trained on. `dtype`: what is computed in and given, float64 or float32 (half the time, and about
    1e-6 off). The trees are those that `predict` would use: up to the best iteration where training stopped early. A
    row's result is the same in every bit whatever rows stand beside it, in whatever order, and however many `threads`.

    Raises BadInput for linear trees, and where `X` has not the features that were trained on.

    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 3))
    >>> X[::5, 1] = np.nan
    >>> rows = lgb.Dataset(X, X[:, 0] + np.nan_to_num(X[:, 1]) > 0)
    >>> booster = lgb.train({"objective": "binary", "verbosity": -1, "num_threads": 1}, rows, 20)
    >>> found = contributions(booster, X)
    >>> found.shape
    (200, 4)
    >>> bool(np.allclose(found, booster.predict(X, pred_contrib=True), rtol=0, atol=1e-12))
    True
    >>> bool(np.allclose(found.sum(axis=1), booster.predict(X, raw_score=True), rtol=0, atol=1e-12))
    True
    """
    real = np.dtype(dtype)
    if real not in (np.dtype("float64"), np.dtype("float32")):
        raise BadInput(f"dtype is {real}; contributions are computed in float64 or float32.")
    grown = trees.read(booster, start_iteration=start_iteration, num_iteration=num_iteration)
    matrix = _matrix(booster, X)
    if matrix.ndim != 2 or matrix.shape[1] != grown.n_features:
        raise BadInput(f"X has shape {matrix.shape}; the booster was trained on {grown.n_features} features.")
    plan = steps.laid_out(grown)
    n, n_columns = len(matrix), grown.n_features + 1
    out = np.zeros((n, grown.n_classes * n_columns), dtype=real)
    for c in range(grown.n_classes):
        out[:, c * n_columns + grown.n_features] = plan.expected[c :: grown.n_classes].sum()
    coefficients = plan.coefficients.astype(real)
    n_trees = len(grown.n_leaves)
    # With features by the thousand, to sum them up costs as much as many trees.
    flush = max(TREES_AT_ONCE, out.shape[1] // 20) if real == np.dtype("float32") else max(1, n_trees)

    def walked(rows: range) -> None:
        walk(
            matrix, rows.start, rows.stop, grown.n_classes, grown.n_leaves, grown.feature, grown.threshold, grown.kind,
            grown.words, grown.categories, plan.steps, coefficients, plan.first_step, plan.n_nodes,
            int(plan.n_nodes.max(initial=0)), plan.depth, flush, out,
        )  # fmt: skip

    size = max(1, -(-n // (LANES * max(1, threads)))) * LANES
    parts = [range(start, min(n, start + size)) for start in range(0, n, size)]
    if len(parts) < 2:
        for part in parts:
            walked(part)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(walked, parts))
    return out


def _matrix(booster: lgb.Booster, X: Any) -> np.ndarray:
    """Numbers as LightGBM reads them: a category is its place among those of training, none of them is missing."""
    if isinstance(X, pd.DataFrame):
        known = iter(booster.pandas_categorical or [])
        columns = []
        for _, column in X.items():
            if isinstance(column.dtype, pd.CategoricalDtype):
                codes = column.cat.set_categories(next(known)).cat.codes
                columns.append(codes.to_numpy("float64", na_value=np.nan))
                columns[-1][columns[-1] < 0] = np.nan
            else:
                columns.append(column.to_numpy("float64", na_value=np.nan))
        X = np.column_stack(columns) if columns else np.zeros((len(X), 0))
    return np.ascontiguousarray(X, dtype="float64")
