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
import pyarrow as pa
import pyarrow.parquet as pq

UPSELL = (sys.executable, "-m", "pipelines.cli")
SHARE = 0.5  # of the seconds, for the search; what tells the time, and two models to be made, take the rest
MANY = 10_000  # trials: the seconds end the search


def predict(folder: Path, seconds: int) -> np.ndarray:
    """A probability per row of `test.parquet`, in its order; the seconds cover fitting, search included."""
    task = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    options = ["--target", task["target"]]
    for name in ("time", "group", "gap"):
        options += [f"--{name}", str(task[name])] if task[name] else []
    # Time and group say how to split; the rest of the key says nothing.
    dropped = [name for name in task["key"] if name not in (task["time"], task["group"])]
    options += ["--drop", ",".join(dropped)] if dropped else []
    with tempfile.TemporaryDirectory() as made:
        model, out = Path(made) / "model", Path(made) / "scored.parquet"
        search = ["--trials", str(MANY), "--timeout", str(SHARE * seconds), "--seed", str(task["seed"])]
        _upsell("fit", str(folder / "train.parquet"), *options, *search, "--out", str(model))
        _upsell("predict", str(folder / "test.parquet"), "--model", str(model), "--out", str(out))
        return pq.read_table(out)["propensity"].to_numpy()


def _upsell(*arguments: str) -> None:
    subprocess.run([*UPSELL, *arguments], check=True)  # noqa: S603 - our own command


def main() -> None:
    """Predict and write."""
    folder, out, seconds = sys.argv[1:]
    pq.write_table(pa.table({"p": predict(Path(folder), int(seconds))}), out)


if __name__ == "__main__":
    main()
