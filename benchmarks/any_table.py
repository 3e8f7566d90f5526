"""Seconds and memory of `upsell fit` and `upsell predict` on large tables: many rows, many columns.

    python -m benchmarks.any_table [ROWS]     1,000,000 rows × 10 columns, and 200 rows × 5,000; ten trials

Each command runs in a process of its own; memory is that process's highest. Prints a flat JSON object.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

UPSELL = (sys.executable, "-m", "pipelines.cli")
MEASURE = (
    "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL); "
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024); sys.exit(done.returncode)"
)


def tall(n: int) -> pa.Table:
    """Rows × 10 columns of every kind, a twentieth of them positive."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 5))
    town = rng.zipf(1.3, n) % 20_000
    z = x[:, 0] + 0.5 * x[:, 1] * (x[:, 2] > 0) + 0.5 * (town % 3 == 0) - 3.5
    day = np.datetime64("2024-01-01") + (np.arange(n) * 730 // n).astype("timedelta64[D]")
    return pa.table(
        {f"x{i}": x[:, i] for i in range(5)}
        | {
            "town": [f"t{t}" for t in town],
            "plan": rng.choice(["free", "pro", "team"], n),
            "is_monthly": rng.random(n) < 0.4,
            "signed_up_on": pa.array(day - rng.integers(1, 900, n).astype("timedelta64[D]")),
            "day": pa.array(day),
            "won": rng.random(n) < 1 / (1 + np.exp(-z)),
        }
    )


def wide(n: int = 200, n_columns: int = 5_000) -> pa.Table:
    """Few rows, many columns, two of which matter."""
    x = np.random.default_rng(0).normal(size=(n, n_columns)).astype("float32")
    return pa.table({f"x{i}": x[:, i] for i in range(n_columns)} | {"won": x[:, 17] + x[:, 18] > 0})


def measured(*arguments: object) -> tuple[float, int]:
    """Seconds and MB of a command of ours."""
    began = time.monotonic()
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", MEASURE, *UPSELL, *map(str, arguments)], stdout=subprocess.PIPE, check=True
    )
    return round(time.monotonic() - began, 1), int(done.stdout)


def main() -> None:
    """Measure and print."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    found: dict[str, float] = {"rows": n}
    with tempfile.TemporaryDirectory() as at:
        folder = Path(at)
        for name, table, options in (("tall", tall(n), ["--time", "day"]), ("wide", wide(), [])):
            path, model = folder / f"{name}.parquet", folder / name
            pq.write_table(table, path)
            fit = ["fit", path, "--target", "won", *options, "--trials", 10, "--out", model]
            predict = ["predict", path, "--model", model, "--out", folder / "p.parquet"]
            for verb, command in (("fit", fit), ("predict", predict)):
                found[f"{name}_{verb}_s"], found[f"{name}_{verb}_mb"] = measured(*command)
                print(json.dumps(found), file=sys.stderr)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
