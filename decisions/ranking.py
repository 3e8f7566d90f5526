"""The list: one row per account, who is contacted this week and about what, who is not and why."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from data.catalog import Catalog
from decisions import gates
from decisions.instead import first_help
from decisions.lacks import COLUMNS
from decisions.settings import Decide, Gates, Segments
from decisions.unblock import of_gates, unblock
from features.feature import Feature
from features.health import Health

ORDER = ("contact", "beyond_capacity", "holdout", "nurture", "none")


def segment(accounts: pd.DataFrame, settings: Segments) -> pd.Series:
    """small, mid or large, by seats."""
    seats = accounts["seats"].fillna(0)
    named = np.select(
        [seats >= settings.large_from_seats, seats >= settings.mid_from_seats], ["large", "mid"], default="small"
    )
    return pd.Series(named, index=accounts.index)


def stars(propensity: pd.Series, base_rate: float, from_lift: tuple[float, ...]) -> pd.Series:
    """1 to 5 by how many times the base rate the propensity is.

    >>> stars(pd.Series([0.01, 0.1, 0.5]), 0.1, (0.75, 1.5, 2.5, 4.0)).tolist()
    [1, 2, 5]
    """
    lift = propensity / max(base_rate, 1e-9)
    return pd.Series(1 + np.searchsorted(np.asarray(from_lift), lift.to_numpy(), side="right"), index=propensity.index)


def ranked(
    accounts: pd.DataFrame,
    candidates: pd.DataFrame,
    planned: pd.DataFrame,
    catalog: Catalog,
    *,
    base_rate: float,
    gate_settings: Gates,
    money: Decide,
    segments: Segments,
    refusals: pd.DataFrame | None = None,
    previous: pd.DataFrame | None = None,
    named: Sequence[Feature] = (),
    health: Health | None = None,
) -> pd.DataFrame:
    """One row per account in the order of rank: its offer of the week's plan, or help, or what blocks it.

    planned: the rows of decisions/plan.py, one per account that something may be sold to.
    `unblock_…` (decisions/unblock.py) say what would change the answer, for the offer that came closest.
    """
    is_help = {offer.id: offer.is_help for offer in catalog.offers}
    helping = candidates[candidates["is_allowed"] & candidates["offer_id"].map(is_help).fillna(False).astype(bool)]
    account_gate = gates.first_blocking(accounts, gate_settings)
    helping = first_help(helping, pd.Series(account_gate.to_numpy(), index=accounts["account_id"]), catalog)

    rows = accounts.merge(planned, on="account_id", how="left")
    sells = rows["offer_id"].notna()
    rows["assignment"] = rows["assignment"].fillna("none")
    rows["pscore"] = rows["pscore"].fillna(1.0)
    rows["is_explored"] = rows["is_explored"].fillna(False).astype(bool)
    if money.nurture:
        rows = _helped(rows, helping)
    blocked = gates.first_blocking(rows, gate_settings)
    lacks = unblock(accounts, candidates, catalog, gate_settings, refusals=refusals, named=named, health=health)
    rows = rows.merge(_closest(candidates, lacks, catalog), on="account_id", how="left")
    rows["blocked_by"] = blocked.where(blocked.notna(), rows["closest_blocked_by"]).where(~sells)
    lacks = lacks.rename(columns={"offer_id": "closest_offer_id"})
    rows = rows.merge(lacks, on=["account_id", "closest_offer_id"], how="left")
    # what keeps an account from everything may not be what keeps it from the offer that came closest
    of_account = of_gates(rows, rows["blocked_by"], gate_settings, health=health)
    is_other = rows["blocked_by"].notna() & (rows["blocked_by"] != rows["closest_blocked_by"])
    rows = rows.assign(**{name: rows[name].mask(is_other, of_account[name]).where(~sells) for name in COLUMNS})
    rows["segment"] = segment(rows, segments)
    rows["stars"] = stars(rows["propensity"], base_rate, money.stars_from_lift)
    limit = {offer.id: offer.discounts.approval_above_pct for offer in catalog.offers}
    rows["needs_approval"] = rows["discount_pct"] > rows["offer_id"].map(limit).astype("float64")
    first_step = {o.id: o.playbook[0].within_days for o in catalog.offers if o.playbook}
    within = rows["offer_id"].map(first_step).fillna(money.contact_within_days)
    within = within.clip(upper=money.contact_within_days).astype("int64")
    rows["contact_by_on"] = (rows["as_of"] + pd.to_timedelta(within, unit="D")).where(
        rows["assignment"].isin(["contact", "nurture"])
    )
    return _moved(_in_order(rows), previous)


def _helped(rows: pd.DataFrame, helping: pd.DataFrame) -> pd.DataFrame:
    """Help for those to whom nothing is sold."""
    help_of = helping.set_index("account_id")
    helped = (rows["assignment"] == "none") & rows["account_id"].isin(help_of.index)
    rows = rows.copy()
    for name in ("offer_id", "channel", "discount_pct", "priority", "p_accept"):
        rows[name] = rows[name].mask(helped, rows["account_id"].map(help_of[name]))
    rows.loc[helped, "assignment"] = "nurture"
    return rows


def _closest(candidates: pd.DataFrame, lacks: pd.DataFrame, catalog: Catalog) -> pd.DataFrame:
    """One row per account: of the offers that sell, the blocked one that came closest, and what blocked it.

    Closest is what came through most gates, then what lacks the fewest conditions, then what is worth most.
    """
    # a refusal of this very offer comes before its conditions, which may well hold: it is not far
    order = ("not_eligible", "not_applicable", "recent_refusal", "not_suitable", "offer_ended", "no_gain")
    late = {name: i for i, name in enumerate(order)}
    sells = candidates["offer_id"].map({offer.id: not offer.is_help for offer in catalog.offers}).astype(bool)
    rows: pd.DataFrame = candidates[sells & ~candidates["is_allowed"]]
    # what would bring nothing if it were accepted is not close, whatever conditions it meets
    far = rows["blocked_by"].map(late).fillna(-1).where(rows["value"] > 0, -2)
    others = lacks.set_index(["account_id", "offer_id"])["unblock_more"]
    more = others.reindex(pd.MultiIndex.from_frame(rows[["account_id", "offer_id"]])).to_numpy(dtype="float64")
    rows = rows.assign(far=-far, more=np.nan_to_num(more), worth=-rows["value"])
    rows = rows.sort_values(["account_id", "far", "more", "worth", "offer_id"], kind="stable")
    rows = rows.drop_duplicates("account_id")
    return rows[["account_id", "offer_id", "blocked_by"]].rename(
        columns={"offer_id": "closest_offer_id", "blocked_by": "closest_blocked_by"}
    )


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """Accounts to contact first, by priority; then those beyond capacity, held out, to help, and left alone.

    What priority does not tell apart (help has none) stands by MRR.
    """
    place = rows["assignment"].map({name: i for i, name in enumerate(ORDER)})
    order = rows.assign(place=place, by=-rows["priority"].fillna(0), then=-rows["mrr"])
    order = order.sort_values(["place", "by", "then", "account_id"], kind="stable")
    return rows.loc[order.index].assign(rank=range(1, len(rows) + 1)).reset_index(drop=True)


def _moved(rows: pd.DataFrame, previous: pd.DataFrame | None) -> pd.DataFrame:
    """How each account moved since the list before; without one, all are new."""
    if previous is None:
        return rows.assign(movement="new", movement_ranks=pd.array([pd.NA] * len(rows), dtype="Int64"))
    before = rows["account_id"].map(previous.set_index("account_id")["rank"]).astype("Int64")
    moved = before - rows["rank"].astype("Int64")
    named = np.select(
        [moved.isna(), (moved > 0).fillna(False), (moved < 0).fillna(False)], ["new", "up", "down"], default="same"
    )
    return rows.assign(movement=named, movement_ranks=moved)
