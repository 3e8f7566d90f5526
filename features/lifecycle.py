"""Where the account stands in its life with us, and the flags that offers ask for."""

from functools import reduce
from operator import or_

import ibis
import ibis.expr.types as ir
from pydantic import Field

from data.catalog import Catalog
from data.settings import Settings
from features.feature import Feature, Way, feature


class Lifecycle(Settings):
    """Where one stage ends and the next begins."""

    onboarding_days: int = Field(default=60, ge=0)
    adopting_days: int = Field(default=180, ge=0)
    adopting_below_adoption: float = 0.35
    renewal_within_days: int = Field(default=90, ge=0)
    at_risk_use_change: float = -0.4
    reached_gated_events: int = 3
    reached_limit: float = 0.8
    unhappy_nps_to: int = 6
    unhappy_nps_days: int = 90


def lifted(catalog: Catalog) -> dict[str, list[str]]:
    """By metric: the plans whose limit on it the next plan lifts. Seats are bought, and no plan lifts them."""

    def lifts(plan_id: str, metric: str) -> bool:
        now, above = catalog.plan(plan_id).limits.get(metric), catalog.plan_beside(plan_id, 1)
        if now is None or above is None:
            return False
        then = above.limits.get(metric)
        return then is None or then > now

    return {m.id: [plan.id for plan in catalog.plans if lifts(plan.id, m.id)] for m in catalog.metrics}


def reaching(s: Lifecycle, catalog: Catalog) -> tuple[Way, ...]:
    """How an account reaches for more than its plan holds: for what the next plan opens, or for a limit that it lifts."""
    gated = Way("gated_next_plan_28d", s.reached_gated_events)
    pressed = [
        Way(f"limit_{metric}_peak_28d", s.reached_limit, tuple(plans))
        for metric, plans in lifted(catalog).items()
        if plans
    ]
    return (gated, *pressed)


def features(s: Lifecycle, catalog: Catalog) -> list[Feature]:
    """The stage and the flags, over the wide table with the health score in it."""

    def stage(w: ir.Table) -> ir.Value:
        is_at_risk = (w.health_band == "red") | (w.use_change_28d <= s.at_risk_use_change)
        is_renewal = (w.billing == "annual") & (w.days_to_renewal <= s.renewal_within_days)
        return ibis.cases(
            (w.tenure_days < s.onboarding_days, "onboarding"),
            (is_at_risk.fill_null(False), "at_risk"),
            (is_renewal.fill_null(False), "renewal"),
            (
                (w.tenure_days < s.adopting_days) | (w.adoption_rate < s.adopting_below_adoption).fill_null(False),
                "adopting",
            ),
            else_="established",
        )

    ways = reaching(s, catalog)

    def has_reached_for_more(w: ir.Table) -> ir.Value:
        return reduce(or_, [way.holds(w) for way in ways])

    def needs_help(w: ir.Table) -> ir.Value:
        serious = (w.open_serious_tickets > 0).fill_null(False)
        nps = ((w.nps_latest <= s.unhappy_nps_to) & (w.nps_age_days <= s.unhappy_nps_days)).fill_null(False)
        unhappy = nps | (w.csm_sentiment_level == 0).fill_null(False)
        return serious | unhappy | (w.health_band == "red").fill_null(False)

    return [
        feature(
            "lifecycle_stage", "tenure", "category", stage,
            description=("Lifecycle stage", "ライフサイクルステージ"),
            sentence=("{value}", "ステージは{value}"),
        ),
        feature(
            "has_reached_for_more", "adoption", "flag", has_reached_for_more,
            description=("Meets what the next plan opens: its features, or a limit that it lifts", "上位プランで解放される機能や上限に達している"),
            sentence=("Reaches for more than the plan holds", "プランを超える利用の兆し"),
            is_predictor=False, ways=ways,
        ),
        feature(
            "needs_help", "support", "flag", needs_help,
            description=("Has an open serious ticket, or is unhappy", "重要な未解決課題または不満がある"),
            sentence=("Needs help first", "まず支援が必要"),
            is_predictor=False,
        ),
    ]  # fmt: skip
