# ruff: noqa: S608  the SQL is put together from the contract's own names
"""All tables of a company against the contract: what holds, what is in quarantine, and whether a run may go on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from data.catalog import Catalog
from data.contract import ACCOUNTS, RAW_TABLES, RawTable
from data.errors import BadInput
from data.parsing import name
from data.quarantine import Judged, judge, report
from data.report import Report, TableReport, shown
from data.rules import KEPT_ACCOUNTS, OF_NO_ACCOUNT
from data.settings import Settings
from data.sources import Incoming, Sources, connect, read_sources

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class Validate(Settings):
    """How much may be wrong before a run stops: a share of a table's rows, another one for tables that need it.

    The same share of accounts may be on a product that the catalogue lacks: one such row is a slip and goes to
    quarantine; many are a catalogue without a plan, which is told as that.

    >>> limits = Validate(max_quarantined_rate=0.01, tables={"usage": 0.8})
    >>> limits.allowed("usage"), limits.allowed("accounts")
    (0.8, 0.01)
    """

    max_quarantined_rate: float = Field(default=0.01, ge=0, le=1)
    tables: dict[str, Annotated[float, Field(ge=0, le=1)]] = {}

    @model_validator(mode="after")
    def _tables_are_of_the_contract(self) -> Self:
        for table in self.tables:
            if table not in RAW_TABLES:
                raise ValueError(f"tables: there is no table {table}; the contract has {', '.join(RAW_TABLES)}")
        return self

    def allowed(self, table: str) -> float:
        """The share of a table's rows that may be in quarantine."""
        return self.tables.get(table, self.max_quarantined_rate)


@dataclass(frozen=True)
class Checked:
    """The tables of a connection after the check: SQL for what holds and what does not, and the report."""

    clean: dict[str, str]
    quarantined: dict[str, str]
    report: Report


def check(
    tables: Mapping[str, Incoming],
    catalog: Catalog,
    limits: Validate,
    connection: "DuckDBPyConnection",
    elsewhere: Mapping[str, Callable[[RawTable, Incoming], TableReport]] | None = None,
) -> Checked:
    """Judge every table that came, accounts first: rows of an account in quarantine are rows of an unknown account.

    elsewhere: tables that someone else judges once the accounts are known, and keeps; their reports count here.
    """
    judged: dict[str, Judged] = {}
    reports: list[TableReport] = []
    problems: list[str] = []
    for table in RAW_TABLES.values():
        if table.name not in tables:
            continue
        incoming = tables[table.name]
        if elsewhere and table.name in elsewhere:
            reports.append(elsewhere[table.name](table, incoming))
        else:
            judged[table.name] = one = judge(table, incoming, catalog, connection)
            if table.name == ACCOUNTS.name:
                connection.execute(
                    f"CREATE OR REPLACE TEMP TABLE {name(KEPT_ACCOUNTS)} AS "
                    f"SELECT account_id, signed_up_on FROM {name(one.view)} WHERE rule IS NULL"
                )
            reports.append(report(one, incoming, _notices(one, connection), connection))
        found = _problems(reports[-1], table, incoming, limits)
        # rows of accounts that are in quarantine follow from the accounts: that is one problem, not one per table
        follows = bool(problems) and problems[0].startswith(f"{ACCOUNTS.name}: ") and _is_of_no_account(reports[-1])
        problems += [] if follows else found
    if unknown := _unknown_plan(judged["subscriptions"], limits, connection):
        problems = [unknown, *(problem for problem in problems if not problem.startswith("subscriptions: "))]
    missing = {table.name: table.without for table in RAW_TABLES.values() if table.name not in tables}
    return Checked(
        clean={table: one.kept() for table, one in judged.items()},
        quarantined={table: one.quarantined() for table, one in judged.items()},
        report=Report(reports, missing, problems),
    )


def validate(sources: Sources, *, folder: Path, catalog: Catalog, limits: Validate) -> Report:
    """The report on a company's tables, and nothing kept: what `upsell validate` prints."""
    connection = connect()
    try:
        return check(read_sources(sources, folder=folder, connection=connection), catalog, limits, connection).report
    finally:
        connection.close()


def stop_unless_good(found: Report) -> None:
    """Raise BadInput with the report's problems, one a line, where there are any."""
    if found.problems:
        raise BadInput("\n".join(found.problems))


def _problems(found: TableReport, table: RawTable, incoming: Incoming, limits: Validate) -> list[str]:
    if table.is_required and not found.read:
        return [f"{found.table}: {found.place} has no rows; a run needs some."]
    allowed = limits.allowed(found.table)
    if found.quarantined_rate <= allowed:
        return []
    worst = found.broken[0]
    column = f", column {worst.column}" if worst.column else ""
    first = "; ".join(shown(row) for row in worst.first)
    return [
        f"{found.table}: {found.quarantined:,} of {found.read:,} rows ({found.quarantined_rate:.1%}) break the "
        f"contract, more than `validate` allows ({allowed:.1%}). "
        f"Most of them{column}: {worst.rule}, {worst.count:,} {'row' if worst.count == 1 else 'rows'}, "
        f"first: {first}. Mend {found.place}, or raise validate.tables.{found.table} in params.yaml."
    ]


def _is_of_no_account(found: TableReport) -> bool:
    return bool(found.broken) and found.broken[0].rule == OF_NO_ACCOUNT


def _unknown_plan(subscriptions: Judged, limits: Validate, connection: "DuckDBPyConnection") -> str | None:
    """The sentence for a catalogue that lacks a plan which accounts are on; None where it is complete enough."""
    columns = list(subscriptions.table.columns)
    account, product, end = (columns.index(c) + 1 for c in ("account_id", "product_id", "valid_to_on"))
    unknown = [
        i for i, rule in enumerate(subscriptions.rules) if rule.column == "product_id" and "catalog" in rule.says
    ]
    rows = connection.execute(f"""
        WITH running AS (
            SELECT account_id, NULL AS product_id FROM {name(subscriptions.view)}
            WHERE rule IS NULL AND valid_to_on IS NULL
            UNION ALL
            SELECT told[{account}], told[{product}] FROM {name(subscriptions.view)}
            WHERE rule = {unknown[0]} AND told[{end}] IS NULL)
        SELECT product_id, count(DISTINCT account_id), (SELECT count(DISTINCT account_id) FROM running),
               list_sort(list(DISTINCT account_id))[:3]
        FROM running WHERE product_id IS NOT NULL GROUP BY product_id
        ORDER BY count(DISTINCT account_id) DESC, product_id
    """).fetchall()
    if not rows or rows[0][1] <= limits.max_quarantined_rate * rows[0][2]:
        return None
    product_id, n_accounts, _, first = rows[0]
    others = f", nor {', '.join(str(row[0]) for row in rows[1:4])}" if rows[1:] else ""
    return (
        f"catalog.yaml: there is no plan or add-on {product_id}{others}, which {n_accounts:,} "
        f"{'account is' if n_accounts == 1 else 'accounts are'} on (subscriptions, column product_id; first: "
        f"{', '.join(first)}); add it under plans or add_ons, or map it to one of them in sources.yaml."
    )


def _notices(judged: Judged, connection: "DuckDBPyConnection") -> list[str]:
    """What is no breach of the contract, and yet worth knowing."""
    view, said = name(judged.view), []
    if judged.table.name == ACCOUNTS.name:
        row = connection.execute(f"SELECT count(*), count(*) FILTER (has_opted_in) FROM {view} WHERE rule IS NULL")
        total, opted_in = row.fetchone() or (0, 0)
        if total and not opted_in:
            said.append("No account has opted in: none may be contacted commercially, and nothing is sold to anyone.")
        return said
    row = connection.execute(f"""
        SELECT count(*) FROM {view} JOIN {name(KEPT_ACCOUNTS)} USING (account_id)
        WHERE rule IS NULL AND {name(judged.table.stamp)}::DATE < signed_up_on
    """)
    (early,) = row.fetchone() or (0,)
    return early_rows(early)


def early_rows(n: int) -> list[str]:
    """What there is to say of `n` kept rows that are older than their account.

    >>> early_rows(1), early_rows(0)
    (['1 kept row is dated before the account signed up.'], [])
    """
    return [f"{n:,} kept {'row is' if n == 1 else 'rows are'} dated before the account signed up."] if n else []
