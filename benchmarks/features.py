"""How fast are the features, how much memory do they take, and how do they grow? Figures are ratios of one run.

Made-up use: accounts × 365 days × 6 features, and 12 monthly snapshots. Built are the ideas `use` and `adoption`
(events over 7, 28 and 90 days, active days, trend, recency, features in use, locked ones) and the share of a limit, by
the functions that stage `build` calls, on its own engine. It is held against a bare scan of the same columns in DuckDB
and against the same features of a tenth of the accounts by hand in pandas. Builds run in processes of their own,
so that one's memory is not another's; each figure is the best of several, since others may be at work on the machine.

Merges its keys into benchmarks/results/features.json: `python -m benchmarks.features [--quick]`.
"""

import argparse
import json
import math
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import pandas as pd

from data.catalog import Catalog

RESULTS = Path("benchmarks/results/features.json")
N_FEATURES, N_DAYS = 6, 365
METRIC = "storage_gb"
ACCOUNTS = {"10": 4566, "44": 20_000, "200": 91_324}  # millions of usage rows


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


def snapshots() -> pd.DatetimeIndex:
    """The twelve firsts of the months."""
    return pd.date_range("2025-07-01", periods=12, freq="MS")


def build(folder: Path, threads: int, memory_mb: int) -> dict[str, float]:
    """Seconds and megabytes of the build, in this process."""
    import ibis

    from data.known import calendar
    from features import adoption, limits, use
    from features.build import _beside
    from pipelines import engines

    catalog = Catalog.load(Path("catalog.yaml"))
    one_metric = catalog.model_copy(update={"metrics": [m for m in catalog.metrics if m.id == METRIC]})
    start = time.perf_counter()
    engine = engines.connect(engines.Engine(threads=threads, memory_mb=memory_mb))
    usage = engine.read_parquet(f"{folder}/usage_*.parquet")
    meters = engine.read_parquet(f"{folder}/meters.parquet")
    as_ofs = calendar([day.date() for day in snapshots()])
    cohort = meters.select("account_id").distinct().cross_join(as_ofs)
    cohort = cohort.mutate(plan_id=ibis.literal(catalog.plans[-1].id), storage_gb_limit=ibis.literal(200.0)).cache()
    wide = _beside(cohort, use.FEATURES, use.use(usage, as_ofs))
    met = [*adoption.BY_FEATURE, *adoption.gated_by_add_on(catalog)]
    wide = _beside(wide, met, adoption.adoption(usage, cohort, catalog, as_ofs))
    columns = {f"{METRIC}_{part}": "float64" for part in ("latest", "peak", "slope")}
    wide = _beside(wide, columns, limits.levels(meters, one_metric, as_ofs))
    shares = [f for metric in one_metric.metrics for f in limits.metric_features(metric)]
    rows = int(wide.mutate(**{f.name: f.of(wide) for f in shares}).cache().count().execute())
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "rss_mb": _peak_mb(), "rows": rows}


def _peak_mb() -> float:
    """The most memory that this process has held; the kernel's `ru_maxrss` would count its parent's as well."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s*(\d+)", status)[1]) / 1024  # type: ignore[index]


def by_hand(folder: Path) -> dict[str, float]:
    """The same features in pandas, a snapshot at a time: what a data scientist would write first."""
    usage = pd.read_parquet(folder)
    meters = pd.read_parquet(folder.with_name("tenth_meters.parquet"))
    start = time.perf_counter()
    usage["used_on"] = pd.to_datetime(usage["used_on"])
    meters["measured_on"] = pd.to_datetime(meters["measured_on"])
    rows = 0
    for as_of in snapshots():
        u = usage[(usage["used_on"] < as_of) & (usage["used_on"] >= as_of - pd.Timedelta(days=90))]
        u = u.assign(age=(as_of - u["used_on"]).dt.days)
        gated, used = u[u["kind"] == "gated"], u[u["kind"] != "gated"]
        by = used.groupby("account_id")
        found = {"events_90d": by["n_events"].sum(), "days_since_use": by["age"].min()}
        for days in (7, 28):
            lately = used[used["age"] <= days].groupby("account_id")
            found |= {f"events_{days}d": lately["n_events"].sum(), f"active_days_{days}d": lately["used_on"].nunique()}
        month, before = used[used["age"] <= 28], used[(used["age"] > 28) & (used["age"] <= 56)]
        weekly = used[used["age"] <= 56]
        weekly = weekly.assign(x=weekly["n_events"] * (3.5 - (weekly["age"] - 1) // 7)).groupby("account_id")
        found["use_trend_8w"] = weekly["x"].sum() / 42 / (weekly["n_events"].sum() / 8)
        now, then = month.groupby("account_id"), before.groupby("account_id")
        found["use_change_28d"] = now["n_events"].sum() / then["n_events"].sum() - 1
        found["users_change_28d"] = now["n_users"].sum() / then["n_users"].sum() - 1
        found["peak_users_28d"] = now["n_users"].max()
        days_of = month[month["kind"] == "used"].groupby(["account_id", "feature"])["used_on"].nunique()
        found["features_used_28d"] = days_of.groupby("account_id").size()
        found["deep_features_28d"] = (days_of >= 12).groupby("account_id").sum()
        found["gated_events_28d"] = gated[gated["age"] <= 28].groupby("account_id")["n_events"].sum()
        found["gated_features_90d"] = gated.groupby("account_id")["feature"].nunique()
        trial = month[month["kind"] == "trial"].groupby(["account_id", "feature"])["used_on"].nunique()
        found["trial_days_28d"] = trial.groupby("account_id").max()
        m = meters[(meters["measured_on"] < as_of) & (meters["measured_on"] >= as_of - pd.Timedelta(days=28))]
        m = m.assign(x=-(as_of - m["measured_on"]).dt.days)
        m = m.assign(xy=m["x"] * m["value"], xx=m["x"] ** 2)
        g = m.groupby("account_id")[["x", "value", "xy", "xx"]].sum()
        slope = (28 * g["xy"] - g["x"] * g["value"]) / (28 * g["xx"] - g["x"] ** 2)
        latest = m[m["x"] == -1].set_index("account_id")["value"]
        found["limit_latest"] = latest / 200
        found["limit_peak_28d"] = m.groupby("account_id")["value"].max() / 200
        found["days_to_limit"] = ((200 - latest) / slope.where(slope > 0)).fillna(365).clip(0, 365)
        rows += len(pd.DataFrame(found))
    return {"seconds": time.perf_counter() - start, "rows": rows}


def apart(*arguments: str) -> dict[str, float]:
    """What this module gives for `arguments` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.features", *arguments]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603 - ourselves
    return found


def measured(millions: str, folder: Path, threads: int, memory_mb: int, runs: int) -> dict[str, float]:
    """The best seconds of build and scan, taken in turns, and the most memory of any build."""
    folder.mkdir()
    catalog = Catalog.load(Path("catalog.yaml"))
    make(folder, ACCOUNTS[millions], [f.id for f in catalog.features][:N_FEATURES])
    scans, builds = [], []
    for _ in range(runs):
        scans += [scan(folder, threads) for _ in range(2)]
        builds.append(apart("--build", str(folder), str(threads), str(memory_mb)))
        print(millions, "M rows: scan", round(scans[-1], 2), builds[-1], file=sys.stderr, flush=True)
    return {
        "scan": min(scans),
        "seconds": min(b["seconds"] for b in builds),
        "rss_mb": max(b["rss_mb"] for b in builds),
    }


def tenth_by_hand(folder: Path) -> float:
    """Seconds of pandas on a tenth of the accounts, times ten."""
    connection = duckdb.connect()
    tenth = f"account_id < 'A-{ACCOUNTS['44'] // 10:06}'"
    for name in ("usage", "meters"):
        files = f"{folder}/{name}*.parquet"
        connection.execute(
            f"COPY (SELECT * FROM '{files}' WHERE {tenth}) TO '{folder.parent}/tenth_{name}.parquet' (COMPRESSION zstd)"  # noqa: S608
        )
    found = apart("--by-hand", str(folder.parent / "tenth_usage.parquet"))
    print("pandas, a tenth:", found, file=sys.stderr, flush=True)
    return 10 * found["seconds"]


def merged(report: dict[str, float]) -> None:
    """Each key into the results, beside those of other benchmarks."""
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(dict(sorted({**known, **report}.items())), indent=1) + "\n", encoding="utf-8")
    for name, value in report.items():
        print(f"{name}: {value}")


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", nargs=3)
    parser.add_argument("--by-hand")
    parser.add_argument("--quick", action="store_true", help="without the 200 million rows")
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    threads, memory_mb = 2, 1000
    if given.build:
        print(json.dumps(build(Path(given.build[0]), int(given.build[1]), int(given.build[2]))))
        return
    if given.by_hand:
        print(json.dumps(by_hand(Path(given.by_hand))))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sizes = ["10", "44"] if given.quick else ["10", "44", "200"]
        found = {}
        for size in sizes:
            runs = given.runs if size != "200" else 1
            found[size] = measured(size, folder / size, threads, memory_mb, runs)
            if size == "44":
                pandas_s = tenth_by_hand(folder / size)
    report = {
        "scan_ratio": round(found["44"]["seconds"] / found["44"]["scan"], 1),
        "rss_mb": round(found["44"]["rss_mb"]),
        "pandas_ratio": round(pandas_s / found["44"]["seconds"], 1),
        "build_s": round(found["44"]["seconds"], 2),
        "scan_s": round(found["44"]["scan"], 2),
    }
    # the slope of log(seconds) on log(rows); start-up counts, as it does in a run
    x = [math.log(ACCOUNTS[size]) for size in sizes]
    y = [math.log(found[size]["seconds"]) for size in sizes]
    mx, my = sum(x) / len(x), sum(y) / len(y)
    slope = sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True)) / sum((a - mx) ** 2 for a in x)
    if not given.quick:
        report |= {"exponent": round(slope, 3), "rss_200m_mb": round(found["200"]["rss_mb"])}
    else:
        print(f"exponent over 10 and 44 million rows: {slope:.3f}")
    merged(report)


if __name__ == "__main__":
    main()
