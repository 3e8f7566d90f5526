"""Headroom: how far each limited metric was below its limit, and how it had been moving. What intervals learn from."""

from collections.abc import Sequence
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir

from data.catalog import Catalog, Metric
from data.known import calendar
from data.terms import running
from features import limits

LAGS = (28, 56, 84)
DAYS = max(LAGS) + limits.DAYS  # of meters nothing older is looked at
PREDICTORS = ("so_far", "share", "pace", "slope", "peak", "line", *(f"share_{lag}d_ago" for lag in LAGS))


def headroom(
    meters: ir.Table, subscriptions: ir.Table, catalog: Catalog, as_ofs: Sequence[date], *, from_share: float
) -> ir.Table:
    """One row per (account_id, as_of, metric) whose `share` is `from_share` or more and whose limit is not yet reached.

    Shares are of `limit`, the one that held on the day. `share`: a gauge's latest level; a counter's peak of 28 days, a
    month that ended within them included. `so_far`: a gauge's latest level; a counter's month of as_of itself, which on
    a first has not begun to count. `pace`: a gauge's latest level; a counter's last 28 days as a month of them. `slope`:
    what is gained a month. `peak`: of 28 days. `line`: days until the limit along the straight line (`days_to_limit_…`).
    `share_<n>d_ago`: `share`, as it was known then, against today's limit.
    """
    days = calendar(as_ofs)
    runs = running(subscriptions, catalog, days)
    active = runs.filter(runs.is_plan).select("account_id", "as_of").distinct().cache()
    earlier = sorted({day - timedelta(days=lag) for day in as_ofs for lag in (0, *LAGS)})
    levels = limits.levels(meters, catalog, calendar(earlier)).cache()
    wide = limits.effective_limits(active, runs, catalog)
    wide = wide.join(levels, ["account_id", "as_of"], rname="{name}_level").cache()
    found = ibis.union(*[_of_metric(wide, metric) for metric in catalog.metrics])
    found = found.filter((found.share >= from_share) & (found.so_far < 1)).cache()
    uses = ibis.union(
        *[
            levels.select("account_id", "as_of", metric=ibis.literal(m.id), use=levels[_use(m)].cast("float64"))
            for m in catalog.metrics
        ]
    )
    for lag in LAGS:
        then = uses.mutate(as_of=(uses.as_of + ibis.interval(days=lag)).cast("date"))
        found = found.left_join(then, ["account_id", "as_of", "metric"], rname="{name}_then")
        found = found.mutate(**{f"share_{lag}d_ago": found.use / found["limit"]})
        found = found.drop("use", "account_id_then", "as_of_then", "metric_then")
    return found.select("account_id", "as_of", "metric", "limit", *PREDICTORS)


def _use(metric: Metric) -> str:
    return f"{metric.id}_latest" if metric.kind == "gauge" else f"{metric.id}_peak"


def _of_metric(wide: ir.Table, metric: Metric) -> ir.Table:
    """The rows of one metric that have a limit and a measurement."""
    m, month = metric.id, limits.MONTH_DAYS
    limit, latest = wide[f"{m}_limit"].cast("float64"), wide[f"{m}_latest"].cast("float64")
    line = next(f for f in limits.metric_features(metric) if f.name == f"days_to_limit_{m}")
    if metric.kind == "gauge":
        so_far, pace, slope = latest, latest, wide[f"{m}_slope"] * month
    else:
        # `latest` is of the month of the last day known; on a first that month is over
        so_far = (wide.as_of.day() == 1).ifelse(0.0, latest)
        pace, slope = wide[f"{m}_rate"] * month, wide[f"{m}_slope"] * month * month
    rows = wide.select(
        "account_id",
        "as_of",
        metric=ibis.literal(m),
        limit=limit,
        so_far=(so_far / limit).cast("float64"),
        share=(wide[_use(metric)] / limit).cast("float64"),
        pace=(pace / limit).cast("float64"),
        slope=(slope / limit).cast("float64"),
        peak=(wide[f"{m}_peak"] / limit).cast("float64"),
        line=line.of(wide).cast("float64"),
    )
    return rows.filter(rows["limit"].notnull() & (rows["limit"] > 0) & rows.share.notnull())
