"""Life events: what happens in the customer's company."""

import ibis.expr.types as ir

from data.known import known
from features.feature import aggregated, feature

FEATURES = [
    feature(
        "life_events_180d", "life", "count",
        lambda e: (e.age_days <= 180).sum(),
        description=("Events in the customer's company, last 180 days", "直近180日の顧客企業のイベント数"),
        sentence=("{value} event{s} in the company in 180 days", "直近180日の企業イベントは{value}件"),
        empty=0, zero=("No event known in the company in 180 days", "直近180日に把握している企業イベントなし"),
    ),
    feature(
        "days_since_growth_event", "life", "days",
        lambda e: e.age_days.min(where=e.kind.isin(["funding", "new_office", "new_business", "hiring"])),
        description=("Days since funding, a new office, new business or hiring", "資金調達・新拠点・新規事業・採用強化からの日数"),
        sentence=("{value} since funding, a new office, new business or hiring", "資金調達・新拠点・新規事業・採用強化から{value}経過"),
        nothing=("No growth event known in a year", "直近1年の成長イベントの情報なし"),
    ),
    feature(
        "days_since_upheaval", "life", "days",
        lambda e: e.age_days.min(where=e.kind.isin(["merger", "reorganisation"])),
        description=("Days since a merger or reorganisation", "合併・組織再編からの日数"),
        sentence=("{value} since a merger or reorganisation", "合併・組織再編から{value}経過"),
        nothing=("No merger or reorganisation known in a year", "直近1年の合併・組織再編の情報なし"),
    ),
]  # fmt: skip


def life(life_events: ir.Table, as_ofs: ir.Table) -> ir.Table:
    """One row per (account_id, as_of) with an event in the last 365 days."""
    rows = known(life_events, as_ofs)
    rows = rows.mutate(age_days=rows.as_of.delta(rows.happened_on, unit="day"))
    return aggregated(rows.filter(rows.age_days <= 365), FEATURES)
