"""`upsell audit`: gathers what is known of one account on the newest list, or on one of the ledger."""

import difflib
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import pandas as pd

from data.catalog import Catalog
from data.cohort import cohort
from data.contract import ACCOUNTS
from data.errors import BadInput
from data.known import calendar
from delivery import audit
from pipelines import asked, entries, lake, ledger, paths, sealed, tracking
from pipelines.as_then import as_then
from pipelines.seals import Entry
from pipelines.what_ifs import what_ifs

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
    scored_with = asked.known(made_of, manifest)
    return audit.story(
        account_id,
        **found,
        manifest=manifest,
        raw=raw_rows(account_id, listed, staged_at) if staged_at else None,
        n_raw_rows=n_raw_rows,
        what_ifs=what_ifs(pd.DataFrame([row]), scored_with)[account_id] if scored_with else None,
        persuasion=asked.persuaded(row, scored_with, made_of) if scored_with else None,
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
        of_account = as_then(name, table, as_ofs)
        ordered = of_account.order_by([ibis.asc("known_on"), *(c for c in table.columns if c != "known_on")])
        rows[name] = lake.frame(ordered.drop("as_of", "known_on", "account_id"), engine)
    return rows


def _staged(manifest: Mapping[str, Any]) -> Path | None:
    """The folder of the very tables that the list was made of, by their hashes; None where they are gone."""
    wanted = {name: digest for name, digest in manifest["inputs_sha256"].items() if name.startswith("staged/")}
    for folder in (paths.STAGED, paths.LAKE / "weekly" / manifest["as_of"] / "staged"):
        files = {f"staged/{path.relative_to(folder)}": path for path in folder.rglob("*.parquet")}
        if wanted and wanted.keys() == files.keys() and all(wanted[n] == tracking.sha256(files[n]) for n in wanted):
            return folder
    return None
