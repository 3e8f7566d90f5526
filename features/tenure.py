"""Tenure: how long the account has been a customer, and how fast it came to value."""

import ibis
import ibis.expr.types as ir

from data.catalog import Catalog
from features.feature import feature

FEATURES = [
    feature(
        "tenure_days", "tenure", "days",
        lambda w: w.as_of.delta(w.signed_up_on, unit="day"),
        description=("Days since sign-up", "契約開始からの日数"),
        sentence=("A customer for {value}", "ご利用開始から{value}"),
    ),
]  # fmt: skip

DAYS_TO_FIRST_VALUE = feature(
    "days_to_first_value", "tenure", "days",
    lambda w: w.first_value_on.delta(w.signed_up_on, unit="day").clip(lower=0),
    description=("Days from sign-up until half of the core features had been used", "主要機能の半数を使い始めるまでの日数"),
    sentence=("Reached first value {value} after sign-up", "契約から{value}で最初の成果に到達"),
    nothing=("Has not yet used half of the core features", "主要機能の半数がまだ使われていません"),
)  # fmt: skip


def first_value(first_uses_known: ir.Table, catalog: Catalog) -> ir.Table:
    """One row per (account_id, as_of) that got there: `first_value_on`, the day on which half of the core features had
    been used for the first time (of 3, the second)."""
    core = [f.id for f in catalog.features if f.is_core] or [f.id for f in catalog.features]
    half = (len(core) + 1) // 2
    rows = first_uses_known.filter(first_uses_known.feature.isin(core))
    in_order = ibis.window(group_by=["account_id", "as_of"], order_by=[rows.first_used_on, rows.feature])
    rows = rows.mutate(place=ibis.row_number().over(in_order))
    rows = rows.filter(rows.place == half - 1)
    return rows.select("account_id", "as_of", first_value_on="first_used_on")
