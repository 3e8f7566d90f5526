"""Why accounts are persuadable to the offers of their list: asked of the very response that the list was made with."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import pandas as pd

from features.build import dictionary
from features.feature import Feature
from models.response import Response
from pipelines.what_ifs import Known

Told = TypeVar("Told")
Tell = Callable[[pd.DataFrame, Sequence[Feature], Mapping[str, Any], str], Told]
HOW = ["offer_id", "channel", "discount_pct"]


def persuasion(
    listed: pd.DataFrame, of: Known, response: Response, lately: pd.DataFrame, tell: Tell[Told]
) -> dict[str, Told]:
    """By account_id, what moves the uplift of the list's offer most, as `tell` of delivery/persuasion.py tells it.

    listed: rows of the list. An account to which nothing is offered is not in it, and none is where no response was
    learnt. lately: what each account took (pipelines/taken.py).
    """
    if not response.is_learnt:
        return {}
    rows = listed.loc[listed["offer_id"].notna() & listed["uplift"].notna(), ["account_id", *HOW]]
    known = rows.merge(of.current, on="account_id").merge(lately, on=["account_id", "as_of"])
    named = dictionary(of.catalog, of.params.health, of.params.lifecycle)
    found: dict[str, Told] = {}
    for offer, some in known.groupby("offer_id", sort=True):
        accounts = some.drop(columns=HOW).reset_index(drop=True)
        channel, discount = some["channel"].to_numpy(dtype=object), some["discount_pct"].to_numpy(dtype="float64")
        moved = response.contributions(accounts, str(offer), of.catalog, channel=channel, discount_pct=discount)
        own: dict[str, Any] = {str(row["account_id"]): row for row in accounts.to_dict("records")}
        for account, mine in moved.groupby("account_id", sort=True):
            found[str(account)] = tell(mine, named, own[str(account)], of.catalog.currency)
    return found
