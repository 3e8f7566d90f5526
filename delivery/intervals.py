"""The interval for the days until a limit, in words, beside the sentence that it belongs to."""

from collections.abc import Mapping

import pandas as pd

from data.catalog import Text

# By feature and account: what stands behind the feature's sentence of that account.
Notes = Mapping[str, Mapping[str, Text]]


def notes(intervals: pd.DataFrame, *, coverage: float, horizon_days: int) -> Notes:
    """What to say of each account's days until a limit. intervals: account_id, metric, low, high (null: open)."""
    found: dict[str, dict[str, Text]] = {}
    columns = (intervals[name] for name in ("account_id", "metric", "low", "high"))
    for account, metric, low, high in zip(*columns, strict=True):
        text = said(float(low), float(high), coverage=coverage, horizon_days=horizon_days)
        if text:
            found.setdefault(f"days_to_limit_{metric}", {})[account] = text
    return found


def said(low: float, high: float, *, coverage: float, horizon_days: int) -> Text | None:
    """One interval; None where it says nothing, being open at both ends.

    >>> said(12, 41, coverage=0.8, horizon_days=180)
    Text(en='(80 %: 12 to 41 days)', ja='（80%の確率で12〜41日）')
    >>> said(41, float("nan"), coverage=0.8, horizon_days=180)
    Text(en='(80 %: 41 days or more)', ja='（80%の確率で41日以上）')
    >>> said(180, float("nan"), coverage=0.8, horizon_days=180)
    Text(en='(80 %: not within 180 days)', ja='（80%の確率で180日以内には到達しない）')
    >>> said(0, 6, coverage=0.8, horizon_days=180)
    Text(en='(80 %: within 7 days)', ja='（80%の確率で7日以内）')
    """
    is_open = high != high
    if is_open and low == 0:
        return None
    if is_open and low >= horizon_days:
        en, ja = f"not within {horizon_days} days", f"{horizon_days}日以内には到達しない"
    elif is_open:
        en, ja = f"{low:.0f} days or more", f"{low:.0f}日以上"
    elif low == 0:
        en, ja = f"within {high + 1:.0f} days", f"{high + 1:.0f}日以内"
    else:
        en, ja = f"{low:.0f} to {high:.0f} days", f"{low:.0f}〜{high:.0f}日"
    share = f"{100 * coverage:.0f}"
    return Text(en=f"({share} %: {en})", ja=f"（{share}%の確率で{ja}）")
