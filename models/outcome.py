"""A target of two values: which of them happened, and whether there is enough of both to learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from data.errors import BadInput
from models import columns

# Of two values of a target, these are the one that happened.
HAPPENED = ("true", "yes", "y", "t", "positive")
# Words that mean that a target is not known.
UNKNOWN = ("na", "n/a", "nan", "null", "none")
MAX_UNLABELLED = 0.5
MIN_ROWS = 100
# Fewer rows of the rarer class than this tell nothing that would hold again.
MIN_RARER = 10


@dataclass(frozen=True)
class Target:
    """The target of a table: which rows have one, which of its two values counts as 1, and the values themselves."""

    y: np.ndarray  # float64 of 0 and 1, one per row with a target
    is_known: np.ndarray  # over all rows
    positive: str
    negative: str  # or "anything else"

    @property
    def rate(self) -> float:
        """The share of positives."""
        return float(self.y.mean())


def target(column: pa.ChunkedArray, name: str, positive: str | None = None) -> Target:
    """Read a target of two values: 0/1, true/false, yes/no or any two words; rows without one are left out.

    `positive` names the value that counts as 1, and may stand against several others. Otherwise it is the
    larger number, the one that says yes, or the rarer word. Raises BadInput for one class only, a third value, too
    few of either, or where more than half of the rows have none.

    >>> found = target(pa.chunked_array([["lost", "won", None, "lost"] * 40]), "outcome")
    >>> found.positive, found.negative, round(found.rate, 3), int(found.is_known.sum())
    ('won', 'lost', 0.333, 120)
    >>> target(pa.chunked_array([[0, 1, 2] * 50]), "churn")
    Traceback (most recent call last):
    data.errors.BadInput: the target churn holds 3 values (0, 1, 2), and two are needed; give another column, or with \
--positive the one that is to be told from all others.
    """
    if columns.kind_of(column) == "other":
        raise BadInput(f"the target {name} is of type {column.type}, and two values are needed; give another column.")
    words = columns.texts(column)
    # Yes and YES are one answer.
    folded = np.array([str(word).casefold() for word in words.categories], dtype=object)
    values, places = np.unique(folded, return_inverse=True) if len(folded) else (folded, np.zeros(0, dtype="int64"))
    is_value = np.append(~np.isin(values, UNKNOWN), False) if len(values) else np.zeros(1, dtype=bool)
    codes = np.append(places, len(values))[words.codes]
    is_known = is_value[codes]
    counts = np.bincount(codes[is_known], minlength=len(values) + 1)
    found = [k for k in range(len(values)) if counts[k]]
    _enough_targets(name, is_known, [str(values[k]) for k in found])
    if positive is not None:
        wanted = [k for k in found if values[k] == positive.strip().casefold()]
        if not wanted:
            raise BadInput(
                f"--positive: the target {name} has no value {positive}; it has {columns.shown(values[found])}."
            )
        one = wanted[0]
    elif len(found) > 2:
        raise BadInput(
            f"the target {name} holds {len(found):,} values ({columns.shown(values[found])}), and two are needed; "
            "give another column, or with --positive the one that is to be told from all others."
        )
    else:
        one = _happened([str(values[k]) for k in found], [int(counts[k]) for k in found], found)
    y = (codes[is_known] == one).astype("float64")
    # As the table writes it, which may differ by its letters' case.
    as_written = [str(word) for word in words.categories]
    written = {k: as_written[int(np.flatnonzero(places == k)[0])] for k in found}
    others = [written[k] for k in found if k != one]
    read = Target(y, is_known, written[one], others[0] if len(others) == 1 else "anything else")
    rarer = int(min(y.sum(), len(y) - y.sum()))
    if len(y) < MIN_ROWS or rarer < MIN_RARER:
        raise BadInput(
            f"the target {name} is {read.positive} in {int(y.sum()):,} of {len(y):,} rows; at least {MIN_ROWS} rows "
            f"and {MIN_RARER} of each class are needed to learn anything that would hold again."
        )
    return read


def _enough_targets(name: str, is_known: np.ndarray, found: Sequence[str]) -> None:
    missing = int((~is_known).sum())
    if missing > MAX_UNLABELLED * len(is_known):
        raise BadInput(
            f"the target {name} is missing in {missing:,} of {len(is_known):,} rows; give the rows that have it."
        )
    if len(found) < 2:
        raise BadInput(f"the target {name} is {found[0]} in every row, so there is nothing to tell apart; add others.")


def _happened(values: Sequence[str], counts: Sequence[int], codes: Sequence[int]) -> int:
    """Of two values: the larger number, the one that says yes, or the rarer."""
    numbers = columns.numbers(pa.chunked_array([list(values)], pa.string()))
    if np.isfinite(numbers).all() and numbers[0] != numbers[1]:
        return codes[int(np.argmax(numbers))]
    for value, code in zip(values, codes, strict=True):
        if value in HAPPENED:
            return code
    return codes[0] if counts[0] < counts[1] else codes[1]
