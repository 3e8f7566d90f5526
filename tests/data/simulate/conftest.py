"""Companies small enough for tests, and the contract's label worked out from their subscriptions alone."""

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
import pytest

from data.catalog import Catalog
from data.simulate.company import Part, simulate
from data.simulate.world import PRESETS, World

ENDS_ON = date(2026, 6, 1)


def whole(parts: list[Part], folder: str = "raw") -> dict[str, pd.DataFrame]:
    """The tables of all parts, as pandas holds them."""
    found = {}
    for name in getattr(parts[0], folder):
        frame = pd.concat([getattr(part, folder)[name].to_pandas() for part in parts], ignore_index=True)
        for column in frame.columns:
            if column.endswith(("_on", "_until")) or column == "as_of":
                frame[column] = pd.to_datetime(frame[column]).astype("datetime64[us]")
        found[name] = frame
    return found


@pytest.fixture(scope="session")
def simulated(catalog: Catalog) -> Callable[..., list[Part]]:
    """Simulate a company; the defaults are a small one."""

    def make(world: World | None = None, **given: object) -> list[Part]:
        settings = {"accounts": 60, "months": 24, "seed": 7, "ends_on": ENDS_ON} | given
        world = world or World(replicates=2, year_replicates=1)
        return list(simulate(catalog, world, **settings))  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def company(simulated: Callable[..., list[Part]]) -> dict[str, pd.DataFrame]:
    """The raw tables of 300 accounts."""
    return whole(simulated(accounts=300))


@pytest.fixture(scope="session")
def midmarket(simulated: Callable[..., list[Part]]) -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]]:
    """Raw tables and truth of 1,500 accounts with hardly any usage rows, which nothing here reads."""
    parts = simulated(World(usage_rate=0.001, year_replicates=1), accounts=1500, seed=21)
    return whole(parts), whole(parts, "truth")


@pytest.fixture(scope="session")
def noise(simulated: Callable[..., list[Part]]) -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]]:
    """The same of a company in which nothing has to do with anything bought."""
    world = PRESETS["noise"].model_copy(update={"replicates": 2, "year_replicates": 1})
    parts = simulated(world, accounts=800, seed=3)
    return whole(parts), whole(parts, "truth")


def running_on(subscriptions: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """The rows that run on the day, as known then (contract.md)."""
    return subscriptions[
        (subscriptions["valid_from_on"] < day)
        & (subscriptions["valid_to_on"].isna() | (subscriptions["valid_to_on"] >= day))
    ]


def by_product(subscriptions: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """MRR, quantity and billing of each account's products on the day."""
    rows = running_on(subscriptions, day).groupby(["account_id", "product_id"])
    return rows.agg(mrr=("mrr", "sum"), quantity=("quantity", "sum"), billing=("billing", "max"))


def terms_on(subscriptions: pd.DataFrame, tiers: dict[str, int], day: pd.Timestamp) -> pd.DataFrame:
    """By account: MRR, highest tier and what exactly runs, as known on the day (contract.md)."""
    rows = running_on(subscriptions, day)
    rows = rows.assign(
        tier=rows["product_id"].map(tiers),
        what=rows["product_id"] + "|" + rows["quantity"].astype(str) + "|" + rows["billing"] + ";",
    ).sort_values("what")
    found = rows.groupby("account_id").agg(mrr=("mrr", "sum"), tier=("tier", "max"), what=("what", "sum"))
    return found[found["tier"].notna()]


def labels(subscriptions: pd.DataFrame, catalog: Catalog, days: pd.DatetimeIndex, horizon: int = 90) -> pd.DataFrame:
    """The contract's expansion label for every active account as of each day.

    What runs on with its quantity and billing counts at no more than it cost: a new price list is no growth.
    """
    tiers = {plan.id: plan.tier for plan in catalog.plans}
    found = []
    for day in days:
        end = day + pd.Timedelta(days=horizon)
        now = terms_on(subscriptions, tiers, day)
        then = terms_on(subscriptions, tiers, end).reindex(now.index)
        before, after = (by_product(subscriptions, on) for on in (day, end))
        both = after.join(before.add_suffix("_before"))
        is_same = (both["quantity"] == both["quantity_before"]) & (both["billing"] == both["billing_before"])
        counted = both["mrr"].where(~is_same, both[["mrr", "mrr_before"]].min(axis=1))
        mrr = counted.groupby("account_id").sum().reindex(now.index)
        higher = then["tier"] > now["tier"]
        more = (mrr >= 1.1 * now["mrr"] - 1e-9) & (mrr > 0)
        expanded = (then["mrr"].notna() & (higher | more)).to_numpy()
        found.append(pd.DataFrame({"account_id": now.index, "as_of": day, "expanded": expanded}))
    return pd.concat(found, ignore_index=True)


def z_by_account(difference: pd.Series, account: pd.Series) -> float:
    """Sum ÷ standard error, where the snapshots of an account hang together and accounts do not."""
    sums = difference.groupby(account.to_numpy()).sum()
    return float(sums.sum() / np.sqrt((sums**2).sum()))
