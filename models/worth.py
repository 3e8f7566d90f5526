"""What an accepted offer is worth a year later, and how much of that the account would have had anyway."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from data.catalog import Catalog, Offer
from features.offers import all_parts, is_open, part_added_mrr, parts
from models import organic
from models.aftermath import GROWTH, Ratios, unhappy
from models.exposure import at_renewal, evenly
from models.organic import LEAVE, Organic
from models.realised import Seats

MONTHS = 12.0
SEATS = "seats"  # the kind, and the name, of the part


@dataclass(frozen=True, eq=False)
class Alone:
    """What n accounts do if nobody asks: by part of any offer, within the horizon and within a year."""

    in_horizon: dict[str, np.ndarray]  # probability
    in_year: dict[str, np.ndarray]
    log_rate: dict[str, np.ndarray]  # over the year
    stays: np.ndarray  # for a year

    @property
    def adds_seats(self) -> np.ndarray:
        """(n,) how often the account adds seats within a year: unlike an add-on, they are bought again. 0 where the
        catalogue sells none."""
        return -np.log1p(-np.minimum(self.in_year.get(SEATS, np.zeros(len(self.stays))), 0.999))

    def take(self, rows: np.ndarray) -> Alone:
        """Of some of the accounts."""

        def some(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            return {name: values[rows] for name, values in arrays.items()}

        return Alone(some(self.in_horizon), some(self.in_year), some(self.log_rate), self.stays[rows])


def alone(model: Organic, accounts: pd.DataFrame, catalog: Catalog) -> Alone:
    """Every part of the catalogue's offers, and leaving."""
    needed = list(all_parts(catalog))
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
    offer: Offer, accounts: pd.DataFrame, catalog: Catalog, by_itself: Alone, realised: dict[str, tuple[float, float]],
    seats: Seats,
) -> Worth:  # fmt: skip
    """realised: by part, what was really paid more, as shares of the list price's change and of the MRR before.

    What is priced by the seat is worth more a year later to an account whose seats grow. An add-on is bought once;
    seats are bought again, so that who would have added some in a year keeps a part of what was added before.
    """
    n = len(accounts)
    lasting, head_start, p_organic = np.zeros(n), np.zeros(n), np.ones(n)
    mrr = accounts["mrr"].to_numpy(dtype="float64", na_value=0.0)
    grown = 1 + by_itself.adds_seats * seats.step
    later = accounts.assign(seats=accounts["seats"].to_numpy(dtype="float64", na_value=0.0) * grown)
    of_offer = parts(offer, catalog)
    for part in of_offer:
        of_list, of_mrr = realised.get(part.name, (1.0, 0.0))
        at = accounts if part.kind == SEATS else later
        added = part_added_mrr(part, at, catalog).to_numpy(dtype="float64", na_value=0.0) * of_list + of_mrr * mrr
        yearly = 12 * added * by_itself.stays
        left = 1 - by_itself.in_year[part.name]
        if part.kind == SEATS:
            left = 1 - seats.forestalled * by_itself.in_year[part.name]
        lasting += yearly
        head_start += yearly * left
        p_organic *= by_itself.in_horizon[part.name]
    return Worth(lasting, head_start, p_organic if of_offer else np.zeros(n))


@dataclass(frozen=True, eq=False)
class Side:
    """What an answer does beside the offer's own change: money a year, and the rise of a probability within a year."""

    money: np.ndarray
    rise: np.ndarray  # of growing by itself, or, where that is what changes most, of staying


def side_effects(
    ratios: Ratios, accounts: pd.DataFrame, catalog: Catalog, by_itself: Alone, seats: Seats, *,
    without: Collection[str] = (),
) -> Side:  # fmt: skip
    """Of rates that change by these ratios: of leaving, and of every growth but the parts named in `without`."""
    n = len(accounts)
    mrr = accounts["mrr"].to_numpy(dtype="float64", na_value=0.0)
    mood = unhappy(accounts)
    grow = ratios.grow.over_year(mood, evenly(n))
    stays = (1 - by_itself.in_year[LEAVE.name]) ** ratios.leave.over_year(mood, at_renewal(accounts))
    money, none_before, none_after = 12 * mrr * (stays - by_itself.stays), np.ones(n), np.ones(n)
    for part in all_parts(catalog):
        if part.kind not in GROWTH or part.name in without:
            continue
        before = 1 - by_itself.in_year[part.name]
        later = before**grow
        room = is_open(part, accounts, catalog).to_numpy(dtype=bool)
        more = replace(part, pct=100 * seats.step) if part.kind == SEATS else part
        added = np.where(room, part_added_mrr(more, accounts, catalog).to_numpy(dtype="float64", na_value=0.0), 0.0)
        sooner = before - later
        if part.kind == SEATS:
            sooner = by_itself.adds_seats * (grow - 1) * (1 - seats.forestalled * by_itself.in_year[part.name])
        money = money + 12 * added * by_itself.stays * sooner
        none_before, none_after = none_before * np.where(room, before, 1), none_after * np.where(room, later, 1)
    grows, remains = none_before - none_after, stays - by_itself.stays
    return Side(money, np.where(np.abs(grows) >= np.abs(remains), grows, remains))


def discounted(accounts: pd.DataFrame, discount_pct: float) -> np.ndarray:
    """(n,) what is left of an added price by a discount: the account's own holds where it is higher."""
    own = accounts["current_discount_pct"].fillna(0).to_numpy(dtype="float64")
    return np.asarray((1 - np.maximum(own, discount_pct) / 100) / np.maximum(1 - own / 100, 1e-9))
