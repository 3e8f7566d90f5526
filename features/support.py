"""Support: what is open, how serious, how fast it is solved, and how content that leaves people."""

import ibis
import ibis.expr.types as ir

from data.known import known
from features.feature import aggregated, feature

FEATURES = [
    feature(
        "tickets_90d", "support", "count",
        lambda t: (t.age_days <= 90).sum(),
        description=("Tickets opened in the last 90 days", "直近90日の問い合わせ件数"),
        sentence=("{value} ticket{s} in 90 days", "直近90日の問い合わせは{value}件"),
        empty=0,
    ),
    feature(
        "open_tickets", "support", "count",
        lambda t: t.is_open.sum(),
        description=("Tickets open", "未解決の問い合わせ件数"),
        sentence=("{value} open ticket{s}", "未解決の問い合わせが{value}件"),
        empty=0, is_actionable=True,
    ),
    feature(
        "open_serious_tickets", "support", "count",
        lambda t: (t.is_open & t.severity.isin(["high", "urgent"])).sum(),
        description=("High or urgent tickets open", "重要度の高い未解決の問い合わせ件数"),
        sentence=("{value} open serious ticket{s}", "重要度の高い未解決の問い合わせが{value}件"),
        empty=0, is_actionable=True,
    ),
    feature(
        "bug_share_180d", "support", "share",
        lambda t: (t.category == "bug").ifelse(1, 0).mean(where=t.age_days <= 180),
        description=("Share of tickets about bugs, last 180 days", "直近180日の不具合の割合"),
        sentence=("{value} of the tickets are about bugs", "問い合わせの{value}が不具合"),
        nothing=("No tickets in 180 days", "直近180日の問い合わせはありません"),
    ),
    feature(
        "how_to_tickets_90d", "support", "count",
        lambda t: ((t.category == "how_to") & (t.age_days <= 90)).sum(),
        description=("How-to questions, last 90 days", "直近90日の使い方の質問件数"),
        sentence=("{value} how-to question{s} in 90 days", "直近90日の使い方の質問は{value}件"),
        empty=0, is_actionable=True,
    ),
    feature(
        "close_hours_180d", "support", "hours",
        lambda t: t.closed_at.delta(t.opened_at, unit="second").mean(where=~t.is_open & (t.age_days <= 180)) / 3600,
        description=("Mean hours until a ticket was closed, last 180 days", "直近180日の平均解決時間"),
        sentence=("Tickets were closed in {value} on average", "問い合わせの平均解決時間は{value}"),
        nothing=("No ticket of the last 180 days is closed", "直近180日の問い合わせに解決済みのものはありません"),
    ),
    feature(
        "csat_180d", "support", "rating",
        lambda t: t.csat.mean(where=~t.is_open & (t.age_days <= 180)),
        description=("Mean CSAT of closed tickets (1-5), last 180 days", "直近180日の平均CSAT（1〜5）"),
        sentence=("Support was rated {value} of 5", "サポート評価は5点中{value}"),
        nothing=("No ticket of the last 180 days was rated", "直近180日の問い合わせに評価はありません"),
    ),
]  # fmt: skip


def support(tickets: ir.Table, as_ofs: ir.Table) -> ir.Table:
    """One row per (account_id, as_of) with a ticket so far. A ticket is open until the day after it was closed."""
    rows = known(tickets, as_ofs)
    is_open = rows.closed_at.isnull() | (rows.closed_at >= rows.as_of.cast("timestamp"))
    rows = rows.mutate(
        is_open=is_open,
        age_days=rows.as_of.delta(rows.opened_at.cast("date"), unit="day"),
        csat=is_open.ifelse(ibis.null("int64"), rows.csat),
    )
    return aggregated(rows, FEATURES)
