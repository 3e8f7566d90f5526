"""`upsell audit`: gathers what is known of one account on the newest list."""

import difflib
import json
from datetime import date
from typing import Any

import ibis
import pandas as pd

from data.contract import RAW_TABLES
from data.errors import BadInput
from data.known import calendar, known
from delivery import audit
from pipelines import lake, paths


def story(account_id: str, as_of: date | None) -> dict[str, Any]:
    """The account's story as of the list's day. Raises BadInput where there is no such list or account."""
    folder = paths.WEEKLY
    if not (folder / "manifest.json").is_file():
        raise BadInput(f"{folder}: there is no list yet; run `dvc repro`.")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    listed = date.fromisoformat(manifest["as_of"])
    if as_of and as_of != listed:
        raise BadInput(
            f"--as-of {as_of}: the list in {folder} is of {listed}; run `upsell weekly --as-of {as_of}` first."
        )
    found = {
        name: pd.read_parquet(folder / f"{file}.parquet")
        for name, file in {
            "ranked": "ranked_accounts",
            "reasons": "reasons",
            "candidates": "candidates",
            "triggers": "triggers",
        }.items()
    }
    ids = found["ranked"]["account_id"].tolist()
    if account_id not in ids:
        near = difflib.get_close_matches(account_id, ids, n=1)
        hint = f"did you mean {near[0]}?" if near else "it may not be active."
        raise BadInput(f"{account_id}: no such account on the list of {listed}; {hint}")
    return audit.story(account_id, **found, manifest=manifest, raw=_raw_rows(account_id, listed))


def _raw_rows(account_id: str, as_of: date) -> dict[str, pd.DataFrame]:
    """The account's rows of each raw table that were known by then, the newest last."""
    weekly = paths.LAKE / "weekly" / str(as_of) / "staged"
    engine = lake.connect()
    rows = {}
    for name, table in lake.staged(engine, weekly if weekly.is_dir() else paths.STAGED).items():
        of_account = known(table.filter(table.account_id == account_id), calendar([as_of]))
        of_account = of_account.mutate(
            **{
                # what was filled in later reads as it did then
                column: (of_account[day].cast("date") < of_account.as_of).ifelse(of_account[column], ibis.null())
                for column, day in RAW_TABLES[name].fills_in_later.items()
            }
        )
        ordered = of_account.order_by([ibis.asc("known_on"), *(c for c in table.columns if c != "known_on")])
        rows[name] = lake.frame(ordered.drop("as_of", "known_on", "account_id"), engine)
    return rows
