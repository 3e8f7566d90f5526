# ruff: noqa: S608  the SQL is put together from the contract's own names
"""A table that is judged a week at a time: which weeks have changed in the source, and what was found in each.

For tables whose rules never look beyond a day, as those of `usage` and `meters`: the key holds the day, and no period
may overlap another. A week's verdicts then follow from the week's rows alone (and from the accounts and the catalogue),
and the report on the whole table is the sum of its weeks.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from data.catalog import Catalog
from data.contract import METERS, USAGE, RawTable
from data.errors import BadInput
from data.parsing import literal, name, parsed
from data.quarantine import FIRST_ROWS, Judged, judge
from data.report import Broken, TableReport
from data.rules import KEPT_ACCOUNTS
from data.sources import RECORDED_AT, Incoming

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TABLES = (USAGE.name, METERS.name)
UNDATED = "undated"  # rows whose day cannot be read: all of them are in quarantine
_PLAIN = ("DATE", "TIMESTAMP")  # compared as the source holds them, so that a Parquet file's statistics are used


def week_of(day: date) -> str:
    """The Monday of a day's week, by which a week is named.

    >>> week_of(date(2026, 6, 7)), week_of(date(2026, 6, 8))
    ('2026-06-01', '2026-06-08')
    """
    return str(day - timedelta(days=day.weekday()))


@dataclass(frozen=True)
class Seen:
    """What the source holds of a week, told by its cheapest columns: the day, and `recorded_at` where there is one.

    A row that comes, goes, moves to another day or is recorded anew shows here; one that is corrected in silence does
    not, nor one that goes while another comes on its day.
    """

    rows: int
    by_day: int  # changes with the number of rows of any day
    recorded: int
    recorded_us: int  # the sum of all `recorded_at`, in microseconds


@dataclass(frozen=True)
class Week:
    """What was found in a week. `early`: kept rows that are dated before their account signed up."""

    seen: Seen
    kept: int
    copies: int
    quarantined: int
    early: int
    first_on: str | None
    last_on: str | None
    broken: tuple[tuple[int, Broken], ...]  # with the place of the rule among the table's rules

    @classmethod
    def of_json(cls, found: Mapping[str, Any]) -> "Week":
        """The week as `dataclasses.asdict` and JSON left it."""
        broken = tuple((place, Broken(**one)) for place, one in found["broken"])
        return cls(**{**found, "seen": Seen(**found["seen"]), "broken": broken})


def seen(table: RawTable, incoming: Incoming, connection: "DuckDBPyConnection") -> tuple[dict[str, Seen], date | None]:
    """Each week of the source, and the newest day. Reads no column but the stamp and `recorded_at`."""
    stamp, type_ = name(table.stamp), incoming.types[table.stamp]
    recorded = _parsed(RECORDED_AT, "timestamp", incoming)
    rows = connection.execute(f"""
        SELECT date_trunc('week', day)::DATE, sum(n), sum(n * hash(day)::HUGEINT), sum(recorded), sum(recorded_us),
               max(day)
        FROM (SELECT {parsed(stamp, type_, "date")} AS day, n, recorded, recorded_us
              FROM (SELECT {stamp}, count(*) AS n, count(moment) AS recorded,
                           coalesce(sum(epoch_us(moment)::HUGEINT), 0) AS recorded_us
                    FROM (SELECT {stamp}, {recorded} AS moment FROM {name(incoming.view)}) GROUP BY {stamp}))
        GROUP BY ALL
    """).fetchall()
    found = {_named(monday): Seen(*map(int, counts)) for monday, *counts, _ in rows}
    return found, max((newest for *_, newest in rows if newest), default=None)


def judge_weeks(
    table: RawTable,
    incoming: Incoming,
    weeks: Mapping[str, Seen],
    catalog: Catalog,
    connection: "DuckDBPyConnection",
) -> tuple[Judged, dict[str, Week]]:
    """Read these weeks and no other, judge their rows, and tell what was found in each that has any."""
    view = f"weeks of {table.name}"
    query = _rows_of(table, incoming, weeks)
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {name(view)} AS {query}")
    judged = judge(table, replace(incoming, view=view), catalog, connection)
    return judged, _found(judged, incoming, weeks, connection)


def kept(judged: Judged) -> str:
    """SQL: `week`, then the rows that hold, week by week, each in the order of the key."""
    columns = ", ".join(map(name, judged.columns))
    order = ", ".join(map(name, judged.table.key))
    return (
        f"SELECT {_week(judged.table)} AS week, {columns} FROM {name(judged.view)} WHERE rule IS NULL "
        f"ORDER BY week, {order}"
    )


def quarantined(judged: Judged) -> str:
    """SQL: `week`, then the rows that do not hold, as Judged has them, week by week."""
    columns = [*judged.table.columns, RECORDED_AT]
    texts = ", ".join(f"told[{i + 1}] AS {name(f'told.{c}')}" for i, c in enumerate(columns))
    says = " ".join(f"WHEN {i} THEN {literal(rule.says)}" for i, rule in enumerate(judged.rules))
    named = ", ".join(f"{name(f'told.{c}')} AS {name(c)}" for c in columns)
    return (
        f"SELECT week, {named}, says AS rule FROM (SELECT {_week(judged.table)} AS week, {texts}, "
        f"CASE rule {says} END AS says, rule AS place, told FROM {name(judged.view)} WHERE rule IS NOT NULL) "
        "ORDER BY week NULLS LAST, place, told"
    )


def whole(table: RawTable, incoming: Incoming, weeks: Collection[Week], notices: list[str]) -> TableReport:
    """The report on the table, added up from its weeks."""
    counts: dict[int, int] = {}
    first: dict[int, list[Broken]] = {}
    for week in weeks:
        for place, broken in week.broken:
            counts[place] = counts.get(place, 0) + broken.count
            first.setdefault(place, []).append(broken)
    return TableReport(
        table=table.name,
        place=incoming.place,
        read=sum(week.kept + week.copies + week.quarantined for week in weeks),
        kept=sum(week.kept for week in weeks),
        copies=sum(week.copies for week in weeks),
        quarantined=sum(week.quarantined for week in weeks),
        broken=[
            replace(first[place][0], count=counts[place], first=_first(first[place]))
            for place in sorted(counts, key=lambda place: (-counts[place], place))
        ],
        first_on=min((week.first_on for week in weeks if week.first_on), default=None),
        last_on=max((week.last_on for week in weeks if week.last_on), default=None),
        extra_columns=incoming.extra_columns,
        absent_columns=[column for column in table.columns if column not in incoming.types],
        notices=notices,
    )


def _first(found: list[Broken]) -> list[dict[str, str | None]]:
    """The first rows of all weeks, in the order in which DuckDB sorts lists: nothing stands after everything."""
    rows = [row for broken in found for row in broken.first]
    return sorted(rows, key=lambda row: [(value is None, value or "") for value in row.values()])[:FIRST_ROWS]


def _rows_of(table: RawTable, incoming: Incoming, weeks: Collection[str]) -> str:
    """SQL: the source's rows of these weeks, and of no day at all if UNDATED is among them."""
    type_ = incoming.types[table.stamp]
    day = _parsed(table.stamp, "date", incoming)
    source = f"SELECT * FROM {name(incoming.view)} WHERE"
    dated = sorted(week for week in weeks if week != UNDATED)
    among = f"date_trunc('week', {day})::DATE IN ({', '.join(f'DATE {literal(week)}' for week in dated) or 'NULL'})"
    none = f"{day} IS NULL" if UNDATED in weeks else "false"
    if incoming.is_csv or type_ not in _PLAIN:  # read from end to end in any case, and once is enough
        return f"{source} {among} OR {none}"
    stamp = name(table.stamp)
    ranges = [f"{source} {stamp} >= DATE {literal(a)} AND {stamp} < DATE {literal(b)}" for a, b in _stretches(dated)]
    return " UNION ALL ".join([*ranges, f"{source} {none}"])


def _stretches(weeks: list[str]) -> list[tuple[str, str]]:
    """Neighbouring weeks as one stretch of days, the end not included.

    >>> _stretches(["2026-06-01", "2026-06-08", "2026-06-22"])
    [('2026-06-01', '2026-06-15'), ('2026-06-22', '2026-06-29')]
    """
    found: list[tuple[str, str]] = []
    for week in weeks:
        after = str(date.fromisoformat(week) + timedelta(days=7))
        if found and found[-1][1] == week:
            found[-1] = (found[-1][0], after)
        else:
            found.append((week, after))
    return found


def _found(
    judged: Judged, incoming: Incoming, weeks: Mapping[str, Seen], connection: "DuckDBPyConnection"
) -> dict[str, Week]:
    table, view, week = judged.table, name(judged.view), _week(judged.table)
    stamp = name(table.stamp)
    columns = [*table.columns, RECORDED_AT]
    broken: dict[str, list[tuple[int, Broken]]] = {}
    for monday, place, count, first in connection.execute(f"""
        SELECT {week} AS week, rule, count(*), list(told ORDER BY told)[:{FIRST_ROWS}]
        FROM {view} WHERE rule IS NOT NULL GROUP BY ALL ORDER BY rule
    """).fetchall():
        rows = [{c: v for c, v in zip(columns, told, strict=True) if c in incoming.types} for told in first]
        one = Broken(judged.rules[place].says, judged.rules[place].column, count, rows)
        broken.setdefault(_named(monday), []).append((place, one))
    early = dict(
        connection.execute(f"""
            SELECT {week} AS week, count(*) FROM {view} JOIN {name(KEPT_ACCOUNTS)} USING (account_id)
            WHERE rule IS NULL AND {stamp}::DATE < signed_up_on GROUP BY ALL
        """).fetchall()
    )
    found = {}
    for monday, n_kept, n_aside, first_on, last_on in connection.execute(f"""
        SELECT {week} AS week, count(*) FILTER (rule IS NULL), count(*) FILTER (rule IS NOT NULL),
               min({stamp}) FILTER (rule IS NULL)::DATE::VARCHAR, max({stamp}) FILTER (rule IS NULL)::DATE::VARCHAR
        FROM {view} GROUP BY ALL
    """).fetchall():
        key = _named(monday)
        saw = weeks.get(key, Seen(0, 0, 0, 0))  # lines that are no CSV show only now
        copies = saw.rows - n_kept - n_aside if key != UNDATED else 0
        rules = tuple(broken.get(key, ()))
        found[key] = Week(saw, n_kept, copies, n_aside, early.get(monday, 0), first_on, last_on, rules)
    lost = set(weeks) - set(found) - {UNDATED}
    if lost or any(w.copies < 0 for w in found.values()) or sum(w.copies for w in found.values()) != judged.copies:
        raise BadInput(f"{table.name}: {incoming.place} changed while it was being read; run the same again.")
    return found


def _week(table: RawTable) -> str:
    return f"date_trunc('week', {name(table.stamp)})::DATE"


def _named(monday: date | None) -> str:
    return UNDATED if monday is None else str(monday)


def _parsed(column: str, into: Any, incoming: Incoming) -> str:
    type_ = incoming.types.get(column)
    return parsed(name(column), type_, into) if type_ else parsed("NULL", "VARCHAR", into)
