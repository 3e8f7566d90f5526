"""Do intervals for probabilities cover the truth as often as they claim?

Simulated companies, one per seed, each of the project's size and preset: the whole pipeline up to the model, with the
booster's parameters that the project's own run found (run `make run` before). On each test block, which neither model
nor interval has seen, accounts and snapshots are put into 20 bins of equal count by their probability. A bin is covered
where the mean of the true probabilities (`p_logged`, causes that nobody observes included) lies between the means of
`low` and of `high`. Bins of one company share its model and its months, so the standard error is over companies.

Seeds from FIRST_SEED on judge, and chose nothing: the method was settled on seeds 1 to 3 and 4000 to 4009, and on
made-up tables.
Writes `interval_coverage` and what belongs to it into benchmarks/results/propensity.json.

    python -m benchmarks.intervals [--seeds 20] [--first 9000] [--processes 2] [--dry]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import yaml

from pipelines import labelled, paths, written
from pipelines.tune import TUNING

N_BINS = 20
FIRST_SEED = 9000
RESULTS = Path("benchmarks/results/propensity.json")
# One process for all stages of a company: imports cost more than some stages.
STAGES = "from pipelines import simulate, ingest, select, build, label, train\n" + "\n".join(
    f"{stage}.main()" for stage in ("simulate", "ingest", "select", "build", "label", "train")
)


def company(seed: int, accounts: int | None) -> pd.DataFrame:
    """One row per bin of the test block, by increasing p: mean p, low, high, truth, and what happened (`rate`)."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        params = yaml.safe_load(paths.PARAMS.read_text(encoding="utf-8"))
        params["simulate"] |= {"seed": seed} | ({"accounts": accounts} if accounts else {})
        params["run"]["seed"] = seed
        params["engine"]["threads"] = 1
        (workspace / paths.PARAMS).write_text(yaml.safe_dump(params, allow_unicode=True), encoding="utf-8")
        for file in (paths.CATALOG, paths.SOURCES, TUNING, paths.SELECTION):
            (workspace / file).parent.mkdir(parents=True, exist_ok=True)
            (workspace / file).write_bytes(file.read_bytes())
        environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1"}
        subprocess.run(  # noqa: S603 - our own stages
            [sys.executable, "-c", STAGES], cwd=workspace, env=environment, check=True, stdout=subprocess.DEVNULL
        )
        lake = paths.LAKE
        rows = labelled.join(
            pd.read_parquet(workspace / lake / "features" / "training.parquet"),
            pd.read_parquet(workspace / lake / "labels.parquet"),
        ).block("test")
        model = written.read_model(workspace / paths.PROPENSITY)
        truth = pq.read_table(workspace / paths.TRUTH / "expansion.parquet").to_pandas()
    truth["as_of"] = pd.to_datetime(truth["as_of"])
    keys = pd.DataFrame({"account_id": rows.groups, "as_of": pd.to_datetime(rows.periods)})
    p_true = keys.merge(truth, on=labelled.KEY, how="left", validate="one_to_one")["p_logged"].to_numpy()
    p = model.probability(rows.X)
    low, high = model.bounds(p)
    bins = np.array_split(np.argsort(p, kind="stable"), N_BINS)
    found = {"p": p, "low": low, "high": high, "truth": p_true, "rate": rows.y.to_numpy("float64")}
    table = pd.DataFrame({name: [float(values[b].mean()) for b in bins] for name, values in found.items()})
    return table.assign(seed=seed, bin=range(N_BINS))


def main() -> None:
    """Measure, and write."""
    parser = argparse.ArgumentParser(prog="benchmarks.intervals", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=FIRST_SEED)
    parser.add_argument("--accounts", type=int, help="if others than params.yaml's")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--dry", action="store_true", help="print, and write nothing")
    given = parser.parse_args()
    with ThreadPoolExecutor(given.processes) as pool:
        seeds = range(given.first, given.first + given.seeds)
        tables = []
        for table in pool.map(lambda seed: company(seed, given.accounts), seeds):
            is_covered = (table["low"] <= table["truth"]) & (table["truth"] <= table["high"])
            tables.append(table.assign(is_covered=is_covered))
            print(f"seed {table['seed'].iloc[0]}: {int(is_covered.sum())} of {N_BINS} bins", flush=True)
    bins = pd.concat(tables)
    by_seed = bins.groupby("seed")["is_covered"].mean()
    report = {
        "interval_coverage": round(float(by_seed.mean()), 4),
        "interval_coverage_se": round(float(by_seed.std(ddof=1) / np.sqrt(len(by_seed))), 4),
        "interval_coverage_seeds": len(by_seed),
        "interval_width": round(float((bins["high"] - bins["low"]).mean()), 4),
        "interval_mean_abs_error": round(float((bins["p"] - bins["truth"]).abs().mean()), 4),
    }
    for name, value in report.items():
        print(f"{name}: {value}")
    print(bins.groupby("bin")[["p", "low", "high", "truth", "rate", "is_covered"]].mean().round(4).to_string())
    if not given.dry:
        known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
        written.as_json(RESULTS, known | report)


if __name__ == "__main__":
    main()
