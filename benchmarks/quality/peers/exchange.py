"""What a system is given and what it gives back: files, so that each system may live in an environment of its own.

    python SYSTEM.py FOLDER OUT SECONDS

`FOLDER` holds `train.parquet` (with its target), `test.parquet` (without: nobody can look) and `task.json`; the
probabilities of the test rows, in their order, go to the Parquet file `OUT`. Imports nothing of the project.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

HOLDOUT = 0.2


@dataclass(frozen=True)
class Task:
    """One row of `train` per value of `y`. Where the rows have an order in time, they stand in it."""

    train: pd.DataFrame  # features only; those in `categorical` as categories, the levels of the training rows
    y: np.ndarray  # 0 or 1
    test: pd.DataFrame  # the same columns; a level that training has not seen is missing
    categorical: list[str]
    is_ordered: bool
    is_grouped: bool  # several rows of one account
    seconds: float
    seed: int
    threads: int

    @classmethod
    def read(cls, folder: Path, seconds: float) -> "Task":
        """From the files of one split."""
        about = json.loads((folder / "task.json").read_text(encoding="utf-8"))
        train, test = (pq.read_table(folder / f"{name}.parquet").to_pandas() for name in ("train", "test"))
        if about["time"]:
            train = train.sort_values([about["time"], *about["key"]], kind="stable", ignore_index=True)
        y = train[about["target"]].to_numpy("int64")
        train, test = train[about["features"]], test[about["features"]]
        for column in about["categorical"]:
            levels = sorted(train[column].dropna().unique())
            train, test = (
                frame.assign(**{column: pd.Categorical(frame[column].where(frame[column].isin(levels)), levels)})
                for frame in (train, test)
            )
        numbers = {column: "float64" for column in about["features"] if column not in about["categorical"]}
        return cls(
            train.astype(numbers),
            y,
            test.astype(numbers),
            about["categorical"],
            bool(about["time"]),
            bool(about["group"]),
            seconds,
            about["seed"],
            about["threads"],
        )

    def holdout(self, *, in_time: bool) -> tuple[np.ndarray, np.ndarray]:
        """Positions to learn from and to choose by: a stratified random fifth, as the libraries' own examples have it.

        The latest fifth of ordered rows instead, for a library that can be told of time (`in_time`), and where
        a random one would put the same account on both sides.
        """
        n = len(self.y)
        if self.is_ordered and (in_time or self.is_grouped):
            cut = n - int(HOLDOUT * n)
            return np.arange(cut), np.arange(cut, n)
        shuffled = np.random.default_rng(self.seed).permutation(n)
        by_class = [shuffled[self.y[shuffled] == value] for value in (0, 1)]
        later = np.sort(np.concatenate([rows[: int(HOLDOUT * len(rows))] for rows in by_class]))
        return np.setdiff1d(np.arange(n), later), later


class Clock:
    """How many of the seconds are left, those that importing took included."""

    def __init__(self, seconds: float) -> None:
        self.ends = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds; negative once they are over."""
        return self.ends - time.monotonic()


def run(predict: Callable[[Task, Clock], np.ndarray]) -> None:
    """Read the task that the command line names, predict, write."""
    folder, out, seconds = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
    clock = Clock(seconds)
    task = Task.read(folder, seconds)
    p = np.asarray(predict(task, clock), dtype="float64")
    if p.shape != (len(task.test),) or not np.isfinite(p).all():
        raise ValueError(
            f"{len(task.test)} probabilities were asked for; {p.shape} came, finite: {np.isfinite(p).all()}"
        )
    pq.write_table(pa.table({"p": p}), out)
