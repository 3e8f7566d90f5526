"""The account's own columns as numbers, for models that read a row and an offer together."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

MAX_LEVELS = 12  # a text with more of them names accounts rather than kinds of account
MIN_SHARE = 0.02  # of rows, for a level to have a column


@dataclass(frozen=True)
class AccountColumns:
    """Which columns are read, and how: numbers as they are, a text as one column of 0 and 1 per usual level.

    >>> seen = pd.DataFrame({"seats": [1.0, 2.0], "billing": ["annual", "monthly"], "id": ["a", "b"]})
    >>> AccountColumns.learn(seen, ["seats", "billing"]).names
    ['seats', 'billing=annual', 'billing=monthly']
    """

    numbers: list[str]
    levels: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def learn(cls, rows: pd.DataFrame, columns: Sequence[str]) -> "AccountColumns":
        """Of these columns of `rows`, those that hold numbers that vary, truth values, or a few texts."""
        numbers, levels = [], {}
        for name in columns:
            values = rows[name]
            if pd.api.types.is_bool_dtype(values) or pd.api.types.is_numeric_dtype(values):
                known = values.dropna()
                if len(known) and known.min() != known.max():
                    numbers.append(name)
            elif not pd.api.types.is_datetime64_any_dtype(values):
                shares = values.value_counts(normalize=True)
                kept = sorted(str(level) for level in shares[shares >= MIN_SHARE].index)
                if 1 < len(shares) <= MAX_LEVELS:
                    levels[name] = kept
        return cls(numbers, levels)

    @property
    def names(self) -> list[str]:
        """Of the columns of `matrix`, in their order."""
        return [*self.numbers, *(f"{name}={level}" for name, kept in self.levels.items() for level in kept)]

    def matrix(self, rows: pd.DataFrame) -> np.ndarray:
        """(n, columns) float32, nan where unknown; a column that `rows` lacks is unknown throughout."""
        found = np.full((len(rows), len(self.names)), np.nan, np.float32)
        for j, name in enumerate(self.numbers):
            if name in rows:
                found[:, j] = rows[name].to_numpy(dtype="float64", na_value=np.nan)
        j = len(self.numbers)
        for name, kept in self.levels.items():
            for level in kept:
                found[:, j] = (rows[name] == level).to_numpy(dtype="float64", na_value=0.0) if name in rows else np.nan
                j += 1
        return found

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {"numbers": self.numbers, "levels": self.levels}
