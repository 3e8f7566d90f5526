"""Sentiment: what they say in surveys, and what the CSM feels."""

import ibis
import ibis.expr.types as ir

from data.cohort import last_change
from data.known import known
from features.feature import aggregated, feature

STALE_DAYS = 365
SENTIMENTS = {"red": 0, "yellow": 1, "green": 2}

FEATURES = [
    feature(
        "nps_latest", "sentiment", "nps",
        lambda s: s.nps.mean(where=s.place == 0),
        description=("Latest NPS answer (0-10), last 365 days", "直近1年の最新NPS回答（0〜10）"),
        sentence=("Latest NPS answer: {value}", "最新のNPS回答は{value}"),
        nothing=("No NPS answer in a year", "直近1年のNPS回答はありません"),
    ),
    feature(
        "nps_age_days", "sentiment", "days",
        lambda s: s.age_days.min(),
        description=("Days since the latest NPS answer", "最新NPS回答からの日数"),
        sentence=("Last NPS answer {value} ago", "最新のNPS回答から{value}経過"),
        nothing=("No NPS answer in a year", "直近1年のNPS回答はありません"),
        is_predictor=False,
    ),
    feature(
        "nps_change", "sentiment", "number",
        lambda s: s.nps.mean(where=s.place == 0) - s.nps.mean(where=s.place == 1),
        description=("Latest NPS answer less the one before", "NPS回答の前回差"),
        sentence=("NPS answer moved by {value}", "NPS回答は前回から{value}"),
        nothing=("No two NPS answers in a year to compare", "直近1年に比較できるNPS回答がありません"),
    ),
]  # fmt: skip

CSM = feature(
    "csm_sentiment_level", "sentiment", "sentiment",
    lambda w: w.known_sentiment,
    description=("The CSM's sentiment: 0 red, 1 yellow, 2 green", "CSMの所感：0赤・1黄・2緑"),
    sentence=("The CSM's sentiment is {value}", "CSMの所感は「{value}」"),
    nothing=("No word of the CSM", "CSMの所感は未記入"),
)  # fmt: skip


def sentiment(surveys: ir.Table, as_ofs: ir.Table) -> ir.Table:
    """One row per (account_id, as_of) with an NPS answer in the last 365 days."""
    rows = known(surveys, as_ofs)
    rows = rows.mutate(age_days=rows.as_of.delta(rows.answered_at.cast("date"), unit="day"))
    rows = rows.filter(rows.age_days <= STALE_DAYS)
    # of two that were given at one moment, the one recorded later puts the other right
    newest_first = ibis.window(
        group_by=["account_id", "as_of"], order_by=[rows.answered_at.desc(), rows.known_on.desc(), rows.nps]
    )
    rows = rows.mutate(place=ibis.row_number().over(newest_first))
    return aggregated(rows, FEATURES)


def csm_sentiment(account_changes: ir.Table, as_ofs: ir.Table) -> ir.Table:
    """One row per (account_id, as_of) on which a CSM's word was known: 0 red, 1 yellow, 2 green."""
    rows = last_change(account_changes, "csm_sentiment", as_ofs)
    level = ibis.cases(*[(rows.new_value == word, level) for word, level in SENTIMENTS.items()], else_=None)
    return rows.select("account_id", "as_of", known_sentiment=level.cast("float64"))
