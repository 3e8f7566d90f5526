"""What was known on which day: the one strict inequality of the project, and nothing else that compares with as_of.

Staged rows carry `known_on`, the day that stamped them. A row is known as of a day if it was stamped before that day:
a feature as of D reads nothing of day D itself.
"""

from collections.abc import Sequence
from datetime import date

import ibis
import ibis.expr.types as ir


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
