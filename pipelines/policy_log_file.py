"""A log in a file, Parquet or CSV, as the learning of policies reads it; or refused in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

import numpy as np
import pyarrow as pa

from data.errors import BadInput
from decisions.policy_log import Log
from models import columns
from models.table import Preparation
from models.vocabulary import Vocabulary
from pipelines import table_file

MIN_ROWS = 200
MOST_ACTIONS = 50


@dataclass(frozen=True)
class Roles:
    """Which column is what. `random`: says of which rows the action was drawn at random, so that a pscore is due."""

    action: str
    reward: str
    pscore: str | None = None
    group: str | None = None
    random: str | None = None

    def options(self) -> dict[str, str]:
        """The columns that were named, by option."""
        found = {"--action": self.action, "--reward": self.reward, "--pscore": self.pscore}
        found |= {"--group": self.group, "--random": self.random}
        return {option: name for option, name in found.items() if name is not None}

    def checked(self, names: Sequence[str]) -> Roles:
        """Raises BadInput where one is no column of the table, or is named twice."""
        given = self.options()
        for option, name in given.items():
            table_file.one_of(name, names, option)
        for option, name in given.items():
            if both := [other for other, its in given.items() if its == name and other != option]:
                raise BadInput(f"{option}: {name} is also given as {both[0]}; it can be only one.")
        return self


def context(table: pa.Table, roles: Roles, drop: Sequence[str]) -> Preparation:
    """What the other columns are taken for. Raises BadInput where none can be used."""
    for name in drop:
        table_file.one_of(name, table.column_names, "--drop")
    others = [name for option, name in roles.options().items() if option not in ("--reward", "--group")]
    made = Preparation.learn(table, target=roles.reward, positive="", group=roles.group, drop=[*drop, *others])
    what = {"--action": "the action", "--pscore": "the pscore", "--random": "says which rows are random"}
    why = {name: what[option] for option, name in roles.options().items() if option in what}
    return replace(made, dropped={**made.dropped, **why})


def read(
    table: pa.Table,
    roles: Roles,
    preparation: Preparation,
    vocabulary: Vocabulary,
    actions: Sequence[str] | None = None,
) -> Log:
    """The log. `actions`: known ones come first, in this order (a policy's); others follow by name.

    Raises BadInput for an action or group that is missing, a reward that is no number, a pscore outside (0, 1], or none
    in a row that was drawn at random.
    """
    if table.num_rows < MIN_ROWS:
        raise BadInput(f"the log has {table.num_rows:,} rows; at least {MIN_ROWS} are needed to tell anything.")
    action, names = _actions(table.column(roles.action), roles.action, actions or ())
    return Log(
        vocabulary.encode(preparation.features(table)),
        action,
        _numbers(table.column(roles.reward), "--reward", roles.reward, "a number in every row"),
        pscores(table, roles),
        names,
        tuple(vocabulary.categorical),
        None if roles.group is None else _groups(table.column(roles.group), roles.group),
    )


def _actions(column: pa.ChunkedArray, name: str, known: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    if columns.kind_of(column) == "other":
        raise BadInput(f"--action: {name} is of type {column.type}, and a text or number was expected.")
    words = columns.texts(column)
    if missing := int((words.codes < 0).sum()):
        first = int(np.flatnonzero(words.codes < 0)[0]) + 1
        raise BadInput(
            f"--action: {name} is missing in {missing:,} of {len(words):,} rows (first: row {first}); where nothing "
            "was done, write a word for that, as none."
        )
    found = sorted(str(word) for word in words.categories)
    if len(found) < 2:
        raise BadInput(f"--action: {name} is {found[0]} in every row; a log of one action says nothing of others.")
    if len(found) > MOST_ACTIONS:
        raise BadInput(f"--action: {name} has {len(found):,} values, and at most {MOST_ACTIONS} can be told apart.")
    names = (*known, *(word for word in found if word not in known))
    place = {word: i for i, word in enumerate(names)}
    return np.array([place[str(word)] for word in words.categories])[words.codes], names


def pscores(table: pa.Table, roles: Roles) -> np.ndarray:
    """One per row, NaN where nobody logged it. Raises BadInput where it is no probability, or due and missing."""
    n = table.num_rows
    if roles.pscore is None:
        found = np.full(n, np.nan)
    else:
        column = table.column(roles.pscore)
        found = columns.numbers(column)
        if unread := columns.n_unread(column, found):
            raise BadInput(
                f"--pscore: {roles.pscore} is no number in {unread:,} of {n:,} rows; write one, or leave it empty."
            )
        is_wrong = (found <= 0) | (found > 1)
        if is_wrong.any():
            first = int(np.flatnonzero(is_wrong)[0])
            raise BadInput(
                f"--pscore: {roles.pscore} is outside (0, 1] in {int(is_wrong.sum()):,} of {n:,} rows (first: row "
                f"{first + 1}, {found[first]:g}); it is the probability with which the action that was taken was drawn."
            )
    if roles.random is not None:
        is_random = columns.numbers(table.column(roles.random)) == 1
        missing = is_random & np.isnan(found)
        if missing.any():
            raise BadInput(
                f"pscore is missing in {int(missing.sum()):,} of {int(is_random.sum()):,} rows that {roles.random} "
                f"says were drawn at random (first: row {int(np.flatnonzero(missing)[0]) + 1}). It must be logged when "
                "the action is drawn; it can't be recovered."
            )
    return found


def costs(given: Sequence[str], actions: Sequence[str]) -> dict[str, float]:
    """Of `ACTION=AMOUNT` each. Raises BadInput for an action that is not there, or no amount.

    >>> costs(["call=60"], ["none", "call"])
    {'call': 60.0}
    """
    found: dict[str, float] = {}
    for text in given:
        name, _, amount = text.rpartition("=")
        name = name.strip()
        if name not in actions:
            near = get_close_matches(name, actions, n=1)
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(actions[:12])}."
            raise BadInput(f"--cost: the log has no action {name or text}; {hint}")
        try:
            found[name] = float(amount)
        except ValueError:
            raise BadInput(f"--cost: {text} names no amount; write it as {name}=60.") from None
        if not np.isfinite(found[name]):
            raise BadInput(f"--cost: {text} is no finite amount; write it as {name}=60.")
    return found


def _numbers(column: pa.ChunkedArray, option: str, name: str, wanted: str) -> np.ndarray:
    found = columns.numbers(column)
    if columns.kind_of(column) != "number" or np.isnan(found).any():
        first = int(np.flatnonzero(np.isnan(found))[0]) + 1 if np.isnan(found).any() else 1
        raise BadInput(
            f"{option}: {name} is missing or no number in {int(np.isnan(found).sum()):,} of {len(found):,} rows "
            f"(first: row {first}), and {wanted} is needed; drop rows whose outcome is not known yet."
        )
    return found


def _groups(column: pa.ChunkedArray, name: str) -> np.ndarray:
    if columns.kind_of(column) == "other":
        raise BadInput(f"--group: {name} is of type {column.type}, and a text or number was expected.")
    words = columns.texts(column)
    if missing := int((words.codes < 0).sum()):
        raise BadInput(f"--group: {name} is missing in {missing:,} of {len(words):,} rows; fill it in.")
    return np.asarray(words.codes, dtype="int64")
