"""Use: how often, how regularly, and whether it grows."""

import ibis
import ibis.expr.types as ir

from data.known import known_in_spans
from features.feature import Feature, aggregated, feature

WEEKS = 8
ONE = ibis.literal(1, "int64")
DAYS = 90
EDGES = [*range(7, 7 * WEEKS + 1, 7), DAYS]  # of every window below: all its weeks, and the quarter


@ibis.udf.agg.builtin  # every engine has it by this name; Ibis 12 knows it for all but Spark
def bit_or(bits: int) -> int:  # type: ignore[empty-body]
    """The bits that are set in any row."""


def _events(days: int) -> Feature:
    return feature(
        f"events_{days}d", "use", "count",
        lambda u: u.n_events.sum(where=u.age_days <= days),
        description=(f"Events in the last {days} days", f"直近{days}日の操作回数"),
        sentence=(f"{{value}} event{{s}} in the last {days} days", f"直近{days}日の操作回数は{{value}}回"),
        empty=0,
        is_actionable=True,
    )  # fmt: skip


def _active_days(days: int) -> Feature:
    return feature(
        f"active_days_{days}d", "use", "days",
        lambda u: _n_days(u, days),
        description=(f"Days with use in the last {days}", f"直近{days}日のうち利用があった日数"),
        sentence=(f"Used on {{value}} of the last {days}", f"直近{days}日のうち{{value}}利用"),
        empty=0,
        is_actionable=True,
    )  # fmt: skip


def _n_days(u: ir.Table, days: int) -> ir.Value:
    """Different days with use among the last `days`, of at most 28: a bit for each in `days` of a span, its oldest day's
    first. Bits count a day once, however many features were used on it and however late one of them was recorded."""
    month = u.days << (28 - u.age_days).clip(lower=0).cast(
        "int32"
    )  # yesterday's is the 28th; a span older than that is left out
    month = bit_or(month, where=u.age_days <= 28).fill_null(0)
    return _n_bits(month >> (28 - days) if days < 28 else month).cast("int64")


def _n_bits(bits: ir.Value) -> ir.Value:
    """How many of the lowest 32 bits are set, by adding neighbours: not every engine counts bits by itself."""
    for width, mask in ((1, 0x55555555), (2, 0x33333333), (4, 0x0F0F0F0F), (8, 0x00FF00FF), (16, 0x0000FFFF)):
        bits = (bits & mask) + ((bits >> width) & mask)
    return bits


def _weekly_slope(u: ir.Table) -> ir.Value:
    """Least-squares slope of the weekly events, by its closed form: a week without rows counts as zero by itself."""
    week = (u.age_days - 1) // 7
    twice_centred = (WEEKS - 1) - 2 * week  # whole numbers: a literal with a point is a decimal of few digits on Spark
    twice_spread = sum((2 * i - (WEEKS - 1)) ** 2 for i in range(WEEKS)) // 2
    return (u.n_events * twice_centred).sum(where=u.age_days <= 7 * WEEKS) / twice_spread


def _change(u: ir.Table, of: ir.Value) -> ir.Value:
    """The last 28 days against the 28 before; -1 where use has stopped, null where there was none to compare with."""
    now = of.sum(where=u.age_days <= 28).fill_null(0)
    return now / of.sum(where=(u.age_days > 28) & (u.age_days <= 56)).nullif(0) - 1


FEATURES = [
    _events(7),
    _events(28),
    _events(90),
    _active_days(7),
    _active_days(28),
    feature(
        "use_trend_8w", "use", "change_per_week",
        lambda u: _weekly_slope(u) / (u.n_events.sum(where=u.age_days <= 7 * WEEKS) / WEEKS).nullif(0),
        description=("Trend of weekly events over eight weeks, relative to their mean", "8週間の利用トレンド（週平均比）"),
        sentence=("Use has changed by {value} a week over the last eight weeks", "直近8週間の利用は週あたり{value}で推移"),
        nothing=("Too new, or no use in the last eight weeks, for a trend", "契約直後か、直近8週間の利用がなく、傾向が出せません"),
        needs_days=56,
        is_actionable=True,
    ),
    feature(
        "use_change_28d", "use", "change",
        lambda u: _change(u, u.n_events),
        description=("Events of the last 28 days against the 28 days before", "直近28日の操作回数の前28日比"),
        sentence=("Use in the last 28 days changed by {value} on the 28 days before", "直近28日の利用は前の28日と比べて{value}"),
        nothing=("Too new, or no earlier use, for a comparison", "契約直後か、過去の利用がなく、比較できません"),
        needs_days=56,
        is_actionable=True,
    ),
    feature(
        "days_since_use", "use", "days",
        lambda u: u.as_of.max().delta(u.last_on.max(), unit="day"),
        description=("Days since the last use, 91 for more than 90", "最終利用からの日数（90日超は91）"),
        sentence=("Last used {value} ago", "最終利用から{value}経過"),
        empty=DAYS + 1,
        is_actionable=True,
    ),
    feature(
        "peak_users_28d", "use", "count",
        lambda u: u.n_users_most.max(where=u.age_days <= 28),
        description=("Most users of one feature on one day, last 28 days", "直近28日で1機能を1日に使った最大人数"),
        sentence=("Up to {value} people a day used one feature in the last 28 days", "直近28日で1日最大{value}人が同じ機能を利用"),
        empty=0,
    ),
    feature(
        "users_change_28d", "use", "change",
        lambda u: _change(u, u.n_users),
        description=("User-days of the last 28 days against the 28 days before", "直近28日の延べ利用者数の前28日比"),
        sentence=("People-days of use changed by {value} on the 28 days before", "延べ利用者数は前の28日と比べて{value}"),
        nothing=("Too new, or no earlier use, for a comparison", "契約直後か、過去の利用がなく、比較できません"),
        needs_days=56,
        is_actionable=True,
    ),
]  # fmt: skip


def use(usage: ir.Table, as_ofs: ir.Table) -> ir.Table:
    """One row per (account_id, as_of) with use in the last 90 days. Gated meetings are no use; trials are."""
    rows = known_in_spans(
        usage.filter(usage.kind != "gated"), as_ofs, day="used_on", edges=EDGES, by=["account_id"],
        of=lambda u: {
            "n_events": u.n_events.sum(),
            "n_users": u.n_users.sum(),
            "n_users_most": u.n_users.max(),
            "days": bit_or(ONE << u.used_on.delta(u.span_on, unit="day").clip(upper=27).cast("int32")),
            "last_on": u.used_on.max(),
        },
    )  # fmt: skip
    return aggregated(rows, FEATURES)
