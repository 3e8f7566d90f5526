"""Why an account is persuadable to the offer of its list: asked of the very response that the list was made with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from delivery import persuasion as words
from features.build import dictionary
from pipelines import sealed, tables, written
from pipelines.tables import Table
from pipelines.what_ifs import Known


def persuasion(listed: Mapping[Any, Any], of: Known, made_of: Path | None) -> list[dict[str, Any]] | None:
    """What moves the uplift of the list's offer most; None where no response was learnt or nothing is offered.

    made_of: the folder of what the list was made of; None: the lake, which `of` says is what made it.
    """
    if not isinstance(listed["offer_id"], str) or listed["uplift"] != listed["uplift"]:
        return None
    if made_of is not None and made_of.is_dir():
        response = written.read_response(made_of / sealed.RESPONSE)
        lately = Table(made_of / "lately.parquet", tables.LATELY.key).read()
    else:
        response, lately = written.read_response(), tables.LATELY.read()
    if response is None or not response.is_learnt:
        return None
    row = of.current[of.current["account_id"] == listed["account_id"]].merge(lately, on=["account_id", "as_of"])
    found = response.contributions(
        row, listed["offer_id"], of.catalog, channel=listed["channel"], discount_pct=float(listed["discount_pct"])
    )
    return words.told(found, dictionary(of.catalog, of.params.health, of.params.lifecycle))
