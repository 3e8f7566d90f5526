"""What a column of any table holds, and its values as learning reads them: numbers, texts or moments.

A column comes as Arrow holds it, with a type of its own (Parquet) or as text (CSV). What it is taken for is decided
once, when a model is fitted; `numbers`, `texts` and `moments` then read any column as that, so that a table in CSV
gives what the same table in Parquet does.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Kind = Literal["number", "text", "moment", "nothing", "other"]

# The share of a text column's values that must be numbers (or moments) for it to be taken for such; a table written by
# hand holds a word here and there. Those words then count as missing, and are counted.
MOSTLY = 0.95
# What people write into a column of numbers where there is none.
GAPS = ("", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "-", "?", ".")
_NUMBER = r"^[+-]?(\d+([.]\d*)?|[.]\d+)([eE][+-]?\d+)?$"
_INFINITE = r"(?i)^[+-]?inf(inity)?$"
_MOMENT = r"^\d{4}-\d{1,2}-\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}([.,]\d{1,9})?)?( ?(Z|[+-]\d{2}(:?\d{2})?))?)?$"
_DAY_US = 86_400_000_000


def kind_of(column: pa.ChunkedArray) -> Kind:
    """What a column is taken for.

    >>> def kind(*values): return kind_of(pa.chunked_array([list(values)]))
    >>> kind(1, None), kind("1.5", "NA"), kind("true", "false"), kind("a", "1"), kind("2026-06-01"), kind(None)
    ('number', 'number', 'number', 'text', 'moment', 'nothing')
    >>> kind([1, 2], [3])
    'other'
    """
    values = _plain(column)
    kind = values.type
    if values.null_count == len(values):
        return "nothing"
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return "number"
    if pa.types.is_decimal(kind) or pa.types.is_duration(kind) or pa.types.is_time(kind):
        return "number"
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return "moment"
    if not _is_text(kind):
        return "other"
    words, counts = _distinct(values)
    n_known = int(counts[~_is_gap(words)].sum())
    if n_known == 0:
        return "nothing"
    if int(counts[~np.isnan(_parsed_numbers(words))].sum()) >= MOSTLY * n_known:
        return "number"
    if int(counts[_looks_like_a_moment(words)].sum()) >= MOSTLY * n_known:
        return "moment"
    return "text"


def numbers(column: pa.ChunkedArray) -> np.ndarray:
    """As float64, NaN where there is no finite number: flags 0 and 1, durations in days, times of day in hours.

    >>> numbers(pa.chunked_array([["1e3", " 2 ", "NA", "inf", "many"]]))
    array([1000.,    2.,   nan,   nan,   nan])
    >>> numbers(pa.chunked_array([[True, None]]))
    array([ 1., nan])
    """
    values = _plain(column)
    kind = values.type
    if _is_text(kind):
        if len(values) == 0:
            return np.zeros(0)
        indices = values.dictionary_encode().combine_chunks()
        parsed = _parsed_numbers(_trimmed(indices.dictionary))
        found = np.append(parsed, np.nan)[_codes(indices)]
    elif pa.types.is_duration(kind):
        found = _floats(values.cast(pa.duration("us"), safe=False).cast(pa.int64())) / _DAY_US
    elif pa.types.is_time(kind):
        unit = {"s": 3600, "ms": 3.6e6, "us": 3.6e9, "ns": 3.6e12}[kind.unit]
        found = _floats(values.cast(pa.int32() if pa.types.is_time32(kind) else pa.int64())) / unit
    elif pa.types.is_null(kind) or pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        found = np.full(len(values), np.nan)
    else:
        found = _floats(values)
    return np.where(np.isfinite(found), found, np.nan)


def texts(column: pa.ChunkedArray) -> pd.Categorical:
    """As words, blank ones missing. A whole number is written without a point, so that 1, 1.0 and "1" are one word.

    >>> list(texts(pa.chunked_array([[1.0, None, 2.5]]))), list(texts(pa.chunked_array([["1", " ", " 2.5"]])))
    (['1', nan, '2.5'], ['1', nan, '2.5'])
    """
    values = _plain(column)
    if len(values) == 0 or pa.types.is_null(values.type):
        return pd.Categorical([None] * len(values), categories=pd.Index([], dtype="str"))
    if not _is_text(values.type):
        if pa.types.is_floating(values.type) or pa.types.is_decimal(values.type):
            floats = values.cast(pa.float64())
            written = [f"{v:.15g}" for v in floats.dictionary_encode().combine_chunks().dictionary.to_pylist()]
            indices = floats.dictionary_encode().combine_chunks()
            words = pa.array(written, pa.string())
        else:
            indices = values.cast(pa.string()).dictionary_encode().combine_chunks()
            words = indices.dictionary
    else:
        indices = values.dictionary_encode().combine_chunks()
        words = _trimmed(indices.dictionary)
    # Words that were trimmed to the same, or to nothing.
    places, names = pd.factorize(np.array([w or None for w in words.to_pylist()], dtype=object))
    codes = np.append(places, -1)[_codes(indices)]
    return pd.Categorical.from_codes(codes, categories=pd.Index(list(names), dtype="str"))


def moments(column: pa.ChunkedArray) -> np.ndarray:
    """As naive UTC datetime64[us], NaT where there is none that reads so.

    >>> read = moments(pa.chunked_array([["2026-06-01", "2026-06-01T02:00:00+02:00", "soon", "2026-02-30"]]))
    >>> [str(moment)[:13] for moment in read]
    ['2026-06-01T00', '2026-06-01T00', 'NaT', 'NaT']
    """
    values = _plain(column)
    if pa.types.is_timestamp(values.type) or pa.types.is_date(values.type):
        stamps = values.cast(pa.timestamp("us", getattr(values.type, "tz", None)), safe=False)
        return (
            stamps.cast(pa.int64()).to_numpy().astype("datetime64[us]") if stamps.null_count == 0 else _stamps(stamps)
        )
    if not _is_text(values.type) or len(values) == 0:
        return np.full(len(values), np.datetime64("NaT", "us"))
    indices = values.dictionary_encode().combine_chunks()
    words = _trimmed(indices.dictionary)
    shown = pd.Series(words.to_pylist(), dtype="str").where(_looks_like_a_moment(words))
    read = pd.to_datetime(shown, format="ISO8601", utc=True, errors="coerce").dt.tz_localize(None)
    known = np.append(read.to_numpy("datetime64[us]"), np.datetime64("NaT", "us"))
    return known[_codes(indices)]


def n_unread(column: pa.ChunkedArray, read: np.ndarray) -> int:
    """How many values say something that `read` (of `numbers` or `moments`) has not; gaps do not say anything.

    >>> column = pa.chunked_array([["1", "NA", "inf", "many", None]])
    >>> n_unread(column, numbers(column))
    2
    """
    values = _plain(column)
    is_lost = pd.isna(read) & values.is_valid().to_numpy()
    if _is_text(values.type) and is_lost.any():
        words, counts = _distinct(values.filter(pa.array(is_lost)))
        return int(counts[~_is_gap(words)].sum())
    return 0 if pa.types.is_null(values.type) else int(is_lost.sum()) - _n_nan(values)


def _n_nan(values: pa.ChunkedArray) -> int:
    return int(pc.sum(pc.is_nan(values)).as_py() or 0) if pa.types.is_floating(values.type) else 0


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Without a dictionary of its own."""
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _trimmed(words: pa.Array) -> pa.Array:
    return pc.utf8_trim_whitespace(words.cast(pa.string()))


def _distinct(values: pa.ChunkedArray) -> tuple[pa.Array, np.ndarray]:
    """The distinct words, trimmed, and how many rows hold each; nulls left out."""
    indices = values.dictionary_encode().combine_chunks()
    codes = _codes(indices)
    return _trimmed(indices.dictionary), np.bincount(codes[codes >= 0], minlength=len(indices.dictionary))


def _codes(indices: pa.DictionaryArray) -> np.ndarray:
    """Places in the dictionary, -1 where null."""
    return pc.fill_null(indices.indices.cast(pa.int64()), -1).to_numpy()


def _is_gap(words: pa.Array) -> np.ndarray:
    return pc.is_in(pc.utf8_lower(words), pa.array(GAPS, pa.string())).to_numpy(zero_copy_only=False)


def _looks_like_a_moment(words: pa.Array) -> np.ndarray:
    return pc.match_substring_regex(words, _MOMENT).to_numpy(zero_copy_only=False)


def _parsed_numbers(words: pa.Array) -> np.ndarray:
    """Trimmed words as float64; true and false as 1 and 0; NaN for what is none."""
    lower = pc.utf8_lower(words)
    is_number = pc.or_(pc.match_substring_regex(words, _NUMBER), pc.match_substring_regex(words, _INFINITE))
    signed = pc.replace_substring_regex(lower, r"^[+]", "")
    parsed = _floats(pc.if_else(is_number, signed, pa.scalar(None, pa.string())).cast(pa.float64()))
    is_true, is_false = (np.asarray(pc.equal(lower, word).to_numpy(zero_copy_only=False)) for word in ("true", "false"))
    return np.where(is_true, 1.0, np.where(is_false, 0.0, parsed))


def _floats(values: pa.Array | pa.ChunkedArray) -> np.ndarray:
    found = values.cast(pa.float64(), safe=False)
    if isinstance(found, pa.ChunkedArray):
        found = found.combine_chunks()
    return np.array(found.to_numpy(zero_copy_only=False), dtype="float64")


def _stamps(values: pa.ChunkedArray) -> np.ndarray:
    ticks = pc.fill_null(values.cast(pa.int64()), np.iinfo("int64").min)
    return ticks.to_numpy().astype("datetime64[us]")


def shown(values: Any, most: int = 5) -> str:
    """Values for a sentence: the first few of them, none longer than 40 letters."""
    return ", ".join(str(v)[:40] for v in values[:most]) + (", …" if len(values) > most else "")
