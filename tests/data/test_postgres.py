"""A company's tables in a real PostgreSQL come over through Ibis as the same rows that its CSV files give."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from data.contract import RAW_TABLES
from data.sources import Sources
from tests import postgres

pytestmark = pytest.mark.system
SQL = {
    "string": "text",
    "date": "date",
    "timestamp": "timestamptz",
    "float": "numeric",
    "int": "int",
    "bool": "boolean",
}


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    with postgres.running() as folder:
        yield folder


def test_postgres(
    server: Path,
    tmp_path: Path,
    good_company: Any,
    write_csv: Any,
    checked: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with psycopg.connect(f"host={server} user=upsell dbname=postgres") as connection:
        connection.execute("SET TimeZone = 'Asia/Tokyo'")
        for table, rows in good_company.items():
            columns = RAW_TABLES[table].columns
            types = ", ".join(f"{column} {SQL[columns[column].type]}" for column in rows[0])
            connection.execute(f"CREATE TABLE {table} ({types})")  # type: ignore[call-overload]
            for row in rows:
                values = [
                    f"{value} UTC" if columns[c].type == "timestamp" and value and not value.endswith("Z") else value
                    for c, value in row.items()
                ]
                marks = ", ".join(["%s"] * len(row))
                connection.execute(f"INSERT INTO {table} VALUES ({marks})", [v or None for v in values])  # type: ignore[call-overload]  # noqa: S608  our own names
    monkeypatch.setenv("UPSELL_DATABASE_URL", f"postgres://upsell@/postgres?host={server}")
    sources = {
        "database": "${UPSELL_DATABASE_URL}",
        "usage": {
            "sql": "select account_id, used_on as day, feature, kind, n_events, n_users from usage;",
            "columns": {"used_on": "day"},
        },
        "tickets": {"table": "public.tickets"},
    }
    expected = checked(write_csv(good_company, tmp_path))
    found = checked(tmp_path, Sources.parse(sources, file="sources.yaml"))
    assert found.kept == expected.kept
    assert found.report.is_good
    assert found.report.tables[0].place == "table accounts"
