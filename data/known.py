"""What was known on which day: the one strict inequality of the project, and nothing else that compares with as_of.

Staged rows carry `known_on`, the day that stamped them. A row is known as of a day if it was stamped before that day:
a feature as of D reads nothing of day D itself.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta

import ibis
import ibis.expr.types as ir
from ibis import _

from data.contract import ACCOUNTS, MOVING_ATTRIBUTES, NO_RESPONSE_AFTER_DAYS, PROPOSALS, RAW_TABLES


def calendar(as_ofs: Sequence[date]) -> ir.Table:
    """The days as of which something is asked: one row per as_of."""
    return ibis.memtable({"as_of": list(as_ofs)}, schema={"as_of": "date"})


def known(rows: ir.Table, as_ofs: ir.Table) -> ir.Table:
    """Each row beside each day as of which it is known: one row per (row, as_of).

    >>> con = ibis.duckdb.connect()
    >>> rows = ibis.memtable({"account_id": ["a", "b"], "known_on": [date(2026, 5, 31), date(2026, 6, 1)]})
    >>> con.execute(known(rows, calendar([date(2026, 6, 1)])))["account_id"].tolist()
    ['a']
    """
    return rows.join(as_ofs, rows.known_on < as_ofs.as_of)


def known_alone(staged: Mapping[str, ir.Table], as_of: date) -> dict[str, ir.Table]:
    """The staged tables with nothing in them that was not known as of a day: what a run on that day would have read.

    Rows stamped on the day or later are gone, a column that is filled in later is null (an outcome: open) until its
    own day has come, and attributes of `accounts` that move, which stand there as they are today, are null.

    >>> con = ibis.duckdb.connect()
    >>> days = {"opened_at": [datetime(2026, 5, 1)] * 2, "known_on": [date(2026, 5, 1)] * 2, "csat": [5, 1]}
    >>> tickets = ibis.memtable({**days, "closed_at": [datetime(2026, 5, 31), datetime(2026, 6, 1)]})
    >>> con.execute(known_alone({"tickets": tickets}, date(2026, 6, 1))["tickets"].csat.count())
    1
    """
    return {name: _known_alone(name, rows, as_of) for name, rows in staged.items()}


def _known_alone(name: str, rows: ir.Table, as_of: date) -> ir.Table:
    rows = rows.filter(rows.known_on < as_of)
    blank: dict[str, ir.Value] = {}
    if name == ACCOUNTS.name:
        blank = {column: ibis.null(rows[column].type()) for column in MOVING_ATTRIBUTES if column in rows.columns}
    midnight = datetime.combine(as_of, time())
    for column, dated in RAW_TABLES[name].fills_in_later.items():
        come = rows[dated].cast("timestamp") < midnight
        blank[column] = come.fill_null(False).ifelse(rows[column], ibis.null(rows[column].type()))
    if name == PROPOSALS.name:
        silent = rows.proposed_at < midnight - timedelta(days=NO_RESPONSE_AFTER_DAYS)
        unanswered = (silent & (rows.outcome == "no_response")).ifelse("no_response", "open")
        blank["outcome"] = ibis.coalesce(blank["outcome"], unanswered)
    return rows.mutate(**blank) if blank else rows


def known_within(rows: ir.Table, as_ofs: ir.Table, *, day: str, days: int) -> ir.Table:
    """The rows of the last `days` days before each as_of, as far as they were known: with `age_days`, 1 for yesterday.

    Joined through a calendar (which days serve which as_of), so that the cost follows the rows and not their square.

    >>> con = ibis.duckdb.connect()
    >>> rows = ibis.memtable({"on": [date(2026, 5, 31), date(2026, 5, 4)], "known_on": [date(2026, 5, 31)] * 2})
    >>> con.execute(known_within(rows, calendar([date(2026, 6, 1)]), day="on", days=28))["age_days"].tolist()
    [1, 28]
    """
    ages = ibis.range(1, days + 1).unnest().name("age_days").as_table()
    served = as_ofs.cross_join(ages)
    served = served.mutate(served_on=(served.as_of - served.age_days.as_interval("D")).cast("date"))
    return rows.join(served, [rows[day] == served.served_on, rows.known_on < served.as_of]).drop("served_on")


def known_in_spans(
    rows: ir.Table,
    as_ofs: ir.Table,
    *,
    day: str,
    edges: Sequence[int],
    by: Sequence[str],
    of: Callable[[ir.Table], Mapping[str, ir.Value]],
) -> ir.Table:
    """`known_within`, added up over spans of days: one row per (*by, as_of, span), with the aggregates `of` the rows.

    No edge of a window `edges` days before an as_of lies inside a span, so that a window is a number of whole spans and
    `age_days`, that of the span's oldest day, tells which windows it belongs to. Rows are read once, however many
    as_ofs they serve; what was recorded late stays apart, and serves those that follow.

    >>> con = ibis.duckdb.connect()
    >>> on = [date(2026, 5, 31), date(2026, 5, 26), date(2026, 5, 25), date(2026, 5, 24)]
    >>> rows = ibis.memtable({"on": on, "known_on": [*on[:3], date(2026, 6, 1)], "n": [1, 2, 4, 8]})
    >>> found = known_in_spans(
    ...     rows, calendar([date(2026, 6, 1), date(2026, 6, 2)]), day="on", edges=[7, 28], by=[],
    ...     of=lambda r: {"n": r.n.sum()})
    >>> con.execute(found.order_by("as_of", "age_days").select("as_of", "age_days", "n"))
           as_of  age_days  n
    0 2026-06-01         6  3
    1 2026-06-01         7  4
    2 2026-06-02         7  3
    3 2026-06-02         8  4
    4 2026-06-02        28  8
    """
    longest = max(edges)
    days = as_ofs.cross_join(_numbers("age", range(1, longest + 1)))
    days = days.select(day_on=_days_before(days.as_of, days.age)).distinct()
    edge = as_ofs.cross_join(_numbers("age", sorted({0, *edges})))
    edge = edge.select(edge_on=_days_before(edge.as_of, edge.age)).distinct()
    spans = days.join(edge, edge.edge_on <= days.day_on).group_by("day_on").aggregate(span_on=_.edge_on.max())

    placed = rows.join(spans, rows[day] == spans.day_on).drop("day_on")
    is_late = placed.known_on > placed[day]
    placed = placed.mutate(late_on=is_late.ifelse(placed.known_on, ibis.null("date")))
    parts = placed.group_by(*by, "span_on", "late_on").aggregate(**of(placed))

    starts = spans.select(began_on=spans.span_on).distinct()
    served = as_ofs.cross_join(starts).filter(_.began_on < _.as_of)
    served = served.mutate(age_days=served.as_of.delta(served.began_on, unit="day")).filter(_.age_days <= longest)
    is_known = parts.late_on.isnull() | (parts.late_on < served.as_of)
    return parts.join(served, [parts.span_on == served.began_on, is_known]).drop("began_on", "span_on", "late_on")


def _days_before(day: ir.Value, days: ir.Value) -> ir.Value:
    # a date less an interval is a date to Ibis and a timestamp to DuckDB, which then compares every row as such
    return (day.cast("timestamp") - days.as_interval("D")).cast("date")


def _numbers(name: str, numbers: Sequence[int]) -> ir.Table:
    return ibis.memtable({name: list(numbers)}, schema={name: "int32"})
