"""The one point-in-time join: every idea's features beside the accounts that were active as of each day."""

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from data.catalog import Catalog
from data.terms import running
from features import (
    adoption,
    commerce,
    life,
    limits,
    peers,
    profile,
    proposals,
    relationship,
    seats,
    sentiment,
    tenure,
    use,
)
from features import health as healths
from features import lifecycle as stages
from features import support as supports
from features.feature import Feature
from features.health import Health
from features.lifecycle import Lifecycle
from features.triggers import LATELY_DAYS

Staged = Mapping[str, ir.Table]
WINDOW_DAYS = max(use.DAYS, adoption.DAYS, limits.DAYS, LATELY_DAYS)  # of usage and meters nothing older is looked at


def features(staged: Staged, cohort: ir.Table, catalog: Catalog, health: Health, lifecycle: Lifecycle) -> ir.Table:
    """One row per (account_id, as_of) of the cohort: its columns, and every feature of the dictionary.

    Features of a table that is missing are null; of one that is there but silent about an account, its `empty`.
    `usage` and `meters` may hold no more than the WINDOW_DAYS before each as_of, if `first_uses` (`adoption.first_uses`
    of all usage) lies beside them.
    """
    cohort = cohort.cache()
    as_ofs = cohort.select("as_of").distinct().cache()
    wide = cohort
    for ideas, rows in _aggregates(staged, cohort, catalog, as_ofs):
        wide = _beside(wide, ideas, rows)
    wide = _mutated(wide.cache(), tenure.FEATURES)
    wide = _young_ones_nulled(wide, dictionary(catalog, health, lifecycle))
    wide = _mutated(
        wide, [tenure.DAYS_TO_FIRST_VALUE, *commerce.TERMS, *seats.FEATURES, *seats.SIZE, *profile.FEATURES]
    )
    sizes = adoption.plan_sizes(catalog)
    wide = wide.left_join(sizes, "plan_id", rname="{name}_beside").drop("plan_id_beside")
    wide = _mutated(wide, adoption.SHARES)
    wide = _mutated(wide, [f for metric in catalog.metrics for f in limits.metric_features(metric)])
    wide = _mutated(wide, limits.overall(catalog))
    if not catalog.metrics:
        wide = wide.mutate(limit_peak=ibis.null("float64"))
    wide = _mutated(wide, [sentiment.CSM])
    wide = _mutated(wide.cache(), healths.parts(health))
    wide = _mutated(wide, healths.score(health))
    wide = wide.mutate(health_band=healths.band(wide.health_score, health))
    wide = _mutated(wide, stages.features(lifecycle, catalog))
    wide = _mutated(wide, peers.FEATURES)
    named = dictionary(catalog, health, lifecycle)
    of_cohort = [name for name in cohort.columns if name not in {f.name for f in named}]
    return wide.select(*of_cohort, "health_band", *[f.name for f in named])


def dictionary(catalog: Catalog, health: Health, lifecycle: Lifecycle) -> list[Feature]:
    """All features of a company with this catalogue, in the order of their groups' first appearance."""
    found: list[Feature] = [
        *use.FEATURES,
        *peers.FEATURES,
        *adoption.BY_FEATURE,
        *adoption.gated_by_add_on(catalog),
        adoption.NEW_FEATURES,
        *adoption.SHARES,
        *[f for metric in catalog.metrics for f in limits.metric_features(metric)],
        *limits.overall(catalog),
        *tenure.FEATURES,
        tenure.DAYS_TO_FIRST_VALUE,
        *seats.FEATURES,
        *seats.SIZE,
        *supports.FEATURES,
        *sentiment.FEATURES,
        sentiment.CSM,
        *relationship.FEATURES,
        *commerce.TERMS,
        *commerce.CHANGES,
        *proposals.FEATURES,
        *life.FEATURES,
        *profile.FEATURES,
        *healths.parts(health),
        *healths.score(health),
        *stages.features(lifecycle, catalog),
    ]
    first = {group: i for i, group in reversed(list(enumerate(f.group for f in found)))}
    return sorted(found, key=lambda f: first[f.group])


def _aggregates(
    staged: Staged, cohort: ir.Table, catalog: Catalog, as_ofs: ir.Table
) -> list[tuple[list[Feature] | dict[str, str], ir.Table | None]]:
    """Each idea's features (or plain columns with their types) and its rows, None where its table is missing."""
    usage, subscriptions = staged["usage"], staged["subscriptions"]
    firsts = staged["first_uses"] if "first_uses" in staged else adoption.first_uses(usage)
    first_uses = adoption.first_uses_known(firsts, as_ofs).cache()
    terms = running(subscriptions, catalog, as_ofs)

    def of(table: str, build: object, *more: object) -> ir.Table | None:
        return build(staged[table], *more) if table in staged else None  # type: ignore[operator]

    level_columns = {
        f"{metric.id}_{part}": "float64"
        for metric in catalog.metrics
        for part in ("latest", "peak", "slope", *(["rate"] if metric.kind == "monthly_counter" else []))
    }
    return [
        (use.FEATURES, use.use(usage, as_ofs)),
        (
            [*adoption.BY_FEATURE, *adoption.gated_by_add_on(catalog)],
            adoption.adoption(usage, cohort, catalog, as_ofs),
        ),
        ([adoption.NEW_FEATURES], adoption.aggregated(first_uses, [adoption.NEW_FEATURES])),
        ({"first_value_on": "date"}, tenure.first_value(first_uses, catalog)),
        ({"seats_180d_ago": "float64", "mrr_180d_ago": "float64"}, seats.before(subscriptions, catalog, as_ofs)),
        (
            {f"{metric.id}_limit": "float64" for metric in catalog.metrics},
            limits.effective_limits(cohort, terms, catalog),
        ),
        (level_columns, of("meters", limits.levels, catalog, as_ofs) if catalog.metrics else None),
        (commerce.CHANGES, commerce.changes(subscriptions, catalog, as_ofs)),
        (supports.FEATURES, of("tickets", supports.support, as_ofs)),
        (sentiment.FEATURES, of("surveys", sentiment.sentiment, as_ofs)),
        ({"known_sentiment": "float64"}, of("account_changes", sentiment.csm_sentiment, as_ofs)),
        ({"known_employee_count": "int64"}, of("account_changes", seats.size, as_ofs)),
        (relationship.FEATURES, of("touchpoints", relationship.relationship, as_ofs)),
        (proposals.FEATURES, of("proposals", proposals.proposals, as_ofs)),
        (life.FEATURES, of("life_events", life.life, as_ofs)),
    ]


def _beside(wide: ir.Table, ideas: list[Feature] | dict[str, str], rows: ir.Table | None) -> ir.Table:
    """An idea's columns beside the wide table, each account's silence filled as its feature says."""
    if rows is None:
        names = ideas if isinstance(ideas, dict) else {f.name: "float64" for f in ideas}
        return wide.mutate(**{name: ibis.null(kind) for name, kind in names.items()})
    rows = rows.cache()
    wide = wide.left_join(rows, ["account_id", "as_of"], rname="{name}_beside")
    wide = wide.drop("account_id_beside", "as_of_beside")
    if isinstance(ideas, dict):
        return wide
    filled = {f.name: wide[f.name].fill_null(f.empty) for f in ideas if f.empty is not None}
    return wide.mutate(**filled) if filled else wide


def _mutated(wide: ir.Table, features: list[Feature]) -> ir.Table:
    """Row-wise features of one list: all at once, so none of them reads another of the same list."""
    return wide.mutate(**{f.name: f.of(wide) for f in features}) if features else wide


def _young_ones_nulled(wide: ir.Table, features: list[Feature]) -> ir.Table:
    """A comparison of windows means nothing for an account that is younger than they are."""
    aged = {
        f.name: (wide.tenure_days < f.needs_days).ifelse(ibis.null(wide[f.name].type()), wide[f.name])
        for f in features
        if f.needs_days and f.name in wide.columns
    }
    return wide.mutate(**aged)
