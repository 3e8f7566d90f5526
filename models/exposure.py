"""When in the twelve months from a snapshot on something can happen: (n, MONTHS) weights, which sum to MONTHS."""

from __future__ import annotations

import numpy as np
import pandas as pd

MONTHS = 12
DAYS_OF_A_MONTH = 365.25 / 12
ANY_TIME = 0.01  # of leaving where billing is yearly: companies close, and dates are wrong


def evenly(n: int) -> np.ndarray:
    """Of what may happen in any month."""
    return np.ones((n, MONTHS))


def at_renewal(accounts: pd.DataFrame) -> np.ndarray:
    """Of leaving: evenly where billing is monthly or the renewal unknown, else nearly all in the month of renewal.

    >>> accounts = pd.DataFrame({"billing": ["annual", "monthly"], "days_to_renewal": [40, 10]})
    >>> at_renewal(accounts)[:, :3].round(2).tolist() == [[0.01, 11.89, 0.01], [1.0, 1.0, 1.0]]
    True
    """
    exposure = evenly(len(accounts))
    days = accounts.get("days_to_renewal", pd.Series(np.nan, index=accounts.index)).to_numpy("float64", na_value=np.nan)
    known = np.flatnonzero((accounts["billing"] == "annual").to_numpy(dtype=bool) & ~np.isnan(days))
    month = np.clip(days[known] // DAYS_OF_A_MONTH, 0, MONTHS - 1).astype(int)
    exposure[known] = ANY_TIME
    exposure[known, month] += (1 - ANY_TIME) * MONTHS
    return exposure
