"""The stages, each at its border and in their order of precedence; and the flags that offers ask for."""

from typing import Any

import ibis
import pytest

from data.catalog import Catalog
from features.lifecycle import Lifecycle, features, lifted

CALM = {
    "tenure_days": 400, "health_band": "green", "use_change_28d": 0.0, "billing": "annual", "days_to_renewal": 200,
    "adoption_rate": 0.5, "gated_next_plan_28d": 0, "limit_storage_gb_peak_28d": 0.2,
    "limit_api_calls_peak_28d": 0.2, "limit_active_users_peak_28d": 0.2, "plan_id": "pro", "open_serious_tickets": 0,
    "nps_latest": 8.0, "nps_age_days": 20, "csm_sentiment_level": 2.0,
}  # fmt: skip
SCHEMA = {
    "tenure_days": "int64", "health_band": "string", "use_change_28d": "float64", "billing": "string",
    "days_to_renewal": "int64", "adoption_rate": "float64", "gated_next_plan_28d": "int64",
    "limit_storage_gb_peak_28d": "float64",
    "limit_api_calls_peak_28d": "float64", "limit_active_users_peak_28d": "float64", "plan_id": "string",
    "open_serious_tickets": "int64", "nps_latest": "float64", "nps_age_days": "int64", "csm_sentiment_level": "float64",
}  # fmt: skip


def said(engine: Any, catalog: Catalog, **changed: Any) -> dict[str, Any]:
    rows = ibis.memtable({name: [value] for name, value in (CALM | changed).items()}, schema=SCHEMA)
    return engine.to_pyarrow(rows.select(**{f.name: f.of(rows) for f in features(Lifecycle(), catalog)})).to_pylist()[0]


@pytest.mark.parametrize(
    ("changed", "stage"),
    [
        ({}, "established"),
        ({"tenure_days": 59, "health_band": "red"}, "onboarding"),  # onboarding comes before all
        ({"tenure_days": 60}, "adopting"),
        ({"tenure_days": 179}, "adopting"),
        ({"tenure_days": 180}, "established"),
        ({"adoption_rate": 0.34}, "adopting"),
        ({"adoption_rate": 0.35}, "established"),
        ({"adoption_rate": None}, "established"),
        ({"health_band": "red", "days_to_renewal": 10}, "at_risk"),  # risk comes before renewal
        ({"use_change_28d": -0.4}, "at_risk"),
        ({"use_change_28d": -0.39}, "established"),
        ({"use_change_28d": None, "health_band": None}, "established"),
        ({"days_to_renewal": 90}, "renewal"),
        ({"days_to_renewal": 91}, "established"),
        ({"days_to_renewal": 10, "billing": "monthly"}, "established"),  # a month's renewal is no occasion
        ({"days_to_renewal": 10, "tenure_days": 100}, "renewal"),
    ],
)
def test_stages(changed: dict[str, Any], stage: str, engine: Any, catalog: Catalog) -> None:
    assert said(engine, catalog, **changed)["lifecycle_stage"] == stage


@pytest.mark.parametrize(
    ("changed", "reached"),
    [
        ({}, False),
        ({"gated_next_plan_28d": 3}, True),
        ({"gated_next_plan_28d": 2, "limit_storage_gb_peak_28d": 0.79}, False),
        ({"limit_storage_gb_peak_28d": 0.8}, True),
        ({"limit_api_calls_peak_28d": 0.8}, True),
        ({"limit_storage_gb_peak_28d": None}, False),
        ({"limit_active_users_peak_28d": 1.2}, False),  # a higher plan brings no seats
        ({"limit_storage_gb_peak_28d": 0.9, "plan_id": "enterprise"}, False),  # nothing is above it
    ],
)
def test_has_reached_for_more(changed: dict[str, Any], reached: bool, engine: Any, catalog: Catalog) -> None:
    assert said(engine, catalog, **changed)["has_reached_for_more"] is reached


@pytest.mark.parametrize(
    ("changed", "needed"),
    [
        ({}, False),
        ({"open_serious_tickets": 1}, True),
        ({"nps_latest": 6.0}, True),
        ({"nps_latest": 7.0}, False),
        ({"nps_latest": 6.0, "nps_age_days": 90}, True),
        ({"nps_latest": 6.0, "nps_age_days": 91}, False),  # an old word
        ({"csm_sentiment_level": 0.0}, True),
        ({"health_band": "red"}, True),
        ({"open_serious_tickets": None, "nps_latest": None, "csm_sentiment_level": None, "health_band": None}, False),
    ],
)
def test_needs_help(changed: dict[str, Any], needed: bool, engine: Any, catalog: Catalog) -> None:
    assert said(engine, catalog, **changed)["needs_help"] is needed


def test_the_next_plan_lifts_limits_but_brings_no_seats(catalog: Catalog) -> None:
    assert lifted(catalog) == {
        "active_users": [],
        "storage_gb": ["free", "starter", "pro"],
        "api_calls": ["free", "starter", "pro"],
    }
