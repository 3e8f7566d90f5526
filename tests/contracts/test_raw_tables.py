# ruff: noqa: S608  the query is of the test's own table
"""One source of truth: pandera's schemas (tables in memory) and the compiled rules (tables of any size) agree."""

import datetime
from typing import Any

import pandera.errors
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.catalog import Catalog
from data.contract import PANDAS, RAW_TABLES, Column, RawTable
from data.parsing import name
from data.quarantine import judge
from data.rules import KEPT_ACCOUNTS, column_rules
from data.sources import Incoming, connect

DAY = datetime.datetime(2024, 1, 1)


def values(column: Column) -> st.SearchStrategy[Any]:
    """Values of a column's type: within its bounds, at them, past them, and null."""
    if column.type == "string":
        inside: st.SearchStrategy[Any] = st.sampled_from([*(column.among or ["a", "b"]), "other"])
    elif column.type == "bool":
        inside = st.booleans()
    elif column.type in ("date", "timestamp"):
        inside = st.integers(0, 9).map(lambda days: DAY + datetime.timedelta(days=days))
    else:
        bounds = [bound for bound in (column.at_least, column.at_most) if bound is not None]
        near = [bound + step for bound in bounds for step in (-1, 0, 1)]
        inside = st.sampled_from(near or [0, 5]).map(float if column.type == "float" else int)
    return st.none() | inside


def rows(table: RawTable) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Rows that differ in their stamp, so that a row can be told by it."""
    row = st.fixed_dictionaries({c: values(column) for c, column in table.columns.items() if c != table.stamp})
    return st.lists(row, min_size=1, max_size=8).map(
        lambda found: [{**one, table.stamp: DAY + datetime.timedelta(days=i)} for i, one in enumerate(found)]
    )


def as_arrow(table: RawTable, found: list[dict[str, Any]]) -> pa.Table:
    schema = pa.schema([field for field in table.arrow_schema() if field.name != "known_on"])
    return pa.Table.from_pylist(found, schema=schema)


def refused_by_pandera(table: RawTable, arrow: pa.Table) -> set[int]:
    frame = arrow.to_pandas(date_as_object=False).astype({c: PANDAS[one.type] for c, one in table.columns.items()})
    try:
        table.pandera_schema().validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        return set(errors.failure_cases["index"].astype(int))
    return set()


def refused_by_rules(table: RawTable, arrow: pa.Table, catalog: Catalog) -> set[int]:
    """The rows that break a rule of a single column; rules between columns, rows and tables are not pandera's."""
    connection = connect()
    connection.register("rows", arrow)
    connection.execute(f"CREATE TEMP TABLE {name(KEPT_ACCOUNTS)} AS SELECT 'a' AS account_id, DATE '2020-01-01' AS d")
    connection.execute("CREATE TEMP VIEW incoming AS FROM rows")
    types = {row[0]: row[1] for row in connection.execute("DESCRIBE incoming").fetchall()}
    judged = judge(table, Incoming("incoming", "rows", types, []), catalog, connection)
    ours = {rule.says for c, column in table.columns.items() for rule in column_rules(c, column, "", "")}
    query = f"SELECT told[{list(table.columns).index(table.stamp) + 1}], rule FROM {name(judged.view)} WHERE rule >= 0"
    told = connection.execute(query).fetchall()
    connection.close()
    days = [
        (datetime.datetime.fromisoformat(stamp) - DAY).days for stamp, rule in told if judged.rules[rule].says in ours
    ]
    return set(days)


@pytest.mark.parametrize("table", RAW_TABLES.values(), ids=lambda table: table.name)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_pandera_and_the_compiled_rules_agree(table: RawTable, catalog: Catalog, data: st.DataObject) -> None:
    found = data.draw(rows(table))
    known = {"account_id": "a", "product_id": "pro", "feature": "tasks", "metric": "storage_gb", "offer_id": "none"}
    for row in found:  # a reference that is not null is a known one: unknown ones are not pandera's to judge
        row.update({c: known[c] for c in known if c in table.columns and table.name != "accounts" and row[c]})
    arrow = as_arrow(table, found)
    assert refused_by_rules(table, arrow, catalog) == refused_by_pandera(table, arrow)


@pytest.mark.parametrize("table", RAW_TABLES.values(), ids=lambda table: table.name)
def test_a_table_is_told_once_and_whole(table: RawTable) -> None:
    assert table.arrow_schema().names == [*table.columns, "known_on"]
    assert list(table.pandera_schema().columns) == list(table.columns)
    assert table.stamp in table.columns
    assert set(table.key) | set(table.apart_by) <= set(table.columns)
    assert not any(table.columns[c].nullable for c in (*table.key, table.stamp))
    assert table.is_required != bool(table.without)
    for later, when in table.fills_in_later.items():
        assert {later, when} <= set(table.columns)
