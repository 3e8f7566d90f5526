"""How often the limits' intervals hold on later data, and how wide they are."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.limit_interval import covers

GIVEN, FAR, ALL = "given an interval", "said to be far", "all"
SHARES = (0.5, 0.7, 0.8, 0.9, 1.0)
DAYS = (30, 90, 180)
COLUMNS = [
    "by", "group", "n_rows", "n_accounts", "coverage", "coverage_low", "coverage_high", "width_mean", "width_median",
    "share_open", "share_reached",
]  # fmt: skip
Z_95 = 1.959963984540054


def judged(
    intervals: pd.DataFrame, outcomes: pd.DataFrame, shares: pd.Series, *, coverage: float, horizon_days: int
) -> pd.DataFrame:
    """One row per (by, group): coverage with its 95 % interval, widths in days within the horizon.

    Rows of the three arguments belong together. `given an interval`: the limit is likelier than 1 - coverage to be
    reached within the horizon; the others are `said to be far`, where "not within the horizon" is the whole statement
    and, being one statement, holds more often than was promised. All other groups are of those given an interval.
    """
    low, high = intervals["low"].to_numpy(float), intervals["high"].to_numpy(float)
    rows = pd.DataFrame(
        {
            "account_id": intervals["account_id"].to_numpy(),
            "covered": covers(intervals, outcomes, horizon_days),
            "width": np.where(np.isnan(high), float(horizon_days), high + 1) - low,
            "open": np.isnan(high),
            "reached": outcomes["reached_after"].notna().to_numpy(),
        }
    )
    is_given = (intervals["p_reached"] > 1 - coverage).to_numpy()
    found = [
        _line(ALL, ALL, rows),
        _line(ALL, GIVEN, rows[is_given]),
        _line(ALL, FAR, rows[~is_given]),
    ]
    groups = {
        "metric": intervals["metric"].to_numpy(),
        "as_of": intervals["as_of"].dt.strftime("%Y-%m-%d").to_numpy(),
        "share of the limit": _bucket(shares.to_numpy(float), SHARES, ""),
        "straight line": _bucket(intervals["days"].to_numpy(float), DAYS, " days"),
    }
    for by, of in groups.items():
        given = rows[is_given]
        found += [_line(by, str(group), part) for group, part in given.groupby(of[is_given], sort=True)]
    return pd.DataFrame(found, columns=COLUMNS)


def _line(by: str, group: str, rows: pd.DataFrame) -> list[object]:
    n = len(rows)
    if not n:
        return [by, group, 0, 0, *[np.nan] * 7]
    covered = rows["covered"].to_numpy(float)
    low, high = clustered(covered, rows["account_id"])
    return [
        by, group, n, rows["account_id"].nunique(), covered.mean(), low, high, rows["width"].mean(),
        rows["width"].median(), rows["open"].mean(), rows["reached"].mean(),
    ]  # fmt: skip


def clustered(values: NDArray[np.float64], accounts: pd.Series) -> tuple[float, float]:
    """The 95 % interval of a mean whose rows resemble one another within an account (linearised, by accounts).

    >>> clustered(np.array([1.0, 1.0, 0.0, 0.0]), pd.Series(["a", "a", "b", "b"]))
    (0.0, 1.0)
    """
    mean = float(values.mean())
    apart = pd.Series(values - mean).groupby(accounts.to_numpy()).sum().to_numpy()
    k = len(apart)
    error = float(np.sqrt((apart**2).sum() * (k / (k - 1) if k > 1 else 1.0)) / len(values))
    return max(0.0, mean - Z_95 * error), min(1.0, mean + Z_95 * error)


def _bucket(values: NDArray[np.float64], edges: tuple[float, ...], unit: str) -> NDArray[np.str_]:
    """Each value's bucket in words that sort as the buckets do."""
    names = [f"{i} under {edge:g}{unit}" for i, edge in enumerate(edges)] + [
        f"{len(edges)} {edges[-1]:g}{unit} or more"
    ]
    at = np.where(np.isnan(values), len(edges), np.searchsorted(np.asarray(edges), values, side="right"))
    return np.asarray(names)[at]
