"""A company without an optional table: its features are null, everything else is as it was, and nothing crashes."""

from datetime import date

import pandas as pd
import pytest

from data.catalog import Catalog
from data.contract import RAW_TABLES
from features.build import dictionary
from features.health import Health
from features.lifecycle import Lifecycle
from tests.features.wide import wide
from tests.golden.company import company

D = date(2026, 6, 1)
OPTIONAL = sorted(name for name, table in RAW_TABLES.items() if not table.is_required)
# what each table feeds, by the start of the feature's name; and what is made of that and more
NULLED = {
    "meters": ("limit_", "limits_", "days_to_limit"),
    "tickets": ("tickets_", "open_", "bug_share", "how_to_", "close_hours", "csat_", "health_support"),
    "surveys": ("nps_",),
    "touchpoints": ("touchpoints_", "days_since_touchpoint", "executive_", "attendees_", "business_", "trainings_",
                    "health_engagement"),
    "life_events": ("life_events", "days_since_growth", "days_since_upheaval"),
    "proposals": ("proposals_", "days_since_proposal", "acceptances", "refusals_", "days_since_refusal", "contacts_"),
    "account_changes": ("csm_sentiment_level", "employee_count", "seat_penetration"),
}  # fmt: skip
MIXED = {"health_sentiment", "health_score", "health_band", "lifecycle_stage", "needs_help", "has_reached_for_more"}


@pytest.fixture(scope="module")
def whole(catalog: Catalog) -> pd.DataFrame:
    return wide(company(), catalog, [D])[0]


def names(catalog: Catalog) -> list[str]:
    return [f.name for f in dictionary(catalog, Health(), Lifecycle())]


@pytest.mark.parametrize("missing", OPTIONAL)
def test_without_a_table(missing: str, catalog: Catalog, whole: pd.DataFrame) -> None:
    found, fired = wide({n: t for n, t in company().items() if n != missing}, catalog, [D])
    nulled = [name for name in names(catalog) if name.startswith(NULLED[missing])]
    assert len(nulled) >= 3
    assert found[nulled].isna().all(axis=None), found[nulled].notna().any()[lambda s: s].index.tolist()
    same = [name for name in names(catalog) if name not in nulled and name not in MIXED]
    pd.testing.assert_frame_equal(found[same], whole[same], check_exact=True, check_dtype=False)
    assert found["lifecycle_stage"].notna().all()
    assert set(fired["trigger"]) >= {"gated_features", "renewal_30", "trial_active"}


def test_with_the_required_tables_alone(catalog: Catalog, whole: pd.DataFrame) -> None:
    required = {n: t for n, t in company().items() if RAW_TABLES[n].is_required}
    found, fired = wide(required, catalog, [D])
    starts = tuple(start for of_table in NULLED.values() for start in of_table)
    nulled = [name for name in names(catalog) if name.startswith(starts)]
    assert found[nulled].isna().all(axis=None)
    same = [name for name in names(catalog) if name not in nulled and name not in MIXED]
    pd.testing.assert_frame_equal(found[same], whole[same], check_exact=True, check_dtype=False)
    # what is left of health is use and adoption, by their own weights
    ann = found.loc["ann"].iloc[0]
    assert ann["health_score"] == pytest.approx((30 * ann["health_usage"] + 20 * ann["health_adoption"]) / 50)
    # the CSM's red word of today serves the gate, and no feature
    assert ann["csm_sentiment"] == "red"
    assert set(fired["trigger"]) == {"gated_features", "users_growing", "renewal_30", "trial_active"}


def test_a_catalogue_without_metrics_add_ons_or_core_features(catalog: Catalog) -> None:
    bare = Catalog.model_validate(
        {
            "currency": "USD",
            "metrics": [],
            "features": [{"id": f.id, "name": f.id} for f in catalog.features],
            "plans": [
                {"id": p.id, "name": p.id, "tier": p.tier, "price_per_month": 1, "price_per_seat": 0, "features": []}
                for p in catalog.plans
            ],
        }
    )
    tables = company()
    tables["subscriptions"] = tables["subscriptions"].query("product_id != 'extra_storage'")
    found, _ = wide({n: t for n, t in tables.items() if n != "meters"}, bare, [D])
    assert found[["adoption_rate", "core_adoption_rate", "adoption_vs_peers", "health_adoption"]].isna().all(axis=None)
    assert found["health_usage"].notna().all()
