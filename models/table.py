"""From any table to features: what each column is taken for, what is left out, and why.

Nothing here knows what a row is about. A `Preparation` is made once, from the table that a model is fitted on, and kept
beside it as JSON; it then reads every later table the same way, in CSV or Parquet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from data.errors import BadInput
from models import columns
from models.vocabulary import FEW_LEVELS, MIN_LEVEL_ROWS

FORMAT = 1
# A text that is longer than this on average, and of which nearly every row has its own, was written by a person.
FREE_TEXT_LENGTH = 30
DAY_US = 86_400_000_000


@dataclass(frozen=True)
class Preparation:
    """How a table's columns become features. Kept as JSON beside the model.

    `kinds`: the columns that are used, and what each is taken for: `number`, `text`, `moment`, or `known` (a text of
    which only whether it is there is used). `dropped`: the others and why. `notes`: sentences about what was read.
    """

    target: str
    positive: str
    time: str | None
    group: str | None
    kinds: Mapping[str, str]
    dropped: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @classmethod
    def learn(
        cls,
        table: pa.Table,
        *,
        target: str,
        positive: str,
        time: str | None = None,
        group: str | None = None,
        drop: Collection[str] = (),
    ) -> Preparation:
        """Take down what the columns of `table` are. Raises BadInput where none can be used."""
        roles = {time: "orders the rows", group: "groups the rows", target: "the target"}
        dropped = {name: roles[name] for name in table.column_names if name in roles and name != target}
        dropped |= {name: "as you asked" for name in table.column_names if name in drop and name not in roles}
        kinds: dict[str, str] = {}
        notes: list[str] = []
        seen: dict[str, str] = {}  # the content's hash -> the first column that has it
        times = None if time is None else _times(table.column(time))
        for name in table.column_names:
            if name in dropped or name == target:
                continue
            kind, why, said = _judge(name, table.column(name), times)
            notes += said
            if why is None:
                same = seen.setdefault(_content(table.column(name), kind), name)
                why = None if same == name else f"the same as {same}"
            if why is None:
                kinds[name] = kind
            else:
                dropped[name] = why
        if not kinds:
            given = [name for name in table.column_names if name not in roles]
            raise BadInput(
                f"none of the {len(given)} columns beside the target can be used"
                + (f" ({given[0]}: {dropped[given[0]]})" if given else "")
                + ", so there is nothing to learn from; add columns."
            )
        made = cls(target, positive, time, group, kinds, dropped, tuple(notes))
        parts = [part for name in kinds for part in made.parts_of(name)]
        if len(set(parts)) < len(parts):
            twice = next(part for part in parts if parts.count(part) > 1)
            raise BadInput(f"the column {twice} has the name of a part of another column; rename it.")
        return made

    def parts_of(self, name: str) -> list[str]:
        """The features that a column becomes."""
        kind = self.kinds[name]
        if kind == "moment":
            since = "days before" if self.time else "days"
            return [f"{name}: {since}", f"{name}: month", f"{name}: weekday"]
        return [f"{name}: known"] if kind == "known" else [name]

    def features(self, table: pa.Table) -> pd.DataFrame:
        """One row per row of `table`, in its order: numbers as float64, texts as categories.

        A moment is the days from it to the row's time (since 1970 where the rows have no time), its month (1-12) and
        its weekday (0: Monday). Raises BadInput where the table lacks a column that is needed.
        """
        needed = [*self.kinds, *([self.time] if self.time and "moment" in self.kinds.values() else [])]
        there = set(table.column_names)
        if absent := [name for name in needed if name not in there]:
            more = f" and {len(absent) - 5} more" if len(absent) > 5 else ""
            raise BadInput(
                f"the table lacks {', '.join(absent[:5])}{more}, which the model was fitted on; add "
                f"{'it' if len(absent) == 1 else 'them'}, or fit again without."
            )
        found: dict[str, Any] = {}
        for name, kind in self.kinds.items():
            column = table.column(name)
            if kind == "number":
                found[name] = columns.numbers(column)
            elif kind == "text":
                found[name] = columns.texts(column)
            elif kind == "known":
                found[f"{name}: known"] = (columns.texts(column).codes >= 0).astype("float64")
            else:
                found |= self._moment(name, column, table)
        return pd.DataFrame(found)

    def unread(self, table: pa.Table) -> list[str]:
        """A sentence per column of which some values do not read as what the model takes them for: they are missing."""
        said = []
        for name, kind in self.kinds.items():
            if kind in ("number", "moment"):
                said += _unread(name, table.column(name), kind)
        return said

    def by_column(self, contributions: np.ndarray, features: Sequence[str]) -> tuple[list[str], np.ndarray]:
        """Contributions of features (rows, features + 1, the base last) added up to those of the table's columns.

        Shape (rows, columns + 1), the base last; rows sum to what they did. Every column that is used has one, also
        those that no tree asks for.
        """
        names = list(self.kinds)
        place = {part: i for i, name in enumerate(names) for part in self.parts_of(name)}
        summed = np.zeros((len(contributions), len(names) + 1))
        for j, feature in enumerate(features):
            summed[:, place[feature]] += contributions[:, j]
        summed[:, -1] = contributions[:, -1]
        return names, summed

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "format": FORMAT,
            "target": self.target,
            "positive": self.positive,
            "time": self.time,
            "group": self.group,
            "kinds": dict(self.kinds),
            "dropped": dict(self.dropped),
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Preparation:
        """From what `to_json` gave. Raises BadInput for another format."""
        if content.get("format") != FORMAT:
            raise BadInput(
                f"the model's table is of format {content.get('format')}, and this reads {FORMAT}; fit again."
            )
        try:
            return cls(
                content["target"],
                content["positive"],
                content["time"],
                content["group"],
                dict(content["kinds"]),
                dict(content["dropped"]),
                tuple(content["notes"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(f"the model's table cannot be read ({error!r}); fit again.") from None

    def _moment(self, name: str, column: pa.ChunkedArray, table: pa.Table) -> dict[str, np.ndarray]:
        moments = columns.moments(column)
        is_known = ~np.isnat(moments)
        ticks = moments.astype("int64").astype("float64")
        days = ticks / DAY_US
        if self.time:
            # Always a moment: where the rows' time is a number, moments are left out.
            times = columns.moments(table.column(self.time))
            days = np.where(np.isnat(times), np.nan, times.astype("int64") / DAY_US - days)
        whole = np.floor(ticks / DAY_US)
        months = moments.astype("datetime64[M]").astype("int64") % 12 + 1
        values = (days, months, (whole + 3) % 7)  # 1970-01-01 was a Thursday
        return {part: np.where(is_known, v, np.nan) for part, v in zip(self.parts_of(name), values, strict=True)}


def times(table: pa.Table, name: str) -> np.ndarray:
    """The rows' times: datetime64[us], or float64 where they are numbers (a year, a week's number).

    Raises BadInput where one is missing, none reads as a date, or all are the same.

    >>> times(pa.table({"week": [3, 1, 2]}), "week")
    array([3., 1., 2.])
    """
    column = table.column(name)
    kind = columns.kind_of(column)
    if kind not in ("moment", "number"):
        example = next((str(v) for v in column.to_pylist() if v is not None), "nothing")
        raise BadInput(
            f"--time: {name} is neither a date nor a number (it holds {example[:40]}); write dates as 2026-06-01."
        )
    found = _times(column)
    is_missing = np.isnat(found) if found.dtype.kind == "M" else np.isnan(found)
    if is_missing.any():
        raise BadInput(
            f"--time: {name} is missing or no date in {int(is_missing.sum()):,} of {len(found):,} rows, the first of "
            f"them row {int(np.flatnonzero(is_missing)[0]) + 1}; drop or date them."
        )
    if len(found) and (found == found[0]).all():
        raise BadInput(f"--time: {name} is the same in every row, so it orders nothing; leave --time out.")
    return found


def _times(column: pa.ChunkedArray) -> np.ndarray:
    return columns.moments(column) if columns.kind_of(column) == "moment" else columns.numbers(column)


def _judge(name: str, column: pa.ChunkedArray, times: np.ndarray | None) -> tuple[str, str | None, list[str]]:
    """What a column is used as, or why it is not, and what is to be said about it."""
    kind = columns.kind_of(column)
    if kind == "nothing":
        return kind, "empty", []
    if kind == "other":
        return kind, f"its type is {column.type}, and a number, text or date was expected", []
    if kind == "text":
        return _judge_text(name, columns.texts(column))
    notes = _unread(name, column, kind)
    if kind == "number":
        values = columns.numbers(column)
        is_known = ~np.isnan(values)
        known = values[is_known]
        if len(known) == 0:
            return kind, "empty", notes
        if is_known.all():
            if (known == known[0]).all():
                return kind, "constant", notes
            if len(known) > 2 and known[0] in (0, 1) and (np.diff(known) == 1).all():
                return kind, "counts the rows", notes
        return kind, None, notes
    moments = columns.moments(column)
    known_moments = moments[~np.isnat(moments)]
    if len(known_moments) == 0:
        return kind, "empty", notes
    if len(known_moments) == len(moments) and (moments == moments[0]).all():
        return kind, "constant", notes
    if times is not None and times.dtype.kind != "M":
        return kind, "a date, and the rows' time is none to measure it from", notes
    if times is not None:
        is_later = moments > times
        if is_later.any():
            share = f"{int(is_later.sum()):,} of {len(moments):,} rows"
            notes = [*notes, f"{name} lies after the row's own time in {share}: was it known by then?"]
    return kind, None, notes


def _judge_text(name: str, words: pd.Categorical) -> tuple[str, str | None, list[str]]:
    counts = np.bincount(words.codes[words.codes >= 0], minlength=len(words.categories))
    n_known, n_distinct = int(counts.sum()), int((counts > 0).sum())
    gaps = len(words) - n_known
    if n_known == 0:
        return "text", "empty", []
    if n_distinct == 1 and gaps == 0:
        return "text", "constant", []
    if n_distinct <= FEW_LEVELS or (counts >= MIN_LEVEL_ROWS).any():
        return "text", None, []
    length = float(np.mean([len(str(word)) for word in words.categories]))
    what = "free text" if length > FREE_TEXT_LENGTH else "a text with nearly as many values as rows"
    why = f"{what} ({n_distinct:,} values in {n_known:,} rows, none of them in {MIN_LEVEL_ROWS})"
    if gaps >= MIN_LEVEL_ROWS:
        return "known", None, [f"{name} is {why}: only whether it is there is used"]
    return "text", why, []


def _unread(name: str, column: pa.ChunkedArray, kind: str) -> list[str]:
    read = columns.numbers(column) if kind == "number" else columns.moments(column)
    n = columns.n_unread(column, read)
    what = "finite numbers" if kind == "number" else "dates"
    return [f"{name}: {n:,} of {len(read):,} values are no {what} and count as missing"] if n else []


def _content(column: pa.ChunkedArray, kind: str) -> str:
    """A hash of what a column says, by what it is taken for."""
    if kind in ("text", "known"):
        words = columns.texts(column)
        order = np.argsort(np.asarray(words.categories, dtype=object))
        rank = np.empty(len(order) + 1, dtype="int64")
        rank[order], rank[-1] = np.arange(len(order)), -1
        names = "\0".join(str(words.categories[i]) for i in order)
        values = rank[words.codes].tobytes() + names.encode()
    else:
        read = columns.numbers(column) if kind == "number" else columns.moments(column)
        values = np.ascontiguousarray(read).tobytes()
    return kind + hashlib.sha256(values).hexdigest()
