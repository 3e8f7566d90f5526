"""Limits: how close use is to what the plan allows, at the latest and at its peak, and when it will be reached."""

import ibis
import ibis.expr.types as ir

from data.catalog import Catalog, Metric
from data.known import known_within
from data.sums import exact_sum
from features.feature import Feature, feature

FAR_DAYS = 365  # beyond a year a straight line says nothing
DAYS = 62  # this month and the one before
MONTH_DAYS = 365.25 / 12


def metric_features(metric: Metric) -> list[Feature]:
    """The three features of one metric, over one row per (account_id, as_of) and the columns `<metric>_…` beside."""
    m, en, ja = metric.id, metric.name.en[:1].upper() + metric.name.en[1:], metric.name.ja
    return [
        feature(
            f"limit_{m}_latest", "limits", "share",
            lambda w: w[f"{m}_latest"] / w[f"{m}_limit"].nullif(0),
            description=(f"{en}: latest use ÷ limit", f"{ja}：直近の上限比"),
            sentence=(f"{en} at {{value}} of the limit", f"{ja}は上限の{{value}}"),
            nothing=(f"No limit on {metric.name.en}, or not measured", f"{ja}は上限がないか、計測がありません"),
            rises=+1,
        ),
        feature(
            f"limit_{m}_peak_28d", "limits", "share",
            lambda w: w[f"{m}_peak"] / w[f"{m}_limit"].nullif(0),
            description=(f"{en}: peak use ÷ limit, last 28 days", f"{ja}：直近28日のピークの上限比"),
            sentence=(f"{en} peaked at {{value}} of the limit in 28 days", f"{ja}は直近28日に最大で上限の{{value}}"),
            nothing=(f"No limit on {metric.name.en}, or not measured", f"{ja}は上限がないか、計測がありません"),
            rises=+1,
        ),
        feature(
            f"days_to_limit_{m}", "limits", "days",
            lambda w: _days_to_limit(w, metric),
            description=(f"{en}: days until the limit at the trend of 28 days, {FAR_DAYS} for a year or more", f"{ja}：現在の傾向で上限に達するまでの日数（1年以上は{FAR_DAYS}）"),
            sentence=(f"{en}: the limit is {{value}} away at this pace", f"このペースでは{ja}が{{value}}で上限に到達"),
            nothing=(f"No limit on {metric.name.en}, or too few readings", f"{ja}は上限がないか、計測が足りません"),
            rises=-1,
        ),
    ]  # fmt: skip


def _days_to_limit(w: ir.Table, metric: Metric) -> ir.Value:
    """At the least-squares trend of the last 28 days. A counter hits its limit within its month; or, as it starts from
    nothing again, within the next one; or when its daily rate, growing as it has, would fill a month."""
    m = metric.id
    room = w[f"{m}_limit"] - w[f"{m}_latest"]
    slope = w[f"{m}_slope"]
    if metric.kind == "gauge":
        days = (slope > 0).ifelse(room / slope.nullif(0), FAR_DAYS)
    else:
        rate, limit = w[f"{m}_rate"], w[f"{m}_limit"]
        month_began = (w.as_of - ibis.interval(days=1)).cast("date").truncate("M")
        days_left = (month_began + ibis.interval(months=1)).cast("date").delta(w.as_of, unit="day")
        # the counter starts from nothing next month: it fills after limit / rate days of it, if a month is long enough
        fills = limit / rate.nullif(0)
        crosses = (slope > 0).ifelse((limit / MONTH_DAYS - rate) / slope.nullif(0), FAR_DAYS)
        next_month = days_left + ibis.least(fills, MONTH_DAYS)
        later = (fills <= MONTH_DAYS).ifelse(next_month, ibis.greatest(crosses, next_month))
        days = (rate > 0).ifelse((room <= rate * days_left).ifelse(room / rate.nullif(0), later), FAR_DAYS)
    days = ibis.greatest(ibis.least(days, float(FAR_DAYS)), 0.0)
    return (room.isnull() | slope.isnull()).ifelse(ibis.null("float64"), (room <= 0).ifelse(0.0, days))


def overall(catalog: Catalog) -> list[Feature]:
    """Over all metrics: the closest."""
    ids = [metric.id for metric in catalog.metrics]
    if not ids:
        return []
    return [
        feature(
            "limit_peak", "limits", "share",
            lambda w: _row_extreme(w, [f"limit_{m}_peak_28d" for m in ids], ibis.greatest),
            description=("Highest peak use ÷ limit of all metrics, last 28 days", "全指標で最も高い上限比（直近28日のピーク）"),
            sentence=("The tightest limit was at {value} in the last 28 days", "最も逼迫した上限は直近28日で{value}"),
            nothing=("No limit applies, or none is measured", "上限のある指標がないか、計測がありません"),
            speaks_through=tuple(f"limit_{m}_peak_28d" for m in ids),
            rises=+1,
        ),
        feature(
            "days_to_limit", "limits", "days",
            lambda w: _row_extreme(w, [f"days_to_limit_{m}" for m in ids], ibis.least),
            description=("Days until the first limit at the trend of 28 days", "現在の傾向で最初の上限に達するまでの日数"),
            sentence=("The first limit is reached in {value} at this pace", "このペースでは{value}で最初の上限に到達"),
            nothing=("No limit applies, or there are too few readings", "上限のある指標がないか、計測が足りません"),
            speaks_through=tuple(f"days_to_limit_{m}" for m in ids),
            rises=-1,
        ),
        feature(
            "limits_over_80", "limits", "count",
            lambda w: _row_extreme(w, [f"limit_{m}_peak_28d" for m in ids], ibis.greatest).notnull().ifelse(
                sum((w[f"limit_{m}_peak_28d"] >= 0.8).ifelse(1, 0).fill_null(0) for m in ids), ibis.null("int64")
            ),
            description=("Limits used to 80 % or more at their peak, last 28 days", "直近28日に80%以上に達した上限の数"),
            sentence=("{value} limit{s} used to 80 % or more", "80%以上に達した上限は{value}件"),
            nothing=("No limit applies, or none is measured", "上限のある指標がないか、計測がありません"),
            rises=+1,
        ),
    ]  # fmt: skip


def _row_extreme(w: ir.Table, names: list[str], extreme: object) -> ir.Value:
    """The least or greatest of some columns, nulls passed over."""
    columns = [w[name] for name in names]
    filled = [ibis.coalesce(column, *[other for other in columns if other is not column]) for column in columns]
    return extreme(*filled) if len(filled) > 1 else filled[0]  # type: ignore[operator]


def effective_limits(cohort: ir.Table, running: ir.Table, catalog: Catalog) -> ir.Table:
    """One row per (account_id, as_of): `<metric>_limit`, the plan's limit plus the add-ons'; null is unlimited.

    A limit named `seats` is the number of seats bought, and active_users presses on it.
    """
    limited = running.group_by("account_id", "as_of")
    wanted = {}
    for metric in catalog.metrics:
        m = metric.id
        plans = {p.id: p.limits.get(m) for p in catalog.plans}
        added = {a.id: a.limits.get(m) for a in catalog.add_ons}
        has_seats = [p.id for p in catalog.plans if "seats" in p.limits and p.limits.get(m) is None]
        given = [(i, limit) for i, limit in (plans | added).items() if limit is not None]
        value = ibis.cases(*[(running.product_id == i, limit) for i, limit in given], else_=None) if given else None
        if m == "active_users" and has_seats:
            seats = running.product_id.isin(has_seats).ifelse(running.quantity, ibis.null("float64"))
            value = seats if value is None else ibis.coalesce(value.cast("float64"), seats)
        if value is None:
            wanted[f"{m}_limit"] = ibis.null("float64")
            continue
        # unlimited in any running plan is unlimited, whatever add-ons say
        limited_plans = [i for i, limit in plans.items() if limit is not None] + (
            has_seats if m == "active_users" else []
        )
        is_open = (running.is_plan & ~running.product_id.isin(limited_plans)).any()
        wanted[f"{m}_limit"] = is_open.ifelse(ibis.null("float64"), exact_sum(value.cast("float64")))
    limits = limited.aggregate(**wanted)
    return (
        cohort.select("account_id", "as_of")
        .left_join(limits, ["account_id", "as_of"], rname="{name}_r")
        .drop("account_id_r", "as_of_r")
    )


def levels(meters: ir.Table, catalog: Catalog, as_ofs: ir.Table) -> ir.Table:
    """One row per (account_id, as_of): per metric its latest level, its peak, its slope a day and, for a counter, its rate."""
    rows = known_within(meters, as_ofs, day="measured_on", days=DAYS)
    month = rows.age_days <= 28
    yesterday = (rows.as_of - ibis.interval(days=1)).cast("date")
    is_this_month = rows.measured_on >= yesterday.truncate("M")
    before = (yesterday.truncate("M") - ibis.interval(days=1)).cast("date")
    is_month_before = (rows.measured_on <= before) & (rows.measured_on >= before.truncate("M"))
    # the month before counts as a peak of the last 28 days if its last day lies among them
    ended_lately = rows.as_of.delta(before, unit="day") <= 28
    wanted = {}
    for metric in catalog.metrics:
        m, is_it = metric.id, rows.metric == metric.id
        within = is_it & month
        x, y = -rows.age_days.cast("float64"), rows.value
        if metric.kind == "gauge":
            n = within.sum().cast("float64")
            sx, sy = x.sum(where=within), exact_sum(y, where=within)
            sxx, sxy = (x * x).sum(where=within), exact_sum(x * y, where=within)
            wanted[f"{m}_latest"] = y.argmin(rows.age_days, where=within)
            wanted[f"{m}_peak"] = y.max(where=within)
            wanted[f"{m}_slope"] = (n * sxy - sx * sy) / (n * sxx - sx * sx).nullif(0)
        else:
            so_far = exact_sum(y, where=is_it & is_this_month).fill_null(0)
            total_before = exact_sum(y, where=is_it & is_month_before & ended_lately).fill_null(0)
            rate = exact_sum(y, where=within).fill_null(0) / 28
            rate_before = exact_sum(y, where=is_it & (rows.age_days > 28) & (rows.age_days <= 56)).fill_null(0) / 28
            has_any = is_it.any()
            wanted[f"{m}_latest"] = has_any.ifelse(so_far, ibis.null("float64"))
            wanted[f"{m}_peak"] = has_any.ifelse(ibis.greatest(so_far, total_before), ibis.null("float64"))
            wanted[f"{m}_rate"] = has_any.ifelse(rate, ibis.null("float64"))
            wanted[f"{m}_slope"] = has_any.ifelse((rate - rate_before) / 28, ibis.null("float64"))
    return rows.group_by("account_id", "as_of").aggregate(**wanted)
