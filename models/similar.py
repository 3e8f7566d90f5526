"""What accounts like this one took: the nearest in use, on the same plan and of the same size, half a year ago.

Point in time: for a row as of D, its peers are accounts as they were on the newest snapshot that lies `within_days` or
more before D, and what they took is read from the days up to D. Nothing of D or later is looked at.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from data.catalog import Catalog
from models.product_runs import added_by, runs
from models.together import wilson
from models.together_settings import Combine

KEY = ["account_id", "as_of", "offer_id"]
# by what accounts are alike: how much is used, by how many, how widely, how close to the limits, and since when
USE = ("events_28d", "active_days_28d", "adoption_rate", "limit_peak", "seats", "tenure_days")
COLUMNS = (*KEY, "n_peers", "n_took", "peers_took_share", "low", "high")


def peers_took(
    accounts: pd.DataFrame,
    snapshots: pd.DataFrame,
    subscriptions: pd.DataFrame,
    catalog: Catalog,
    settings: Combine | None = None,
    *,
    use: Sequence[str] = USE,
) -> pd.DataFrame:
    """One row per (account_id, as_of, offer_id): COLUMNS.

    Of the `n_peers` accounts nearest to this one that could have taken what the offer adds, `n_took` did so within
    `within_days`. Null where fewer than `min_peers` are comparable, or the offer adds no product. An account is no peer
    of its own.

    accounts: account_id, as_of, plan_id, seats and `use`. snapshots: the same columns of earlier days, such as the
    monthly training features. subscriptions: as staged, with `known_on`.
    """
    settings = settings or Combine()
    named = list(dict.fromkeys(["account_id", "as_of", "plan_id", "seats", *use]))
    days = np.sort(pd.to_datetime(snapshots["as_of"]).unique())
    parts = []
    for as_of, rows in accounts[named].groupby("as_of", sort=True):
        day = pd.Timestamp(str(as_of))
        window = pd.Timedelta(days=settings.within_days)
        early = days[days <= np.datetime64(day - window)]
        if not len(early):
            parts.append(_nothing(rows, catalog))
            continue
        then = pd.Timestamp(early[-1])
        peers = snapshots.loc[pd.to_datetime(snapshots["as_of"]) == then, named]
        taken = _Taken(runs(subscriptions, until=day), then, then + window, catalog)
        parts.append(_of_day(rows.reset_index(drop=True), peers, taken, catalog, settings, use))
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))
    return found[list(COLUMNS)]


class _Taken:
    """Which accounts ran a product on a day, and which of the others began to run it in the window after."""

    def __init__(self, known: pd.DataFrame, then: pd.Timestamp, until: pd.Timestamp, catalog: Catalog) -> None:
        tiers = {plan.id: plan.tier for plan in catalog.plans}
        ran = known[(known["started_on"] <= then) & (known["ended_on"] > then)]
        began = known[(known["started_on"] > then) & (known["started_on"] <= until)]
        self.had: dict[str, set[str]] = {}
        self.took: dict[str, set[str]] = {}
        for product in catalog.products:
            # who is on a plan above has what this one gives
            same = [p for p in tiers if tiers[p] >= tiers[product]] if product in tiers else [product]
            self.had[product] = set(ran.loc[ran["product_id"].isin(same), "account_id"])
            self.took[product] = set(began.loc[began["product_id"].isin(same), "account_id"])


def _of_day(
    rows: pd.DataFrame, peers: pd.DataFrame, taken: _Taken, catalog: Catalog, settings: Combine, use: Sequence[str]
) -> pd.DataFrame:
    place, place_of_peers = _placed(rows, peers, use)
    sizes = list(settings.size_from_seats)
    size, size_of_peers = (np.searchsorted(sizes, f["seats"].fillna(0), side="right") for f in (rows, peers))
    found = [_nothing(rows, catalog).set_index(["account_id", "offer_id"])]
    for plan in rows["plan_id"].dropna().unique():
        for group in np.unique(size):
            mine = np.flatnonzero((rows["plan_id"] == plan).to_numpy() & (size == group))
            theirs = np.flatnonzero((peers["plan_id"] == plan).to_numpy() & (size_of_peers == group))
            if not len(mine) or not len(theirs):
                continue
            ids = peers["account_id"].to_numpy()[theirs]
            for offer in catalog.offers:
                if not (products := added_by(offer, plan, catalog)):
                    continue
                could = np.array([not any(i in taken.had[p] for p in products) for i in ids])
                took = np.array([all(i in taken.took[p] for p in products) for i in ids])
                counted = _counted(place[mine], place_of_peers[theirs][could], rows["account_id"].to_numpy()[mine],
                                   ids[could], took[could], settings.n_peers)  # fmt: skip
                part = pd.DataFrame(counted, columns=["n_peers", "n_took"], dtype="float64")
                part = part.where(part["n_peers"] >= settings.min_peers)
                part = part.assign(account_id=rows["account_id"].to_numpy()[mine], offer_id=offer.id)
                found.append(part.set_index(["account_id", "offer_id"]))
    table = found[0].copy()
    if len(found) > 1:
        table.update(pd.concat(found[1:]))
    low, high = wilson(table["n_took"].to_numpy(), table["n_peers"].to_numpy(), settings.interval)
    share = table["n_took"] / table["n_peers"]
    table = table.assign(peers_took_share=share, low=np.where(share.notna(), low, np.nan))
    return table.assign(high=np.where(share.notna(), high, np.nan)).reset_index()


def _counted(
    place: np.ndarray, of_peers: np.ndarray, ids: np.ndarray, peer_ids: np.ndarray, took: np.ndarray, n: int
) -> np.ndarray:
    """Per account: how many of its nearest peers there are, itself left out, and how many of them took it."""
    if not len(of_peers):
        return np.zeros((len(ids), 2))
    k = min(n + 1, len(of_peers))  # one more, for the account itself
    # peers that lie equally far are taken in the order of their ids, as they stand in the snapshot
    _, nearest = cKDTree(of_peers).query(place, k=k)
    nearest = np.asarray(nearest).reshape(len(ids), k)
    is_other = peer_ids[nearest] != ids[:, None]
    is_in = is_other & (np.cumsum(is_other, axis=1) <= n)
    return np.column_stack([is_in.sum(axis=1), (took[nearest] & is_in).sum(axis=1)])


def _placed(rows: pd.DataFrame, peers: pd.DataFrame, use: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Both in one space: each column's logarithm in the peers' standard deviations; the unknown is in the middle."""
    both = []
    for name in use:
        ours, theirs = (_logarithm(pd.to_numeric(f[name]).astype("float64")) for f in (rows, peers))
        middle, spread = theirs.median(), theirs.std()
        scale = spread if spread > 0 else 1.0
        both.append([((v - middle) / scale).fillna(0.0).to_numpy() for v in (ours, theirs)])
    return np.column_stack([one for one, _ in both]), np.column_stack([other for _, other in both])


def _logarithm(values: pd.Series) -> pd.Series:
    """Of the size, with the sign; 0 stays 0."""
    return values.abs().apply(np.log1p) * values.apply(np.sign)


def _nothing(rows: pd.DataFrame, catalog: Catalog) -> pd.DataFrame:
    offers = pd.DataFrame({"offer_id": [offer.id for offer in catalog.offers]})
    found = rows[["account_id", "as_of"]].merge(offers, how="cross")
    return found.assign(**dict.fromkeys(["n_peers", "n_took", "peers_took_share", "low", "high"], np.nan))
