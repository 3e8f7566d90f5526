# ruff: noqa: S608  the SQL is put together from quoted names, and from the queries that the company itself wrote
"""Where a company's tables are (`sources.yaml`), and how they come in: read, never written.

This is the one place below pipelines/ that takes paths: a source *is* a path, a URL or a query, and whoever calls has
no table to hand over yet. What it gives back are tables of one DuckDB connection, still as the source holds them.
"""

import csv
import gzip
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from pydantic import model_validator

from data.contract import RAW_TABLES, RawTable
from data.environment import from_environment
from data.errors import BadInput
from data.parsing import literal, name
from data.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

RECORDED_AT = "recorded_at"  # optional in every table: when the row was written down, if later than it happened
MEMORY = "2GB"
_DATABASE_FILES = (".duckdb", ".db", ".ddb")


class Ingest(Settings):
    """The folder that paths in sources.yaml start from; or a DuckDB file that holds the tables."""

    folder: str = "data/lake/company"


class Source(Settings):
    """One table of the contract: a file (or several by a pattern), a table of the database, or a query.

    `columns`: ours to theirs, for those that are called otherwise. `constants`: the same value in every row.
    `quarantine_where`: the company's own rules, sentence to SQL condition on the source's columns.

    >>> Source.parse({"path": "a.csv", "sql": "select 1"}, file="sources.yaml")
    Traceback (most recent call last):
    data.errors.BadInput: sources.yaml: the file: give one of path, table and sql, not path and sql; change it.
    """

    path: str | None = None
    table: str | None = None
    sql: str | None = None
    columns: dict[str, str] = {}
    constants: dict[str, bool | int | float | str | None] = {}
    quarantine_where: dict[str, str] = {}

    @model_validator(mode="after")
    def _says_one_place(self) -> Self:
        given = [key for key in ("path", "table", "sql") if getattr(self, key)]
        if len(given) > 1:
            raise ValueError(f"give one of path, table and sql, not {' and '.join(given)}")
        if both := sorted(set(self.columns) & set(self.constants)):
            raise ValueError(f"{both[0]} stands in columns and in constants; keep one")
        return self


class Sources(Settings):
    """`sources.yaml`: every table of the contract, and where it is.

    A table that is not named is looked for by its own name: `<table>.parquet`, `<table>.csv`, a folder `<table>/` of
    either, or the database's table.

    `database`: a URL (duckdb://FILE, postgres://…) or a DuckDB file; `${NAME}` is taken from the environment, so that
    no secret stands in a file.
    """

    database: str | None = None
    accounts: Source = Source()
    subscriptions: Source = Source()
    usage: Source = Source()
    meters: Source = Source()
    tickets: Source = Source()
    surveys: Source = Source()
    touchpoints: Source = Source()
    life_events: Source = Source()
    proposals: Source = Source()
    account_changes: Source = Source()

    @model_validator(mode="after")
    def _columns_are_of_the_contract(self) -> Self:
        for table in RAW_TABLES.values():
            source: Source = getattr(self, table.name)
            ours = [*table.columns, RECORDED_AT]
            for part in ("columns", "constants"):
                for column in getattr(source, part):
                    if column not in ours:
                        near = get_close_matches(column, ours, n=1)
                        hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(ours)}"
                        raise ValueError(f"{table.name}.{part}: {table.name} has no column {column}; {hint}")
        return self


@dataclass(frozen=True)
class Incoming:
    """A table as its source holds it, under the contract's column names; `view` is its name in the connection.

    `types`: DuckDB's type of each column that came. `own_rules`: sentence to the boolean column with its verdict.
    """

    view: str
    place: str
    types: dict[str, str]
    extra_columns: list[str]
    own_rules: dict[str, str] = field(default_factory=dict)
    is_csv: bool = False


def connect() -> "DuckDBPyConnection":
    """A DuckDB of our own, in memory, that fetches nothing from anywhere.

    What exceeds `MEMORY` goes to a temporary folder while we work: 30 million rows of usage pass in that much.
    """
    import duckdb

    settings = {
        "autoinstall_known_extensions": "false",
        "memory_limit": MEMORY,
        "preserve_insertion_order": "true",
        "temp_directory": str(Path(tempfile.gettempdir()) / f"upsell-{os.getpid()}"),
        "TimeZone": "UTC",
    }
    return duckdb.connect(":memory:", config=settings)


def read_sources(sources: Sources, *, folder: Path, connection: "DuckDBPyConnection") -> dict[str, Incoming]:
    """The tables that the source has, each as a temporary view (or table) of the connection.

    Raises BadInput where a required table is missing, a column of the mapping is not there, or a query fails.
    """
    database = _database(sources, folder)
    if not folder.exists() and not sources.database:
        raise BadInput(
            f"{folder}: there is no such folder; run `upsell simulate`, or set ingest.folder in params.yaml."
        )
    if folder.is_file() and not database:
        raise BadInput(f"{folder}: this is neither a folder nor a DuckDB file (.duckdb); give the folder it lies in.")
    if folder.is_dir():
        connection.execute(f"SET file_search_path = {literal(str(folder))}")
    remote = _attach(database, folder, connection)
    found = {}
    try:
        for table in RAW_TABLES.values():
            source: Source = getattr(sources, table.name)
            place = _named(table, source, folder, remote, connection)
            place = place or _by_its_own_name(table, folder, database is not None, remote, connection)
            if place:
                found[table.name] = _incoming(table, source, place, connection)
            elif table.is_required:
                raise BadInput(_missing(table, folder, database))
    finally:
        if remote is not None:
            remote.disconnect()
    return found


def _missing(table: RawTable, folder: Path, database: str | None) -> str:
    if database:
        where = f"the database has no table {table.name}"
    else:
        where = f"{folder} holds neither {table.name}.parquet nor {table.name}.csv"
    return f"{table.name}: this required table is missing ({where}); add it, or say in sources.yaml where it is."


def _database(sources: Sources, folder: Path) -> str | None:
    """The database's URL; a file given in place of the folder is a database, too."""
    if sources.database:
        return from_environment(sources.database, "sources.yaml: database")
    return str(folder) if folder.is_file() and folder.resolve().suffix in _DATABASE_FILES else None


def _attach(database: str | None, folder: Path, connection: "DuckDBPyConnection") -> Any:
    """Make a DuckDB file's tables those of the connection; for another database, give Ibis' connection to it.

    Never prints the URL: it may hold a password.
    """
    if database is None:
        return None
    parts = urlsplit(database)
    if parts.scheme in ("", "duckdb") or len(parts.scheme) == 1:  # one letter: a drive
        file = Path(database.removeprefix("duckdb://"))
        file = file if file.is_absolute() or file.exists() else folder / file
        if not file.is_file():
            raise BadInput(f"sources.yaml: database: there is no file {file}; correct the path.")
        with _told(f"{file.name}: DuckDB cannot open it"):
            connection.execute(f"ATTACH {literal(str(file))} AS company (READ_ONLY)")
        connection.execute("USE company")
        return None
    import ibis

    try:
        return ibis.connect(database)
    except ValueError as error:
        raise BadInput(f"sources.yaml: database: Ibis knows no {parts.scheme}:// database; use another.") from error
    except (OSError, RuntimeError, ImportError) as error:
        raise BadInput(f"sources.yaml: database: cannot connect ({type(error).__name__}); check the URL.") from error


@dataclass(frozen=True)
class _Place:
    """The SQL that reads a source, and where that is in words."""

    query: str
    words: str
    is_csv: bool = False


def _named(
    table: RawTable, source: Source, folder: Path, remote: Any, connection: "DuckDBPyConnection"
) -> _Place | None:
    """The place that sources.yaml names; None where it names none."""
    if source.path:
        path = Path(from_environment(source.path, f"sources.yaml: {table.name}.path"))
        return _file(table, path if path.is_absolute() else folder / path, source.path)
    if not source.sql and not source.table:
        return None
    words = f"sources.yaml: {table.name}.sql" if source.sql else f"table {source.table}"
    if remote is not None:
        return _fetched(table, source, words, remote, connection)
    query = (source.sql or "").rstrip().rstrip(";") or f"SELECT * FROM {_dotted(source.table or '')}"
    return _Place(query, words)


def _by_its_own_name(
    table: RawTable, folder: Path, has_database: bool, remote: Any, connection: "DuckDBPyConnection"
) -> _Place | None:
    """The database's table or the folder's file of the table's own name; None where there is neither."""
    if remote is not None and table.name in remote.list_tables():
        return _fetched(table, Source(table=table.name), f"table {table.name}", remote, connection)
    if remote is None and has_database and _has_table(connection, table.name):
        return _Place(f"SELECT * FROM {name(table.name)}", f"table {table.name}")
    candidates = [folder / f"{table.name}.parquet", folder / f"{table.name}.csv", folder / table.name]
    there = [path for path in candidates if path.exists()]
    if len(there) > 1:
        raise BadInput(f"{table.name}: both {there[0]} and {there[1]} are there; name the right one in sources.yaml.")
    return _file(table, there[0], there[0].name) if there else None


def _dotted(table: str) -> str:
    return ".".join(name(part) for part in table.split("."))


def _has_table(connection: "DuckDBPyConnection", table: str) -> bool:
    query = "SELECT count(*) FROM information_schema.tables "
    query += "WHERE table_catalog = current_database() AND table_schema = current_schema() AND table_name = ?"
    row = connection.execute(query, [table]).fetchone()
    return bool(row and row[0])


def _file(table: RawTable, path: Path, words: str) -> _Place:
    """How a file, a pattern of files or a folder of them is read."""
    if path.is_dir():
        inside = {file.suffix for file in path.iterdir()} & {".parquet", ".csv"}
        if len(inside) != 1:
            raise BadInput(f"{path}: Parquet files or CSV files were expected in it; put in one kind, and only one.")
        path = path / f"*{inside.pop()}"
    files = sorted(path.parent.glob(path.name)) if "*" in path.name else [path]
    if not files or not files[0].is_file():
        raise BadInput(f"sources.yaml: {table.name}.path: there is no file {path}; correct the path.")
    place = literal(str(path.absolute()))
    if path.suffix == ".parquet":
        return _Place(f"SELECT * FROM read_parquet({place}, union_by_name = true)", words)
    if path.name.endswith((".csv", ".csv.gz")):
        return _Place(f"SELECT * FROM read_csv({place}, {_csv_form(table, files)})", words, is_csv=True)
    raise BadInput(f"{path}: a .parquet or .csv file was expected; convert it, or read it with sql in sources.yaml.")


def _csv_form(table: RawTable, files: list[Path]) -> str:
    """How DuckDB reads CSV: as the contract says it is, nothing guessed (it would skip lines that look odd to it).

    Every field is text, which we judge ourselves. A line that is no CSV is set aside (see `rejected`), and not lost.
    """
    headers = {file: _header(file) for file in files}
    first, header = next(iter(headers.items()))
    if twice := sorted({column for column in header if header.count(column) > 1}):
        raise BadInput(f"{first}: the column {twice[0]} stands twice in the header; rename one.")
    if other := [file for file, columns in headers.items() if columns != header]:
        raise BadInput(f"{other[0]}: its header is not that of {first.name}; write the same columns in the same order.")
    columns = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in header)
    return (
        f"auto_detect = false, header = true, columns = {{{columns}}}, delim = ',', quote = '\"', escape = '\"', "
        f"store_rejects = true, rejects_table = {literal(rejected(table))}, "
        f"rejects_scan = {literal(rejected(table) + '_scan')}"
    )


def rejected(table: RawTable) -> str:
    """The connection's table of the lines that are no CSV: with a field too few or too many, or not in UTF-8."""
    return f"rejected_{table.name}"


def _header(file: Path) -> list[str]:
    opened = gzip.open if file.suffix == ".gz" else open
    with opened(file, "rt", encoding="utf-8-sig", errors="replace", newline="") as lines:
        header = next(csv.reader(lines), [])
    if any("\ufffd" in column for column in header):
        raise BadInput(f"{file}: this is not UTF-8; save it as UTF-8.")
    if not header:
        raise BadInput(f"{file}: the file is empty, without even a header; write one.")
    return header


def _fetched(table: RawTable, source: Source, words: str, remote: Any, connection: "DuckDBPyConnection") -> _Place:
    """The table of another database, brought over in batches by Ibis into a temporary table."""
    fetched = name(f"fetched {table.name}")
    with _told(words):
        if source.sql:
            rows = remote.sql(source.sql.rstrip().rstrip(";"))
        else:
            *schema, plain = (source.table or table.name).split(".")
            rows = remote.table(plain, database=".".join(schema) or None)
        connection.register("batches", rows.to_pyarrow_batches())
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {fetched} AS SELECT * FROM batches")
        connection.unregister("batches")
    return _Place(f"SELECT * FROM {fetched}", words)


def _incoming(table: RawTable, source: Source, place: _Place, connection: "DuckDBPyConnection") -> Incoming:
    """The view of a source under the contract's names. BadInput where a column that must be there is not."""
    query = f"(\n{place.query}\n)"  # on lines of its own: a query may end in a comment
    with _told(place.words):
        described = connection.execute(f"DESCRIBE SELECT * FROM {query}").fetchall()
    theirs = {row[0]: row[1] for row in described}
    chosen = _chosen(table, source, place.words, list(theirs))
    own = {says: f"own rule {i}" for i, says in enumerate(source.quarantine_where)}
    selected = [f"{name(wanted)} AS {name(ours)}" for ours, wanted in chosen.items()]
    selected += [f"{literal(value)} AS {name(ours)}" for ours, value in source.constants.items()]
    selected += [f"({source.quarantine_where[says]}) AS {name(verdict)}" for says, verdict in own.items()]
    view = f"incoming {table.name}"
    with _told(f"sources.yaml: {table.name}.quarantine_where" if own else place.words):
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {name(view)} AS SELECT {', '.join(selected)} FROM {query}")
        types = {row[0]: row[1] for row in connection.execute(f"DESCRIBE {name(view)}").fetchall()}
    if wrong := [says for says, verdict in own.items() if types[verdict] != "BOOLEAN"]:
        raise BadInput(
            f"sources.yaml: {table.name}.quarantine_where: `{wrong[0]}` is no condition; write one that is true or "
            "false."
        )
    extra = [column for column in theirs if column not in chosen.values()]
    return Incoming(view, place.words, types, extra, own, place.is_csv)


def _chosen(table: RawTable, source: Source, place: str, theirs: list[str]) -> dict[str, str]:
    """Ours to theirs: the columns that sources.yaml names, then those of the same name."""
    for ours, wanted in source.columns.items():
        if wanted not in theirs:
            raise BadInput(
                f"sources.yaml: {table.name}.columns.{ours}: {place} has no column {wanted}; "
                f"it has {', '.join(theirs)}."
            )
    same = {ours: ours for ours in [*table.columns, RECORDED_AT] if ours in theirs and ours not in source.constants}
    chosen = same | source.columns
    for ours, column in table.columns.items():
        if not column.nullable and ours not in chosen and ours not in source.constants:
            raise BadInput(
                f"{table.name}: the required column {ours} is missing from {place}, which has {', '.join(theirs)}; "
                f"add it, or say in sources.yaml which one it is ({table.name}.columns.{ours})."
            )
    return chosen


@contextmanager
def _told(place: str) -> Iterator[None]:
    """What DuckDB or a database finds wrong, as one sentence that names the place."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise BadInput(reason(place, error)) from error


def reason(place: str, error: Exception) -> str:
    """DuckDB's own first words about it (it goes on with pictures and hints), behind the place.

    >>> reason("usage.csv", ValueError("Invalid Input Error: CSV Error on Line: 3\\nOriginal Line: a,b\\nPossible"))
    'usage.csv: CSV Error on Line: 3; Original Line: a,b; mend it there.'
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    lines = [line for line in lines[:2] if not line.startswith(("LINE", "Possible", "^", "*"))]
    first = re.sub(r"^(\w+ )+Error: ", "", "; ".join(lines)).rstrip(".")
    return f"{place}: {first}; mend it there."
