"""What an accepted offer is worth a year later, and how much of that the account would have had anyway."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.catalog import Catalog, Offer
from features.offers import Part, all_parts, is_open, part_added_mrr, parts
from models import organic
from models.aftermath import GROWTH, SELLS, After
from models.organic import LEAVE, Organic

MONTHS = 12.0


@dataclass(frozen=True, eq=False)
class Alone:
    """What n accounts do if nobody asks: by part of any offer, within the horizon and within a year."""

    in_horizon: dict[str, np.ndarray]  # probability
    in_year: dict[str, np.ndarray]
    log_rate: dict[str, np.ndarray]  # over the year
    stays: np.ndarray  # for a year


def alone(model: Organic, accounts: pd.DataFrame, catalog: Catalog, needed: list[Part]) -> Alone:
    """For these parts, and for leaving."""
    own = model.columns.matrix(accounts)
    in_horizon, in_year, log_rate = {}, {}, {}
    for part in [*needed, LEAVE]:
        matrix = model.matrix(part, accounts, catalog, own)
        log_rate[part.name] = model.log_rate(matrix, over_year=True)
        in_year[part.name] = organic.probability(log_rate[part.name], MONTHS)
        in_horizon[part.name] = organic.probability(model.log_rate(matrix, over_year=False), model.n_horizon)
    return Alone(in_horizon, in_year, log_rate, 1 - in_year[LEAVE.name])


@dataclass(frozen=True, eq=False)
class Worth:
    """Of one offer, for n accounts, money a year at the account's own discount."""

    lasting: np.ndarray  # of having its changes, after a year, for accounts that stay
    head_start: np.ndarray  # of that, what the account would not have had by itself by then
    p_organic: np.ndarray  # the same changes, all of them, by itself within the horizon


def worth(
    offer: Offer, accounts: pd.DataFrame, catalog: Catalog, by_itself: Alone, realised: dict[str, tuple[float, float]]
) -> Worth:
    """realised: by part, what was really paid more, as shares of the list price's change and of the MRR before."""
    n = len(accounts)
    lasting, head_start, p_organic = np.zeros(n), np.zeros(n), np.ones(n)
    mrr = accounts["mrr"].to_numpy(dtype="float64", na_value=0.0)
    of_offer = parts(offer, catalog)
    for part in of_offer:
        of_list, of_mrr = realised.get(part.name, (1.0, 0.0))
        added = part_added_mrr(part, accounts, catalog).to_numpy(dtype="float64", na_value=0.0) * of_list + of_mrr * mrr
        yearly = 12 * added * by_itself.stays
        lasting += yearly
        head_start += yearly * (1 - by_itself.in_year[part.name])
        p_organic *= by_itself.in_horizon[part.name]
    return Worth(lasting, head_start, p_organic if of_offer else np.zeros(n))


@dataclass(frozen=True, eq=False)
class Side:
    """What an action does beside the offer's own change: money a year, and the rise of a probability within a year."""

    money: np.ndarray
    rise: np.ndarray  # of growing by itself, or, where that is what changes most, of staying


def side_effects(after: After, offer: Offer, accounts: pd.DataFrame, catalog: Catalog, by_itself: Alone) -> Side:
    """Of rates that change by these log ratios: on growth that is not the offer's own, and on leaving."""
    n = len(accounts)
    mrr = accounts["mrr"].to_numpy(dtype="float64", na_value=0.0)
    own = {part.name for part in parts(offer, catalog)} if offer.kind in SELLS else set()
    stays = (1 - by_itself.in_year[LEAVE.name]) ** np.exp(after.leave)
    money, none_before, none_after = 12 * mrr * (stays - by_itself.stays), np.ones(n), np.ones(n)
    for part in all_parts(catalog):
        if part.kind not in GROWTH or part.name in own:
            continue
        before = 1 - by_itself.in_year[part.name]
        later = before ** np.exp(after.grow)
        room = is_open(part, accounts, catalog).to_numpy(dtype=bool)
        added = np.where(room, part_added_mrr(part, accounts, catalog).to_numpy(dtype="float64", na_value=0.0), 0.0)
        money = money + 12 * added * by_itself.stays * (before - later)
        none_before, none_after = none_before * np.where(room, before, 1), none_after * np.where(room, later, 1)
    grows, remains = none_before - none_after, stays - by_itself.stays
    return Side(money, np.where(np.abs(grows) >= np.abs(remains), grows, remains))


def discounted(accounts: pd.DataFrame, discount_pct: float) -> np.ndarray:
    """(n,) what is left of an added price by a discount: the account's own holds where it is higher."""
    own = accounts["current_discount_pct"].fillna(0).to_numpy(dtype="float64")
    return np.asarray((1 - np.maximum(own, discount_pct) / 100) / np.maximum(1 - own / 100, 1e-9))
