"""Seats: how many, how they grew, and how far into the customer's company they reach."""

import ibis
import ibis.expr.types as ir

from data.catalog import Catalog
from data.cohort import last_change
from data.known import known
from data.sums import exact_sum
from data.terms import products
from features.feature import feature

FEATURES = [
    feature(
        "seats", "seats", "count",
        lambda w: w.seats,
        description=("Seats bought", "契約シート数"),
        sentence=("{value} seat{s}", "契約シートは{value}席"),
    ),
    feature(
        "seats_change_180d", "seats", "change",
        lambda w: (w.seats - w.seats_180d_ago) / w.seats_180d_ago.nullif(0),
        description=("Seats against 180 days ago", "180日前と比べたシート数"),
        sentence=("Seats changed by {value} in 180 days", "シート数は180日で{value}"),
        nothing=("Not a customer 180 days ago", "180日前は未契約"),
    ),
    feature(
        "mrr_change_180d", "commerce", "change",
        lambda w: (w.mrr - w.mrr_180d_ago) / w.mrr_180d_ago.nullif(0),
        description=("MRR against 180 days ago", "180日前と比べたMRR"),
        sentence=("MRR changed by {value} in 180 days", "MRRは180日で{value}"),
        nothing=("No paid plan 180 days ago", "180日前は有料契約なし"),
    ),
]  # fmt: skip

SIZE = [
    feature(
        "employee_count", "profile", "count",
        lambda w: w.known_employee_count,
        description=("Employees of the customer", "顧客の従業員数"),
        sentence=("{value} employee{s}", "従業員数は{value}人"),
        nothing=("Number of employees not known", "従業員数は不明"),
    ),
    feature(
        "seat_penetration", "seats", "share",
        lambda w: w.seats / w.known_employee_count.nullif(0),
        description=("Seats ÷ employees", "従業員数に対するシート数"),
        sentence=("{value} of the employees have a seat", "従業員の{value}がシートを利用"),
        nothing=("Number of employees not known", "従業員数は不明"),
    ),
]  # fmt: skip


def before(subscriptions: ir.Table, catalog: Catalog, as_ofs: ir.Table, *, days: int = 180) -> ir.Table:
    """One row per (account_id, as_of) that ran a plan `days` ago: its seats and MRR then, as known today."""
    rows = known(subscriptions, as_ofs)
    then = (rows.as_of - ibis.interval(days=days)).cast("date")
    ran = (rows.valid_from_on < then) & (rows.valid_to_on.isnull() | (rows.valid_to_on >= then))
    rows = rows.filter(ran).join(products(catalog), "product_id")
    return rows.group_by("account_id", "as_of").aggregate(
        seats_180d_ago=exact_sum(rows.quantity, where=rows.is_plan), mrr_180d_ago=exact_sum(rows.mrr)
    )


def size(account_changes: ir.Table, as_ofs: ir.Table) -> ir.Table:
    """One row per (account_id, as_of) whose number of employees was known by then."""
    return last_change(account_changes, "employee_count", as_ofs).rename(known_employee_count="new_value")
