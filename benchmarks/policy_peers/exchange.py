"""What a system of benchmarks/hillstrom.py is given and gives back: files. Imports nothing of the project.

    python SYSTEM.py FOLDER OUT REWARD

`FOLDER` holds `learn.parquet` (customers, `segment` and the reward) and `judge.parquet` (customers only); the arm that
the system would choose for each of these goes to `OUT`, column `choice`.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

CONTROL = "No E-Mail"
TREATMENTS = ["Mens E-Mail", "Womens E-Mail"]
SEED = 7


def run(effects: Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray, str], np.ndarray]) -> None:
    """Call `effects(X, arms, y, X to judge, reward)`: what each of TREATMENTS adds to CONTROL, a column each."""
    folder, out, reward = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    learn, judge = (pq.read_table(folder / f"{name}.parquet").to_pandas() for name in ("learn", "judge"))
    both = pd.concat([learn.drop(columns=["segment", reward]), judge], ignore_index=True)
    # history_segment is history in bins; the two words columns become 0/1 columns.
    both = pd.get_dummies(both.drop(columns="history_segment"), columns=["zip_code", "channel"], dtype=float)
    X = both.astype(float).to_numpy()
    added = effects(
        X[: len(learn)], learn["segment"].to_numpy(str), learn[reward].to_numpy(float), X[len(learn) :], reward
    )
    arms = np.array([CONTROL, *TREATMENTS])
    best = np.hstack([np.zeros((len(added), 1)), added]).argmax(axis=1)
    pq.write_table(pa.table({"choice": arms[best].astype(str).tolist()}), out)
