"""Sentences that hold no figure: that something is 0, or that there is nothing to tell, and what makes that true.

Copied from the list as people read it. Where one claims more than that the feature's figure is null, `unless` names
the figure by hand that must be null for the sentence to be true: "never" is more than "not in a year".
"""

from __future__ import annotations

from typing import NamedTuple


class Phrase(NamedTuple):
    """A sentence in both languages; `unless`: the column of `figures` that belies it, the feature's own by default."""

    en: str
    ja: str
    unless: str = ""


_METRICS = {
    "active_users": ("active users", "アクティブユーザー数"),
    "storage_gb": ("storage", "ストレージ"),
    "api_calls": ("API calls", "API呼び出し"),
}
_ADD_ONS = {"analytics": ("Analytics", "アナリティクス"), "security": ("Security pack", "セキュリティパック")}

ZERO: dict[str, Phrase] = {
    "life_events_180d": Phrase("No event known in the company in 180 days", "直近180日に把握している企業イベントなし"),
    "gated_events_28d": Phrase("No locked feature was tried in 28 days", "直近28日に未契約の機能は試されていません"),
    "gated_features_90d": Phrase("No locked feature was tried in 90 days", "直近90日に未契約の機能は試されていません"),
    "gated_next_plan_28d": Phrase(
        "No feature of the next plan was tried in 28 days", "直近28日に上位プランの機能は試されていません"
    ),
    **{
        f"gated_{add_on}_28d": Phrase(
            f"Nothing that {en} opens was tried in 28 days", f"直近28日に{ja}の機能は試されていません"
        )
        for add_on, (en, ja) in _ADD_ONS.items()
    },
}

NOTHING: dict[str, Phrase] = {
    "attendees_180d": Phrase("No meeting in 180 days", "直近180日の打ち合わせなし"),
    "bug_share_180d": Phrase("No tickets in 180 days", "直近180日の問い合わせはありません"),
    "close_hours_180d": Phrase(
        "No ticket of the last 180 days is closed", "直近180日の問い合わせに解決済みのものはありません"
    ),
    "csat_180d": Phrase("No ticket of the last 180 days was rated", "直近180日の問い合わせに評価はありません"),
    "csm_sentiment_level": Phrase("No word of the CSM", "CSMの所感は未記入"),
    "days_since_growth_event": Phrase("No growth event known in a year", "直近1年の成長イベントの情報なし"),
    "days_since_proposal": Phrase("Nothing proposed so far", "これまで提案なし"),
    "days_since_refusal": Phrase("Has never declined", "断られたことはありません"),
    "days_since_touchpoint": Phrase("Never met", "打ち合わせの記録なし"),
    "days_since_upheaval": Phrase("No merger or reorganisation known in a year", "直近1年の合併・組織再編の情報なし"),
    "days_to_first_value": Phrase("Has not yet used half of the core features", "主要機能の半数がまだ使われていません"),
    "days_to_renewal": Phrase("No renewal date", "更新日なし"),
    "health_score": Phrase("No health score in the first weeks", "契約直後のためヘルススコアは未算出"),
    "industry": Phrase("Industry not known", "業種は不明"),
    "region": Phrase("Region not known", "地域は不明"),
    "mrr_change_180d": Phrase("No paid plan 180 days ago", "180日前は有料契約なし"),
    "nps_change": Phrase("No two NPS answers in a year to compare", "直近1年に比較できるNPS回答がありません"),
    "nps_latest": Phrase("No NPS answer in a year", "直近1年のNPS回答はありません"),
    "seats_change_180d": Phrase("Not a customer 180 days ago", "180日前は未契約"),
    "use_trend_8w": Phrase(
        "Too new, or no use in the last eight weeks, for a trend", "契約直後か、直近8週間の利用がなく、傾向が出せません"
    ),
    **{
        name: Phrase("No limit applies, or none is measured", "上限のある指標がないか、計測がありません", "limit_peak")
        for name in ("limit_peak", "limits_over_80")
    },
    "days_to_limit": Phrase(
        "No limit applies, or there are too few readings", "上限のある指標がないか、計測が足りません"
    ),
    **{
        name: Phrase("Too new, or no earlier use, for a comparison", "契約直後か、過去の利用がなく、比較できません")
        for name in ("use_change_28d", "users_change_28d")
    },
    **{
        name.format(metric): Phrase(
            f"No limit on {en}, or not measured", f"{ja}は上限がないか、計測がありません", f"limit_{metric}_latest"
        )
        for metric, (en, ja) in _METRICS.items()
        for name in ("limit_{}_latest", "limit_{}_peak_28d")
    },
    **{
        f"days_to_limit_{metric}": Phrase(
            f"No limit on {en}, or too few readings", f"{ja}は上限がないか、計測が足りません"
        )
        for metric, (en, ja) in _METRICS.items()
    },
}
