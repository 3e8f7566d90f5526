"""Every list that was delivered, by its week: `ledger/<as_of>/` holds the week's files as people got them.

It lies outside of DVC and of git, since it is a record of what happened and not of what the inputs make. A week that is
delivered again replaces its entry; the other weeks stay.
"""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pandas as pd

from pipelines import paths
from pipelines.deliver import write

MANIFEST = "manifest.json"  # written last: a folder without it was left half written, and counts for nothing
LIST, REASONS = "ranked_accounts.parquet", "reasons.parquet"
RUN = "run.json"


def keep(files: Mapping[str, bytes], as_of: date) -> None:
    """Enter a week's files, its manifest among them."""
    ordered = {name: content for name, content in files.items() if name != MANIFEST}
    write({**ordered, MANIFEST: files[MANIFEST]}, paths.LEDGER / str(as_of))


def keep_found(folder: Path = paths.WEEKLY) -> None:
    """Enter the list that lies in `folder`, as `dvc repro` leaves one, where its week has no entry yet.

    A list of which a file is missing is not entered: nobody got it.
    """
    if not (folder / MANIFEST).is_file():
        return
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    as_of = date.fromisoformat(manifest["as_of"])
    names = [*manifest["outputs_sha256"], MANIFEST]
    if as_of in _weeks() or not all((folder / name).is_file() for name in names):
        return
    names += [RUN] if (folder / RUN).is_file() else []
    keep({name: (folder / name).read_bytes() for name in names}, as_of)


def of_week(as_of: date, columns: list[str]) -> pd.DataFrame | None:
    """Columns of the list that was delivered for a week; None where none was."""
    if as_of not in _weeks():
        return None
    return pd.read_parquet(paths.LEDGER / str(as_of) / LIST, columns=columns)


def before(as_of: date) -> pd.DataFrame | None:
    """account_id, rank, assignment and as_of of the newest list of an earlier week; None where there is none.

    A later week is no predecessor, whenever it was delivered: a week delivered twice compares with the same list.
    """
    return _of_the_week_before(as_of, LIST, ["account_id", "rank", "assignment", "as_of"])


def reasons_before(as_of: date) -> pd.DataFrame | None:
    """account_id, feature and points of the reasons of that list; None where there is none."""
    return _of_the_week_before(as_of, REASONS, ["account_id", "feature", "points"])


def _of_the_week_before(as_of: date, file: str, columns: list[str]) -> pd.DataFrame | None:
    earlier = [week for week in _weeks() if week < as_of]
    return pd.read_parquet(paths.LEDGER / str(max(earlier)) / file, columns=columns) if earlier else None


def _weeks() -> set[date]:
    return {date.fromisoformat(path.parent.name) for path in paths.LEDGER.glob(f"????-??-??/{MANIFEST}")}
