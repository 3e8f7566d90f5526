"""What the card of an account tells beside its row: why it is persuadable, what would move it, what happened before.

Asked of the model and of the response of the list, for the accounts to contact alone; the story of those to help, too.
"""

from dataclasses import replace

import pandas as pd

from data.catalog import Catalog
from delivery import persuasion as uplift
from delivery import what_ifs as changes
from delivery.beside import Beside
from delivery.history import Past, stories
from models.propensity import Propensity
from models.response import Response
from pipelines.params import Params
from pipelines.persuasion import persuasion
from pipelines.what_ifs import Known, levelled, what_ifs

CALLED = ("contact", "nurture")  # of whom it helps to know what happened


def with_cards(
    beside: Beside,
    ranked: pd.DataFrame,
    params: Params,
    catalog: Catalog,
    *,
    model: Propensity,
    current: pd.DataFrame,
    response: Response,
    lately: pd.DataFrame,
    past: Past | None,
) -> Beside:
    """`beside`, with what those cards tell. past: None where it was not kept with the list."""
    known = Known(current, levelled(model, current, params), params, catalog)
    contact = ranked[ranked["assignment"] == "contact"]
    called = set(ranked.loc[ranked["assignment"].isin(CALLED), "account_id"])
    told = persuasion(contact, known, response, lately, uplift.briefly)
    asked = what_ifs(contact, known)
    happened = stories(past, catalog) if past else {}
    return replace(
        beside,
        persuadable={account: texts for account, texts in told.items() if texts},
        what_ifs={account: texts for account, found in asked.items() if (texts := changes.briefly(found))},
        stories={account: story for account, story in happened.items() if account in called},
    )
