"""What is offered instead: the help that comes first where nothing may be sold."""

import pandas as pd

from data.catalog import Catalog


def first_help(helping: pd.DataFrame, blocked_by: pd.Series, catalog: Catalog) -> pd.DataFrame:
    """Of the help that each account may have, the one to offer: one row per account_id.

    helping: allowed candidates of help. blocked_by: by account_id, the gate that keeps anything from being sold to it.
    Help whose `instead_of` names that gate comes first; beyond that the catalogue's order decides, the most pressing at
    its top.
    """
    place = {offer.id: i for i, offer in enumerate(catalog.offers)}
    answers = {(offer.id, gate) for offer in catalog.offers for gate in offer.instead_of}
    gate = helping["account_id"].map(blocked_by)
    is_asked = [pair in answers for pair in zip(helping["offer_id"], gate, strict=True)]
    order = helping.assign(order=helping["offer_id"].map(place), later=[not asked for asked in is_asked])
    order = order.sort_values(["account_id", "later", "order"], kind="stable")
    return order.drop_duplicates("account_id").drop(columns=["order", "later"])
