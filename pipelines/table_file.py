"""Any table in a file, Parquet or CSV, as Arrow holds it: read whole, or refused in a sentence.

CSV comes as text, column by column; what it means is judged in models/columns.py. The separator is found in the first
line; a byte order mark is passed over; numbers with a decimal comma or commas between thousands become plain ones.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from data.errors import BadInput

SEPARATORS = (",", ";", "\t", "|")
HEAD = 1 << 20  # bytes in which the header ends
_DECIMAL_COMMA = r"^([+-]?\d+),(\d+)$"
_POINT_AND_COMMA = r"^[+-]?\d{1,3}([.]\d{3})+,\d+$"
_THOUSANDS = r"^[+-]?\d{1,3}(,\d{3})+([.]\d+)?$"


def read(path: Path) -> pa.Table:
    """The table, columns in the file's order, nulls where CSV is empty. Raises BadInput where it is no such table."""
    if path.is_dir():
        raise BadInput(f"{path}: this is a folder; give one Parquet or CSV file.")
    if not path.is_file():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        near = get_close_matches(path.name, beside, n=1)
        raise BadInput(f"{path}: there is no such file; {f'did you mean {near[0]}?' if near else 'correct the path.'}")
    if path.stat().st_size == 0:
        raise BadInput(f"{path}: the file is empty; give a table with a header and rows.")
    table = _parquet(path) if _is_parquet(path) else _csv(path)
    if table.num_columns == 0 or table.num_rows == 0:
        raise BadInput(
            f"{path}: the table has {table.num_rows} rows and {table.num_columns} columns; give one with rows."
        )
    return table


def one_of(name: str, columns: Sequence[str], option: str) -> str:
    """The column that was named. Raises BadInput with the nearest name where there is none.

    >>> one_of("chrun", ["seats", "churn"], "--target")
    Traceback (most recent call last):
    data.errors.BadInput: --target: the table has no column chrun; did you mean churn?
    """
    if name in columns:
        return name
    near = get_close_matches(name, columns, n=1) or [c for c in columns if c.casefold() == name.strip().casefold()]
    some = ", ".join(columns[:12]) + (f" and {len(columns) - 12} more" if len(columns) > 12 else "")
    hint = f"did you mean {near[0]}?" if near else f"it has {some}."
    raise BadInput(f"{option}: the table has no column {name}; {hint}")


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PAR1" or path.suffix.lower() in (".parquet", ".pq")


def _parquet(path: Path) -> pa.Table:
    try:
        table = pq.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as error:
        raise BadInput(f"{path}: this is no Parquet file that can be read ({_first(error)}); write it again.") from None
    return table.rename_columns(_names(table.column_names, path))


def _csv(path: Path) -> pa.Table:
    is_zipped = path.suffix.lower() == ".gz"
    try:
        with gzip.open(path, "rb") if is_zipped else path.open("rb") as file:
            head = file.read(HEAD)
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{path}: this cannot be unpacked ({_first(error)}); pack it again.") from None
    # Not cut through a letter of several bytes: only up to the last line's end, where there is one.
    text = _decoded(head[: head.rfind(b"\n") + 1] if len(head) == HEAD and b"\n" in head else head, path)
    header, separator = _header(text, path)
    names = _names(header, path)
    try:
        table = pyarrow.csv.read_csv(
            path,
            read_options=pyarrow.csv.ReadOptions(
                column_names=[str(i) for i in range(len(names))], skip_rows=0, use_threads=True, block_size=1 << 24
            ),
            parse_options=pyarrow.csv.ParseOptions(delimiter=separator, newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={str(i): pa.string() for i in range(len(names))},
                strings_can_be_null=True,
                null_values=[""],
            ),
        )
    except pa.ArrowException as error:
        if "UTF8" in str(error):
            raise BadInput(f"{path}: this is not UTF-8; save it as UTF-8.") from None
        raise BadInput(f"{path}: {_first(error)}; mend that line.") from None
    table = table.slice(1)  # the header, read as a row so that names may repeat and be judged here
    columns = [_plain_numbers(column, separator) for column in table.columns]
    return pa.table(columns, names=names)


def _decoded(head: bytes, path: Path) -> str:
    if b"\0" in head:
        raise BadInput(f"{path}: this is neither Parquet nor CSV; give one of the two.")
    try:
        text = head.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(f"{path}: this is not UTF-8 text; save it as UTF-8, or as Parquet.") from None
    if text.lstrip()[:1] in ("{", "[", "<"):
        raise BadInput(f"{path}: this begins as JSON or HTML do; give a table in Parquet or CSV.")
    return text


def _header(text: str, path: Path) -> tuple[list[str], str]:
    """The first line's fields and the separator that parts them: the one that gives most, and as many in line two."""
    best: tuple[tuple[bool, int], list[str], str] | None = None
    for separator in SEPARATORS:
        try:
            lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=False)
            rows = [row for row, _ in zip(lines, range(2), strict=False)]
        except csv.Error as error:
            raise BadInput(f"{path}: the first lines are no CSV ({error}); mend them.") from None
        if not rows:
            break
        agrees = len(rows) < 2 or len(rows[1]) == len(rows[0])
        score = (agrees and len(rows[0]) > 1, len(rows[0]))
        if best is None or score > best[0]:
            best = score, rows[0], separator
    if best is None or not any(field.strip() for field in best[1]):
        raise BadInput(f"{path}: the first line is empty; it must name the columns.")
    return best[1], best[2]


def _names(header: Sequence[str], path: Path) -> list[str]:
    """Names without blanks around them; an empty one becomes `column_3`. Raises BadInput where one stands twice."""
    names = [name.strip() or f"column_{i + 1}" for i, name in enumerate(header)]
    if twice := sorted({name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else ()):
        more = f" (and {len(twice) - 1} more)" if len(twice) > 1 else ""
        raise BadInput(f"{path}: the column {twice[0]} stands twice in the header{more}; rename or remove one.")
    return names


def _plain_numbers(column: pa.ChunkedArray, separator: str) -> pa.ChunkedArray:
    """`1.234,5` and `1234,5` become 1234.5, and `1,234` 1234 (or 1.234 where `;` parts the fields).

    >>> _plain_numbers(pa.chunked_array([["1,5", "1,234", "1,234.5", "a,b", None]]), ",").to_pylist()
    ['1.5', '1234', '1234.5', 'a,b', None]
    >>> _plain_numbers(pa.chunked_array([["1,234", "1.234,5"]]), ";").to_pylist()
    ['1.234', '1234.5']
    """
    if not (pc.any(pc.match_substring(column, ",")).as_py() or False):
        return column
    if separator == ",":
        is_thousands = pc.match_substring_regex(column, _THOUSANDS)
        column = pc.if_else(is_thousands, pc.replace_substring(column, ",", ""), column)
    is_both = pc.match_substring_regex(column, _POINT_AND_COMMA)
    column = pc.if_else(is_both, pc.replace_substring(column, ".", ""), column)
    return pc.replace_substring_regex(column, _DECIMAL_COMMA, r"\1.\2")


def _first(error: Exception) -> str:
    """The first line of what a library says of a file, without its final point."""
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
