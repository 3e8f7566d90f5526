"""Adoption: how much of what the plan holds is in real use, and what is reached for beyond it."""

import ibis
import ibis.expr.types as ir

from data.catalog import AddOn, Catalog
from data.known import known, known_in_spans
from features.feature import Feature, aggregated, feature

DAYS = 90
ZERO = ibis.literal(0, "int64")
DEEP_DAYS = 12  # three times a week over four weeks


def plan_features(catalog: Catalog) -> ir.Table:
    """One row per (plan_id, feature) that the plan holds, with `is_core`."""
    core = {f.id for f in catalog.features if f.is_core}
    pairs = [(plan.id, f, f in core) for plan in catalog.plans for f in plan.features]
    return ibis.memtable(
        {
            "plan_id": [plan for plan, _, _ in pairs],
            "feature": [f for _, f, _ in pairs],
            "is_core": [is_core for _, _, is_core in pairs],
        },
        schema={"plan_id": "string", "feature": "string", "is_core": "boolean"},
    )


def plan_sizes(catalog: Catalog) -> ir.Table:
    """One row per plan_id: how many features it holds, how many of them core, and which features the next plan adds."""
    core = {f.id for f in catalog.features if f.is_core}
    return ibis.memtable(
        {
            "plan_id": [plan.id for plan in catalog.plans],
            "n_plan_features": [len(plan.features) for plan in catalog.plans],
            "n_core_features": [len(core & set(plan.features)) for plan in catalog.plans],
        },
        schema={"plan_id": "string", "n_plan_features": "int64", "n_core_features": "int64"},
    )


def next_plan_features(catalog: Catalog) -> ir.Table:
    """One row per (plan_id, feature) that one plan up adds."""
    pairs = []
    for plan in catalog.plans:
        above = catalog.plan_beside(plan.id, 1)
        pairs += [(plan.id, f) for f in (above.features if above else []) if f not in plan.features]
    return ibis.memtable(
        {"plan_id": [p for p, _ in pairs], "feature": [f for _, f in pairs], "is_next": [True] * len(pairs)},
        schema={"plan_id": "string", "feature": "string", "is_next": "boolean"},
    )


# Over one row per (account_id, as_of, feature): days and events of the windows, by kind.
BY_FEATURE = [
    feature(
        "features_used_28d", "adoption", "count",
        lambda f: (f.used_days_28d > 0).sum(),
        description=("Features in use, last 28 days", "直近28日に使われた機能数"),
        sentence=("{value} feature{s} in use", "利用中の機能は{value}個"),
        empty=0, is_actionable=True,
    ),
    feature(
        "plan_features_used_28d", "adoption", "count",
        lambda f: ((f.used_days_28d > 0) & f.is_core.notnull()).sum(),
        description=("Features of the plan in use, last 28 days", "直近28日に使われたプラン内の機能数"),
        sentence=("{value} of the plan's features in use", "プラン内の機能のうち{value}個を利用"),
        empty=0, is_predictor=False,
    ),
    feature(
        "core_features_used_28d", "adoption", "count",
        lambda f: ((f.used_days_28d > 0) & f.is_core.fill_null(False)).sum(),
        description=("Core features in use, last 28 days", "直近28日に使われた主要機能数"),
        sentence=("{value} core feature{s} in use", "主要機能のうち{value}個を利用"),
        empty=0, is_predictor=False,
    ),
    feature(
        "deep_features_28d", "adoption", "count",
        lambda f: (f.used_days_28d >= DEEP_DAYS).sum(),
        description=("Features used three times a week or more, last 28 days", "直近28日に週3回以上使われた機能数"),
        sentence=("{value} feature{s} used three times a week or more", "週3回以上使われている機能は{value}個"),
        empty=0, is_actionable=True,
    ),
    feature(
        "gated_events_28d", "adoption", "count",
        lambda f: f.gated_events_28d.sum(),
        description=("Tries of a locked feature, last 28 days", "直近28日に未契約の機能に触れた回数"),
        sentence=("A locked feature was tried {value} time{s} in 28 days", "直近28日に未契約の機能を{value}回試しています"),
        zero=("No locked feature was tried in 28 days", "直近28日に未契約の機能は試されていません"),
        empty=0,
    ),
    feature(
        "gated_next_plan_28d", "adoption", "count",
        lambda f: f.gated_events_28d.sum(where=f.is_next.fill_null(False)),
        description=("Tries of a feature that the next plan opens, last 28 days", "直近28日に上位プランの機能に触れた回数"),
        sentence=("Features of the next plan were tried {value} time{s} in 28 days", "直近28日に上位プランの機能を{value}回試しています"),
        zero=("No feature of the next plan was tried in 28 days", "直近28日に上位プランの機能は試されていません"),
        empty=0,
    ),
    feature(
        "gated_features_90d", "adoption", "count",
        lambda f: (f.gated_events_90d > 0).sum(),
        description=("Different locked features met, last 90 days", "直近90日に触れた未契約機能の種類"),
        sentence=("Tried {value} different locked feature{s} in 90 days", "直近90日に未契約の機能{value}種類を試しています"),
        zero=("No locked feature was tried in 90 days", "直近90日に未契約の機能は試されていません"),
        empty=0,
    ),
    feature(
        "trial_days_28d", "adoption", "days",
        lambda f: f.trial_days_28d.max(),
        description=("Days on which the trial feature that was used most was, last 28", "直近28日で最も使われたトライアル機能の利用日数"),
        sentence=("One trial feature was used on {value} of the last 28", "直近28日のうち{value}、同じトライアル機能を利用"),
        empty=0, is_actionable=True,
    ),
]  # fmt: skip

NEW_FEATURES = feature(
    "features_new_28d", "adoption", "count",
    lambda f: (f.as_of.delta(f.first_used_on, unit="day") <= 28).sum(),
    description=("Features used for the first time in the last 28 days", "直近28日に初めて使われた機能数"),
    sentence=("{value} feature{s} used for the first time in 28 days", "直近28日に新しく使い始めた機能は{value}個"),
    empty=0, is_actionable=True,
)  # fmt: skip

# Over the wide table, once the plan is beside.
SHARES = [
    feature(
        "adoption_rate", "adoption", "share",
        lambda w: w.plan_features_used_28d / w.n_plan_features.nullif(0),
        description=("Share of the plan's features in use, last 28 days", "プラン機能の採用率（直近28日）"),
        sentence=("{value} of the plan's features are in use", "プランの機能の{value}を利用中"),
        is_actionable=True,
    ),
    feature(
        "core_adoption_rate", "adoption", "share",
        lambda w: w.core_features_used_28d / w.n_core_features.nullif(0),
        description=("Share of the core features in use, last 28 days", "主要機能の採用率（直近28日）"),
        sentence=("{value} of the core features are in use", "主要機能の{value}を利用中"),
        is_actionable=True,
    ),
]  # fmt: skip


def gated_by_add_on(catalog: Catalog) -> list[Feature]:
    """For each add-on that opens features: how often those were met locked, last 28 days."""
    return [_gated_by(add_on) for add_on in catalog.add_ons if add_on.features]


def _gated_by(add_on: AddOn) -> Feature:
    en, ja = add_on.name.en, add_on.name.ja
    return feature(
        f"gated_{add_on.id}_28d", "adoption", "count",
        lambda f: f.gated_events_28d.sum(where=f.feature.isin(add_on.features)),
        description=(f"Tries of what {en} opens, last 28 days", f"直近28日に{ja}の機能に触れた回数"),
        sentence=(f"What {en} opens was tried {{value}} time{{s}} in 28 days", f"直近28日に{ja}の機能を{{value}}回試しています"),
        zero=(f"Nothing that {en} opens was tried in 28 days", f"直近28日に{ja}の機能は試されていません"),
        empty=0,
    )  # fmt: skip


def by_feature(usage: ir.Table, cohort: ir.Table, catalog: Catalog, as_ofs: ir.Table) -> ir.Table:
    """One row per (account_id, as_of, feature) met in the last 90 days: days, events and users of each kind."""
    # (account, day, feature, kind) is the key of usage: its rows are days
    by = ["account_id", "feature"]
    in_use = known_in_spans(
        usage.filter(usage.kind != "gated"), as_ofs, day="used_on", edges=[28], by=by,
        of=lambda u: {
            "used_days": (u.kind == "used").ifelse(1, 0).sum(),
            "trial_days": (u.kind == "trial").ifelse(1, 0).sum(),
            "gated_events": ZERO,
        },
    )  # fmt: skip
    # met, but locked: looked at for longer, and far rarer
    gated = known_in_spans(
        usage.filter(usage.kind == "gated"), as_ofs, day="used_on", edges=[28, DAYS], by=by,
        of=lambda u: {"used_days": ZERO, "trial_days": ZERO, "gated_events": u.n_events.sum()},
    )  # fmt: skip
    spans = in_use.union(gated)
    counted = spans.group_by("account_id", "as_of", "feature").aggregate(
        used_days_28d=spans.used_days.sum(),
        trial_days_28d=spans.trial_days.sum(),
        gated_events_28d=spans.gated_events.sum(where=spans.age_days <= 28).fill_null(0),
        gated_events_90d=spans.gated_events.sum(),
    )
    plans = cohort.select("account_id", "as_of", "plan_id")
    counted = counted.inner_join(plans, ["account_id", "as_of"])
    for beside in (plan_features(catalog), next_plan_features(catalog)):
        counted = counted.left_join(beside, ["plan_id", "feature"], rname="{name}_beside")
        counted = counted.drop("plan_id_beside", "feature_beside")
    return counted


def adoption(usage: ir.Table, cohort: ir.Table, catalog: Catalog, as_ofs: ir.Table) -> ir.Table:
    """One row per (account_id, as_of) with usage in the last 90 days."""
    return aggregated(by_feature(usage, cohort, catalog, as_ofs), [*BY_FEATURE, *gated_by_add_on(catalog)])


def first_uses(usage: ir.Table) -> ir.Table:
    """When each feature was first used, as it came to be known. One row per (account_id, feature, known_on) that lowered it.

    A late row may move a first use back; whoever asked before it was recorded must still get the old answer.
    """
    used = usage.filter(usage.kind == "used")
    # of what was known at once only the first day can ever have lowered it
    used = used.mutate(late_on=(used.known_on > used.used_on).ifelse(used.known_on, ibis.null("date")))
    days = used.group_by("account_id", "feature", "late_on").aggregate(
        first_used_on=used.used_on.min(), known_on=used.known_on.min()
    )
    days = days.drop("late_on")
    earlier = ibis.window(group_by=["account_id", "feature"], order_by="known_on", preceding=(None, 1))
    days = days.mutate(before=days.first_used_on.min().over(earlier))
    lowered = days.filter(days.before.isnull() | (days.first_used_on < days.before))
    return lowered.drop("before")


def first_uses_known(first_uses: ir.Table, as_ofs: ir.Table) -> ir.Table:
    """One row per (account_id, as_of, feature): the day of its first use, as known by then."""
    rows = known(first_uses, as_ofs)
    return rows.group_by("account_id", "as_of", "feature").aggregate(first_used_on=rows.first_used_on.min())
