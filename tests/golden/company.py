"""Four customers, written by hand; what follows from their rows stands in features.csv beside."""

from typing import Any

import pandas as pd

from tests.golden.staged import table


def day(n: str) -> pd.Timestamp:
    return pd.Timestamp(n)


def company() -> dict[str, pd.DataFrame]:
    """The ten staged tables."""
    twenty_days = pd.date_range("2026-05-12", "2026-05-31")
    rows: dict[str, list[dict[str, Any]]] = {
        "accounts": [
            {"account_id": "ann", "signed_up_on": "2025-06-01", "employee_count": 99, "csm_sentiment": "red"},
            {"account_id": "bob", "signed_up_on": "2024-01-01", "employee_count": 3},
            {"account_id": "cyd", "signed_up_on": "2026-05-15"},
            {"account_id": "dot", "signed_up_on": "2024-06-01"},
        ],
        "subscriptions": [
            {"account_id": "ann", "product_id": "starter", "quantity": 10.0, "mrr": 100.0, "billing": "annual",
             "valid_from_on": "2025-06-01", "valid_to_on": "2026-01-01"},
            {"account_id": "ann", "product_id": "pro", "quantity": 10.0, "mrr": 180.0, "billing": "annual",
             "discount_pct": 10.0, "valid_from_on": "2026-01-01", "renews_on": "2026-07-01"},
            {"account_id": "bob", "product_id": "free", "quantity": 3.0, "valid_from_on": "2024-01-01"},
            {"account_id": "cyd", "product_id": "starter", "quantity": 5.0, "mrr": 74.0,
             "valid_from_on": "2026-05-15", "renews_on": "2026-06-15"},
            # in this order: the lower plan's row comes first on the same day
            {"account_id": "dot", "product_id": "starter", "quantity": 20.0, "mrr": 209.0,
             "valid_from_on": "2024-06-01"},
            {"account_id": "dot", "product_id": "pro", "quantity": 5.0, "mrr": 174.0, "valid_from_on": "2024-06-01"},
            {"account_id": "dot", "product_id": "extra_storage", "mrr": 35.0, "valid_from_on": "2026-05-01"},
        ],
        "usage": [
            {"account_id": "ann", "used_on": "2026-06-01", "n_events": 999, "n_users": 99},  # today: not known
            {"account_id": "ann", "used_on": "2026-05-31", "n_events": 10, "n_users": 3},
            {"account_id": "ann", "used_on": "2026-05-30", "feature": "forecast", "kind": "gated", "n_events": 4},
            {"account_id": "ann", "used_on": "2026-05-25", "feature": "sso", "kind": "trial", "n_events": 6,
             "n_users": 4},
            {"account_id": "ann", "used_on": "2026-05-20", "feature": "portfolio", "kind": "gated", "n_events": 2},
            {"account_id": "ann", "used_on": "2026-05-04", "n_events": 20, "n_users": 5},
            {"account_id": "ann", "used_on": "2026-05-03", "feature": "projects", "n_events": 15, "n_users": 2},
            {"account_id": "cyd", "used_on": "2026-05-20", "n_events": 5},
            *[{"account_id": "dot", "used_on": on, "n_events": 10, "n_users": 5} for on in twenty_days],
        ],
        "meters": [
            {"account_id": "ann", "measured_on": "2026-05-31", "metric": "storage_gb", "value": 200.0},
            {"account_id": "ann", "measured_on": "2026-05-04", "metric": "storage_gb", "value": 227.0},
            {"account_id": "ann", "measured_on": "2026-05-03", "metric": "storage_gb", "value": 249.0},
            {"account_id": "ann", "measured_on": "2026-05-31", "metric": "active_users", "value": 9.0},
            {"account_id": "ann", "measured_on": "2026-05-31", "metric": "api_calls", "value": 90000.0},
            {"account_id": "ann", "measured_on": "2026-05-01", "metric": "api_calls", "value": 50000.0},
            {"account_id": "ann", "measured_on": "2026-04-30", "metric": "api_calls", "value": 150000.0},
            {"account_id": "dot", "measured_on": "2026-05-31", "metric": "storage_gb", "value": 475.0},
            {"account_id": "dot", "measured_on": "2026-05-21", "metric": "storage_gb", "value": 400.0},
        ],
        "tickets": [
            {"account_id": "ann", "opened_at": day("2026-05-30 08:00"), "severity": "urgent"},
            {"account_id": "ann", "opened_at": day("2026-03-01"), "closed_at": day("2026-03-02 12:00"),
             "category": "how_to", "csat": 4},
        ],
        "surveys": [
            {"account_id": "ann", "answered_at": day("2026-05-20 23:00"), "nps": 9},
            {"account_id": "ann", "answered_at": day("2026-01-10"), "nps": 6},
        ],
        "touchpoints": [
            {"account_id": "ann", "held_at": day("2026-05-02 15:00"), "kind": "business_review", "n_attendees": 4,
             "has_executive": True},
            {"account_id": "ann", "held_at": day("2025-12-01 15:00"), "kind": "training", "n_attendees": 2},
            {"account_id": "dot", "held_at": day("2025-11-13 15:00")},
        ],
        "life_events": [
            {"account_id": "ann", "happened_on": "2026-04-02", "kind": "funding"},
            {"account_id": "ann", "happened_on": "2025-06-01", "kind": "merger"},
        ],
        "proposals": [
            {"account_id": "ann", "offer_id": "upgrade_next", "proposed_at": day("2026-03-03 09:00"),
             "outcome": "declined", "decided_at": day("2026-03-10"), "reason": "price"},
            {"account_id": "ann", "offer_id": "seats_20", "proposed_at": day("2026-05-02"), "outcome": "no_response"},
            {"account_id": "ann", "offer_id": "none", "proposed_at": day("2026-05-15"), "channel": None},
        ],
        "account_changes": [
            {"account_id": "ann", "changed_at": day("2025-06-02"), "field": "employee_count", "value": "40"},
            {"account_id": "ann", "changed_at": day("2026-02-01"), "field": "csm_sentiment", "value": "green"},
            {"account_id": "ann", "changed_at": day("2026-06-01"), "field": "csm_sentiment", "value": "red"},
            {"account_id": "dot", "changed_at": day("2026-05-31 23:00"), "field": "csm_sentiment", "value": "red"},
        ],
    }  # fmt: skip
    dated = ("used_on", "measured_on", "happened_on", "signed_up_on", "valid_from_on", "valid_to_on", "renews_on")
    for name, of_table in rows.items():
        rows[name] = [{k: day(v) if k in dated else v for k, v in row.items()} for row in of_table]
    return {name: table(name, of_table) for name, of_table in rows.items()}
