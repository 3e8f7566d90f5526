"""Triggers: what happened lately that makes now the time to talk, each with its threshold and its evidence."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import ibis
import ibis.expr.types as ir
from pydantic import Field, ValidationError, model_validator

from data.catalog import Catalog, Metric, Text
from data.known import known, known_within
from data.settings import Settings

LATELY_DAYS = 28  # the days of use among which a trigger looks for the last of its kind


class Triggers(Settings):
    """From where on a trigger fires, and for how long it stays worth mentioning.

    A threshold may be `auto`: found in past data, where past data hold one (models/thresholds.py). Until then, and where
    they hold none, its default here stands.

    >>> settings = Triggers.model_validate({"gated_events": "auto", "limit_share": 0.75})
    >>> settings.gated_events, settings.limit_share, settings.found_in_data
    (3, 0.75, ('gated_events',))
    >>> Triggers.parse({"lasts_days": "auto"}, file="params.yaml")
    Traceback (most recent call last):
    data.errors.BadInput: params.yaml: lasts_days: input should be a valid integer, ... (it is 'auto'); change it.
    """

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
    trial_days: int = Field(default=1, ge=1, le=28)
    lasts_days: int = Field(default=28, ge=1)
    # The thresholds that were given as `auto`; no key of the file.
    found_in_data: tuple[str, ...] = ()

    @classmethod
    def may_be(cls, setting: str, number: float) -> bool:
        """Whether a person could have written the number: what data give is held to the same bounds.

        >>> Triggers.may_be("users_growth", 0.1), Triggers.may_be("users_growth", -0.1), Triggers.may_be("trial_days", 1.5)
        (True, False, False)
        """
        try:
            cls.model_validate({setting: number})
        except ValidationError:
            return False
        return True

    @model_validator(mode="before")
    @classmethod
    def _sets_autos_aside(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        if "found_in_data" in given:
            raise ValueError("found_in_data is no key: write `auto` at the threshold itself")
        thresholds = set(cls.model_fields) - {"lasts_days"}
        autos = sorted(name for name, value in given.items() if value == "auto" and name in thresholds)
        return {name: value for name, value in given.items() if name not in autos} | {"found_in_data": tuple(autos)}


@dataclass(frozen=True)
class Trigger:
    """A trigger over the wide table: when it fires, since when, and its evidence with `{value}` of its column.

    It fires where its column is `number` or more (or, where not `at_least`, `number` or less) and it applies: where
    `also` holds and `unless`, which speaks in its stead, does not fire.
    since: the day from which it holds with this number, where the data tell; else the last day that was read.
    """

    id: str
    name: Text
    column: str
    setting: str  # of Triggers
    number: float
    is_auto: bool  # whether past data may give the number
    at_least: bool
    evidence: Text
    also: Callable[[ir.Table], ir.Value] | None = None
    unless: "Trigger | None" = None
    since: Callable[[ir.Table, float], ir.Value] | None = None

    def applies(self, wide: ir.Table) -> ir.BooleanValue:
        """Whether it could fire, were the column's value what it takes. Never null."""
        holds = wide[self.column].notnull()
        if self.also:
            holds = holds & self.also(wide).fill_null(False)
        return holds & ~self.unless.fires(wide) if self.unless else holds

    def fires(self, wide: ir.Table) -> ir.BooleanValue:
        """Whether it fires. Never null."""
        value = wide[self.column]
        reached = value >= self.number if self.at_least else value <= self.number
        return self.applies(wide) & reached.fill_null(False)


def triggers(s: Triggers, catalog: Catalog, found: Mapping[str, float] = MappingProxyType({})) -> list[Trigger]:
    """All triggers of a company with this catalogue.

    found: what past data gave, by trigger. It stands in for the settings that are `auto`, and for no other.
    """

    def trigger(
        id: str,
        name: tuple[str, str],
        column: str,
        setting: str,
        evidence: tuple[str, str],
        *,
        at_least: bool = True,
        also: Callable[[ir.Table], ir.Value] | None = None,
        unless: Trigger | None = None,
        since: Callable[[ir.Table, float], ir.Value] | None = None,
    ) -> Trigger:
        given = float(getattr(s, setting))
        is_auto = setting in s.found_in_data
        number = found.get(id, given) if is_auto else given
        said, spoken = Text(en=name[0], ja=name[1]), Text(en=evidence[0], ja=evidence[1])
        return Trigger(id, said, column, setting, number, is_auto, at_least, spoken, also, unless, since)

    def of_limit(metric: Metric) -> list[Trigger]:
        """Near a limit, at it, and soon there."""
        en, ja = metric.name.en[:1].upper() + metric.name.en[1:], metric.name.ja
        share, days = f"limit_{metric.id}_latest", f"days_to_limit_{metric.id}"
        evidence = (f"{en} at {{value}} of the limit", f"{ja}は上限の{{value}}")
        soon = (f"{en}: the limit is {{value}} away at this pace", f"このペースでは{ja}が{{value}}で上限に到達")
        high = trigger(
            f"limit_{metric.id}_high",
            (f"{en} at the limit", f"{ja}が上限に到達"),
            share,
            "limit_share_high",
            evidence,
        )
        return [
            trigger(
                f"limit_{metric.id}", (f"{en} near the limit", f"{ja}が上限間近"), share, "limit_share", evidence,
                unless=high,
            ),
            high,
            trigger(
                f"limit_{metric.id}_soon", (f"{en} reaches the limit soon", f"{ja}がまもなく上限"), days, "days_to_limit", soon,
                at_least=False, also=lambda w: w[days] > 0,
            ),
        ]  # fmt: skip

    def days_ago(column: str) -> Callable[[ir.Table, float], ir.Value]:
        return lambda w, _: (w.as_of - w[column].cast("int32").as_interval("D")).cast("date")

    def before_renewal(w: ir.Table, days: float) -> ir.Value:
        return (w.renews_on - ibis.interval(days=int(days))).cast("date")

    renewal_30 = trigger(
        "renewal_30", ("Renewal within a month", "契約更新まで1か月"), "days_to_renewal", "renewal_days_near",
        ("The contract renews in {value}", "契約更新まで{value}"),
        at_least=False, also=lambda w: w.billing == "annual", since=before_renewal,
    )  # fmt: skip
    return [
        *[near for metric in catalog.metrics for near in of_limit(metric)],
        trigger(
            "gated_features", ("Tries locked features", "未契約機能の利用"), "gated_events_28d", "gated_events",
            ("A locked feature was tried {value} time{s} in 28 days", "直近28日に未契約の機能を{value}回試しています"),
            since=lambda w, _: w.last_gated_on,
        ),
        trigger(
            "power_features", ("Power user", "パワーユーザー"), "deep_features_28d", "deep_features",
            ("{value} feature{s} used three times a week or more", "週3回以上使われている機能が{value}個"),
        ),
        trigger(
            "use_growing", ("Use is growing", "利用増加"), "use_change_28d", "use_growth",
            ("Use grew by {value} on the 28 days before", "利用は前の28日と比べて{value}"),
            also=lambda w: w.active_days_28d >= 8,
        ),
        trigger(
            "users_growing", ("More people use it", "利用者増加"), "users_change_28d", "users_growth",
            ("People-days of use grew by {value} on the 28 days before", "延べ利用者数は前の28日と比べて{value}"),
            also=lambda w: w.peak_users_28d >= 3,
        ),
        trigger(
            "promoter", ("Promoter", "推奨者"), "nps_latest", "promoter_from",
            ("Answered the NPS survey with {value}", "NPSに{value}と回答"),
            also=lambda w: w.nps_age_days <= 90, since=days_ago("nps_age_days"),
        ),
        trigger(
            "renewal_90", ("Renewal ahead", "契約更新が近い"), "days_to_renewal", "renewal_days",
            ("The contract renews in {value}", "契約更新まで{value}"),
            at_least=False, also=lambda w: w.billing == "annual", unless=renewal_30, since=before_renewal,
        ),
        renewal_30,
        trigger(
            "life_event", ("The company is growing", "企業の成長イベント"), "days_since_growth_event", "life_event_days",
            ("{value} since funding, a new office, new business or hiring", "資金調達・新拠点・新規事業・採用強化から{value}経過"),
            at_least=False, since=days_ago("days_since_growth_event"),
        ),
        trigger(
            "executive_engaged", ("Executive on board", "経営層が関与"), "days_since_executive", "executive_days",
            ("Met an executive {value} ago", "経営層との打ち合わせから{value}経過"),
            at_least=False, since=days_ago("days_since_executive"),
        ),
        trigger(
            "trial_active", ("On trial", "トライアル利用中"), "trial_days_28d", "trial_days",
            ("One trial feature was used on {value} of the last 28", "直近28日のうち{value}、同じトライアル機能を利用"),
            since=lambda w, _: w.last_trial_on,
        ),
    ]  # fmt: skip


def fired(
    features: ir.Table,
    usage: ir.Table,
    touchpoints: ir.Table | None,
    settings: Triggers,
    catalog: Catalog,
    found: Mapping[str, float] = MappingProxyType({}),
) -> ir.Table:
    """One row per (account_id, as_of, trigger) that fires: `fired_on`, `value` of its evidence, `expires_on`."""
    as_ofs = features.select("as_of").distinct()
    lately = known_within(usage, as_ofs, day="used_on", days=LATELY_DAYS)
    days = lately.group_by("account_id", "as_of").aggregate(
        last_gated_on=lately.used_on.max(where=lately.kind == "gated"),
        last_trial_on=lately.used_on.max(where=lately.kind == "trial"),
    )
    wide = _with_executives(_beside(features, days), touchpoints).cache()
    yesterday = (wide.as_of - ibis.interval(days=1)).cast("date")
    rows = []
    for trigger in triggers(settings, catalog, found):
        since = trigger.since(wide, trigger.number) if trigger.since else yesterday
        rows.append(
            wide.filter(trigger.fires(wide)).select(
                "account_id",
                "as_of",
                trigger=ibis.literal(trigger.id),
                fired_on=ibis.coalesce(since, yesterday).cast("date"),
                value=wide[trigger.column].cast("float64"),
                expires_on=(wide.as_of + ibis.interval(days=settings.lasts_days)).cast("date"),
            )
        )
    return ibis.union(*rows)


def watched(
    predictors: ir.Table, touchpoints: ir.Table | None, surveys: ir.Table | None, named: list[Trigger]
) -> ir.Table:
    """One row per (account_id, as_of) of the predictors; per trigger its column's value, null where it does not apply.

    So a trigger fires wherever its value here is beyond its threshold, whatever that is. What the triggers read and the
    model does not (the last meeting with an executive, the age of an NPS answer) is worked out beside.
    """
    wide = _with_executives(predictors, touchpoints)
    if surveys is None:
        wide = wide.mutate(nps_age_days=ibis.null("int64"))
    else:
        answers = known(surveys, predictors.select("as_of").distinct())
        answers = answers.mutate(age=answers.as_of.delta(answers.answered_at.cast("date"), unit="day"))
        wide = _beside(wide, answers.group_by("account_id", "as_of").aggregate(nps_age_days=answers.age.min()))
    wide = wide.cache()
    values = {t.id: t.applies(wide).ifelse(wide[t.column].cast("float64"), ibis.null("float64")) for t in named}
    return wide.select("account_id", "as_of", **values)


def _with_executives(wide: ir.Table, touchpoints: ir.Table | None) -> ir.Table:
    """Days since an executive was met beside; null where none was."""
    if touchpoints is None:
        return wide.mutate(days_since_executive=ibis.null("int64"))
    met = known(touchpoints.filter(touchpoints.has_executive), wide.select("as_of").distinct())
    met = met.mutate(age=met.as_of.delta(met.held_at.cast("date"), unit="day"))
    return _beside(wide, met.group_by("account_id", "as_of").aggregate(days_since_executive=met.age.min()))


def _beside(wide: ir.Table, rows: ir.Table) -> ir.Table:
    joined = wide.left_join(rows, ["account_id", "as_of"], rname="{name}_beside")
    return joined.drop("account_id_beside", "as_of_beside")
