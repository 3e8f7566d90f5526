"""Who is asked about: the accounts that are active as of a day, with their terms and their attributes of that day."""

from datetime import date

import ibis
import ibis.expr.types as ir

from data.catalog import Catalog
from data.contract import ACCOUNTS, MOVING_ATTRIBUTES
from data.known import known
from data.terms import state


def cohort(
    accounts: ir.Table, subscriptions: ir.Table, account_changes: ir.Table | None, catalog: Catalog, as_ofs: ir.Table
) -> ir.Table:
    """One row per (account_id, as_of) that is active: terms of data/terms.py and attributes of the account.

    An attribute that moves is the last change known by then; before the first one, what `accounts` says today.
    That is good enough for gates and display, and for nothing else: features read `account_changes` alone.
    """
    active = state(subscriptions, catalog, as_ofs)
    rows = active.join(known(accounts, as_ofs).drop("known_on"), ["account_id", "as_of"])
    if account_changes is None:
        return rows
    for name in MOVING_ATTRIBUTES:
        latest = last_change(account_changes, name, as_ofs)
        rows = rows.left_join(latest, ["account_id", "as_of"], rname="{name}_change")
        # a change to nothing is a change too: consent that was withdrawn must not read as what `accounts` says today
        rows = rows.mutate(**{name: rows.account_id_change.isnull().ifelse(rows[name], rows.new_value)})
        rows = rows.drop("new_value", "account_id_change", "as_of_change")
    return rows


def last_change(account_changes: ir.Table, name: str, as_ofs: ir.Table) -> ir.Table:
    """The last known value of an attribute, in its own type. One row per (account_id, as_of) that has one."""
    rows = known(account_changes.filter(account_changes.field == name), as_ofs)
    newest_first = ibis.window(
        group_by=["account_id", "as_of"], order_by=[rows.changed_at.desc(), rows.known_on.desc(), rows.value]
    )
    rows = rows.mutate(place=ibis.row_number().over(newest_first)).filter(ibis._.place == 0)
    kind = {"string": "string", "int": "int64", "bool": "boolean", "date": "date"}[ACCOUNTS.columns[name].type]
    return rows.select("account_id", "as_of", new_value=rows.value.try_cast(kind))


def snapshots(first: date, last: date) -> list[date]:
    """The first days of the months from `first` to `last`, both included.

    >>> [str(day) for day in snapshots(date(2026, 1, 15), date(2026, 3, 1))]
    ['2026-02-01', '2026-03-01']
    """
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    days = [date(month // 12, month % 12 + 1, 1) for month in months]
    return [day for day in days if first <= day <= last]
