"""`upsell audit`: gathers what is known of one account on the newest list, or on one of the ledger."""

import difflib
import json
from collections.abc import Mapping
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
from pipelines import entries, lake, ledger, paths, sealed, tracking, what_ifs
from pipelines.persuasion import persuasion
from pipelines.seals import Entry

TABLES = {"ranked": "ranked_accounts", "reasons": "reasons", "candidates": "candidates", "triggers": "triggers"}


def story(account_id: str, as_of: date | None, *, n_raw_rows: int = audit.N_RAW_ROWS) -> dict[str, Any]:
    """The account's story as of the list's day. Raises BadInput where there is no such list or account.

    A past week is told from the ledger: as people got it, with what was decided about it since.
    """
    folder = _folder(as_of)
    manifest = json.loads((folder / sealed.MANIFEST).read_text(encoding="utf-8"))
    listed = date.fromisoformat(manifest["as_of"])
    found = {name: pd.read_parquet(folder / f"{file}.parquet") for name, file in TABLES.items()}
    ids = found["ranked"]["account_id"].tolist()
    if account_id not in ids:
        near = difflib.get_close_matches(account_id, ids, n=1)
        hint = f"did you mean {near[0]}?" if near else "it may not be active."
        raise BadInput(f"{account_id}: no such account on the list of {listed}; {hint}")
    entry = _entry(manifest)
    staged_at = _staged(manifest)
    row = found["ranked"][found["ranked"]["account_id"] == account_id].iloc[0].to_dict()
    made_of = entry.folder / sealed.FOLDER if entry else None
    asked = what_ifs.known(made_of, manifest)
    return audit.story(
        account_id,
        **found,
        manifest=manifest,
        raw=raw_rows(account_id, listed, staged_at) if staged_at else None,
        n_raw_rows=n_raw_rows,
        what_ifs=what_ifs.what_ifs(row, asked) if asked else None,
        persuasion=persuasion(row, asked, made_of) if asked else None,
        decided=[line for line in entries.read(paths.LEDGER) if _is_about(line, account_id, manifest)],
        delivery={"folder": str(entry.folder), "number": entry.number, "seal": entry.seal} if entry else None,
    )


def _folder(as_of: date | None) -> Path:
    """Where that week's list lies: the newest one, or in the ledger. Raises BadInput where there is none."""
    newest = paths.WEEKLY / sealed.MANIFEST
    listed = None
    if newest.is_file():
        listed = date.fromisoformat(json.loads(newest.read_text(encoding="utf-8"))["as_of"])
    if as_of is None and listed is None:
        raise BadInput(f"{paths.WEEKLY}: there is no list yet; run `dvc repro`.")
    if as_of is None or as_of == listed:
        return paths.WEEKLY
    if as_of not in ledger.weeks():
        there = ", ".join(str(week) for week in sorted(ledger.weeks() | ({listed} if listed else set()))) or "none yet"
        raise BadInput(
            f"--as-of {as_of}: no list of that day was delivered; the weeks there are: {there}. "
            f"`upsell weekly --as-of {as_of}` delivers one from the tables of today."
        )
    return paths.LEDGER / str(as_of)


def _entry(manifest: Mapping[str, Any]) -> Entry | None:
    """The ledger's entry of that very list; None where it is not entered, as right after `dvc repro`."""
    entry = Entry(paths.LEDGER / manifest["as_of"])
    kept = entry.folder / sealed.MANIFEST
    is_it = kept.is_file() and json.loads(kept.read_text(encoding="utf-8")) == manifest
    return entry if is_it and entry.content else None


def _is_about(line: Mapping[str, Any], account_id: str, manifest: Mapping[str, Any]) -> bool:
    return bool(line["account_id"] == account_id and line["as_of"] == manifest["as_of"])


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


def _staged(manifest: Mapping[str, Any]) -> Path | None:
    """The folder of the very tables that the list was made of, by their hashes; None where they are gone."""
    wanted = {name: digest for name, digest in manifest["inputs_sha256"].items() if name.startswith("staged/")}
    for folder in (paths.STAGED, paths.LAKE / "weekly" / manifest["as_of"] / "staged"):
        files = {f"staged/{path.relative_to(folder)}": path for path in folder.rglob("*.parquet")}
        if wanted and wanted.keys() == files.keys() and all(wanted[n] == tracking.sha256(files[n]) for n in wanted):
            return folder
    return None
