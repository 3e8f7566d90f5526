"""The health score: five parts from 0 to 100, weighed in one place, missing ones redistributed, stale ones dropped."""

from typing import Self

import ibis
import ibis.expr.types as ir
from pydantic import Field, model_validator

from data.settings import Settings
from features.feature import Feature, feature


class Weights(Settings):
    """How much each part counts, before the missing ones are redistributed."""

    usage: float = Field(default=30, ge=0)
    adoption: float = Field(default=20, ge=0)
    support: float = Field(default=20, ge=0)
    sentiment: float = Field(default=15, ge=0)
    engagement: float = Field(default=15, ge=0)

    @model_validator(mode="after")
    def _some_part_counts(self) -> Self:
        if not any(self.model_dump().values()):
            raise ValueError("one of them must be above 0, or nothing counts")
        return self


class Health(Settings):
    """The numbers of the health score: what counts as full marks, when a part is stale, where the bands begin."""

    weights: Weights = Weights()
    none_before_days: int = Field(default=30, ge=0)  # nothing fair can be said of the first month
    green_from: float = Field(default=75, ge=0, le=100)
    yellow_from: float = Field(default=50, ge=0, le=100)
    full_active_days: float = Field(default=20, gt=0)  # of 28: every working day
    full_adoption: float = Field(default=0.6, gt=0)
    nps_stale_after_days: int = Field(default=180, ge=0)
    touch_stale_after_days: int = Field(default=180, gt=30)  # full marks for the first 30 days, none after this
    serious_ticket_costs: float = Field(default=40, ge=0)
    open_ticket_costs: float = Field(default=8, ge=0)

    @model_validator(mode="after")
    def _green_is_above_yellow(self) -> Self:
        if self.green_from <= self.yellow_from:
            raise ValueError(f"green_from ({self.green_from:g}) must be above yellow_from ({self.yellow_from:g})")
        return self


def _part(name: str, en: str, ja: str, of: object, **more: bool) -> Feature:
    return feature(
        f"health_{name}", "health", "score", of,  # type: ignore[arg-type]
        description=(f"Health, {en} (0-100)", f"ヘルス：{ja}（0〜100）"),
        sentence=(f"{en.capitalize()} health stands at {{value}} of 100", f"ヘルススコアの{ja}は{{value}}点"),
        nothing=(f"No {en} health yet", f"ヘルススコアの{ja}は未算出"),
        is_predictor=False, is_actionable=True,
    )  # fmt: skip


def parts(h: Health) -> list[Feature]:
    """The five parts, over the wide table; null where what a part is made of is missing or stale."""

    def clipped(value: ir.Value) -> ir.Value:
        return value.clip(lower=0.0, upper=100.0)

    def usage(w: ir.Table) -> ir.Value:
        days = clipped(100 * w.active_days_28d / h.full_active_days)
        trend = clipped(60 + 100 * w.use_change_28d)
        return ibis.coalesce(0.65 * days + 0.35 * trend, days)

    def adoption(w: ir.Table) -> ir.Value:
        breadth = clipped(100 * w.adoption_rate / h.full_adoption)
        return ibis.coalesce(0.6 * breadth + 40 * w.core_adoption_rate, breadth)

    def support(w: ir.Table) -> ir.Value:
        open_ones = h.serious_ticket_costs * w.open_serious_tickets + h.open_ticket_costs * w.open_tickets
        calm = clipped(100 - open_ones)
        return ibis.coalesce(0.6 * calm + 0.4 * 25 * (w.csat_180d - 1), calm)

    def sentiment(w: ir.Table) -> ir.Value:
        nps = (w.nps_age_days <= h.nps_stale_after_days).ifelse(10.0 * w.nps_latest, ibis.null("float64"))
        csm = 50.0 * w.csm_sentiment_level
        return ibis.coalesce((nps + csm) / 2, nps, csm)

    def engagement(w: ir.Table) -> ir.Value:
        # a meeting of long ago says nothing of today, no more than one that never was
        lately = (w.days_since_touchpoint <= h.touch_stale_after_days).ifelse(
            w.days_since_touchpoint, ibis.null("int64")
        )
        return clipped(100 * (1 - (lately - 30) / (h.touch_stale_after_days - 30)))

    return [
        _part("usage", "usage", "利用", usage),
        _part("adoption", "adoption", "機能採用", adoption),
        _part("support", "support", "サポート", support),
        _part("sentiment", "sentiment", "満足度", sentiment),
        _part("engagement", "engagement", "関係性", engagement),
    ]


def score(h: Health) -> list[Feature]:
    """The score over its parts; the weight of a missing part goes to the others; a red word of the CSM caps it."""

    def weighed(w: ir.Table) -> ir.Value:
        weights = h.weights.model_dump()
        total = sum(weight * w[f"health_{name}"].fill_null(0) for name, weight in weights.items())
        present = sum(w[f"health_{name}"].isnull().ifelse(0.0, weight) for name, weight in weights.items())
        mean = total / present.nullif(0)
        red = (w.csm_sentiment_level == 0).fill_null(False)
        capped = red.ifelse(ibis.least(mean, h.yellow_from - 1), mean)
        return (w.tenure_days < h.none_before_days).ifelse(ibis.null("float64"), capped)

    return [
        feature(
            "health_score", "health", "score", weighed,
            description=("Health score (0-100)", "ヘルススコア（0〜100）"),
            sentence=("Health score {value} of 100", "ヘルススコアは{value}点"),
            nothing=("No health score in the first weeks", "契約直後のためヘルススコアは未算出"),
            is_actionable=True,
        ),
    ]  # fmt: skip


def band(health_score: ir.Value, h: Health) -> ir.Value:
    """green, yellow or red; null where there is no score."""
    return ibis.cases(
        (health_score >= h.green_from, "green"),
        (health_score >= h.yellow_from, "yellow"),
        (health_score < h.yellow_from, "red"),
        else_=None,
    )
