"""From what a policy expects of each way to make each offer to whom it contacts; and what the truth says of them."""

import numpy as np
import pandas as pd

from benchmarks.decisions.companies import CHOICE


def chosen(ways: pd.DataFrame, net: np.ndarray, capacity: int) -> pd.DataFrame:
    """The best way for each account, and of them the best `capacity` that promise anything. Ties by account."""
    rows = ways.assign(net=net)
    rows = rows[np.isfinite(rows["net"]) & (rows["net"] > 0)]
    rows = rows.sort_values(["net", *CHOICE], ascending=[False, True, True, True, True], kind="stable")
    return rows.drop_duplicates("account_id").head(capacity)


def worth(ways: pd.DataFrame, net: np.ndarray, capacity: int) -> float:
    """Money a year by the truth (`ways.value`) of whom that policy contacts."""
    return float(chosen(ways, net, capacity)["value"].sum())


def costs(ways: pd.DataFrame, catalog) -> np.ndarray:  # type: ignore[no-untyped-def]  # a Catalog
    """(n,) the contact's cost of each way."""
    return ways["offer_id"].map({o.id: o.contact_cost for o in catalog.offers}).to_numpy(dtype="float64")


def aligned(ways: pd.DataFrame, menu: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """The menu's columns beside each way; nan where the menu has no such row."""
    return ways[CHOICE].merge(menu[[*CHOICE, *columns]], on=CHOICE, how="left")[columns]
