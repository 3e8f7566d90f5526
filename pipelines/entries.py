"""What people decided about a delivered list: `ledger/entries.jsonl`, a line each, only ever added to.

Each line names the SHA-256 of the line before, `ledger/HEAD` that of the whole file, and each seal of a later list how
far the file had come: no line can be changed, taken out or put between others without a trace.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from data.errors import BadInput

FILE = "entries.jsonl"
Kind = Literal["override", "approval", "answer", "feedback"]
KINDS: tuple[str, ...] = get_args(Kind)


def lines(ledger: Path) -> list[bytes]:
    """The lines as they lie there, without their ends; what stands behind the last end is a line, too."""
    path = ledger / FILE
    if not path.is_file():
        return []
    found = path.read_bytes().split(b"\n")
    return found[:-1] if found[-1] == b"" else found


def read(ledger: Path) -> list[dict[str, Any]]:
    """Every entry, in the order of writing. Raises BadInput where a line cannot be read."""
    found = []
    for i, line in enumerate(lines(ledger)):
        try:
            found.append(json.loads(line))
        except ValueError:
            raise BadInput(f"{ledger / FILE}: line {i + 1} was altered; `upsell verify` says what else.") from None
    return found


def newest(ledger: Path) -> dict[str, Any]:
    """How far the file has come: the number of lines, and the hash of the last (null where there is none)."""
    known = lines(ledger)
    return {"n": len(known), "sha256": _sha256(known[-1]) if known else None}


def following(ledger: Path, content: Mapping[str, Any]) -> bytes:
    """The line that comes next: the content, numbered, behind the hash of the line before."""
    last = newest(ledger)
    return _dumped({"number": last["n"] + 1, "previous": last["sha256"], **content})


def altered(ledger: Path, named: str | None) -> list[str]:
    """What is not as it was written. named: the hash of the whole file by HEAD; None where HEAD knows of none."""
    path, known = ledger / FILE, lines(ledger)
    if not path.is_file():
        return [] if named is None else [f"{FILE} is missing."]
    problems = []
    for i, line in enumerate(known):
        content = _loaded(line)
        before = _sha256(known[i - 1]) if i else None
        if content is None or content.get("number") != i + 1:
            problems.append(f"{FILE}: line {i + 1} was altered: it is not as it was written.")
        elif content["previous"] != before:
            problems.append(f"{FILE}: line {i} was altered, or line {i + 1}: the one does not follow the other.")
    if hashlib.sha256(path.read_bytes()).hexdigest() != named and not problems:
        problems.append(
            f"{FILE} is not what HEAD names: its last line ({len(known)}) was altered, lines were added or taken off, "
            "or HEAD was altered."
        )
    return problems


def unlike(ledger: Path, folder: str, told: Mapping[str, Any]) -> list[str]:
    """Where the file is not what a list's seal says of it."""
    known, n = lines(ledger), told["n"]
    if n == 0 or (n <= len(known) and _sha256(known[n - 1]) == told["sha256"]):
        return []
    return [f"{FILE}: line {n} is not the one that the seal of {folder} holds: it was altered, or taken out."]


def hashes(ledger: Path) -> list[str]:
    """Of each line."""
    return [_sha256(line) for line in lines(ledger)]


def _loaded(line: bytes) -> dict[str, Any] | None:
    """What a line says; None where it is not as we write it, to the byte."""
    try:
        found = json.loads(line.decode())
    except ValueError:
        return None
    is_ours = isinstance(found, dict) and {"number", "previous"} <= set(found) and _dumped(found) == line
    return found if is_ours else None


def _dumped(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, allow_nan=False).encode()


def _sha256(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
