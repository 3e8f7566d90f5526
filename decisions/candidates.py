"""Every account × offer: whether it is allowed, what blocks it, what it is worth, and where it ranks."""

import pandas as pd

from data.catalog import Catalog, Offer
from decisions import conditions, gates, past
from decisions.menu import best_ways, by_propensity
from decisions.settings import Decide, Gates
from features import offers

LEARNT = (
    "channel", "discount_pct", "p_accept", "p_organic", "uplift", "value", "context", "harm", "expected_arr",
    "priority", "se",
)  # fmt: skip


def candidates(
    accounts: pd.DataFrame,
    refusals: pd.DataFrame | None,
    catalog: Catalog,
    settings: Gates,
    money: Decide,
    *,
    menu: pd.DataFrame | None = None,
    has_signal: bool = True,
) -> pd.DataFrame:
    """One row per (account_id, as_of, offer_id): the best way to make it, what that earns, and what blocks it.

    accounts: one row per account, with its features, terms, attributes, what is remembered of its past
        (`past.remembered`) and `propensity`.
    refusals: the past of each offer (decisions/past.py), one row per (account_id, offer_id); None where nothing is
        known.
    menu: what the learnt response says of every way to make every offer (models/response.py); None where it was not
        learnt: then propensity × value stands in, and p_accept, p_organic and uplift are null.
    has_signal: whether what is expected may be believed at all. Where not, it promises nothing of anyone in particular:
    with `money.needs_signal`, what sells is blocked by `no_gain`. Help is given by need, and goes on.
    """
    conditions.check(catalog, list(accounts.columns))
    selling = gates.first_blocking(accounts, settings)
    helping = gates.first_blocking(accounts, settings, for_help=True)
    is_open = past.open_channels(accounts, settings)
    learnt = None if menu is None else best_ways(menu, is_open.set_axis(accounts["account_id"]), catalog, money)
    parts = []
    for offer in catalog.offers:
        yearly = 12 * offers.added_mrr(offer, accounts, catalog)
        way = by_propensity(accounts, offer, yearly, _first_free(offer, is_open), money)
        if learnt is not None:
            way = _learnt(way, learnt[learnt["offer_id"] == offer.id])
        gate = helping if offer.is_help else selling
        blocked = _blocked(offer, accounts, gate, refusals, catalog, settings)
        if offer.is_help:
            way["priority"] = 0.0  # help earns no rank by money; who needs it gets it
            blocked = blocked.where(blocked.notna() | way["discount_pct"].notna(), "no_gain")  # no step above the floor
        else:
            gains = has_signal or not money.needs_signal
            poor = ~(way["priority"] > 0) | (not gains)
            blocked = blocked.where(blocked.notna() | ~poor, "no_gain")
        parts.append(way.assign(as_of=accounts["as_of"], is_allowed=blocked.isna(), blocked_by=blocked))
    columns = [
        "account_id", "as_of", "offer_id", "channel", "discount_pct", "is_allowed", "blocked_by", "p_accept",
        "p_organic", "uplift", "value", "context", "lever", "priority", "harm", "contact_cost", "expected_arr", "se",
    ]  # fmt: skip
    if not parts:
        return pd.DataFrame(columns=[*columns, "rank"])
    rows = pd.concat(parts, ignore_index=True)[columns]
    order = rows.assign(order=-rows["priority"].fillna(float("-inf")), blocked=~rows["is_allowed"])
    order = order.sort_values(["account_id", "as_of", "blocked", "order", "offer_id"], kind="stable")
    place = (order.groupby(["account_id", "as_of"]).cumcount() + 1).astype("Int64").where(order["is_allowed"])
    return rows.loc[order.index].assign(rank=place)


def _learnt(stand_in: pd.DataFrame, learnt: pd.DataFrame) -> pd.DataFrame:
    """What was learnt of an offer, in the order of the stand-in; of what the menu lacks, nothing is expected."""
    found = learnt.set_index("account_id").reindex(stand_in["account_id"])
    known = found["priority"].notna().to_numpy()
    way = stand_in.copy()
    for name in LEARNT:
        way[name] = way[name].where(~known, found[name].to_numpy())
    unknown = ["p_accept", "p_organic", "uplift", "expected_arr", "priority"]
    way.loc[~known, unknown] = [float("nan"), float("nan"), float("nan"), 0.0, 0.0]
    return way


def _blocked(
    offer: Offer,
    accounts: pd.DataFrame,
    gate: pd.Series,
    refusals: pd.DataFrame | None,
    catalog: Catalog,
    settings: Gates,
) -> pd.Series:
    """The first gate or condition that blocks this offer, per row of `accounts`; null where all stand open."""
    blocked = gate.copy()

    def block(where: pd.Series, by: str) -> None:
        nonlocal blocked
        blocked = blocked.where(blocked.notna() | ~where.astype(bool), by)

    wait = past.waits(offer, accounts, refusals, catalog, settings)
    # in the contract's order recent_refusal stands before contact_limit
    is_free = wait["recent_refusal"] == 0
    blocked = blocked.where(is_free | (blocked.notna() & (blocked != "contact_limit")), "recent_refusal")
    block(wait["contact_limit"] > 0, "contact_limit")
    block(
        ~(offers.is_possible(offer, accounts, catalog) & conditions.all_hold(offer.eligible, accounts)), "not_eligible"
    )
    block((wait["not_applicable"] > 0) | ~conditions.all_hold(offer.applicable, accounts), "not_applicable")
    block(~conditions.all_hold(offer.suitable, accounts), "not_suitable")
    block(pd.Series(_is_over(offer, accounts), index=accounts.index), "offer_ended")
    return blocked


def _is_over(offer: Offer, accounts: pd.DataFrame) -> pd.Series:
    """Not launched yet, or no longer valid."""
    over = pd.Series(False, index=accounts.index)
    if offer.launched_on:
        over |= accounts["as_of"] < pd.Timestamp(offer.launched_on)
    if offer.valid_until:
        over |= accounts["as_of"] > pd.Timestamp(offer.valid_until)
    return over


def _first_free(offer: Offer, is_open: pd.DataFrame) -> pd.Series:
    """The first of the offer's channels that may be used; the first of all where none may."""
    channel = pd.Series(offer.channels[0], index=is_open.index, dtype="object")
    for other in reversed(offer.channels):
        channel = channel.mask(is_open[other], other)
    return channel
