# ruff: noqa: S608  the SQL is put together from the contract's own names
"""A week's tables in a database, in one transaction: DuckDB's file by default, or a PostgreSQL server.

A week that is published again takes the place of what was there. `published_weeks` says of each week which seal of the
ledger it is, how many rows, and when it came.
"""

import io
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.csv

from data.environment import from_environment
from data.errors import BadInput

WEEKS = "published_weeks"
WHERE = "params.yaml: publish.database"
_TYPES = {
    "string": "TEXT",
    "double": "DOUBLE PRECISION",
    "int64": "BIGINT",
    "bool": "BOOLEAN",
    "timestamp[us]": "TIMESTAMP",
}


def publish(database: str, as_of: date, seal: str, tables: Mapping[str, pa.Table]) -> None:
    """Put the week's tables there, all or none. database: a file, or postgres://…; `${NAME}` is of the environment."""
    url = from_environment(database, WHERE)
    rows = {name: _plain(table) for name, table in tables.items()}
    n = {name: len(table) for name, table in tables.items()}
    week = {"as_of": as_of, "seal": seal, "published_at": datetime.now(UTC).replace(tzinfo=None), **n}
    rows[WEEKS] = pa.Table.from_pylist([week])
    if urlsplit(url).scheme in ("postgres", "postgresql"):
        _to_postgres(url, as_of, rows)
    else:
        _to_duckdb(Path(url.removeprefix("duckdb://")), as_of, rows)


def _to_duckdb(file: Path, as_of: date, tables: Mapping[str, pa.Table]) -> None:
    import duckdb

    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = duckdb.connect(str(file))
    except duckdb.Error as error:
        raise BadInput(
            f"{WHERE}: {file} cannot be opened ({str(error).splitlines()[0]}); close it elsewhere."
        ) from None
    try:
        connection.begin()
        for name, rows in tables.items():
            connection.register("coming", rows)
            connection.execute(f"CREATE TABLE IF NOT EXISTS {name} AS SELECT * FROM coming LIMIT 0")
            known = {row[0] for row in connection.execute(f"DESCRIBE {name}").fetchall()}
            for field in rows.schema:
                if field.name not in known:
                    connection.execute(f"ALTER TABLE {name} ADD COLUMN {field.name} {_type(field)}")
            connection.execute(f"DELETE FROM {name} WHERE as_of = ?", [as_of])
            connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM coming")
            connection.unregister("coming")
        connection.commit()
    finally:
        connection.close()


def _to_postgres(url: str, as_of: date, tables: Mapping[str, pa.Table]) -> None:
    import psycopg
    from psycopg import sql

    try:
        connection = psycopg.connect(url, options="-c TimeZone=UTC")
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0]
        raise BadInput(f"{WHERE}: the server can't be reached ({reason}).") from None
    with connection, connection.cursor() as cursor:  # one transaction: an error takes all of it back
        for name, rows in tables.items():
            table = sql.Identifier(name)
            fields = [sql.SQL("{} {}").format(sql.Identifier(f.name), sql.SQL(_type(f))) for f in rows.schema]
            cursor.execute(sql.SQL("CREATE TABLE IF NOT EXISTS {} ({})").format(table, sql.SQL(", ").join(fields)))
            for field in fields:
                cursor.execute(sql.SQL("ALTER TABLE {} ADD COLUMN IF NOT EXISTS {}").format(table, field))
            cursor.execute(sql.SQL("DELETE FROM {} WHERE as_of = %s").format(table), [as_of])
            names = sql.SQL(", ").join(map(sql.Identifier, rows.schema.names))
            # an empty field without quotes is null, one with quotes the empty string: so Arrow writes them
            with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN WITH (FORMAT csv)").format(table, names)) as copy:
                sink = io.BytesIO()
                pyarrow.csv.write_csv(rows, sink, pyarrow.csv.WriteOptions(include_header=False))
                copy.write(sink.getvalue())


def _type(field: Any) -> str:
    return "DATE" if pa.types.is_date(field.type) else _TYPES.get(str(field.type), "TEXT")


def _plain(table: pa.Table) -> pa.Table:
    """Lists as text, their members joined by commas: what every database and every tool on it reads."""
    for i, field in enumerate(table.schema):
        if pa.types.is_list(field.type):
            told = [None if value is None else ",".join(value) for value in table.column(i).to_pylist()]
            table = table.set_column(i, field.name, pa.array(told, pa.string()))
    return table
