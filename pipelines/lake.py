"""The engine beneath the features, with the staged tables in it."""

from collections.abc import Mapping
from pathlib import Path

import ibis.expr.types as ir
import pandas as pd
from ibis.backends import BaseBackend

from data.contract import RAW_TABLES
from data.errors import BadInput
from pipelines import engines, paths
from pipelines.engines import Engine

HERE = Engine()


def connect(engine: Engine = HERE) -> BaseBackend:
    """The engine of params.yaml; DuckDB in memory for what is small."""
    return engines.connect(engine)


def staged(engine: BaseBackend, folder: Path = paths.STAGED) -> Mapping[str, ir.Table]:
    """The raw tables that the company has, checked and cleaned. Optional ones may be missing.

    `<table>.parquet`, or a folder `<table>/` of such; and `first_uses`, where it lies there (pipelines/rollup.py).
    """
    found = {name: [folder / f"{name}.parquet", folder / name] for name in (*RAW_TABLES, "first_uses")}
    there = {name: [place for place in places if place.exists()] for name, places in found.items()}
    tables = {name: engines.put(engine, places[0]) for name, places in there.items() if places}
    for name, table in RAW_TABLES.items():
        if table.is_required and name not in tables:
            raise BadInput(f"{found[name][0]}: there is no such file yet; run `dvc repro`.")
    return tables


def frame(table: ir.Table, engine: BaseBackend) -> pd.DataFrame:
    """The rows in pandas, dates as midnights."""
    from data.frames import to_pandas

    return to_pandas(engines.fetched(table, engine))
