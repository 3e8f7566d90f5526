"""Events in the customer's company, by name and day, as the sentences that count them name the newest."""

from __future__ import annotations

import pandas as pd

from benchmarks.by_hand.figures_people import GROWTH, UPHEAVAL
from benchmarks.by_hand.raw import Raw
from benchmarks.by_hand.words import EVENTS

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SHOWN = {"life_events_180d": (180, None, 3), "days_since_growth_event": (365, GROWTH, 1)} | {
    "days_since_upheaval": (365, UPHEAVAL, 1)
}  # within so many days, of these kinds, so many of them


def named(raw: Raw) -> dict[tuple[str, str], dict[str, str]]:
    """By feature and language, for each account with such events, the newest of them in words."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for feature, (n_days, kinds, n) in SHOWN.items():
        rows = raw.within("life_events", n_days)
        rows = rows[rows["kind"].isin(kinds)] if kinds else rows
        rows = rows.sort_values(["happened_on", "kind"], ascending=[False, True]).groupby("account_id").head(n)
        for language, between in (("en", ", "), ("ja", "、")):
            said = [_said(kind, day, language) for kind, day in zip(rows["kind"], rows["happened_on"], strict=True)]
            by_account = pd.Series(said, rows["account_id"], dtype=object).groupby(level=0)
            found[feature, language] = {str(account): between.join(mine) for account, mine in by_account}
    return found


def _said(kind: str, day: pd.Timestamp, language: str) -> str:
    name = EVENTS[language][kind]
    if language == "ja":
        return f"{day.year}年{day.month}月{day.day}日に{name}"
    return f"{name} on {day.day} {MONTHS[day.month - 1]} {day.year}"
