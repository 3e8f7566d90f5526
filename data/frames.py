"""Tables as pandas holds them and as Parquet keeps them: dates stay dates, rows stand in one order."""

from collections.abc import Sequence

import pandas as pd
import pyarrow as pa


def is_date(name: str) -> bool:
    """Whether a column is a date by its name: `as_of`, or anything that ends in `_on`."""
    return name == "as_of" or name.endswith("_on")


def to_arrow(frame: pd.DataFrame, *, key: Sequence[str]) -> pa.Table:
    """The frame in the order of its key, with date columns as dates. Raises ValueError where a key stands twice.

    >>> rows = pd.DataFrame({"account_id": ["b", "a"], "as_of": pd.to_datetime(["2026-06-01"] * 2)})
    >>> to_arrow(rows, key=["account_id"]).to_pydict()["account_id"]
    ['a', 'b']
    >>> to_arrow(rows, key=["as_of"])
    Traceback (most recent call last):
    ValueError: 2 rows share their (as_of), first: 2026-06-01 00:00:00
    """
    key = list(key)
    if key:
        twice = frame[frame.duplicated(key, keep=False)]
        if len(twice):
            first = ", ".join(str(value) for value in twice.iloc[0][key])
            raise ValueError(f"{len(twice)} rows share their ({', '.join(key)}), first: {first}")
        frame = frame.sort_values(key, kind="stable")
    table = pa.Table.from_pandas(frame, preserve_index=False)
    for i, field in enumerate(table.schema):
        if is_date(field.name):
            table = table.set_column(i, field.name, table.column(i).cast(pa.timestamp("us")).cast(pa.date32()))
        elif pa.types.is_large_string(field.type) or pa.types.is_dictionary(field.type):
            table = table.set_column(i, field.name, table.column(i).cast(pa.string()))
    return table.replace_schema_metadata(None)


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """The table in pandas: dates are midnights in `datetime64[us]`.

    >>> import datetime
    >>> str(to_pandas(pa.table({"as_of": [datetime.date(2026, 6, 1)]}))["as_of"].dtype)
    'datetime64[us]'
    """
    for i, field in enumerate(table.schema):
        if pa.types.is_date(field.type):
            table = table.set_column(i, field.name, table.column(i).cast(pa.timestamp("us")))
    return table.to_pandas()
