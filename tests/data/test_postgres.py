"""A company's tables in a real PostgreSQL come over through Ibis as the same rows that its CSV files give."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from data.contract import RAW_TABLES
from data.sources import Sources

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
    """A server of our own that listens on a socket in a folder and on nothing else; gives the folder."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    pg_ctl = str(found[-1]) if found else shutil.which("pg_ctl")
    assert pg_ctl, "PostgreSQL is not installed (Debian: postgresql)"
    with tempfile.TemporaryDirectory() as name:  # not pytest's, which only its own user may enter
        folder = Path(name)
        as_whom = []
        if os.geteuid() == 0:  # the server refuses to run as root
            as_whom = ["runuser", "-u", "postgres", "--"]
            shutil.chown(folder, "postgres")

        def run(*arguments: str) -> None:
            subprocess.run([*as_whom, pg_ctl, "-D", str(folder / "db"), *arguments], check=True, cwd=folder, timeout=60)

        run("initdb", "-s", "-o", "--auth=trust --username=upsell --encoding=UTF8")
        run("start", "-w", "-s", "-l", str(folder / "log"), "-o", f"-c listen_addresses='' -k {folder}")
        try:
            yield folder
        finally:
            run("stop", "-m", "immediate", "-s")


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
