"""What does a week cost, and what does it read, with one and with two years behind it? On a simulated company.

Seconds from the source to the week's features and triggers: what comes after them (scoring, deciding, the page) knows
nothing of how much history there is. Two weeks are run with the roll-up: the first, which reads all, and the next.
Writes benchmarks/results/features.json: `python -m benchmarks.weeks FOLDER [--accounts N]`, FOLDER for what it makes.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import duckdb

from benchmarks.features import merged
from data.catalog import Catalog
from data.cohort import cohort
from data.known import calendar
from features.build import features
from features.triggers import fired
from pipelines import lake, paths
from pipelines.params import Params
from pipelines.rollup import rolled

MONTHS = 24
FIRST, NEXT = "2026-05-25", "2026-06-01"
HALF = "2025-06-01"  # a year before the next week
DAYS = {"usage": "used_on", "meters": "measured_on"}
TABLES = (
    "accounts",
    "subscriptions",
    "account_changes",
    "tickets",
    "surveys",
    "touchpoints",
    "proposals",
    "life_events",
)


def source(company: Path, folder: Path, *, since: str, until: str) -> None:
    """The company's tables in `folder`, usage and meters of [since, until) alone."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for table in TABLES:
        shutil.copy(company / f"{table}.parquet", folder)
    for table, day in DAYS.items():
        rows = f"SELECT * FROM '{company}/{table}.parquet' WHERE {day} >= '{since}' AND {day} < '{until}'"  # noqa: S608
        duckdb.execute(f"COPY ({rows}) TO '{folder}/{table}.parquet' (COMPRESSION zstd)")


def week(as_of: str) -> dict[str, float]:
    """One week in the folder in which this runs."""
    start = time.perf_counter()
    params, catalog, place = Params.load(), Catalog.load(paths.CATALOG), Path("week")
    shutil.rmtree(place, ignore_errors=True)
    kept = rolled(
        params,
        catalog,
        date.fromisoformat(as_of),
        staged_at=place / "staged",
        window_at=place / "window",
        quarantine_at=place / "quarantine",
        anew=False,
    )
    read = time.perf_counter() - start
    engine = lake.connect(params.engine)
    staged = lake.staged(engine, place / "window")
    as_ofs = calendar([date.fromisoformat(as_of)])
    rows = cohort(staged["accounts"], staged["subscriptions"], staged.get("account_changes"), catalog, as_ofs)
    now = features(staged, rows, catalog, params.health, params.lifecycle).cache()
    n = len(lake.frame(now, engine))
    lake.frame(fired(now, staged["usage"], staged.get("touchpoints"), params.triggers, catalog), engine)
    return {"rows_read": kept.rows_read, "s": time.perf_counter() - start, "read_s": read, "accounts": n}


def weeks(folder: Path, company: Path, since: str) -> list[dict[str, float]]:
    """The first week and the next in a workspace of their own, each in a process of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for file in (paths.CATALOG, paths.SOURCES, paths.PARAMS):
        shutil.copy(file, folder)
    (folder / paths.PARAMS).write_text(
        paths.PARAMS.read_text(encoding="utf-8").replace("folder: data/lake/company", "folder: source"),
        encoding="utf-8",
    )
    found = []
    for as_of in (FIRST, NEXT):
        source(company, folder / "source", since=since, until=as_of)
        command = [sys.executable, "-m", "benchmarks.weeks", "--week", as_of]
        environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
        told = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True)  # noqa: S603 - ourselves
        found.append(json.loads(told.stdout))
        print(folder.name, as_of, found[-1], file=sys.stderr, flush=True)
    return found


def main() -> None:
    """Simulate, measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--accounts", type=int, default=2000)
    parser.add_argument("--week")
    given = parser.parse_args()
    if given.week:
        print(json.dumps(week(given.week)))
        return
    if given.folder is None:
        parser.error("give a folder to work in")
    folder = given.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    company = folder / f"company_{given.accounts}"
    if not company.is_dir():
        words = ["simulate", "--accounts", str(given.accounts), "--months", str(MONTHS), "--seed", "7", "--out"]
        subprocess.run([sys.executable, "-m", "pipelines.cli", *words, str(company)], check=True)  # noqa: S603 - ourselves
    twelve = weeks(folder / "twelve_months", company, HALF)
    all_of_it = weeks(folder / "all_months", company, "1970-01-01")
    name = "week" if given.accounts == 2000 else f"week_{given.accounts}"
    merged(
        {
            f"{name}_rows_read_first": all_of_it[0]["rows_read"],
            f"{name}_rows_read": all_of_it[1]["rows_read"],
            f"{name}_rows_read_half_history": twelve[1]["rows_read"],
            f"{name}_s_first": round(all_of_it[0]["s"], 1),
            f"{name}_s_next": round(twelve[1]["s"], 1),
            f"{name}_s_next_double_history": round(all_of_it[1]["s"], 1),
            f"{name}_read_s_first": round(all_of_it[0]["read_s"], 1),
            f"{name}_read_s_next": round(twelve[1]["read_s"], 1),
            f"{name}_read_s_next_double_history": round(all_of_it[1]["read_s"], 1),
        }
    )


if __name__ == "__main__":
    main()
