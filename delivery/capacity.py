"""What one more contact, or hour, of the team would bring, in words."""

from collections.abc import Hashable
from typing import Any

import pandas as pd

from data.catalog import Text
from delivery.figures import money

N_NAMED = 4  # regions
UNITS = {"contacts": Text(en="contact", ja="1件"), "hours": Text(en="hour", ja="1時間")}


def worth_of_more(worth: pd.DataFrame, currency: str) -> tuple[Text, ...]:
    """A sentence for each region where one more is worth something, the dearest first.

    worth: `region` ("" where it is not known), `group` (the owner for whom it is worth most there; "" for accounts that
    have none), `uses` (contacts or hours), `worth` (money a year).

    >>> rows = pd.DataFrame({"region": ["EMEA", "APAC"], "group": ["CSM-7", ""], "uses": "hours", "worth": [1234.0, 0]})
    >>> [told.en for told in worth_of_more(rows, "EUR")]
    ['In EMEA, one more hour this week would bring about €1,234 a year (CSM-7).']
    """
    rows = worth[worth["worth"] >= 1].sort_values(["worth", "region"], ascending=[False, True], kind="stable")
    return tuple(_said(row, currency) for row in rows.head(N_NAMED).to_dict("records"))


def _said(row: dict[Hashable, Any], currency: str) -> Text:
    unit, worth = UNITS[str(row["uses"])], money(float(round(row["worth"])), currency)
    where_en, where_ja = (f"In {row['region']}, one", f"{row['region']}では、") if row["region"] else ("One", "")
    who_en, who_ja = (row["group"], row["group"]) if row["group"] else ("without a CSM", "担当なし")
    return Text(
        en=f"{where_en} more {unit.en} this week would bring about {worth} a year ({who_en}).",
        ja=f"{where_ja}今週の枠があと{unit.ja}増えると、年間約{worth}の上乗せが見込まれます（{who_ja}）。",
    )
