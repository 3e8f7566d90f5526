"""`upsell audit`: gathers what is known of one account on the newest list."""

import difflib
import json
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from data.catalog import Catalog
from data.cohort import cohort
from data.contract import ACCOUNTS, RAW_TABLES
from data.errors import BadInput
from data.known import calendar, known
from delivery import audit
from features.proposals import answered
from pipelines import lake, paths, tracking


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
    return audit.story(account_id, **found, manifest=manifest, raw=raw_rows(account_id, listed, _staged(manifest)))


def raw_rows(account_id: str, as_of: date, staged_at: Path) -> dict[str, pd.DataFrame]:
    """The account's rows of each raw table, as they were known by then, the newest last.

    `accounts` has the attributes of that day, as far as account_changes tell them; one that never changed reads as it
    does today.
    """
    engine = lake.connect()
    staged = {
        name: table.filter(table.account_id == account_id) for name, table in lake.staged(engine, staged_at).items()
    }
    as_ofs = calendar([as_of])
    rows = {}
    for name, table in staged.items():
        if name == ACCOUNTS.name:
            catalog = Catalog.load(paths.CATALOG)
            then = cohort(table, staged["subscriptions"], staged.get("account_changes"), catalog, as_ofs)
            rows[name] = lake.frame(then.select(*(c for c in ACCOUNTS.columns if c != "account_id")), engine)
            continue
        of_account = _as_then(name, table, as_ofs)
        ordered = of_account.order_by([ibis.asc("known_on"), *(c for c in table.columns if c != "known_on")])
        rows[name] = lake.frame(ordered.drop("as_of", "known_on", "account_id"), engine)
    return rows


def _as_then(name: str, table: ir.Table, as_ofs: ir.Table) -> ir.Table:
    """The known rows of a table; what was filled in later reads as it did then."""
    rows = known(table, as_ofs)
    is_filled = {
        column: (rows[day].cast("date") < rows.as_of).fill_null(False)
        for column, day in RAW_TABLES[name].fills_in_later.items()
    }
    then = rows.mutate(**{column: filled.ifelse(rows[column], ibis.null()) for column, filled in is_filled.items()})
    if name != "proposals":
        return then
    # Silence has no day on which it was decided: the features say from when on it counts. What was withheld on purpose
    # was put to nobody, and keeps what is written of it.
    outcomes = answered(table, as_ofs).select("proposal_id", "outcome_known")
    then = then.left_join(outcomes, "proposal_id").drop("proposal_id_right")
    return then.mutate(outcome=ibis.coalesce(then.outcome_known, then.outcome)).drop("outcome_known")


def _staged(manifest: dict[str, Any]) -> Path:
    """The folder of the very tables that the list was made of, by their hashes. Raises BadInput where they are gone."""
    wanted = {name: digest for name, digest in manifest["inputs_sha256"].items() if name.startswith("staged/")}
    for folder in (paths.STAGED, paths.LAKE / "weekly" / manifest["as_of"] / "staged"):
        files = {f"staged/{path.relative_to(folder)}": path for path in folder.rglob("*.parquet")}
        if wanted.keys() == files.keys() and all(wanted[name] == tracking.sha256(files[name]) for name in wanted):
            return folder
    raise BadInput(
        f"{paths.LAKE}: the tables that the list of {manifest['as_of']} was made of are no longer there; run "
        f"`upsell weekly --as-of {manifest['as_of']}` to deliver it from the tables of today."
    )
