"""Who is sold to this week: held out, contacted, drawn at random, or waiting; and with what odds.

`pscore` is the probability with which what happened to an account was drawn, given all that is not random:

    held out                share of the holdout
    contacted, or left out  (1 − share) × the outcome's probability in its place's lottery (decisions/exploration.py)
    beyond capacity         1 − share: nobody but the holdout's draw decided anything

It is about the account and the offer: what a later evaluation of the list weighs its outcome by.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.catalog import Catalog
from decisions.assignment import Assigned, assign, ways
from decisions.experiments import held_out
from decisions.exploration import explored
from decisions.limits import limits_of
from decisions.settings import Decide

OF_OFFER = (
    "offer_id", "channel", "discount_pct", "p_accept", "p_organic", "uplift", "value", "context", "expected_arr",
    "priority",
)  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """rows: one per account that something may be sold to: `assignment` (contact, holdout, beyond_capacity), `pscore`,
    `is_explored`, and of its offer the columns OF_OFFER. week: the assignment behind it, for what one more is worth.
    """

    rows: pd.DataFrame
    week: Assigned


def plan(
    candidates: pd.DataFrame,
    accounts: pd.DataFrame,
    catalog: Catalog,
    money: Decide,
    *,
    seed: int,
    previous: Collection[str] = (),
) -> Plan:
    """Assign the week. candidates: those of selling and of help; help is no part of it. One row of `accounts` each.

    previous: the accounts that last week's list contacted. Held-out accounts are taken out first: they use no capacity.
    """
    sells = {offer.id for offer in catalog.offers if not offer.is_help}
    selling = candidates[candidates["offer_id"].isin(sells)]
    ids = accounts["account_id"]
    out = set(ids[held_out(ids, share=money.holdout_share, salt=money.holdout_salt)])
    limits = limits_of(money.week, per_owner=money.capacity_per_owner, without_owner=money.capacity_without_owner)
    free = selling[~selling["account_id"].isin(out)]
    all_ways = ways(free, accounts, catalog, money.week)
    week = assign(all_ways, limits, money.week, previous=previous)
    as_of = f"{accounts['as_of'].max():%Y-%m-%d}" if len(accounts) else ""
    drawn = explored(
        week, money.week.explore, seed=seed, as_of=as_of, limits=limits,
        no_gain=ways(only_no_gain(free), accounts, catalog, money.week),
    )  # fmt: skip
    best = selling[selling["is_allowed"]].sort_values(["account_id", "rank"]).drop_duplicates("account_id")
    chosen = drawn.chosen
    waiting = best[~best["account_id"].isin(chosen["account_id"])]
    columns = ["account_id", *OF_OFFER]
    rows = pd.concat(
        [
            chosen[columns].assign(
                assignment="contact", pscore=chosen["pscore"], is_explored=~chosen["is_planned"].astype(bool)
            ),
            waiting[columns].assign(assignment="beyond_capacity", pscore=1.0, is_explored=False),
        ],
        ignore_index=True,
    )
    left_out = drawn.withheld.set_index("account_id")["pscore"]
    is_left_out = rows["account_id"].isin(left_out.index) & (rows["assignment"] != "contact")
    is_host = drawn.withheld.set_index("account_id")["is_host"].reindex(rows["account_id"]).fillna(False).to_numpy(bool)
    rows["pscore"] = rows["pscore"].mask(is_left_out, rows["account_id"].map(left_out))
    rows["assignment"] = rows["assignment"].mask(is_left_out & is_host, "holdout")
    rows["is_explored"] = rows["is_explored"] | (is_left_out & is_host)
    is_out = rows["account_id"].isin(out)
    rows["assignment"] = rows["assignment"].mask(is_out, "holdout")
    share = money.holdout_share
    rows["pscore"] = np.where(is_out, share, (1 - share) * rows["pscore"].astype("float64"))
    return Plan(rows, week)


def only_no_gain(candidates: pd.DataFrame) -> pd.DataFrame:
    """Candidates that nothing keeps back but that nothing is expected of them: exploration may ask them.

    Not those of which no step of discount leaves the margin floor standing: there is no way to make them.
    """
    rows = candidates[(candidates["blocked_by"] == "no_gain") & candidates["discount_pct"].notna()]
    return rows.assign(is_allowed=True)
