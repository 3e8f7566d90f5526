"""A company small enough to read: every table as text, written as CSV, Parquet or DuckDB, and checked."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from data.catalog import Catalog
from data.contract import RAW_TABLES
from data.report import Report
from data.sources import Sources, connect, read_sources
from data.validation import Validate, check

Rows = list[dict[str, str]]

ACCOUNT = {
    "account_name": "Acme",
    "industry": "retail",
    "employee_count": "40",
    "region": "EMEA",
    "signed_up_on": "2024-01-10",
    "owner_id": "CSM-1",
    "csm_sentiment": "green",
    "has_opted_in": "true",
    "do_not_contact_until": "",
}
SUBSCRIPTION = {
    "product_id": "pro",
    "quantity": "10",
    "mrr": "250.5",
    "discount_pct": "5",
    "billing": "monthly",
    "valid_from_on": "2024-01-10",
    "valid_to_on": "",
    "renews_on": "2025-01-10",
    "ended_reason": "",
}
USE = {"used_on": "2024-03-01", "feature": "projects", "kind": "used", "n_events": "7", "n_users": "3"}
PROPOSAL = {
    "offer_id": "seats_20",
    "proposed_at": "2024-05-01T08:00:00Z",
    "channel": "csm",
    "discount_pct": "0",
    "pscore": "0.25",
    "outcome": "declined",
    "decided_at": "2024-05-09T08:00:00Z",
    "reason": "price",
}
TICKET = {
    "opened_at": "2024-03-01 09:00:00",
    "closed_at": "2024-03-02 10:30:00",
    "severity": "high",
    "category": "bug",
    "csat": "4",
}


def good_company() -> dict[str, Rows]:
    """Nothing wrong with it. Accounts A-1 and A-2 have rows in every table, A-3 in none but its own."""
    two = ("A-1", "A-2")
    return {
        "accounts": [{"account_id": a, **ACCOUNT} for a in (*two, "A-3")],
        "subscriptions": [{"subscription_id": f"S-{a}", "account_id": a, **SUBSCRIPTION} for a in two],
        "usage": [{"account_id": a, **USE} for a in two],
        "meters": [{"account_id": a, "measured_on": "2024-03-01", "metric": "storage_gb", "value": "1.5"} for a in two],
        "tickets": [{"ticket_id": f"T-{a}", "account_id": a, **TICKET} for a in two],
        "surveys": [{"account_id": a, "answered_at": "2024-04-01 12:00:00", "nps": "9"} for a in two],
        "touchpoints": [
            {
                "account_id": a,
                "held_at": "2024-04-02 12:00:00",
                "kind": "training",
                "n_attendees": "3",
                "has_executive": "false",
            }
            for a in two
        ],
        "life_events": [{"account_id": a, "happened_on": "2024-04-03", "kind": "funding"} for a in two],
        "proposals": [{"proposal_id": f"P-{a}", "account_id": a, **PROPOSAL} for a in two],
        "account_changes": [
            {"account_id": a, "changed_at": "2024-04-05 10:00:00", "field": "csm_sentiment", "value": "red"}
            for a in two
        ],
    }


def write_csv(tables: dict[str, Rows], folder: Path) -> Path:
    """Each table as a CSV file of the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for table, rows in tables.items():
        with (folder / f"{table}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]) if rows else list(RAW_TABLES[table].columns))
            writer.writeheader()
            writer.writerows(rows)
    return folder


@dataclass
class Outcome:
    """What a check left: rows as dictionaries, in the order in which they are written."""

    report: Report
    kept: dict[str, list[dict[str, Any]]]
    quarantined: dict[str, list[dict[str, Any]]]

    def rules(self, table: str) -> list[str]:
        """The rule of each row in quarantine."""
        return [row["rule"] for row in self.quarantined[table]]


def rows_of(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    """A query's rows."""
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


ALLOWED = Validate(max_quarantined_rate=1)


@pytest.fixture(scope="session")
def checked(catalog: Catalog) -> Callable[..., Outcome]:
    """Check the tables of a folder (or DuckDB file) against the contract; by default any amount may be broken."""

    def checked(folder: Path, sources: Sources | None = None, limits: Validate = ALLOWED) -> Outcome:
        connection = connect()
        found = check(
            read_sources(sources or Sources(), folder=folder, connection=connection), catalog, limits, connection
        )
        kept = {table: rows_of(connection, query) for table, query in found.clean.items()}
        quarantined = {table: rows_of(connection, query) for table, query in found.quarantined.items()}
        connection.close()
        return Outcome(found.report, kept, quarantined)

    return checked


@pytest.fixture
def outcome(tmp_path: Path, checked: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """The good company with a table's rows replaced, or with rows added, checked as CSV.

    For speed it has only the required tables and that one, unless `whole`.
    """

    def outcome(
        table: str, rows: Sequence[dict[str, str]], *, instead: bool = False, whole: bool = False, **more: Any
    ) -> Outcome:
        wanted = good_company()
        tables = {name: wanted[name] for name in wanted if whole or name == table or RAW_TABLES[name].is_required}
        tables[table] = [*([] if instead else tables[table]), *rows]
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        return checked(write_csv(tables, folder), **more)

    return outcome


@pytest.fixture(name="good_company")
def _good_company() -> dict[str, Rows]:
    return good_company()


@pytest.fixture(name="write_csv")
def _write_csv() -> Callable[[dict[str, Rows], Path], Path]:
    return write_csv
