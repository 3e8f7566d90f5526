"""Few rows written by hand, filled up to whole staged tables."""

from typing import Any

import pandas as pd

from data.contract import RAW_TABLES

DEFAULTS: dict[str, dict[str, Any]] = {
    "accounts": {"account_name": "Somebody Ltd"},
    "subscriptions": {"quantity": 1.0, "mrr": 0.0, "discount_pct": 0.0, "billing": "monthly"},
    "usage": {"feature": "tasks", "kind": "used", "n_events": 1, "n_users": 1},
    "meters": {"value": 0.0},
    "tickets": {"severity": "normal", "category": "bug"},
    "surveys": {},
    "touchpoints": {"kind": "check_in", "n_attendees": 1, "has_executive": False},
    "life_events": {},
    "proposals": {"channel": "csm", "discount_pct": 0.0, "outcome": "open"},
    "account_changes": {},
}


def table(name: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The rows with every column of the contract: what is not said is the default above, or null.

    A row is known from its stamp's day on, unless it says `known_on`. Keys ending in `_id` are numbered where missing.
    """
    spec = RAW_TABLES[name]
    own = next((c for c in spec.key if c.endswith("_id") and c != "account_id"), None)
    filled = []
    for i, row in enumerate(rows):
        full = dict.fromkeys(spec.columns) | DEFAULTS[name] | row
        if own and full[own] is None:
            full[own] = f"{own}-{i:03}"
        full.setdefault("known_on", pd.Timestamp(full[spec.stamp]).normalize())
        filled.append(full)
    frame = pd.DataFrame(filled, columns=[*spec.columns, "known_on"]).astype(object)
    for column, kind in spec.columns.items():
        if kind.type in ("date", "timestamp"):
            frame[column] = pd.to_datetime(frame[column])
    return frame.assign(known_on=pd.to_datetime(frame["known_on"]))
