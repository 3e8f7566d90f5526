"""What contributions cost: the project's engine beside LightGBM's own, shap, woodelf-explainer and fasttreeshap.

    python -m benchmarks.reasons_engine [--peers-python PYTHON] [--quick] [--only MODEL]

500 trees of 31 and of 63 leaves over 80 features with missing values, with and without categories; 1,000, 10,000 and
100,000 rows; one thread, rows per CPU second. Compiling is apart (`compile_cpu_s`); reading the booster is within the
engine's time, while peers' explainers are made beforehand. Those whose cost is the same for every row are timed on as
many as take a few seconds (`rows_timed`). `max_diff` is the largest difference from `pred_contrib`, over the first
1,000 rows. Writes benchmarks/results/reasons.json and the table of docs/contributions.md. `speedup_*` are at 100,000
rows, 31 leaves, without categories; `speedup_1k` is float64's at 1,000. --quick: small, prints, writes nothing.
--only 63_leaves.plain: one of the four models, the others' figures stay.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np

from benchmarks import reasons_table
from benchmarks.merged import merge
from benchmarks.reasons_peers.timing import timed
from models.contributions import contributions

RESULTS = Path("benchmarks/results/reasons.json")
PEERS = Path(__file__).parent / "reasons_peers"
PEERS_PYTHON = Path(".venv-reasons/bin/python")
PEER_SYSTEMS = ("woodelf", "fasttreeshap_v1", "fasttreeshap_v2")
SIZES, LEAVES, KINDS = (1_000, 10_000, 100_000), (31, 63), ("plain", "categories")
N_FEATURES, N_CATEGORICAL, N_TREES, N_LEARN, N_OWN = 80, 8, 500, 20_000, 1_000
REALS = {"f32": "float32", "f64": "float64"}
COMPILE = """
import time, lightgbm, numpy
from models.contributions import contributions
rows = numpy.arange(100.0)[:, None]
booster = lightgbm.train({"verbosity": -1, "num_threads": 1}, lightgbm.Dataset(rows, rows[:, 0]), 2)
start = time.process_time()
contributions(booster, rows)
print(time.process_time() - start)
"""


def rows_of(kind: str, n: int) -> np.ndarray:
    """Numbers, a tenth of them missing; with `categories` the last columns are of 30 levels each."""
    rng = np.random.default_rng(2026)
    X = rng.normal(size=(n, N_FEATURES))
    X[rng.random(X.shape) < 0.1] = np.nan
    if kind == "categories":
        X[:, -N_CATEGORICAL:] = rng.integers(0, 30, (n, N_CATEGORICAL))
    return X


def booster_of(kind: str, leaves: int, X: np.ndarray, trees: int) -> lgb.Booster:
    """A quarter of the features matter, categories among them."""
    rng = np.random.default_rng(7)
    known = np.nan_to_num(X)
    score = known[:, :20].sum(axis=1) + known[:, 0] * known[:, 1] + rng.normal(size=len(X))
    categorical = []
    if kind == "categories":
        categorical = list(range(N_FEATURES - N_CATEGORICAL, N_FEATURES))
        score += rng.normal(size=(30, N_CATEGORICAL))[known[:, categorical].astype(int), range(N_CATEGORICAL)].sum(
            axis=1
        )
    parameters = {"objective": "binary", "num_leaves": leaves, "learning_rate": 0.05, "num_threads": 1, "verbosity": -1}
    y = (score > np.median(score)).astype(float)
    return lgb.train(parameters, lgb.Dataset(X, y, categorical_feature=categorical), trees)


def of_one(
    booster: lgb.Booster, X: np.ndarray, sizes: tuple[int, ...], peers_python: Path
) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """(system, rows, what was found), our own first."""
    import shap

    own = booster.predict(X[:N_OWN], pred_contrib=True)
    explainer = shap.TreeExplainer(booster)
    systems: dict[str, tuple[Callable[[np.ndarray], np.ndarray], bool]] = {
        "pred_contrib": (lambda rows: booster.predict(rows, pred_contrib=True), True),
        "engine_f32": (lambda rows: contributions(booster, rows, dtype="float32"), False),
        "engine_f64": (lambda rows: contributions(booster, rows), False),
        "shap": (explainer.shap_values, True),
    }
    for size in sizes:
        for system, (explain, is_linear) in systems.items():
            yield system, size, timed(explain, X[:size], own, is_linear=is_linear)
    with tempfile.TemporaryDirectory() as folder:
        model, rows, truth = (Path(folder) / name for name in ("model.txt", "rows.npy", "own.npy"))
        booster.save_model(model)
        np.save(rows, X)
        np.save(truth, own)
        for system in PEER_SYSTEMS:
            command = [peers_python, PEERS / f"with_{system}.py", model, rows, truth, *map(str, sizes)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  # our own files
            for size, found in json.loads(done.stdout.strip().splitlines()[-1]).items():
                yield system, int(size), found


def compile_cpu_s() -> float:
    """The first call of an install: nothing is kept yet."""
    with tempfile.TemporaryDirectory() as folder:
        given = {**os.environ, "NUMBA_CACHE_DIR": folder}
        done = subprocess.run([sys.executable, "-c", COMPILE], check=True, capture_output=True, text=True, env=given)  # noqa: S603  # our own line
    return round(float(done.stdout), 1)


def margin_diff(booster: lgb.Booster, X: np.ndarray, dtype: str) -> float:
    """How far any row's sum is from its margin."""
    found = contributions(booster, X, dtype=dtype).sum(axis=1, dtype="float64")
    return float(f"{np.abs(found - booster.predict(X, raw_score=True)).max():.2g}")


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers-python", type=Path, default=PEERS_PYTHON)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="", help="a model, as 63_leaves.plain")
    given = parser.parse_args()
    sizes, trees = ((200, 2_000), 20) if given.quick else (SIZES, N_TREES)
    keep({"compile_cpu_s": compile_cpu_s()}, is_quick=given.quick)
    for kind in KINDS:
        X = rows_of(kind, max(sizes))
        for leaves in LEAVES:
            if given.only not in ("", f"{leaves}_leaves.{kind}"):
                continue
            report: dict[str, Any] = {}
            booster = booster_of(kind, leaves, X[:N_LEARN], trees)
            for system, size, found in of_one(booster, X, sizes, given.peers_python):
                print(f"{leaves} leaves, {kind}, {size:,} rows, {system}: {found}", flush=True)
                report |= {f"{leaves}_leaves.{kind}.{size}.{system}.{key}": value for key, value in found.items()}
            if (leaves, kind) == (LEAVES[0], KINDS[0]):
                report |= headline(report, sizes)
                report |= {f"margin_diff_{short}": margin_diff(booster, X, real) for short, real in REALS.items()}
            keep(report, f"{leaves}_leaves.{kind}.", is_quick=given.quick)
    if not given.quick:
        reasons_table.fill(json.loads(RESULTS.read_text(encoding="utf-8")))


def keep(report: dict[str, Any], prefix: str = "compile", *, is_quick: bool) -> None:
    """A model's figures as soon as they are known: all of them take a while."""
    if is_quick:
        print(json.dumps(report, indent=1))
    else:
        merge(RESULTS, prefix, report)


def headline(report: dict[str, Any], sizes: tuple[int, ...]) -> dict[str, float]:
    """The figures that are promised."""

    def cell(size: int, system: str) -> str:
        return f"{LEAVES[0]}_leaves.{KINDS[0]}.{size}.{system}"

    def speedup(size: int, short: str) -> float:
        ours, own = (report[f"{cell(size, system)}.rows_per_cpu_s"] for system in (f"engine_{short}", "pred_contrib"))
        return round(ours / own, 1)

    found = {"speedup_1k": speedup(sizes[0], "f64"), "speedup_1k_f32": speedup(sizes[0], "f32")}
    for short in REALS:
        found[f"speedup_{short}"] = speedup(sizes[-1], short)
        found[f"max_diff_{short}"] = report[f"{cell(sizes[-1], f'engine_{short}')}.max_diff"]
    return found


if __name__ == "__main__":
    main()
