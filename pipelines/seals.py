"""The seals of the ledger: one per delivered list, each of which names the one before it.

`ledger/<as_of>/seal.json` holds the SHA-256 of every file beside it and of the seal of the delivery before. A *seal* is
the SHA-256 of that file. `ledger/HEAD` names the newest one in the format of sha256sum, so that `cd ledger && sha256sum
-c HEAD` needs nothing of ours. Who changes, adds or removes anything leaves a place where two of these do not agree;
who makes them all agree again has made another newest seal than the one that was noted elsewhere.
"""

import hashlib
import importlib.metadata
import json
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from data.errors import BadInput
from pipelines import entries as notes

SEAL = "seal.json"
HEAD = "HEAD"
FOLDER = re.compile(r"(\d{4}-\d\d-\d\d)(?:\.(\d+))?")  # a week; with a number behind it, what was delivered before
WHAT = "A delivered list with what it was made of. `upsell verify` checks it, `upsell replay` makes it again."
MADE_WITH = ("lightgbm", "numpy", "pandas", "pyarrow", "scipy", "xlsxwriter")  # what may write other bytes
KEYS = {"what", "as_of", "number", "previous", "files", "made_with"}  # of a seal; and `entries`, where there are any
LEAST_NOTED = 12  # hex digits of a seal that one may note


def sha256(path: Path) -> str:
    """Of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


@dataclass(frozen=True)
class Entry:
    """A folder of the ledger, and what its seal says."""

    folder: Path

    @cached_property
    def bytes(self) -> bytes | None:
        """The seal's file as it lies there; None where it does not."""
        path = self.folder / SEAL
        return path.read_bytes() if path.is_file() else None

    @cached_property
    def seal(self) -> str | None:
        """The hash that the next delivery and HEAD know this one by."""
        return None if self.bytes is None else hashlib.sha256(self.bytes).hexdigest()

    @cached_property
    def content(self) -> dict[str, Any] | None:
        """What the seal says; None where it is not as we write it, to the byte."""
        try:
            found = json.loads((self.bytes or b"").decode())
            is_ours = isinstance(found, dict) and _dumped(found) == self.bytes and isinstance(found["files"], dict)
            is_ours &= {*found} >= KEYS and {*found} <= {*KEYS, "entries"}
            is_ours &= isinstance(found["number"], int) and (found["number"] == 1) == (found["previous"] is None)
            said = found.get("entries", {"n": 0, "sha256": None})
            is_ours &= {*said} == {"n", "sha256"} and isinstance(said["n"], int)
        except (ValueError, KeyError, TypeError):
            return None
        return found if is_ours else None

    @property
    def number(self) -> int:
        """Its place in the order of delivery, from 1; 0 where that cannot be read."""
        return self.content["number"] if self.content else 0

    @property
    def as_of(self) -> str:
        """The week by the folder's name."""
        return self.folder.name[:10]

    @property
    def files(self) -> dict[str, str]:
        """The hash of every file that was sealed, by its place below the folder."""
        return dict(self.content["files"]) if self.content else {}


def entries(ledger: Path) -> list[Entry]:
    """Every entry, by the folder's name."""
    if not ledger.is_dir():
        return []
    return [Entry(p) for p in sorted(ledger.iterdir()) if p.is_dir() and FOLDER.fullmatch(p.name)]


def hashes(folder: Path) -> dict[str, str]:
    """The hash of every file below a folder, but of its seal."""
    files = {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file()}
    return {name: sha256(path) for name, path in files.items() if name != SEAL}


def head(ledger: Path) -> dict[str, str]:
    """What HEAD names: the hash of each file, by its place in the ledger. Empty where it is not as we write it."""
    path = ledger / HEAD
    if not path.is_file():
        return {}
    found = {}
    for line in path.read_bytes().split(b"\n")[:-1]:
        told = re.fullmatch(rb"([0-9a-f]{64})  ([\x21-\x7e]+)", line)
        if not told:
            return {}
        found[told[2].decode()] = told[1].decode()
    return found if path.read_bytes() == _head(found) else {}


def set_head(ledger: Path, named: Mapping[str, str]) -> None:
    """Name the newest seal, and what else belongs to it."""
    beside = ledger / f".{HEAD}.partial"
    beside.write_bytes(_head(named))
    beside.replace(ledger / HEAD)


def newest(ledger: Path) -> Entry | None:
    """The entry whose seal HEAD names; None where nothing is sealed yet.

    Raises BadInput where HEAD names none of the seals there: whatever followed would hide what was altered.
    """
    there = [entry for entry in entries(ledger) if entry.bytes is not None]
    named = {digest for place, digest in head(ledger).items() if place.endswith(f"/{SEAL}")}
    found = next((entry for entry in there if entry.seal in named), None)
    if found is None and (there or named):
        raise BadInput(
            f"{ledger / HEAD} names none of the seals there, so nothing can follow them: the ledger was altered. "
            "`upsell verify` says where; restore it from a copy, or put the folder aside to begin a new one."
        )
    return found


def sealed(folder: Path, *, as_of: str, after: Entry | None, more: Mapping[str, Any] | None = None) -> Entry:
    """Seal the folder as the delivery after that one. more: what else the seal is to hold fast."""
    content = {
        "what": WHAT,
        "as_of": as_of,
        "number": after.number + 1 if after else 1,
        "previous": after.seal if after else None,
        "files": hashes(folder),
        "made_with": versions(),
        **(more or {}),
    }
    (folder / SEAL).write_bytes(_dumped(content))
    return Entry(folder)


def versions() -> dict[str, str]:
    """Of Python and of the packages by which the same inputs may come to other bytes."""
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in MADE_WITH}}


def verify(ledger: Path, noted: str | None = None) -> list[str]:
    """What is not as it was sealed, a sentence each; nothing where all is whole.

    noted: a seal (or the hash of a line of `entries.jsonl`) that was written down elsewhere, or its first digits: it
    must be in the chain.
    """
    found = entries(ledger)
    problems = [f"{path.name} is no part of the ledger: it was added." for path in _strays(ledger)]
    for entry in found:
        problems += _altered(entry)
    chained, broken = _chain(ledger, found)
    problems += broken
    problems += [
        f"{entry.folder.name}/{SEAL} is not in the chain that ends in HEAD: added or altered, or HEAD was moved back."
        for entry in found
        if entry.content and entry not in chained
    ]
    problems += _out_of_order(found)
    problems += notes.altered(ledger, head(ledger).get(notes.FILE))
    for entry in chained:
        if entry.content and "entries" in entry.content:
            problems += notes.unlike(ledger, entry.folder.name, entry.content["entries"])
    known = [*(entry.seal or "" for entry in chained), *notes.hashes(ledger)]
    if noted is not None and not any(seal.startswith(noted) for seal in known):
        problems.append(
            f"The seal {noted} is not in the chain: what it sealed was removed, or written anew together with all that "
            "came after it."
        )
    return problems


def _strays(ledger: Path) -> list[Path]:
    """What lies in the ledger and is no part of it; what begins with a dot is half written, and counts for nothing."""
    return [
        path
        for path in sorted(ledger.iterdir())
        if not (path.is_dir() and FOLDER.fullmatch(path.name))
        and path.name not in {HEAD, notes.FILE}
        and not path.name.startswith(".")
    ]


def _altered(entry: Entry) -> list[str]:
    """What of an entry is not as its own seal says."""
    name = entry.folder.name
    if entry.bytes is None:
        return [f"{name}/{SEAL} is missing: it was removed, or the entry was never sealed."]
    if entry.content is None:
        return [f"{name}/{SEAL} was altered: it is not as it was written."]
    now = hashes(entry.folder)
    problems = [f"{name}/{file} is missing." for file in entry.files if file not in now]
    problems += [f"{name}/{file} was added." for file in now if file not in entry.files]
    problems += [
        f"{name}/{file} was altered." for file, digest in entry.files.items() if now.get(file, digest) != digest
    ]
    if entry.content["as_of"] != entry.as_of:
        problems.append(f"{name} was renamed: its seal is of {entry.content['as_of']}.")
    return problems


def _chain(ledger: Path, found: list[Entry]) -> tuple[list[Entry], list[str]]:
    """The entries from HEAD back to the first delivery, and where the way was broken."""
    by_seal = {entry.seal: entry for entry in found if entry.content}
    place, wanted = next(((p, d) for p, d in head(ledger).items() if p.endswith(f"/{SEAL}")), (None, None))
    current = by_seal.get(wanted)
    left = sorted((entry for entry in found if entry.content), key=lambda entry: entry.number)
    problems = []
    if current is None:
        if not found and not (ledger / HEAD).exists():
            return [], []
        current = left[-1] if left else None
        last = f"{current.folder.name}/{SEAL}" if current else "any entry"
        problems.append(
            f"HEAD is missing or was altered: the newest seal there is {last}."
            if place is None
            else f"HEAD names the seal of {place}, and that is not the hash of {last}, the newest there is: one of the "
            "two was altered, or the newest entry was removed."
        )
    elif place != f"{current.folder.name}/{SEAL}":
        problems.append(f"HEAD names {place}, and its seal lies in {current.folder.name}: HEAD was altered.")
    chained: list[Entry] = []
    while current is not None:
        chained.append(current)
        content = current.content or {}
        if content["previous"] is None:
            break
        before = by_seal.get(content["previous"])
        if before is None or before in chained:
            earlier = [entry for entry in left if entry not in chained and entry.number < current.number]
            before = earlier[-1] if earlier else None
            problems.append(_broken(current, before))
        current = before
    return chained, problems


def _broken(entry: Entry, before: Entry | None) -> str:
    """In words, that an entry does not follow the one that should be before it."""
    name = f"{entry.folder.name}/{SEAL}"
    if before is not None and before.number == entry.number - 1:
        return f"{before.folder.name}/{SEAL} is not the seal that {name} followed: one of the two was altered."
    told = f"Delivery {entry.number - 1}, which {name} followed, is not there: it was removed, or its seal was altered."
    return f"{told} What is there before it is {before.folder.name}/{SEAL}." if before is not None else told


def _out_of_order(found: list[Entry]) -> list[str]:
    """Weeks whose deliveries do not lie as they were made: `.1`, `.2` …, and the newest without a number."""
    problems = []
    for as_of in dict.fromkeys(entry.as_of for entry in found):
        of_week = [entry for entry in found if entry.as_of == as_of]
        of_week.sort(key=lambda entry: int(entry.folder.suffix.removeprefix(".") or 1 << 62))
        names = [f"{as_of}.{i}" for i in range(1, len(of_week))] + [as_of]
        numbers = [entry.number for entry in of_week if entry.content]
        if [entry.folder.name for entry in of_week] != names or numbers != sorted(numbers):
            problems.append(
                f"The deliveries of {as_of} lie in another order, or under other names, than {', '.join(names)}."
            )
    return problems


def _dumped(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def _head(named: Mapping[str, str]) -> bytes:
    return "".join(f"{digest}  {place}\n" for place, digest in named.items()).encode()
