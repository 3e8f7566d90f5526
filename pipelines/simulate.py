"""Stage `simulate`: a company to start with, which does not exist.

Reads   catalog.yaml, params.yaml: simulate
Writes  data/lake/company/: the ten raw tables, catalog.yaml, truth/
"""

import shutil
from collections.abc import Collection
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import yaml

from data.catalog import Catalog
from data.contract import RAW_TABLES
from data.errors import BadInput
from data.simulate.company import TRUTH, raw_schema, simulate
from data.simulate.parallel import cores
from data.simulate.world import PRESETS, World
from pipelines import paths
from pipelines.params import Params
from pipelines.stage import run

WORTH_SPREADING = 5_000  # accounts
NO_COMPANY = "No company is simulated here (simulate.accounts is 0): sources.yaml says where the tables are.\n"


def write_company(
    catalog: Catalog,
    world: World,
    *,
    accounts: int,
    months: int,
    seed: int,
    ends_on: date,
    out: Path,
    truth: Collection[str] = tuple(TRUTH),
) -> None:
    """Write a simulated company to the folder `out`, replacing what is there: whole, or not at all.

    truth: the tables of the truth that are wanted. Raises BadInput where `out` holds anything but such a company.
    """
    if out.exists() and any(out.iterdir()) and not ((out / "truth").is_dir() or (out / "README.md").is_file()):
        raise BadInput(f"{out}: this folder holds something that is no simulated company; give another one.")
    making = out.with_name(f".{out.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    try:
        if accounts:
            _write(catalog, world, truth, accounts=accounts, months=months, seed=seed, ends_on=ends_on, out=making)
        else:
            (making / "README.md").write_text(NO_COMPANY, encoding="utf-8")
        shutil.rmtree(out, ignore_errors=True)
        making.rename(out)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _write(
    catalog: Catalog,
    world: World,
    truth: Collection[str],
    *,
    accounts: int,
    months: int,
    seed: int,
    ends_on: date,
    out: Path,
) -> None:
    (out / "truth").mkdir()
    content = catalog.model_dump(mode="json", by_alias=True, exclude_unset=True)
    text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=160)
    (out / "catalog.yaml").write_text(text, encoding="utf-8")
    files = {name: (out / f"{name}.parquet", raw_schema(name)) for name in RAW_TABLES}
    files |= {name: (out / "truth" / f"{name}.parquet", schema) for name, schema in TRUTH.items() if name in truth}
    writers = {name: pq.ParquetWriter(path, schema, compression="zstd") for name, (path, schema) in files.items()}
    try:
        # A process costs two seconds to start, and a small company is done before that.
        processes = cores() if accounts >= WORTH_SPREADING else 1
        parts = simulate(
            catalog,
            world,
            accounts=accounts,
            months=months,
            seed=seed,
            ends_on=ends_on,
            processes=processes,
            truth=truth,
        )
        for part in parts:
            for name, table in (part.raw | part.truth).items():
                writers[name].write_table(table)
    finally:
        for writer in writers.values():
            writer.close()


def world_of(preset: str, overrides: dict[str, object] | None = None) -> World:
    """A preset with overrides. Raises BadInput where either is unknown.

    >>> world_of("midmarket", {"opted_in": 0.5}).opted_in
    0.5
    """
    if preset not in PRESETS:
        raise BadInput(f"simulate.preset is {preset!r}; it must be one of {', '.join(sorted(PRESETS))}.")
    base = PRESETS[preset].model_dump()
    return World.parse(_merged(base, overrides or {}), file="params.yaml: simulate.world")


def _merged(base: dict[str, object], over: dict[str, object]) -> dict[str, object]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def main() -> None:
    """Simulate the company of params.yaml."""
    settings = Params.load().simulate
    write_company(
        Catalog.load(paths.CATALOG),
        world_of(settings.preset, settings.world),
        accounts=settings.accounts,
        months=settings.months,
        seed=settings.seed,
        ends_on=settings.ends_on,
        out=paths.COMPANY,
    )


if __name__ == "__main__":
    run(main)
