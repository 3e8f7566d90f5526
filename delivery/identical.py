"""Where two versions of a delivered file differ first, in words."""

import io
import zipfile
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq


def first_difference(name: str, kept: bytes, again: bytes) -> str | None:
    """The first place where `again` is not what was `kept`; None where they are the same, byte for byte.

    >>> first_difference("a.csv", b"x,y\\n1,2\\n", b"x,y\\n1,3\\n")
    'line 2: "1,2" was kept, "1,3" was made'
    >>> first_difference("a.csv", b"x\\n", b"x\\n") is None
    True
    """
    if kept == again:
        return None
    kind = name.rpartition(".")[2]
    by_kind = {"parquet": _of_tables, "xlsx": _of_archives}.get(kind, _of_lines)
    try:
        return by_kind(kept, again) or _of_bytes(kept, again)
    except (UnicodeDecodeError, zipfile.BadZipFile, pa.ArrowException):
        return _of_bytes(kept, again)


def first_difference_of_rows(kept: pd.DataFrame, again: pd.DataFrame) -> str | None:
    """The first row and column in which two tables differ, rows taken in their order."""
    if list(kept.columns) != list(again.columns):
        return f"columns: {', '.join(kept.columns)} were kept, {', '.join(again.columns)} were made"
    for i, (one, other) in enumerate(zip(kept.to_dict("records"), again.to_dict("records"), strict=False)):
        for column in kept.columns:
            if _plain(one[column]) != _plain(other[column]):
                who = " ".join(str(one[key]) for key in ("account_id", "feature", "offer_id", "trigger") if key in one)
                return (
                    f"row {i + 1} ({who}), {column}: {_plain(one[column])} was kept, {_plain(other[column])} was made"
                )
    return None if len(kept) == len(again) else f"{len(kept):,} rows were kept, {len(again):,} were made"


def _of_tables(kept: bytes, again: bytes) -> str | None:
    one, other = (pq.read_table(pa.BufferReader(content)).to_pandas() for content in (kept, again))
    return first_difference_of_rows(one, other)


def _of_archives(kept: bytes, again: bytes) -> str | None:
    with zipfile.ZipFile(io.BytesIO(kept)) as one, zipfile.ZipFile(io.BytesIO(again)) as other:
        if one.namelist() != other.namelist():
            return f"parts: {', '.join(one.namelist())} were kept, {', '.join(other.namelist())} were made"
        for part in one.namelist():
            if one.read(part) != other.read(part):
                return f"{part}, {_of_bytes(one.read(part), other.read(part))}"
    return None


def _of_lines(kept: bytes, again: bytes) -> str | None:
    before, after = kept.decode().splitlines(), again.decode().splitlines()
    for i, (one, other) in enumerate(zip(before, after, strict=False)):
        if one != other:
            start = max(0, _place(one, other) - 30) if max(len(one), len(other)) > 80 else 0
            return f'line {i + 1}: "{one[start : start + 80]}" was kept, "{other[start : start + 80]}" was made'
    return None if len(before) == len(after) else f"{len(before):,} lines were kept, {len(after):,} were made"


def _of_bytes(kept: bytes, again: bytes) -> str:
    return f"byte {_place(kept, again) + 1} of {len(kept):,}"


def _place(one: str | bytes, other: str | bytes) -> int:
    """The first place at which two sequences differ; the shorter one's end where it begins the longer."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist") and not hasattr(value, "isoformat"):
        return value.tolist()
    return None if value is None or value is pd.NaT or value is pd.NA or value != value else value
