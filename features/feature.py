"""What a feature is: a named, explained number about an account as of a day."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import ibis.expr.types as ir

from data.catalog import Text

Group = Literal[
    "use", "adoption", "limits", "tenure", "seats", "support", "sentiment", "relationship", "commerce", "proposals",
    "life", "health", "profile",
]  # fmt: skip
Unit = Literal[
    "count", "days", "share", "change", "change_per_week", "money", "score", "nps", "rating", "hours", "number",
    "sentiment", "flag", "category",
]  # fmt: skip


@dataclass(frozen=True)
class Way:
    """One way in which a flag comes true: a feature that is `at_least` so much, for accounts on one of these plans.

    plans: null for all.
    """

    feature: str
    at_least: float
    plans: tuple[str, ...] | None = None

    def holds(self, wide: ir.Table) -> ir.BooleanValue:
        """Whether it does, over the wide table. Never null."""
        reached = (wide[self.feature] >= self.at_least).fill_null(False)
        return reached if self.plans is None else reached & wide.plan_id.isin(self.plans)


@dataclass(frozen=True)
class Feature:
    """A feature names and explains itself; the dictionary, the reasons and docs/features.md read it from here.

    of: the expression, over the rows of its idea (an aggregate) or over the wide table (a row expression).
    empty: its value where the source table exists but the account has no rows in it (0 for a count, None for a mean).
    sentence: what a CSM can repeat to the customer; with `{value}`, which the reader's language formats by `unit`, and
        `{s}` for an English plural.
    nothing: the sentence where the value is null; zero: where it is 0 and "0 times" would read oddly.
    needs_days: null for an account younger than this: half a window is no trend.
    speaks_through: the features of which this one is the extreme; the sentence is theirs, so that it names what it means.
    is_predictor: whether the model may read it; others serve conditions and display.
    is_actionable: whether the customer or the CSM can do something about it.
    rises: +1 where the propensity may never fall as the value rises, -1 where it may never rise; 0: as the data say. Held
        to only with `train.monotone`.
    ways: of a flag, all the ways in which it comes true; any one of them is enough.
    """

    name: str
    group: Group
    unit: Unit
    description: Text
    sentence: Text
    nothing: Text
    of: Callable[[ir.Table], ir.Value]
    empty: float | None = None
    needs_days: int = 0
    is_predictor: bool = True
    is_actionable: bool = False
    speaks_through: tuple[str, ...] = ()
    zero: Text | None = None
    rises: Literal[-1, 0, 1] = 0
    ways: tuple[Way, ...] = ()

    @property
    def is_internal(self) -> bool:
        """Whether its sentence is for the team's ears alone: what we said and offered, what we think of the customer."""
        return self.group in ("proposals", "health") or self.unit == "sentiment"


def feature(
    name: str,
    group: Group,
    unit: Unit,
    of: Callable[[ir.Table], ir.Value],
    *,
    description: tuple[str, str],
    sentence: tuple[str, str],
    nothing: tuple[str, str] | None = None,
    empty: float | None = None,
    needs_days: int = 0,
    is_predictor: bool = True,
    is_actionable: bool = False,
    speaks_through: tuple[str, ...] = (),
    zero: tuple[str, str] | None = None,
    rises: Literal[-1, 0, 1] = 0,
    ways: tuple[Way, ...] = (),
) -> Feature:
    """A feature whose texts are given as (English, Japanese)."""
    missing = nothing or (f"{description[0]}: not known", f"{description[1]}：データなし")
    said, spoken, silent = (Text(en=en, ja=ja) for en, ja in (description, sentence, missing))
    return Feature(
        name, group, unit, said, spoken, silent, of, empty, needs_days, is_predictor, is_actionable, speaks_through,
        Text(en=zero[0], ja=zero[1]) if zero else None, rises, ways,
    )  # fmt: skip


def aggregated(rows: ir.Table, features: list[Feature]) -> ir.Table:
    """One row per (account_id, as_of) that has rows: each feature's aggregate over them, in one pass."""
    return rows.group_by("account_id", "as_of").aggregate(**{f.name: f.of(rows) for f in features})
