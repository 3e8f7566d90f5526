"""What happened in the customer's company, by name and day, beside the sentences that count it."""

from datetime import date

import pandas as pd

from data.catalog import Text
from delivery import labels
from delivery.intervals import Notes

DAYS, YEAR = 180, 365  # as far back as features/life.py looks
GROWTH = ("funding", "new_office", "new_business", "hiring")
UPHEAVAL = ("merger", "reorganisation")
N_NAMED = 3


def notes(life_events: pd.DataFrame | None, as_of: date) -> Notes:
    """By feature and account, the events that the feature speaks of, the newest first.

    life_events: account_id, happened_on, kind, of what was known before `as_of`; None where the company keeps none.

    >>> told = notes(pd.DataFrame({"account_id": "a", "happened_on": pd.to_datetime(["2026-05-03", "2025-08-01"]),
    ...     "kind": ["funding", "merger"]}), date(2026, 6, 1))
    >>> told["life_events_180d"]["a"].en, told["days_since_upheaval"]["a"].ja
    ('(funding on 3 May 2026)', '（2025年8月1日に合併）')
    """
    if life_events is None:
        return {}
    rows = life_events.assign(age=(pd.Timestamp(as_of) - pd.to_datetime(life_events["happened_on"])).dt.days)
    rows = rows[rows["age"] <= YEAR].sort_values(["account_id", "age", "kind"], kind="stable")
    return {
        "life_events_180d": _named(rows[rows["age"] <= DAYS], N_NAMED),
        "days_since_growth_event": _named(rows[rows["kind"].isin(GROWTH)], 1),
        "days_since_upheaval": _named(rows[rows["kind"].isin(UPHEAVAL)], 1),
    }


def _named(rows: pd.DataFrame, n: int) -> dict[str, Text]:
    found = {}
    for account, mine in rows.groupby("account_id", sort=True):
        newest = mine.head(n)
        days = [pd.Timestamp(day) for day in newest["happened_on"]]
        kinds = [labels.LIFE_EVENTS.get(kind) or labels.spelled(kind) for kind in newest["kind"]]
        dated = list(zip(kinds, days, strict=True))
        en = ", ".join(f"{kind.en} on {day.day} {day:%b %Y}" for kind, day in dated)
        ja = "、".join(f"{day.year}年{day.month}月{day.day}日に{kind.ja}" for kind, day in dated)
        found[str(account)] = Text(en=f"({en})", ja=f"（{ja}）")
    return found
