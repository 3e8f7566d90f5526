"""How an engine of benchmarks/reasons_engine.py is timed, and how a peer is called. Imports nothing of the project.

    python SYSTEM.py MODEL ROWS.npy OWN.npy SIZE …

prints one JSON object: by size, what it took. MODEL is LightGBM's text; OWN.npy holds `pred_contrib` of the first rows.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import lightgbm as lgb
import numpy as np

REPEATS = 3
ENOUGH_S = 4.0  # no repeat is begun after so much
SHORT_S = 3.0  # about what is timed of an engine whose cost is the same for every row
PROBE = 100


def timed(
    explain: Callable[[np.ndarray], np.ndarray],
    X: np.ndarray,
    own: np.ndarray,
    *,
    is_linear: bool,
    at_most: int | None = None,
) -> dict[str, Any]:
    """Rows per CPU second (the median of repeats), of how many rows, and the largest difference from `own` rows.

    is_linear: as many rows stand for all as take a few seconds. at_most: so many do, of an engine that prepares much in
    every call and then costs the same for every row.
    """
    X = X[:at_most]
    warm, _ = _cpu(explain, X[:PROBE])  # compiles, loads
    if is_linear:
        warm, _ = _cpu(explain, X[:PROBE])
        X = X[: max(PROBE, int(PROBE * SHORT_S / warm))]
    seconds: list[float] = []
    found = np.zeros(0)
    while not seconds or (len(seconds) < REPEATS and sum(seconds) < ENOUGH_S):
        took, found = _cpu(explain, X)
        seconds.append(took)
    n = min(len(own), len(found))
    columns = min(own.shape[1], found.shape[1])  # a peer's have no base
    return {
        "rows_per_cpu_s": round(len(X) / float(np.median(seconds)), 1),
        "rows_timed": len(X),
        "max_diff": float(f"{np.abs(found[:n, :columns] - own[:n, :columns]).max():.2g}"),
    }


def _cpu(explain: Callable[[np.ndarray], np.ndarray], X: np.ndarray) -> tuple[float, np.ndarray]:
    start = time.process_time()
    found = np.asarray(explain(X))
    return time.process_time() - start, found


def run(
    explainer: Callable[[lgb.Booster, int], Callable[[np.ndarray], np.ndarray]],
    *,
    is_linear: bool,
    at_most: int | None = None,
) -> None:
    """Time `explainer(booster, number of features)` on each size; `refused` where it cannot."""
    booster = lgb.Booster(model_file=sys.argv[1])
    X, own = np.load(sys.argv[2]), np.load(sys.argv[3])
    found: dict[str, Any] = {}
    for size in sys.argv[4:]:
        try:
            found[size] = timed(
                explainer(booster, X.shape[1]), X[: int(size)], own, is_linear=is_linear, at_most=at_most
            )
        except Exception as error:  # whatever a peer raises is its answer
            found[size] = {"refused": f"{type(error).__name__}: {error}"[:160]}
    json.dump(found, sys.stdout)
