"""Accounts as decisions see them: one that may be sold anything, and changes to it."""

from typing import Any

import pandas as pd

AS_OF = pd.Timestamp("2026-06-01")
WELL = {
    "account_id": "a", "as_of": AS_OF, "account_name": "Anna Ltd", "owner_id": "CSM-1", "plan_id": "pro",
    "plan_tier": 2, "seats": 10.0, "mrr": 249.0, "billing": "monthly", "add_ons": None, "current_discount_pct": 0.0,
    "renews_on": pd.Timestamp("2026-07-01"), "days_to_renewal": 30, "has_opted_in": True,
    "do_not_contact_until": pd.NaT, "tenure_days": 400, "open_serious_tickets": 0, "health_band": "green",
    "open_tickets": 0,
    "health_score": 80.0, "csm_sentiment": "green", "nps_latest": 9.0, "nps_age_days": 10.0, "use_change_28d": 0.1,
    "days_since_refusal": None, "days_since_accepted": None, "days_since_no_response": None, "contacts_30d": 0,
    "csm_sentiment_level": 2, "lifecycle_stage": "established", "needs_help": False,
    "has_reached_for_more": True, "adoption_rate": 0.4, "gated_events_28d": 9, "gated_analytics_28d": 9,
    "gated_security_28d": 9, "limit_active_users_peak_28d": 0.95, "limit_storage_gb_peak_28d": 0.95,
    "limit_api_calls_peak_28d": 0.95, "propensity": 0.5,
}  # fmt: skip


def accounts(*changes: dict[str, Any]) -> pd.DataFrame:
    """One row per set of changes to an account that is well; ids a, b, c … where they do not say."""
    frame = pd.DataFrame([WELL | {"account_id": f"acc-{i:03}"} | row for i, row in enumerate(changes)])
    days = pd.to_datetime(frame["do_not_contact_until"])
    return frame.assign(do_not_contact_until=days.astype("datetime64[us]"))
