"""How fast are the features, how much memory do they take, how do they grow, and against whom? Ratios of one run.

Made-up use: accounts × 365 days × 6 features, and 12 monthly snapshots. Built are the ideas `use` and `adoption`
(events over 7, 28 and 90 days, active days, trend, recency, features in use, locked ones) and the share of a limit, by
the functions that stage `build` calls, on its own engine. At 44 million rows it is held against a bare scan of the same
columns in DuckDB, and against the same features by hand (benchmarks/by_hand): in Polars and in Spark on all of it, in
pandas on a tenth of the accounts, times ten. Everyone has two threads and a process of its own, so that one's memory
is not another's; the clock starts once libraries are imported and Spark is up, and for pandas once the tables are in
memory. They take turns; seconds are the medians of the turns, memory the most of any.

Needs Spark's environment: `make bench`, or there `python -m benchmarks.features`; about 25 minutes
on two quiet cores, 4 GB of memory and 1 GB of disk.
Merges its keys into benchmarks/results/features.json. `--quick` takes one turn at 10 million rows and only prints.
"""

import argparse
import json
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import ibis
import ibis.expr.types as ir
import pandas as pd

from benchmarks.by_hand import in_pandas
from benchmarks.by_hand.question import Question
from data.catalog import Catalog
from data.known import calendar
from features import adoption, limits, use
from features.build import _beside
from pipelines import engines, paths

RESULTS = Path("benchmarks/results/features.json")
N_FEATURES, N_DAYS = 6, 365
METRIC, LIMIT = "storage_gb", 200.0
ACCOUNTS = {"10": 4566, "44": 20_000, "200": 91_324}  # millions of usage rows
AS_OFS = tuple(date(2025 + (6 + i) // 12, (6 + i) % 12 + 1, 1) for i in range(12))  # the firsts of a year's months
THREADS = 2
MEMORY_MB = 1000  # what our build allows DuckDB
SPARK_MEMORY_MB = 6000


def make(folder: Path, accounts: int, features: list[str]) -> None:
    """Staged usage and meters, in the order in which staging writes them."""
    named = ", ".join(f"'{name}'" for name in features)
    connection = duckdb.connect()
    connection.execute("SET threads = 2; SET memory_limit = '4GB'; SET preserve_insertion_order = true")
    day = "date '2025-06-01' + d::int"
    with_kind = "case when h % 20 = 0 then 'gated' when h % 50 = 1 then 'trial' else 'used' end"
    for first in range(0, accounts, 5000):  # in parts: the whole would not fit into memory
        last = min(first + 5000, accounts)
        connection.execute(
            f"""COPY (SELECT 'A-' || lpad(a::varchar, 6, '0') account_id, {day} used_on, [{named}][f + 1] feature,
                {with_kind} kind, (1 + h % 29)::bigint n_events, (1 + h % 7)::bigint n_users, {day} known_on
                FROM (SELECT a, d, f, hash(a, d, f) h FROM range({first}, {last}) t(a), range({N_DAYS}) u(d),
                range({N_FEATURES}) v(f)) ORDER BY a, d, f)
                TO '{folder}/usage_{first:06}.parquet' (COMPRESSION zstd)"""  # noqa: S608  our own numbers
        )
    connection.execute(
        f"""COPY (SELECT 'A-' || lpad(a::varchar, 6, '0') account_id, {day} measured_on, '{METRIC}' metric,
            (hash(a, d) % 100 + d / 7)::double "value", {day} known_on
            FROM range({accounts}) t(a), range({N_DAYS}) u(d) ORDER BY a, d)
            TO '{folder}/meters.parquet' (COMPRESSION zstd)"""  # noqa: S608  our own numbers
    )
    connection.close()


def scan(folder: Path, threads: int) -> float:
    """Seconds of reading the same columns, each folded into one number."""
    connection = duckdb.connect()
    connection.execute(f"SET threads = {threads}")
    start = time.perf_counter()
    connection.execute(
        f"""SELECT max(account_id), max(used_on), max(feature), max(kind), sum(n_events), sum(n_users), max(known_on)
            FROM '{folder}/usage_*.parquet'"""  # noqa: S608  our own folder
    ).fetchall()
    connection.execute(
        f"""SELECT max(account_id), max(measured_on), max(metric), sum("value"), max(known_on)
            FROM '{folder}/meters.parquet'"""  # noqa: S608  our own folder
    ).fetchall()
    return time.perf_counter() - start


def question(catalog: Catalog) -> Question:
    """What everybody answers here: the catalogue's highest plan, one limit."""
    return Question.of(catalog, catalog.plans[-1].id, METRIC, LIMIT, AS_OFS)


def wide(engine: ibis.BaseBackend, folder: Path, catalog: Catalog, asked: Question) -> ir.Table:
    """The features by our own functions, joined as stage `build` joins them: one row per (account_id, as_of)."""
    one_metric = catalog.model_copy(update={"metrics": [m for m in catalog.metrics if m.id == asked.metric]})
    usage = engine.read_parquet(f"{folder}/usage_*.parquet")
    meters = engine.read_parquet(f"{folder}/meters.parquet")
    as_ofs = calendar(asked.as_ofs)
    cohort = meters.select("account_id").distinct().cross_join(as_ofs)
    limit = {f"{asked.metric}_limit": ibis.literal(asked.limit)}
    cohort = cohort.mutate(plan_id=ibis.literal(asked.plan_id), **limit).cache()
    rows = _beside(cohort, use.FEATURES, use.use(usage, as_ofs))
    met = [*adoption.BY_FEATURE, *adoption.gated_by_add_on(catalog)]
    rows = _beside(rows, met, adoption.adoption(usage, cohort, catalog, as_ofs))
    columns = {f"{asked.metric}_{part}": "float64" for part in ("latest", "peak", "slope")}
    rows = _beside(rows, columns, limits.levels(meters, one_metric, as_ofs))
    shares = [f for metric in one_metric.metrics for f in limits.metric_features(metric)]
    return rows.mutate(**{f.name: f.of(rows) for f in shares})


def _ours(folder: Path, catalog: Catalog) -> dict[str, float]:
    start = time.perf_counter()
    engine = engines.connect(engines.Engine(threads=THREADS, memory_mb=MEMORY_MB))
    rows = int(wide(engine, folder, catalog, question(catalog)).cache().count().execute())
    return {"seconds": time.perf_counter() - start, "rss_mb": _peak_mb(), "rows": rows}


def _scan(folder: Path, catalog: Catalog) -> dict[str, float]:
    return {"seconds": scan(folder, THREADS), "rss_mb": _peak_mb()}


def _pandas(folder: Path, catalog: Catalog) -> dict[str, float]:
    tenth = [("account_id", "<", f"A-{_n_accounts(folder) // 10:06}")]
    usage = pd.concat(pd.read_parquet(file, filters=tenth) for file in sorted(folder.glob("usage_*.parquet")))
    meters = pd.read_parquet(folder / "meters.parquet", filters=tenth)
    start = time.perf_counter()
    rows = len(in_pandas.features(usage, meters, question(catalog)))
    return {"seconds": 10 * (time.perf_counter() - start), "rss_mb": _peak_mb(), "rows": rows}


def _polars(folder: Path, catalog: Catalog) -> dict[str, float]:
    import polars as pl

    from benchmarks.by_hand import in_polars

    start = time.perf_counter()
    usage, meters = pl.scan_parquet(folder / "usage_*.parquet"), pl.scan_parquet(folder / "meters.parquet")
    rows = len(in_polars.features(usage, meters, question(catalog)).collect(engine="streaming"))
    return {"seconds": time.perf_counter() - start, "rss_mb": _peak_mb(), "rows": rows}


def _spark(folder: Path, catalog: Catalog) -> dict[str, float]:
    from benchmarks.by_hand import in_spark

    session = in_spark.session(THREADS, SPARK_MEMORY_MB)
    start = time.perf_counter()
    usage, meters = session.read.parquet(f"{folder}/usage_*.parquet"), session.read.parquet(f"{folder}/meters.parquet")
    # computed in full and thrown away
    in_spark.features(usage, meters, question(catalog)).write.format("noop").mode("overwrite").save()
    seconds = time.perf_counter() - start
    java = int(session.sparkContext._jvm.java.lang.ProcessHandle.current().pid())
    return {"seconds": seconds, "rss_mb": _peak_mb(java)}


RUNNERS: dict[str, Callable[[Path, Catalog], dict[str, float]]] = {
    "scan": _scan,
    "build": _ours,
    "polars": _polars,
    "spark": _spark,
    "pandas": _pandas,
}


def _n_accounts(folder: Path) -> int:
    return int(duckdb.execute(f"SELECT count(DISTINCT account_id) FROM '{folder}/meters.parquet'").fetchall()[0][0])  # noqa: S608


def _peak_mb(process: int | str = "self") -> float:
    """The most memory that a process has held; the kernel's `ru_maxrss` would count its parent's as well."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s*(\d+)", status)[1]) / 1024  # type: ignore[index]


def apart(who: str, folder: Path) -> dict[str, float]:
    """Seconds, megabytes and rows of one of RUNNERS, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.features", "--only", who, str(folder)]
    threads = {"POLARS_MAX_THREADS": str(THREADS)}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **threads})  # noqa: S603 - ourselves
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measured(size: str, folder: Path, names: list[str], turns: int) -> dict[str, dict[str, float]]:
    """Of each of RUNNERS in `names`: the median seconds of `turns` turns, and the most memory of any."""
    folder.mkdir()
    catalog = Catalog.load(paths.CATALOG)
    make(folder, ACCOUNTS[size], [f.id for f in catalog.features][:N_FEATURES])
    found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(turns):
        for name in names:
            found[name].append(apart(name, folder))
            print(size, "M rows,", name, found[name][-1], file=sys.stderr, flush=True)
    shutil.rmtree(folder)  # the next size needs the disk
    return {
        name: {
            "seconds": statistics.median(turn["seconds"] for turn in turns_of),
            "rss_mb": max(turn["rss_mb"] for turn in turns_of),
        }
        for name, turns_of in found.items()
    }


def exponent(rows: list[float], seconds: list[float]) -> float:
    """The slope of log(seconds) on log(rows), by least squares.

    >>> round(exponent([10, 44, 200], [1, 4.4, 20]), 6)
    1.0
    """
    x, y = [math.log(value) for value in rows], [math.log(value) for value in seconds]
    mx, my = statistics.fmean(x), statistics.fmean(y)
    return sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True)) / sum((a - mx) ** 2 for a in x)


def against(found: dict[str, dict[str, float]]) -> dict[str, float]:
    """The figures of one size: seconds of the build ÷ those of the scan, and those of the others ÷ the build's."""
    build = found["build"]
    others = {
        f"{who}_ratio": round(found[who]["seconds"] / build["seconds"], 2) for who in ("pandas", "polars", "spark")
    }
    return {
        "scan_ratio": round(build["seconds"] / found["scan"]["seconds"], 1),
        "rss_mb": round(build["rss_mb"]),
        **others,
        **{f"{who}_rss_mb": round(found[who]["rss_mb"]) for who in ("polars", "spark")},
        "build_s": round(build["seconds"], 2),
        "scan_s": round(found["scan"]["seconds"], 2),
    }


def merged(report: dict[str, float]) -> None:
    """Each key into the results, beside those of other benchmarks."""
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(dict(sorted({**known, **report}.items())), indent=1) + "\n", encoding="utf-8")
    for name, value in report.items():
        print(f"{name}: {value}")


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs=2, metavar=("WHO", "FOLDER"), help=f"one of {', '.join(RUNNERS)}, as JSON")
    parser.add_argument("--quick", action="store_true", help="one turn at 10 million rows, nothing written")
    parser.add_argument("--turns", type=int, default=3)
    given = parser.parse_args()
    if given.only:
        who, folder = given.only
        print(json.dumps(RUNNERS[who](Path(folder), Catalog.load(paths.CATALOG))))
        return
    with tempfile.TemporaryDirectory() as name:
        if given.quick:
            for key, value in against(measured("10", Path(name) / "10", list(RUNNERS), 1)).items():
                print(f"{key}: {value}")
            return
        found = {
            size: measured(size, Path(name) / size, list(RUNNERS) if size == "44" else ["build"], given.turns)
            for size in ACCOUNTS
        }
    builds = [found[size]["build"]["seconds"] for size in ACCOUNTS]  # start-up counts, as it does in a run
    grows = round(exponent([float(n) for n in ACCOUNTS.values()], builds), 3)
    merged({**against(found["44"]), "exponent": grows, "rss_200m_mb": round(found["200"]["build"]["rss_mb"])})


if __name__ == "__main__":
    main()
