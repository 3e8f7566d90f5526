"""Markdown from figures: tables, a value with its interval; shared by the parts of the model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table's lines.

    >>> table(["plan"], [["a|b"]])
    ['| plan |', '| --- |', '| a\\\\|b |']
    """
    return [_line(head), _line(["---"] * len(head)), *(_line(row) for row in rows)]


def _line(cells: Sequence[str]) -> str:
    # A name from the data may hold what Markdown takes for a column's edge, or a line's end.
    return "| " + " | ".join(" ".join(str(cell).replace("|", "\\|").split()) for cell in cells) + " |"


def with_bounds(measured: Mapping[str, Any] | pd.Series[Any] | pd.DataFrame, form: str) -> str:
    """A value with its interval; `-` where it was not measured.

    >>> with_bounds({"value": 0.7634, "low": 0.735, "high": 0.788}, ".3f"), with_bounds({}, ".3f")
    ('0.763 (0.735 to 0.788)', '-')
    """
    values = [measured.get(name) for name in ("value", "low", "high")]
    if values[0] is None or pd.isna(values[0]):
        return "-"
    if any(value is None or pd.isna(value) for value in values):
        return format(values[0], form)
    return "{} ({} to {})".format(*(format(value, form) for value in values))


def number(value: float | None, form: str) -> str:
    """A value in a form; `-` for none."""
    return "-" if value is None else format(value, form)
