"""Where the features are computed: DuckDB on this machine, a PostgreSQL server, or Spark. The expressions are the same.

Nothing is left behind in a server: what is put there lasts as long as the connection.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from ibis.backends import BaseBackend
from pydantic import Field, model_validator

from data.environment import from_environment
from data.errors import BadInput
from data.settings import Settings

WHERE = "params.yaml: engine.url"


class Engine(Settings):
    """Which engine computes the features, and where it is.

    url: a PostgreSQL server (postgres://…; a secret stays out of the file as `${NAME}`), or Spark's master; none is
    Spark on this machine. memory_mb and threads are those of DuckDB and of a local Spark.
    """

    kind: Literal["duckdb", "postgres", "spark"] = "duckdb"
    url: str | None = None
    threads: int = Field(default=2, ge=1)
    memory_mb: int = Field(default=4096, ge=256)

    @model_validator(mode="after")
    def _has_the_url_it_needs(self) -> Self:
        if self.kind == "postgres" and not self.url:
            raise ValueError("kind postgres needs a url, like postgres://user@host/database")
        if self.kind == "duckdb" and self.url:
            raise ValueError(
                "kind duckdb takes no url: it works in memory; where your tables lie is said in sources.yaml"
            )
        return self


def connect(engine: Engine) -> BaseBackend:
    """An engine at work in UTC. Raises BadInput where it can't be reached."""
    return {"duckdb": _duckdb, "postgres": _postgres, "spark": _spark}[engine.kind](engine)


def put(engine: BaseBackend, file: Path) -> ir.Table:
    """A Parquet file, or all those of a folder, as a table of the engine, with its own types."""
    if engine.name == "duckdb" and file.is_dir():
        return engine.read_parquet(file / "*.parquet")
    if engine.name != "postgres":
        return engine.read_parquet(file)
    rows = pq.read_table(file)
    name = ibis.util.gen_name(file.stem)
    made = engine.create_table(name, schema=ibis.Schema.from_pyarrow(rows.schema), temp=True)
    with engine.con.cursor() as cursor, engine.con.transaction():
        # an empty field without quotes is null, one with quotes the empty string: so Arrow writes them
        with cursor.copy(f'COPY "{name}" FROM STDIN WITH (FORMAT csv)') as copy:
            for batch in rows.to_batches(max_chunksize=100_000):
                copy.write(_csv(batch))
        cursor.execute(f'ANALYZE "{name}"')
    return made


def fetched(table: ir.Table, engine: BaseBackend) -> pa.Table:
    """The rows, with the types that the expression says."""
    if engine.name == "postgres":
        table = table.cache()  # a mean of whole numbers comes as `numeric`; a table's columns have types of their own
    return engine.to_pyarrow(table)


def _csv(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    pyarrow.csv.write_csv(batch, sink, pyarrow.csv.WriteOptions(include_header=False))
    return sink.getvalue().to_pybytes()


def _duckdb(engine: Engine) -> BaseBackend:
    connected = ibis.duckdb.connect(threads=engine.threads, memory_limit=f"{engine.memory_mb}MB")
    connected.raw_sql("SET TimeZone = 'UTC'")
    return connected


def _postgres(engine: Engine) -> BaseBackend:
    import psycopg

    url = from_environment(str(engine.url), WHERE)
    try:
        connection = psycopg.connect(url, autocommit=True, options="-c TimeZone=UTC")
    except psycopg.Error as error:
        raise BadInput(f"{WHERE}: the server can't be reached ({str(error).strip().splitlines()[0]}).") from None
    return ibis.postgres.from_connection(connection)


def _spark(engine: Engine) -> BaseBackend:
    try:
        from pyspark.sql import SparkSession
    except ModuleNotFoundError:
        raise BadInput(
            "params.yaml: engine.kind is spark, but PySpark is not installed here; run `make VENV=.venv-spark "
            "LOCK=spark.lock …` with the same target (docs/scale.md)."
        ) from None
    master = from_environment(engine.url, WHERE) if engine.url else f"local[{engine.threads}]"
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    settings: Mapping[str, object] = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    if master.startswith("local"):
        settings = {
            **settings,
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.memory": f"{engine.memory_mb}m",
            "spark.sql.shuffle.partitions": 2 * engine.threads,
        }
    builder = SparkSession.builder.master(master).appName("upsell")
    for name, value in settings.items():
        builder = builder.config(name, str(value))
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    connected = _with_short_plans()
    connected.register_options()
    connected.do_connect(session)
    return connected


def _with_short_plans() -> BaseBackend:
    from ibis.backends.pyspark import Backend

    class Spark(Backend):
        """Ibis's, but what is cached is computed once and its plan forgotten.

        Spark's own cache keeps the plan, and with some twenty of them joined its analyser alone runs for minutes. Ibis
        12 also forgets to hand Spark the small tables in memory that a cached expression names.
        """

        def _create_cached_table(self, name: str, expr: ir.Table) -> ir.Table:
            self._run_pre_execute_hooks(expr)
            rows = self._session.sql(self.compile(expr)).localCheckpoint()
            rows.createTempView(name)
            self._cached_dataframes[name] = rows
            return self.table(name)

    return Spark()
