"""A simulated company as a decision sees it: features by snapshot, its log, and the truth about each offer on one day.

    python -m benchmarks.decisions.worlds PRESET FIRST_SEED N_SEEDS [--only-now]

keeps each company in data/lake/decisions_bench/<preset>-<accounts>-<seed>/: `features` (one row per account and
monthly snapshot, the last of which is the day of the decision), `proposals`, `subscriptions`, and the truth's
`response`. With --only-now `features` holds that day alone, and there is no log: accounts for a yardstick that knows
the truth.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from datetime import date
from pathlib import Path

import ibis.expr.types as ir
import pyarrow.parquet as pq
import yaml
from ibis.backends import BaseBackend

from benchmarks.quality.company import preset_files
from data.catalog import Catalog
from data.cohort import cohort, snapshots
from data.contract import RAW_TABLES
from data.frames import to_arrow
from data.known import calendar
from features.build import features
from pipelines import lake, paths
from pipelines.engines import Engine
from pipelines.params import Params
from pipelines.simulate import world_of, write_company

KEPT = Path("data/lake/decisions_bench")
ACCOUNTS, MONTHS = 20_000, 24
ENDS_ON = date(2026, 6, 1)
ENGINE = Engine(threads=2, memory_mb=6000)


def made(preset: str, seed: int, *, accounts: int = ACCOUNTS, only_now: bool = False) -> Path:
    """The folder of such a company; made where it is not there yet."""
    folder = KEPT / f"{preset}-{accounts}-{seed}{'-now' if only_now else ''}"
    if folder.is_dir():
        return folder
    beside = folder.with_suffix(".partial")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as place:
        workspace = Path(place)
        catalog = preset_files(preset, workspace, accounts=accounts, seed=seed)
        company = workspace / paths.COMPANY
        company.parent.mkdir(parents=True)
        write_company(
            catalog, world_of(preset), accounts=accounts, months=MONTHS, seed=seed, ends_on=ENDS_ON, out=company,
            truth=("response",),
        )  # fmt: skip
        _write_features(company, catalog, beside / "features.parquet", only_now=only_now)
        names = [(company / "truth", "response")]
        names += [] if only_now else [(company, name) for name in ("proposals", "subscriptions")]
        for source, name in names:
            shutil.copy(source / f"{name}.parquet", beside / f"{name}.parquet")
        (beside / "catalog.yaml").write_text(
            yaml.safe_dump(catalog.model_dump(mode="json", by_alias=True, exclude_unset=True), allow_unicode=True),
            encoding="utf-8",
        )
    beside.rename(folder)
    return folder


def _write_features(company: Path, catalog: Catalog, out: Path, *, only_now: bool) -> None:
    """Every column of the cohort and every feature, a group of snapshots at a time."""
    params = Params.load()
    days = snapshots(params.snapshots.first_on, ENDS_ON)
    writer = None
    for some in [[ENDS_ON]] if only_now else [days[i : i + 8] for i in range(0, len(days), 8)]:
        engine = lake.connect(ENGINE)
        staged = _staged(engine, company)
        rows = cohort(
            staged["accounts"], staged["subscriptions"], staged.get("account_changes"), catalog, calendar(some)
        )
        found = features(staged, rows, catalog, params.health, params.lifecycle)
        table = to_arrow(lake.frame(found, engine), key=["account_id", "as_of"])
        writer = writer or pq.ParquetWriter(out, table.schema, compression="zstd")
        writer.write_table(table.cast(writer.schema))
    if writer:
        writer.close()


def _staged(engine: BaseBackend, company: Path) -> dict[str, ir.Table]:
    """The raw tables as staging would leave them: the simulator keeps the contract, so nothing need be checked."""
    found = {}
    for name, table in RAW_TABLES.items():
        rows = engine.read_parquet(company / f"{name}.parquet")
        found[name] = rows.mutate(known_on=rows[table.stamp].cast("date"))
    return found


def main() -> None:
    """Make some companies, one after the other."""
    parser = argparse.ArgumentParser(prog="benchmarks.decisions.worlds", description=__doc__)
    parser.add_argument("preset")
    parser.add_argument("first_seed", type=int)
    parser.add_argument("n_seeds", type=int)
    parser.add_argument("--accounts", type=int, default=ACCOUNTS)
    parser.add_argument("--only-now", action="store_true")
    given = parser.parse_args()
    for seed in range(given.first_seed, given.first_seed + given.n_seeds):
        start = time.perf_counter()
        folder = made(given.preset, seed, accounts=given.accounts, only_now=given.only_now)
        print(f"{folder}: {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
