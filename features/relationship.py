"""Relationship: who meets whom, how often, how high up."""

import ibis.expr.types as ir

from data.known import known
from features.feature import aggregated, feature

FEATURES = [
    feature(
        "touchpoints_90d", "relationship", "count",
        lambda t: (t.age_days <= 90).sum(),
        description=("Meetings and calls in the last 90 days", "直近90日の打ち合わせ回数"),
        sentence=("{value} meeting{s} in 90 days", "直近90日の打ち合わせは{value}回"),
        empty=0, is_actionable=True,
    ),
    feature(
        "days_since_touchpoint", "relationship", "days",
        lambda t: t.age_days.min(),
        description=("Days since the last meeting or call", "最後の打ち合わせからの日数"),
        sentence=("Last met {value} ago", "最後の打ち合わせから{value}経過"),
        nothing=("Never met", "打ち合わせの記録なし"),
        is_actionable=True,
    ),
    feature(
        "executive_meetings_180d", "relationship", "count",
        lambda t: (t.has_executive & (t.age_days <= 180)).sum(),
        description=("Meetings with an executive, last 180 days", "直近180日の経営層との打ち合わせ回数"),
        sentence=("{value} meeting{s} with an executive in 180 days", "直近180日の経営層との打ち合わせは{value}回"),
        empty=0, is_actionable=True,
    ),
    feature(
        "attendees_180d", "relationship", "number",
        lambda t: t.n_attendees.mean(where=t.age_days <= 180),
        description=("Mean number of attendees, last 180 days", "直近180日の平均参加者数"),
        sentence=("{value} people attend a meeting on average", "打ち合わせの平均参加者は{value}人"),
        nothing=("No meeting in 180 days", "直近180日の打ち合わせなし"),
        is_actionable=True,
    ),
    feature(
        "business_reviews_365d", "relationship", "count",
        lambda t: ((t.kind == "business_review") & (t.age_days <= 365)).sum(),
        description=("Business reviews in a year", "直近1年のビジネスレビュー回数"),
        sentence=("{value} business review{s} in a year", "直近1年のビジネスレビューは{value}回"),
        empty=0, is_actionable=True,
    ),
    feature(
        "trainings_180d", "relationship", "count",
        lambda t: (t.kind.isin(["training", "onboarding"]) & (t.age_days <= 180)).sum(),
        description=("Trainings and onboardings, last 180 days", "直近180日のトレーニング回数"),
        sentence=("{value} training{s} in 180 days", "直近180日のトレーニングは{value}回"),
        empty=0, is_actionable=True,
    ),
]  # fmt: skip


def relationship(touchpoints: ir.Table, as_ofs: ir.Table) -> ir.Table:
    """One row per (account_id, as_of) that was met so far."""
    rows = known(touchpoints, as_ofs)
    rows = rows.mutate(age_days=rows.as_of.delta(rows.held_at.cast("date"), unit="day"))
    return aggregated(rows, FEATURES)
