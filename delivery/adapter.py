"""The list in the shape of another system: a CSV or JSON file by a mapping that a person wrote (docs/publish.md)."""

import json
from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from data.catalog import Catalog, Language
from data.settings import Settings
from delivery.outputs import RANKED_ACCOUNTS

As = Literal["plain", "percent", "date", "offer_name"]
BETWEEN = {"lines": "\n", "dots": " · ", "commas": ", "}
COLUMNS = tuple(column.name for column in RANKED_ACCOUNTS.columns)


class Mapped(Settings):
    """One field of the other system: from a column of the list, from several that are joined, or always the same.

    >>> Mapped.parse({"to": "Stars", "from": "star"}, file="a.yaml")
    Traceback (most recent call last):
    data.errors.BadInput: a.yaml: the file: the list has no column star; it has ...
    """

    to: str
    from_: str | list[str] = Field(default=[], alias="from")
    join: Literal["lines", "dots", "commas"] = "dots"
    as_: As = Field(default="plain", alias="as")
    constant: str | float | bool | None = None

    @model_validator(mode="after")
    def _columns_are_of_the_list(self) -> Self:
        for name in self.columns:
            if name not in COLUMNS:
                raise ValueError(f"the list has no column {name}; it has {', '.join(COLUMNS)}")
        if bool(self.columns) == (self.constant is not None):
            raise ValueError(f"{self.to}: give one of from and constant")
        return self

    @property
    def columns(self) -> list[str]:
        """Those of the list that it reads."""
        return [self.from_] if isinstance(self.from_, str) else self.from_


class Adapter(Settings):
    """A mapping. file: .csv or .json. key: the field by which the other system knows an account. keep: only rows whose
    column has one of these values. Accounts held out are never in it: a prompt or a field would be a nudge."""

    name: str = Field(pattern=r"^[\w-]+$")
    file: str = Field(pattern=r"^[\w.-]+\.(csv|json)$")
    key: str
    language: Language = "en"
    keep: dict[str, list[str | float | bool]] = {}
    columns: list[Mapped] = Field(min_length=1)

    @model_validator(mode="after")
    def _key_is_a_field(self) -> Self:
        fields = [column.to for column in self.columns]
        if self.key not in fields:
            raise ValueError(f"key {self.key} is none of the fields; it is one of {', '.join(fields)}")
        if twice := sorted({name for name in fields if fields.count(name) > 1}):
            raise ValueError(f"the field {twice[0]} stands twice")
        if wrong := [name for name in self.keep if name not in COLUMNS]:
            raise ValueError(f"keep: the list has no column {wrong[0]}")
        return self


def adapted(ranked: pd.DataFrame, adapter: Adapter, catalog: Catalog) -> list[dict[str, Any]]:
    """The other system's rows, in the order of the list."""
    rows = ranked[ranked["assignment"] != "holdout"].sort_values("rank")
    for name, values in adapter.keep.items():
        rows = rows[rows[name].isin(values)]
    offers = {offer.id: offer.name[adapter.language] for offer in catalog.offers}
    return [{field.to: _value(field, row, offers) for field in adapter.columns} for row in rows.to_dict("records")]


def _value(field: Mapped, row: dict[Any, Any], offers: dict[str, str]) -> Any:
    if field.constant is not None:
        return field.constant
    found = [_plain(row[name], field.as_, offers) for name in field.columns]
    if isinstance(field.from_, str):
        return found[0]
    return BETWEEN[field.join].join(str(value) for value in found if value is not None) or None


def _plain(value: Any, as_: As, offers: dict[str, str]) -> Any:
    if isinstance(value, (list, np.ndarray)):
        return [str(one) for one in value]
    if value is None or pd.isna(value):
        return None
    if as_ == "percent":
        return round(100 * float(value), 1)
    if as_ == "date":
        return f"{pd.Timestamp(value):%Y-%m-%d}"
    if as_ == "offer_name":
        return offers.get(str(value), str(value))
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    return value.item() if isinstance(value, np.generic) else value


def as_file(rows: Sequence[dict[str, Any]], adapter: Adapter) -> str:
    """The file's text. In CSV a list is its members, joined by semicolons; text that a spreadsheet would take for a
    formula stays text, by an apostrophe before it."""
    if adapter.file.endswith(".json"):
        return json.dumps(list(rows), ensure_ascii=False, indent=1) + "\n"
    fields = [column.to for column in adapter.columns]
    table = pd.DataFrame(list(rows), columns=fields, dtype="object")
    return table.map(_cell).to_csv(index=False, lineterminator="\n")


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        value = ";".join(value)
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def difference(before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]], key: str) -> dict[str, list[Any]]:
    """By key, what a push would do: `new`, `gone`, and `changed` (key, field, before, after).

    >>> difference([{"id": "a", "stars": 2}], [{"id": "a", "stars": 3}, {"id": "b", "stars": 1}], "id")
    {'new': ['b'], 'gone': [], 'changed': [('a', 'stars', 2, 3)]}
    """
    old, new = ({row[key]: row for row in rows} for rows in (before, after))
    changed = [
        (name, field, old[name].get(field), value)
        for name, row in new.items()
        if name in old
        for field, value in row.items()
        if old[name].get(field) != value
    ]
    return {
        "new": [name for name in new if name not in old],
        "gone": [name for name in old if name not in new],
        "changed": changed,
    }
