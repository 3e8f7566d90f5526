"""Stage `ingest`: the company's own tables, checked against the contract.

Reads   the folder or database that sources.yaml names, catalog.yaml, and what people answered to the lists (answers/)
Writes  data/lake/staged/<table>.parquet: rows that keep the contract, with `known_on`
        data/lake/quarantine/<table>.parquet: rows that do not, as text, each with the rule it broke
        reports/validation.json and .md
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from data.catalog import Catalog
from data.contract import RAW_TABLES, RawTable
from data.report import Report
from data.sources import RECORDED_AT, Sources, connect, read_sources
from data.validation import check, stop_unless_good
from pipelines import answered, paths, stage
from pipelines.params import Params

ROW_GROUP = 1 << 17  # rows; fixed, so that the same rows are the same bytes on any number of processors


def ingested(
    params: Params,
    catalog: Catalog,
    *,
    staged_at: Path,
    quarantine_at: Path,
    tell: Callable[[Report], None] = lambda report: None,
) -> Report:
    """Check first, write after: where the tables cannot be used, nothing is written. `tell` hears of it in any case."""
    sources = Sources.load(paths.SOURCES)
    connection = connect()
    tables = read_sources(sources, folder=Path(params.ingest.folder), connection=connection)
    checked = check(tables, catalog, params.validate_, connection)
    tell(checked.report)
    stop_unless_good(checked.report)
    with _whole(staged_at) as staged, _whole(quarantine_at) as quarantine:
        for table, query in answered.joined(checked.clean, connection).items():
            write(connection.sql(query), RAW_TABLES[table].arrow_schema(), staged / f"{table}.parquet")
        for table, query in checked.quarantined.items():
            write(connection.sql(query), as_text(RAW_TABLES[table]), quarantine / f"{table}.parquet")
    return checked.report


def main() -> None:
    """Ingest the company's tables, and tell what was found."""
    report = ingested(
        Params.load(), Catalog.load(paths.CATALOG), staged_at=paths.STAGED, quarantine_at=paths.QUARANTINE
    )
    paths.REPORTS.mkdir(parents=True, exist_ok=True)
    paths.VALIDATION.write_text(report.as_json(), encoding="utf-8")
    paths.VALIDATION_MD.write_text(report.as_markdown(), encoding="utf-8")


def as_text(table: RawTable) -> pa.Schema:
    """The schema of a table in quarantine: whatever came, as text, and the rule that it broke."""
    return pa.schema([(column, pa.string()) for column in [*table.columns, RECORDED_AT, "rule"]])


def write(rows: Any, schema: pa.Schema, path: Path) -> None:
    """Write a DuckDB relation as Parquet, a row group at a time: a table may be larger than memory."""
    write_batches(rows.to_arrow_reader(ROW_GROUP), schema, path)


def write_batches(batches: Iterator[pa.RecordBatch], schema: pa.Schema, path: Path) -> None:
    """The same of batches that come one after the other: row groups do not depend on their lengths."""
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for group in _groups(batches):
            writer.write_table(group.select(schema.names).cast(schema), row_group_size=ROW_GROUP)


def _groups(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Batches of any length as tables of exactly ROW_GROUP rows, but for the last."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        if sum(len(one) for one in waiting) >= ROW_GROUP:
            table = pa.Table.from_batches(waiting)
            while len(table) >= ROW_GROUP:
                yield table.slice(0, ROW_GROUP)
                table = table.slice(ROW_GROUP)
            waiting = table.to_batches()
    if waiting:
        yield pa.Table.from_batches(waiting)


@contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """A folder that comes into being at once, when everything in it is written."""
    beside = folder.with_name(folder.name + ".partial")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        yield beside
    except BaseException:
        shutil.rmtree(beside)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    beside.rename(folder)


if __name__ == "__main__":
    stage.run(main)
