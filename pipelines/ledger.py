"""Every list that was delivered, by its week: `ledger/<as_of>/` holds the week's files as people got them, and in
`sealed/` what they were made of; a seal over both (pipelines/seals.py) follows that of the delivery before.

It lies outside of DVC and of git, since it is a record of what happened and not of what the inputs make. Nothing in it
is written over: where a week is delivered again with other bytes, what was delivered before goes to
`ledger/<as_of>.1/`, `.2/` and so on.
"""

import fcntl
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from data.errors import BadInput
from delivery.manifest import sha256
from pipelines import entries, paths, sealed, seals
from pipelines.entries import Kind
from pipelines.seals import SEAL, Entry

MANIFEST = "manifest.json"
LIST, REASONS = "ranked_accounts.parquet", "reasons.parquet"
RUN = "run.json"  # when and by whom: it differs between deliveries of the same list


@dataclass(frozen=True)
class Kept:
    """The seal of a week's list, its place in the order of delivery, and whether it is a new entry."""

    seal: str
    number: int
    is_new: bool


def keep(files: Mapping[str, bytes], as_of: date, made_of: Path | None) -> Kept:
    """Enter a week's files, and the folder of what they were made of (None where that is gone).

    The same list delivered again makes no new entry.
    """
    with locked():
        _finished()
        here, beside = paths.LEDGER / str(as_of), paths.LEDGER / f".{as_of}.partial"
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
        for name, content in files.items():
            (beside / name).write_bytes(content)
        known = Entry(here)
        is_same = known.content is not None and _of_list(known.files) == _of_list(seals.hashes(beside))
        if is_same and (made_of is None or (known.folder / sealed.FOLDER).is_dir()):
            shutil.rmtree(beside)
            return Kept(str(known.seal), known.number, is_new=False)
        if made_of is not None:
            shutil.copytree(made_of, beside / sealed.FOLDER)
        (paths.LEDGER / entries.FILE).touch()
        said, last = entries.newest(paths.LEDGER), seals.newest(paths.LEDGER)
        entry = seals.sealed(beside, as_of=str(as_of), after=last, more={"entries": said})
        kept = Kept(str(entry.seal), entry.number, is_new=True)
        _place(beside)
        return kept


def keep_found(folder: Path = paths.WEEKLY) -> None:
    """Enter the list that lies in `folder`, as `dvc repro` leaves one, where its week has no entry yet.

    A list of which a file is missing is not entered: nobody got it.
    """
    if not (folder / MANIFEST).is_file():
        return
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    as_of = date.fromisoformat(manifest["as_of"])
    names = [*manifest["outputs_sha256"], MANIFEST]
    if as_of in weeks() or not all((folder / name).is_file() for name in names):
        return
    names += [RUN] if (folder / RUN).is_file() else []
    with tempfile.TemporaryDirectory(prefix="upsell-ledger-") as name:
        made_of = Path(name) / sealed.FOLDER
        is_known = sealed.gather_newest_run(made_of, manifest)
        keep({name: (folder / name).read_bytes() for name in names}, as_of, made_of if is_known else None)


def record(kind: Kind, entry: Entry, content: Mapping[str, Any]) -> dict[str, Any]:
    """Add a line about that list to what people decided; gives it with the hash by which it can be noted."""
    with locked():
        _finished()
        last = seals.newest(paths.LEDGER)
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        line = entries.following(
            paths.LEDGER, {"entered_at": at, "kind": kind, "as_of": entry.as_of, "seal": entry.seal, **content}
        )
        path, beside = paths.LEDGER / entries.FILE, paths.LEDGER / f".{entries.FILE}.partial"
        beside.write_bytes((path.read_bytes() if path.is_file() else b"") + line + b"\n")
        beside.replace(path)
        _set_head(last)
    return {**json.loads(line), "sha256": sha256(line)}


def of_week(as_of: date, columns: list[str]) -> pd.DataFrame | None:
    """Columns of the list that was delivered for a week; None where none was."""
    if as_of not in weeks():
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


def lists_before(as_of: date, *, n: int) -> pd.DataFrame | None:
    """account_id, as_of, rank, offer_id, channel and assignment of whom the newest `n` lists of earlier weeks named, to
    contact or to help; None where there is none."""
    columns = ["account_id", "as_of", "rank", "offer_id", "channel", "assignment"]
    lists = [of_week(week, columns) for week in sorted(week for week in weeks() if week < as_of)[-n:]]
    there = [rows[rows["assignment"].isin(["contact", "nurture"])] for rows in lists if rows is not None]
    return pd.concat(there, ignore_index=True) if there else None


def _of_the_week_before(as_of: date, file: str, columns: list[str]) -> pd.DataFrame | None:
    earlier = [week for week in weeks() if week < as_of]
    return pd.read_parquet(paths.LEDGER / str(max(earlier)) / file, columns=columns) if earlier else None


def weeks() -> set[date]:
    """The weeks of which a list was delivered."""
    return {date.fromisoformat(path.parent.name) for path in paths.LEDGER.glob(f"????-??-??/{SEAL}")}


@contextmanager
def locked() -> Iterator[None]:
    """One writer at a time: two that follow the same seal would make two chains."""
    paths.LEDGER.mkdir(parents=True, exist_ok=True)
    with (paths.LEDGER / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _of_list(files: Mapping[str, str]) -> dict[str, str]:
    return {name: digest for name, digest in files.items() if "/" not in name and name != RUN}


def _place(beside: Path) -> None:
    """Give a sealed folder its name, what had it before another, and let HEAD name the new seal."""
    here = beside.with_name(beside.name.removeprefix(".").removesuffix(".partial"))
    if beside != here:
        if here.is_dir():
            n = 1 + sum(entry.as_of == here.name for entry in seals.entries(paths.LEDGER))
            here.rename(here.with_name(f"{here.name}.{n - 1}"))
        beside.rename(here)
    _set_head(Entry(here))


def _set_head(last: Entry | None) -> None:
    """Let HEAD name the newest seal, and the file of entries where there is one."""
    path = paths.LEDGER / entries.FILE
    named = {f"{last.folder.name}/{SEAL}": str(last.seal)} if last else {}
    seals.set_head(paths.LEDGER, named | ({entries.FILE: seals.sha256(path)} if path.is_file() else {}))


def _finished() -> None:
    """Finish what a delivery that was killed had begun: it was sealed, and only its name or HEAD was still to come.

    Raises BadInput where the end of a chain was altered: whatever followed would hide that.
    """
    last = seals.newest(paths.LEDGER)
    known, named = entries.lines(paths.LEDGER), seals.head(paths.LEDGER).get(entries.FILE)
    if entries.altered(paths.LEDGER, named):
        one_less = sha256(b"".join(line + b"\n" for line in known[:-1])) if known[1:] else None
        if named != one_less or entries.altered(paths.LEDGER, seals.sha256(paths.LEDGER / entries.FILE)):
            raise BadInput(
                f"{paths.LEDGER / entries.FILE} is not what HEAD names, so nothing can follow it: `upsell verify` says "
                "where it was altered. Restore it from a copy."
            )
        _set_head(last)  # a line was added, and HEAD was still to come
    for folder in [*paths.LEDGER.glob(".????-??-??.partial"), *(entry.folder for entry in seals.entries(paths.LEDGER))]:
        content = Entry(folder).content
        follows = content and content["previous"] == (last.seal if last else None)
        if content and follows and content["number"] == (last.number if last else 0) + 1:
            _place(folder)
            return
