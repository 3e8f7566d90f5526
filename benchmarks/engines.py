"""How far apart are the engines, and what does each cost? On the simulated company that `make run` has staged.

Runs in Spark's environment, beside a PostgreSQL server of its own: `make bench-engines`.
Merges `engines_max_diff` and the seconds of each engine into benchmarks/results/features.json.
"""

import gc
import time
from pathlib import Path

from benchmarks.features import merged
from data.catalog import Catalog
from pipelines import engines, lake, paths
from pipelines.engines import Engine
from tests import engines as compared
from tests import postgres


def main() -> None:
    """Compute on each, compare with DuckDB, write."""
    catalog = Catalog.load(paths.CATALOG)
    report: dict[str, float] = {}
    found = {}
    with postgres.running() as folder:
        there = {
            "duckdb": Engine(),
            "postgres": Engine(kind="postgres", url=f"postgres://upsell@/postgres?host={folder}"),
            "spark": Engine(kind="spark"),
        }
        for name, setting in there.items():
            engine = engines.connect(setting)
            start = time.perf_counter()
            lake.staged(engine, Path(paths.STAGED))
            copied = time.perf_counter()
            found[name] = compared.computed(engine, paths.STAGED, catalog)
            report[f"{name}_build_s"] = round(time.perf_counter() - copied, 1)
            report[f"{name}_copy_s"] = round(copied - start, 1)
            gc.collect()
            engine.disconnect()
    apart = [compared.difference(found["duckdb"], found[name]) for name in ("postgres", "spark")]
    merged({"engines_max_diff": max(apart), **report})


if __name__ == "__main__":
    main()
