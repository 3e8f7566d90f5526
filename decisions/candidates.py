"""Every account × offer: whether it is allowed, what blocks it, what it is worth, and where it ranks."""

import pandas as pd

from data.catalog import Catalog, Offer
from decisions import conditions, gates, past
from decisions.settings import Decide, Gates
from features import offers


def candidates(
    accounts: pd.DataFrame,
    refusals: pd.DataFrame | None,
    catalog: Catalog,
    settings: Gates,
    money: Decide,
    *,
    has_signal: bool = True,
) -> pd.DataFrame:
    """One row per (account_id, as_of, offer_id).

    accounts: one row per account, with its features, terms, attributes, what is remembered of its past
        (`past.remembered`) and `propensity`.
    refusals: the past of each offer (decisions/past.py), one row per (account_id, offer_id); None where nothing is
        known.
    has_signal: whether `propensity` tells accounts apart. Where not, it promises nothing of anyone in particular: with
    `money.needs_signal`, what sells is blocked by `no_gain`. Help is given by need, and goes on.

    Until the response to offers is learnt, what is expected of one is propensity × its value, less the contact's cost;
    p_accept, p_organic and uplift stay null rather than pretend.
    """
    conditions.check(catalog, list(accounts.columns))
    selling = gates.first_blocking(accounts, settings)
    helping = gates.first_blocking(accounts, settings, for_help=True)
    parts = [
        _of_offer(
            offer,
            accounts,
            helping if offer.is_help else selling,
            refusals,
            catalog,
            settings,
            money,
            gains=has_signal or not money.needs_signal,
        )
        for offer in catalog.offers
    ]
    columns = [
        "account_id", "as_of", "offer_id", "channel", "discount_pct", "is_allowed", "blocked_by", "p_accept",
        "p_organic", "uplift", "value", "context", "lever", "priority",
    ]  # fmt: skip
    if not parts:
        return pd.DataFrame(columns=[*columns, "rank"])
    rows = pd.concat(parts, ignore_index=True)[columns]
    order = rows.assign(order=-rows["priority"].fillna(float("-inf")), blocked=~rows["is_allowed"])
    order = order.sort_values(["account_id", "as_of", "blocked", "order", "offer_id"], kind="stable")
    place = (order.groupby(["account_id", "as_of"]).cumcount() + 1).astype("Int64").where(order["is_allowed"])
    return rows.loc[order.index].assign(rank=place)


def _of_offer(
    offer: Offer,
    accounts: pd.DataFrame,
    gate: pd.Series,
    refusals: pd.DataFrame | None,
    catalog: Catalog,
    settings: Gates,
    money: Decide,
    *,
    gains: bool,
) -> pd.DataFrame:
    """One row per account: this offer. `gains`: whether its priority may be believed at all."""
    yearly = 12 * offers.added_mrr(offer, accounts, catalog)
    lever = money.levers.get(offer.kind, 1.0)
    discount = min(offer.discounts.steps_pct, default=0.0)
    expected = accounts["propensity"] * yearly * (1 - discount / 100) * lever - offer.contact_cost
    # help earns no rank by money; who needs it gets it
    priority = pd.Series(0.0, index=accounts.index) if offer.is_help else expected

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
    if not offer.is_help:
        block((priority <= 0) | (not gains), "no_gain")
    return pd.DataFrame(
        {
            "account_id": accounts["account_id"],
            "as_of": accounts["as_of"],
            "offer_id": offer.id,
            "channel": _first_free(offer, past.open_channels(accounts, settings)),
            "discount_pct": discount,
            "is_allowed": blocked.isna(),
            "blocked_by": blocked,
            "p_accept": float("nan"),
            "p_organic": float("nan"),
            "uplift": float("nan"),
            "value": yearly,
            "context": 1.0,
            "lever": lever,
            "priority": priority,
        }
    )


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
