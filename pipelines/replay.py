"""`upsell replay`: make a past list again from what it was made of, and hold it against what was delivered.

Nothing of today is read but the code: not the tables, the model, the parameters or the catalogue. Two things may differ
and are said: the manifest's hash of the code, and run.json, which tells when and from where a list was made.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd

from data.errors import BadInput
from delivery.identical import first_difference, first_difference_of_rows
from pipelines import ledger, paths, sealed, seals
from pipelines.seals import Entry

TABLES = ("ranked_accounts.parquet", "reasons.parquet", "candidates.parquet", "triggers.parquet")


@dataclass(frozen=True)
class Replayed:
    """What came of it: by file (or table) the first difference, None where it is identical; and what must be said."""

    as_of: date
    differences: Mapping[str, str | None]
    notes: tuple[str, ...]

    @property
    def is_identical(self) -> bool:
        """Whether nothing differs."""
        return not any(self.differences.values())


def replay(as_of: date, account_id: str | None = None) -> Replayed:
    """Make the list of that week again; of one account only its rows. Raises BadInput where it cannot be made."""
    entry = of_week(as_of)
    inputs = {name for name in entry.files if name.startswith(f"{sealed.FOLDER}/")}
    if not inputs:
        raise BadInput(
            f"{entry.folder}: what the list was made of was not kept: it came from `dvc repro`, and the lake had "
            f"moved on before it was entered. `upsell weekly --as-of {as_of}` makes a list that can be replayed."
        )
    now = seals.hashes(entry.folder)
    altered = sorted(name for name, digest in entry.files.items() if now.get(name) != digest)
    if altered:
        raise BadInput(
            f"{entry.folder}: {altered[0]} is not as it was sealed; `upsell verify` says what else. Restore it first."
        )
    again = sealed.rebuilt(entry.folder / sealed.FOLDER)
    kept = {name: (entry.folder / name).read_bytes() for name in again}
    notes = [*_versions(entry), f"{ledger.RUN} is not compared: it tells when and from where the list was made."]
    if account_id is not None:
        return Replayed(as_of, _of_account(account_id, kept, again, as_of), tuple(notes))
    made_by, now_by = (json.loads(files[sealed.MANIFEST])["code_sha256"] for files in (kept, again))
    if made_by != now_by:
        notes.insert(0, f"The code is another ({now_by[:12]}) than made the list ({made_by[:12]}).")
        again = {**again, sealed.MANIFEST: again[sealed.MANIFEST].replace(now_by.encode(), made_by.encode())}
    return Replayed(as_of, {name: first_difference(name, kept[name], again[name]) for name in again}, tuple(notes))


def of_week(as_of: date) -> Entry:
    """The newest delivery of a week. Raises BadInput where there is none that is sealed."""
    entry = Entry(paths.LEDGER / str(as_of))
    if entry.content is None:
        there = ", ".join(str(week) for week in sorted(ledger.weeks())) or "none yet"
        raise BadInput(f"{entry.folder}: no list of that day was delivered and sealed; the weeks there are: {there}.")
    return entry


def as_text(found: Replayed) -> str:
    """For a terminal."""
    width = max(len(name) for name in found.differences)
    lines = [f"{name:<{width}}  {where or 'identical'}" for name, where in found.differences.items()]
    n = sum(where is not None for where in found.differences.values())
    end = "identical, byte for byte" if found.is_identical else f"NOT identical: {n} of {len(found.differences)} differ"
    return "\n".join([*lines, *found.notes, f"The list of {found.as_of} made again: {end}."])


def _versions(entry: Entry) -> list[str]:
    then, now = (entry.content or {}).get("made_with", {}), seals.versions()
    return [
        f"{name} {now.get(name, 'is absent')} here; the list was made with {version}."
        for name, version in then.items()
        if now.get(name) != version
    ]


def _of_account(
    account_id: str, kept: Mapping[str, bytes], again: Mapping[str, bytes], as_of: date
) -> dict[str, str | None]:
    """The account's rows of each table."""
    found = {}
    for name in TABLES:
        one, other = (_rows(files[name], account_id) for files in (kept, again))
        if name == TABLES[0] and not len(one):
            raise BadInput(f"--account {account_id}: no such account on the list of {as_of}.")
        found[f"{name}, {len(one):,} rows"] = first_difference_of_rows(one, other)
    return found


def _rows(content: bytes, account_id: str) -> pd.DataFrame:
    rows = pd.read_parquet(io.BytesIO(content))
    return rows[rows["account_id"] == account_id]
