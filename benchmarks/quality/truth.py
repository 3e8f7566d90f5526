"""How far are our probabilities from the true ones? Simulated: preset `midmarket`, 20,000 accounts, the test block.

The whole pipeline up to the model, as `make run` would: about 15 minutes and 3 GB on two cores. Merges
`simulator.ours.ece` and what belongs to it into the results of bench-quality: `python -m benchmarks.quality.truth`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import chdir
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from benchmarks.quality import company, measured, merging
from pipelines import labelled, paths, stage, written

PRESET, ACCOUNTS, SEED = "midmarket", 20_000, 2007
STAGES = (*company.UP_TO_LABELS, "drift", "tune", "train")


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate, learn, compare with the truth, write."""
    parser = argparse.ArgumentParser(prog="benchmarks.quality.truth", description=__doc__)
    parser.add_argument("--accounts", type=int, default=ACCOUNTS, help="fewer for a rehearsal, which writes nothing")
    given = parser.parse_args(arguments)
    with company.made(PRESET, given.accounts, seed=SEED, stages=STAGES) as made:
        found = against_truth(made.workspace)
    found |= {"n_accounts": given.accounts, "pipeline_s": round(sum(made.seconds.values()))}
    keyed = {f"simulator.ours.{name}": value for name, value in found.items()}
    for name, value in keyed.items():
        print(f"{name}: {value}")
    if given.accounts == ACCOUNTS:
        merging.merge("simulator", keyed)


def against_truth(workspace: Path) -> dict[str, float | int]:
    """`ece`, and what says how much of the truth was to be had: the AUC of the truth and of ours, on what happened."""
    with chdir(workspace):
        test = labelled.read().block("test")
        p = written.read_model().probability(test.X)
        truth = pq.read_table(paths.TRUTH / "expansion.parquet").to_pandas()
    truth["as_of"] = pd.to_datetime(truth["as_of"])
    keys = pd.DataFrame({"account_id": test.groups, "as_of": test.periods})
    p_true = keys.merge(truth, on=labelled.KEY, how="left", validate="one_to_one")["p_logged"].to_numpy()
    y = test.y.to_numpy("float64")
    return {
        "ece": round(float(measured.metrics(p_true, p)["ece"][0]), 5),
        "ece_of_outcomes": round(float(measured.metrics(y, p)["ece"][0]), 5),
        "auc": round(float(measured.metrics(y, p)["auc"][0]), 5),
        "auc_of_truth": round(float(measured.metrics(y, p_true)["auc"][0]), 5),
        "n_test": len(y),
    }


if __name__ == "__main__":
    stage.run(main)
