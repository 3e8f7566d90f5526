"""Ours, through the public command: `upsell fit` on the training rows, `upsell predict` on those that judge.

    python benchmarks/quality/ours.py FOLDER OUT SECONDS

Reads and writes the same files as every other system (peers/exchange.py says which).
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from models import propensity, tuning
from models.settings import Training, Tuning
from pipelines.cli import cli

UPSELL = (sys.executable, "-m", "pipelines.cli")
SHARE = 0.7  # of the seconds, for the search; the final model takes the rest


def predict(folder: Path, seconds: int) -> np.ndarray:
    """A probability per row of `test.parquet`, in its order; the seconds cover fitting, search included."""
    # Until the command exists; then this line, `_by_models` and its imports go.
    if "fit" not in cli.commands:
        return _by_models(folder, seconds)
    task = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    options = ["--target", task["target"]]
    for name in ("time", "group"):
        options += [f"--{name}", task[name]] if task[name] else []
    # Time and group say how to split; the rest of the key says nothing.
    dropped = [name for name in task["key"] if name not in (task["time"], task["group"])]
    options += ["--drop", ",".join(dropped)] if dropped else []
    with tempfile.TemporaryDirectory() as made:
        model, out = Path(made) / "model", Path(made) / "scored.parquet"
        _upsell("fit", str(folder / "train.parquet"), *options, "--timeout", str(SHARE * seconds), "--out", str(model))
        _upsell("predict", str(folder / "test.parquet"), "--model", str(model), "--out", str(out))
        return pq.read_table(out)["propensity"].to_numpy()


def _by_models(folder: Path, seconds: int) -> np.ndarray:
    task = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    train, test = (pq.read_table(folder / f"{name}.parquet").to_pandas() for name in ("train", "test"))
    if task["time"]:
        train = train.sort_values([task["time"], *task["key"]], kind="stable", ignore_index=True)
        is_later = train.index >= 0.8 * len(train)
    else:
        is_later = np.random.default_rng(task["seed"]).random(len(train)) < 0.2
    blocks = pd.Series(np.where(is_later, "validation", "train"))
    X, y = train[task["features"]], train[task["target"]]
    search = Tuning(n_trials=10_000, timeout_s=SHARE * seconds)
    tuned, _ = tuning.tune(X, y, blocks, settings=search, seed=task["seed"])
    groups = train[task["group"]] if task["group"] else None
    model = propensity.fit(X, y, blocks, tuned=tuned, settings=Training(), seed=task["seed"], groups=groups)
    return model.probability(test[task["features"]])


def _upsell(*arguments: str) -> None:
    subprocess.run([*UPSELL, *arguments], check=True)  # noqa: S603 - our own command


def main() -> None:
    """Predict and write."""
    folder, out, seconds = sys.argv[1:]
    pq.write_table(pa.table({"p": predict(Path(folder), int(seconds))}), out)


if __name__ == "__main__":
    main()
