"""`upsell publish`: a delivered week into the systems that people work in.

The four tables go into a database (pipelines/published.py), the list in other systems' shapes into files by adapters
(delivery/adapter.py), and a digest per CSM into `.eml` files, which are sent where a mail server is configured. What is
published is what the ledger holds, not what lies in reports/.
"""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from data.catalog import Catalog
from data.errors import BadInput
from delivery.adapter import Adapter, adapted, as_file, difference
from delivery.digest import digests
from delivery.outputs import OUTPUTS
from pipelines import ledger, paths, published
from pipelines.mail import send
from pipelines.params import Params
from pipelines.seals import Entry

SHOWN = 5  # of each kind of difference


@dataclass(frozen=True)
class Wanted:
    """What is to be published, and whether only to say what would be."""

    to: str | None
    adapters: tuple[Path, ...]
    with_digests: bool
    is_dry: bool


def publish(as_of: date | None, wanted: Wanted) -> list[str]:
    """Publish a week (the newest by default); gives what was done, a sentence each."""
    ledger.keep_found()
    weeks = sorted(ledger.weeks())
    if not weeks:
        raise BadInput(f"{paths.LEDGER}: no list has been delivered yet; run `upsell weekly` or `make run`.")
    day = as_of or weeks[-1]
    if day not in weeks:
        raise BadInput(f"--as-of {day}: no list of that day was delivered; there are {', '.join(map(str, weeks))}.")
    entry = Entry(paths.LEDGER / str(day))
    params, catalog = Params.load(), Catalog.load(paths.CATALOG)
    adapters = [Adapter.load(file) for file in wanted.adapters]
    ranked = pd.read_parquet(entry.folder / ledger.LIST)
    told = [_into_database(entry, day, wanted.to or params.publish.database, is_dry=wanted.is_dry)]
    for adapter in adapters:
        told += _pushed(adapted(ranked, adapter, catalog), adapter, is_dry=wanted.is_dry)
    if wanted.with_digests:
        told += _digested(ranked, catalog, params, day, is_dry=wanted.is_dry)
    return told


def _into_database(entry: Entry, day: date, database: str, *, is_dry: bool) -> str:
    tables = {output.name: pq.read_table(entry.folder / f"{output.name}.parquet") for output in OUTPUTS}
    rows = ", ".join(f"{len(table):,} {name}" for name, table in tables.items())
    place = database.split("@")[-1]  # never what may be a password
    if is_dry:
        return f"Week {day} would go into {place}: {rows}."
    published.publish(database, day, str(entry.seal), tables)
    return f"Week {day} is in {place}: {rows}."


def _pushed(rows: list[dict[str, Any]], adapter: Adapter, *, is_dry: bool) -> list[str]:
    """The file of an adapter, and beside it what was pushed last, which the next difference is told against."""
    folder = paths.PUBLISHED / adapter.name
    last = folder / ".last.json"
    before = json.loads(last.read_text(encoding="utf-8")) if last.is_file() else []
    found = difference(before, json.loads(json.dumps(rows)), adapter.key)
    counts = ", ".join(f"{len(found[kind])} {kind}" for kind in ("new", "changed", "gone"))
    told = [f"{adapter.name}: {len(rows)} rows; against the last push {counts}."]
    told += [f"  new: {name}" for name in found["new"][:SHOWN]]
    told += [f"  {name}: {field} was {was!r}, is {now!r}" for name, field, was, now in found["changed"][:SHOWN]]
    told += [f"  gone: {name}" for name in found["gone"][:SHOWN]]
    if not is_dry:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / adapter.file).write_text(as_file(rows, adapter), encoding="utf-8")
        last.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
        told.append(f"  written: {folder / adapter.file}")
    return told


def _digested(ranked: pd.DataFrame, catalog: Catalog, params: Params, day: date, *, is_dry: bool) -> list[str]:
    settings = params.publish
    made = list(digests(ranked, catalog, params.run.language, sender=settings.sender, page=settings.page))
    if is_dry:
        return [f"{len(made)} digests would be written."]
    folder = paths.PUBLISHED / "digests" / str(day)
    folder.mkdir(parents=True, exist_ok=True)
    for owner, message in made:
        if address := settings.addresses.get(owner):
            message["To"] = address
        (folder / f"{_file_name(owner)}.eml").write_bytes(message.as_bytes())
    told = [f"{len(made)} digests in {folder}."]
    if settings.smtp:
        sent = send([message for _, message in made if message["To"]], settings)
        told.append(f"{sent} sent; {len(made) - sent} have no address in params.yaml: publish.addresses.")
    return told


def _file_name(owner: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in owner)
