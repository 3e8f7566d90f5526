# ruff: noqa: S608  the SQL is put together from the contract's own names
"""One table against its contract: the rows that keep it, and those that do not, each with the first rule it broke.

Everything happens in DuckDB, so that a table may be larger than memory. Rules are judged in order: those of a value
and a row first, then those between rows, which look only at rows that broke none before: a row in quarantine is no
longer data, and cannot contradict another.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from data.catalog import Catalog
from data.contract import RawTable
from data.errors import BadInput
from data.parsing import name, parsed, told
from data.report import Broken, TableReport
from data.rules import Rule, row_rules
from data.sources import RECORDED_AT, Incoming, reason, rejected

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FIRST_ROWS = 3  # of each broken rule, as the contract asks


@dataclass(frozen=True)
class Judged:
    """A table of the connection (`view`), its rows judged: `rule` is the place in `rules`, null for rows that hold.

    `types`: as Incoming has them, for what the report says of columns.
    """

    table: RawTable
    view: str
    rules: list[Rule]
    read: int
    copies: int

    @property
    def columns(self) -> list[str]:
        """The contract's columns, and the day on which the row became known."""
        return [*self.table.columns, "known_on"]

    def kept(self) -> str:
        """SQL: the rows that hold, in the order of the key, or of all columns where there is none."""
        columns = ", ".join(map(name, self.columns))
        order = ", ".join(f"{name(c)} NULLS FIRST" for c in (self.table.key or self.columns))
        return f"SELECT {columns} FROM {name(self.view)} WHERE rule IS NULL ORDER BY {order}"

    def quarantined(self) -> str:
        """SQL: the rows that do not, all columns as text as they came, with the rule's sentence."""
        columns = ", ".join(f"told[{i + 1}] AS {name(c)}" for i, c in enumerate([*self.table.columns, RECORDED_AT]))
        says = " ".join(
            f"WHEN {i} THEN '{rule.says.replace(chr(39), chr(39) * 2)}'" for i, rule in enumerate(self.rules)
        )
        return (
            f"SELECT {columns}, CASE rule {says} END AS rule FROM {name(self.view)} WHERE rule IS NOT NULL "
            "ORDER BY rule, told"
        )


def judge(table: RawTable, incoming: Incoming, catalog: Catalog, connection: "DuckDBPyConnection") -> Judged:
    """Read a table once, judge each row, take identical copies out. The accounts that hold must have been judged."""
    import duckdb

    own = {f"{says} (a rule of sources.yaml)": verdict for says, verdict in incoming.own_rules.items()}
    rules = row_rules(table, catalog, own)
    view = f"judged {table.name}"
    columns = [*table.columns, RECORDED_AT]
    raw = [f"{_raw(column, incoming)} AS {name(f'raw.{column}')}" for column in columns]
    values = [f"{_value(column, table, incoming)} AS {name(column)}" for column in columns]
    verdicts = [name(verdict) for verdict in incoming.own_rules.values()]
    cases = " ".join(f"WHEN {rule.broken} THEN {i}" for i, rule in enumerate(rules))
    texts = ", ".join(name(f"raw.{column}") for column in columns)
    kept_columns = ", ".join(map(name, table.columns))
    known_on = f"greatest({name(table.stamp)}::DATE, coalesce(recorded_at::DATE, {name(table.stamp)}::DATE))"
    query = f"""
        CREATE OR REPLACE TEMP TABLE {name(view)} AS
        SELECT {kept_columns}, {known_on} AS known_on, rule,
               CASE WHEN rule IS NOT NULL THEN [{texts}] END AS told
        FROM (SELECT *, (CASE {cases} END)::SMALLINT AS rule
              FROM (SELECT {", ".join([*raw, *values, *verdicts])} FROM {name(incoming.view)}))
    """
    try:
        connection.execute(query)
    except duckdb.Error as error:
        raise BadInput(reason(incoming.place, error)) from error
    if incoming.is_csv:
        rules = [
            *rules,
            Rule("the line must have the header's fields, in UTF-8 (here it stands in the first column)", "", ""),
        ]
        line = ", ".join([r"trim(csv_line, E'\r\n')", *["NULL"] * (len(columns) - 1)])
        connection.execute(f"""
            INSERT INTO {name(view)} (rule, told)
            SELECT {len(rules) - 1}, [{line}] FROM (SELECT DISTINCT ON (file_id, line) * FROM {rejected(table)})
        """)
    read = _number(connection, f"SELECT count(*) FROM {name(view)}")
    copies, rules = _between_rows(table, view, rules, connection)
    return Judged(table, view, rules, read, copies)


def _raw(column: str, incoming: Incoming) -> str:
    type_ = incoming.types.get(column)
    return told(name(column), type_) if type_ else "NULL::VARCHAR"


def _value(column: str, table: RawTable, incoming: Incoming) -> str:
    into = "timestamp" if column == RECORDED_AT else table.columns[column].type
    type_ = incoming.types.get(column)
    return parsed(name(column), type_ or "VARCHAR", into) if type_ else parsed("NULL", "VARCHAR", into)


def _between_rows(
    table: RawTable, view: str, rules: list[Rule], connection: "DuckDBPyConnection"
) -> tuple[int, list[Rule]]:
    """Copies, keys that stand twice, periods that overlap. Returns the number of copies and all rules."""
    t = name(view)
    key = list(table.key or table.columns)
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE twice AS SELECT {", ".join(map(name, key))} FROM {t}
        WHERE rule IS NULL GROUP BY ALL HAVING count(*) > 1
    """)
    copies = 0
    if _number(connection, "SELECT count(*) FROM twice"):
        same = " AND ".join(f"one.{name(c)} IS NOT DISTINCT FROM twice.{name(c)}" for c in key)
        contents = ", ".join(f"one.{name(c)}" for c in table.columns)
        keys = ", ".join(f"one.{name(c)}" for c in key)
        # names with a space: `usage` has a column `kind`, and one of ours of that name would give way to it
        connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE again AS
            SELECT "the id" AS id, "the place" > 1 AS is_copy,
                   min("the contents") OVER of_key <> max("the contents") OVER of_key AS is_disputed
            FROM (SELECT one.rowid AS "the id", {keys},
                         row_number() OVER (PARTITION BY {contents} ORDER BY one.known_on, one.rowid)
                             AS "the place",
                         dense_rank() OVER (ORDER BY {contents}) AS "the contents"
                  FROM {t} one JOIN twice ON {same} WHERE one.rule IS NULL)
            WINDOW of_key AS (PARTITION BY {", ".join(map(name, key))})
        """)
        copies = _number(connection, "SELECT count(*) FROM again WHERE is_copy")
        if table.key:
            says = f"two rows of the same {' and '.join(table.key)} must not differ"
            rules = [*rules, Rule(says, table.key[0], "")]
            _put_away(table, view, len(rules) - 1, "SELECT id FROM again WHERE is_disputed AND NOT is_copy", connection)
        connection.execute(f"DELETE FROM {t} WHERE rowid IN (SELECT id FROM again WHERE is_copy)")
    if table.apart_by:
        rules = [*rules, Rule(_apart(table), table.periods[0][0], "")]
        _put_away(table, view, len(rules) - 1, _overlapping(table, view), connection)
    return copies, rules


def _apart(table: RawTable) -> str:
    return f"two periods of the same {' and '.join(table.apart_by)} must not overlap"


def _overlapping(table: RawTable, view: str) -> str:
    """SQL: the rowids of rows whose period [from, to) shares a day with another's. An empty period shares none."""
    start, end = map(name, table.periods[0])
    end = f"coalesce({end}, DATE '9999-12-31')"
    return f"""
        SELECT id FROM (
            SELECT rowid AS id, {start} < max({end}) OVER before AS meets_earlier,
                   {end} > lead({start}) OVER line AS meets_later
            FROM {name(view)} WHERE rule IS NULL AND {start} < {end}
            WINDOW line AS (PARTITION BY {", ".join(map(name, table.apart_by))} ORDER BY {start}, {end}, rowid),
                   before AS (line ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING))
        WHERE meets_earlier OR meets_later
    """


def _put_away(table: RawTable, view: str, rule: int, ids: str, connection: "DuckDBPyConnection") -> None:
    """Give the rows with these rowids the rule, and their columns as text."""
    texts = ", ".join([*(f"{name(c)}::VARCHAR" for c in table.columns), "NULL::VARCHAR"])
    connection.execute(f"UPDATE {name(view)} SET rule = {rule}, told = [{texts}] WHERE rowid IN ({ids})")


def _number(connection: "DuckDBPyConnection", query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def report(judged: Judged, incoming: Incoming, notices: list[str], connection: "DuckDBPyConnection") -> TableReport:
    """What there is to tell of a judged table."""
    t = name(judged.view)
    counts = connection.execute(
        f"SELECT rule, count(*) FROM {t} WHERE rule IS NOT NULL GROUP BY rule ORDER BY count(*) DESC, rule"
    ).fetchall()
    columns = [*judged.table.columns, RECORDED_AT]
    broken = []
    for rule, count in counts:
        query = f"SELECT told FROM {t} WHERE rule = {rule} ORDER BY told LIMIT {FIRST_ROWS}"
        first = [
            {column: value for column, value in zip(columns, told_, strict=True) if column in incoming.types}
            for (told_,) in connection.execute(query).fetchall()
        ]
        broken.append(Broken(judged.rules[rule].says, judged.rules[rule].column, count, first))
    stamp = name(judged.table.stamp)
    kept, first_on, last_on = connection.execute(
        f"SELECT count(*), min({stamp})::DATE::VARCHAR, max({stamp})::DATE::VARCHAR FROM {t} WHERE rule IS NULL"
    ).fetchone() or (0, None, None)
    return TableReport(
        table=judged.table.name,
        place=incoming.place,
        read=judged.read,
        kept=kept,
        copies=judged.copies,
        quarantined=sum(count for _, count in counts),
        broken=broken,
        first_on=first_on,
        last_on=last_on,
        extra_columns=incoming.extra_columns,
        absent_columns=[column for column in judged.table.columns if column not in incoming.types],
        notices=notices,
    )
