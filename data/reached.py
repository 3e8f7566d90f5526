"""When was a limit reached? Looks at [as_of, as_of + horizon), and at nothing that features may see."""

from collections.abc import Sequence
from datetime import date

import ibis
import ibis.expr.types as ir

from data.catalog import Catalog
from data.known import calendar, known

KEY = ("account_id", "as_of", "metric")


def reached(
    rows: ir.Table,
    meters: ir.Table,
    subscriptions: ir.Table,
    catalog: Catalog,
    *,
    horizon_days: int,
    known_by: date,
) -> ir.Table:
    """One row per (account_id, as_of, metric) of `rows`: `reached_after`, the days from as_of to the first day in
    [as_of, as_of + horizon_days) on which the metric stood at `limit` or above, 0 for as_of itself; null where none.

    `rows` carries `limit`, which is held as it was on the day, whatever is bought later. A counter stands at what it
    has counted since its month began. `seen_days`: how many days of the horizon the account was still a customer: where
    that is less than the horizon and nothing was reached, what would have come later was not seen. Reads what was known
    by `known_by`.
    """
    then = calendar([known_by])
    level = _levels(known(meters, then).drop("as_of"), [m.id for m in catalog.metrics if m.kind == "monthly_counter"])
    ends_on = (rows.as_of + ibis.interval(days=horizon_days)).cast("date")
    rows = rows.select(*KEY, "limit", ends_on=ends_on)
    hits = rows.join(
        level,
        [
            rows.account_id == level.account_id,
            rows.metric == level.metric,
            level.measured_on >= rows.as_of,
            level.measured_on < rows.ends_on,
            level.level >= rows["limit"],
        ],
        rname="{name}_level",
    )
    first = hits.group_by(*KEY).aggregate(first_on=hits.measured_on.min())
    last = known(subscriptions, then)
    is_open = last.valid_to_on.isnull().any()
    last = last.group_by("account_id").aggregate(left_on=is_open.ifelse(ibis.null("date"), last.valid_to_on.max()))
    found = rows.left_join(first, list(KEY), rname="{name}_first").left_join(last, "account_id", rname="{name}_last")
    stayed = ibis.coalesce(found.left_on.delta(found.as_of, unit="day"), horizon_days)
    return found.select(
        *KEY,
        reached_after=found.first_on.delta(found.as_of, unit="day").cast("float64"),
        seen_days=ibis.greatest(ibis.least(stayed, horizon_days), 0).cast("int64"),
    )


def _levels(meters: ir.Table, counters: Sequence[str]) -> ir.Table:
    """One row per meter row: its `level`, for a counter the sum of its month so far."""
    meters = meters.mutate(month=meters.measured_on.truncate("M"))
    so_far = ibis.cumulative_window(group_by=["account_id", "metric", "month"], order_by="measured_on")
    counted = meters.value.cast("decimal(38, 12)").sum().over(so_far)  # exact, as data/sums.py adds
    level = (
        meters.metric.isin(list(counters)).ifelse(counted.cast("float64"), meters.value) if counters else meters.value
    )
    return meters.select("account_id", "metric", "measured_on", level=level.cast("float64"))
