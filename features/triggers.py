"""Triggers: what happened lately that makes now the time to talk, each with its evidence."""

from collections.abc import Callable
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
from pydantic import Field

from data.catalog import Catalog, Metric, Text
from data.known import known, known_within
from data.settings import Settings

LATELY_DAYS = 28  # the days of use among which a trigger looks for the last of its kind


class Triggers(Settings):
    """From where on a trigger fires, and for how long it stays worth mentioning."""

    limit_share: float = Field(default=0.8, gt=0)
    limit_share_high: float = Field(default=0.9, gt=0)
    days_to_limit: int = Field(default=30, ge=1)
    gated_events: int = Field(default=3, ge=1)
    deep_features: int = Field(default=3, ge=1)
    use_growth: float = Field(default=0.25, gt=0)
    users_growth: float = Field(default=0.2, gt=0)
    promoter_from: int = Field(default=9, ge=0, le=10)
    renewal_days: int = Field(default=90, ge=1)
    renewal_days_near: int = Field(default=30, ge=1)
    life_event_days: int = Field(default=90, ge=1)
    executive_days: int = Field(default=60, ge=1)
    lasts_days: int = Field(default=28, ge=1)


@dataclass(frozen=True)
class Trigger:
    """A trigger over the wide table: when it fires, since when, and its evidence with `{value}` of the named column.

    since: the day from which it holds, where the data tell; else the last day that was read.
    """

    id: str
    name: Text
    fires: Callable[[ir.Table], ir.Value]
    evidence: Text
    value: str
    since: Callable[[ir.Table], ir.Value] | None = None


def _trigger(
    id: str,
    name: tuple[str, str],
    fires: Callable[[ir.Table], ir.Value],
    evidence: tuple[str, str],
    value: str,
    since: Callable[[ir.Table], ir.Value] | None = None,
) -> Trigger:
    return Trigger(id, Text(en=name[0], ja=name[1]), fires, Text(en=evidence[0], ja=evidence[1]), value, since)


def _of_limit(metric: Metric, s: Triggers) -> list[Trigger]:
    """Near a limit, at it, and soon there."""
    en, ja = metric.name.en[:1].upper() + metric.name.en[1:], metric.name.ja
    share, days = f"limit_{metric.id}_latest", f"days_to_limit_{metric.id}"
    evidence = (f"{en} at {{value}} of the limit", f"{ja}は上限の{{value}}")
    soon = (f"{en}: the limit is {{value}} away at this pace", f"このペースでは{ja}が{{value}}で上限に到達")
    return [
        _trigger(
            f"limit_{metric.id}", (f"{en} near the limit", f"{ja}が上限間近"),
            lambda w: (w[share] >= s.limit_share) & (w[share] < s.limit_share_high), evidence, share,
        ),
        _trigger(
            f"limit_{metric.id}_high", (f"{en} at the limit", f"{ja}が上限に到達"),
            lambda w: w[share] >= s.limit_share_high, evidence, share,
        ),
        _trigger(
            f"limit_{metric.id}_soon", (f"{en} reaches the limit soon", f"{ja}がまもなく上限"),
            lambda w: (w[days] > 0) & (w[days] <= s.days_to_limit), soon, days,
        ),
    ]  # fmt: skip


def triggers(s: Triggers, catalog: Catalog) -> list[Trigger]:
    """All triggers of a company with this catalogue."""

    def before_renewal(days: int) -> Callable[[ir.Table], ir.Value]:
        return lambda w: (w.renews_on - ibis.interval(days=days)).cast("date")

    limited = [trigger for metric in catalog.metrics for trigger in _of_limit(metric, s)]
    return [
        *limited,
        _trigger(
            "gated_features", ("Tries locked features", "未契約機能の利用"),
            lambda w: w.gated_events_28d >= s.gated_events,
            ("A locked feature was tried {value} time{s} in 28 days", "直近28日に未契約の機能を{value}回試しています"), "gated_events_28d",
            lambda w: w.last_gated_on,
        ),
        _trigger(
            "power_features", ("Power user", "パワーユーザー"),
            lambda w: w.deep_features_28d >= s.deep_features,
            ("{value} feature{s} used three times a week or more", "週3回以上使われている機能が{value}個"), "deep_features_28d",
        ),
        _trigger(
            "use_growing", ("Use is growing", "利用増加"),
            lambda w: (w.use_change_28d >= s.use_growth) & (w.active_days_28d >= 8),
            ("Use grew by {value} on the 28 days before", "利用は前の28日と比べて{value}"), "use_change_28d",
        ),
        _trigger(
            "users_growing", ("More people use it", "利用者増加"),
            lambda w: (w.users_change_28d >= s.users_growth) & (w.peak_users_28d >= 3),
            ("People-days of use grew by {value} on the 28 days before", "延べ利用者数は前の28日と比べて{value}"), "users_change_28d",
        ),
        _trigger(
            "promoter", ("Promoter", "推奨者"),
            lambda w: (w.nps_latest >= s.promoter_from) & (w.nps_age_days <= 90),
            ("Answered the NPS survey with {value}", "NPSに{value}と回答"), "nps_latest",
            lambda w: (w.as_of - w.nps_age_days.cast("int32").as_interval("D")).cast("date"),
        ),
        _trigger(
            "renewal_90", ("Renewal ahead", "契約更新が近い"),
            lambda w: (w.billing == "annual") & (w.days_to_renewal <= s.renewal_days) & (w.days_to_renewal > s.renewal_days_near),
            ("The contract renews in {value}", "契約更新まで{value}"), "days_to_renewal", before_renewal(s.renewal_days),
        ),
        _trigger(
            "renewal_30", ("Renewal within a month", "契約更新まで1か月"),
            lambda w: (w.billing == "annual") & (w.days_to_renewal <= s.renewal_days_near),
            ("The contract renews in {value}", "契約更新まで{value}"), "days_to_renewal", before_renewal(s.renewal_days_near),
        ),
        _trigger(
            "life_event", ("The company is growing", "企業の成長イベント"),
            lambda w: w.days_since_growth_event <= s.life_event_days,
            ("{value} since funding, a new office, new business or hiring", "資金調達・新拠点・新規事業・採用強化から{value}経過"), "days_since_growth_event",
            lambda w: (w.as_of - w.days_since_growth_event.cast("int32").as_interval("D")).cast("date"),
        ),
        _trigger(
            "executive_engaged", ("Executive on board", "経営層が関与"),
            lambda w: w.days_since_executive <= s.executive_days,
            ("Met an executive {value} ago", "経営層との打ち合わせから{value}経過"), "days_since_executive",
            lambda w: (w.as_of - w.days_since_executive.cast("int32").as_interval("D")).cast("date"),
        ),
        _trigger(
            "trial_active", ("On trial", "トライアル利用中"),
            lambda w: w.trial_days_28d >= 1,
            ("A trial feature was used on {value} of the last 28", "トライアル機能を直近28日のうち{value}利用"), "trial_days_28d",
            lambda w: w.last_trial_on,
        ),
    ]  # fmt: skip


def fired(
    features: ir.Table, usage: ir.Table, touchpoints: ir.Table | None, settings: Triggers, catalog: Catalog
) -> ir.Table:
    """One row per (account_id, as_of, trigger) that fires: `fired_on`, `value` of its evidence, `expires_on`."""
    as_ofs = features.select("as_of").distinct()
    lately = known_within(usage, as_ofs, day="used_on", days=LATELY_DAYS)
    days = lately.group_by("account_id", "as_of").aggregate(
        last_gated_on=lately.used_on.max(where=lately.kind == "gated"),
        last_trial_on=lately.used_on.max(where=lately.kind == "trial"),
    )
    wide = _beside(features, days)
    if touchpoints is None:
        wide = wide.mutate(days_since_executive=ibis.null("int64"))
    else:
        met = known(touchpoints.filter(touchpoints.has_executive), as_ofs)
        met = met.mutate(age=met.as_of.delta(met.held_at.cast("date"), unit="day"))
        wide = _beside(wide, met.group_by("account_id", "as_of").aggregate(days_since_executive=met.age.min()))
    wide = wide.cache()
    yesterday = (wide.as_of - ibis.interval(days=1)).cast("date")
    rows = []
    for trigger in triggers(settings, catalog):
        since = trigger.since(wide) if trigger.since else yesterday
        rows.append(
            wide.filter(trigger.fires(wide).fill_null(False)).select(
                "account_id",
                "as_of",
                trigger=ibis.literal(trigger.id),
                fired_on=ibis.coalesce(since, yesterday).cast("date"),
                value=wide[trigger.value].cast("float64"),
                expires_on=(wide.as_of + ibis.interval(days=settings.lasts_days)).cast("date"),
            )
        )
    return ibis.union(*rows)


def _beside(wide: ir.Table, rows: ir.Table) -> ir.Table:
    joined = wide.left_join(rows, ["account_id", "as_of"], rname="{name}_beside")
    return joined.drop("account_id_beside", "as_of_beside")
