"""`accounts` as they are today, and every change of what moves in them."""

from datetime import date

import numpy as np
import pandas as pd

from data.simulate.history import History
from data.simulate.identity import account_ids, owner_of, region_of
from data.simulate.month import asks_for_quiet
from data.simulate.names import REGIONS, company_name
from data.simulate.state import GREEN, Bools, Dates, Floats, Ints, Objects
from data.simulate.streams import ROWS, draw
from data.simulate.world import World

SENTIMENTS = np.array(["red", "yellow", "green"], dtype=object)
INDUSTRIES = np.array(
    ["software", "manufacturing", "retail", "finance", "healthcare", "education", "media", "logistics", "construction",
     "public_sector"],
    dtype=object,
)  # fmt: skip
QUIET_DAYS = 90  # "do not write to us before …"


class Changes:
    """Collects the rows of `account_changes` of a block."""

    def __init__(self, ids: Objects) -> None:
        self._ids = ids
        self._frames: list[pd.DataFrame] = []

    def note(self, rows: Ints, when: Dates, field: str, value: Objects) -> None:
        """`field` of the accounts at these positions became `value`; `when` and `value` hold one item for each."""
        self._frames.append(
            pd.DataFrame({"account_id": self._ids[rows], "changed_at": when, "field": field, "value": value})
        )

    def table(self, before: np.datetime64) -> pd.DataFrame:
        """All of them that happened before an instant, sorted."""
        table = pd.concat(self._frames, ignore_index=True)
        table = table[table["changed_at"] < before]
        return table.sort_values(["account_id", "changed_at", "field"], kind="stable", ignore_index=True)


def accounts_and_changes(world: World, history: History, ends_on: date, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`accounts` and `account_changes`. Each attribute that moves is noted at sign-up and at every change."""
    ids, n = account_ids(history.numbers), len(history.numbers)
    _, u = draw(seed, history.numbers.tolist(), ROWS, normals=(1,), uniforms=(24,))
    region = region_of(u[:, 0])
    starts = np.array([history.starts_on(t) for t in range(len(history.months))])
    signed_up = starts[history.born] + history.born_day
    signed_at = signed_up.astype("datetime64[us]") + np.timedelta64(9, "h")
    end = np.datetime64(ends_on, "D")
    first = history.states[0]
    everyone = np.arange(n)
    changes = Changes(ids)

    # A new CSM for some, once.
    owner = owner_of(world, history.numbers, region, u[:, 1])
    days = (end - signed_up).astype(int)
    moves = (u[:, 3] < 0.18) & first.has_owner & (days > 60)
    earlier = owner_of(world, history.numbers, region, np.where(moves, (u[:, 1] + 0.5) % 1, u[:, 1]))
    changes.note(everyone, signed_at, "owner_id", _csm(earlier, first.has_owner))
    rows = np.flatnonzero(moves & (earlier != owner))
    moved_at = signed_at + np.maximum(days * (0.2 + 0.75 * u[:, 4]), 1).astype(int).astype("timedelta64[D]")
    changes.note(rows, moved_at[rows], "owner_id", _csm(owner, first.has_owner)[rows])

    # Nobody asked: null, which is no consent.
    consent = np.where(first.is_opted_in, "true", np.where(u[:, 14] < 0.1, np.array(None), "false")).astype(object)
    changes.note(everyone, signed_at, "has_opted_in", consent)
    sentiment = _sentiments(history, changes, signed_at)
    employees = _employees(history, changes, signed_at, u[:, 2])
    quiet_until = _quiet(history, changes, end)

    industry = INDUSTRIES[(u[:, 12] * len(INDUSTRIES)).astype(int)]
    table = pd.DataFrame(
        {
            "account_id": ids,
            "account_name": [company_name(REGIONS[r], u[i, 6:11]) for i, r in enumerate(region)],
            "industry": np.where(u[:, 11] < 0.04, np.array(None), industry),
            "employee_count": pd.array(employees.astype(int), dtype="Int64"),
            "region": np.where(u[:, 13] < 0.02, np.array(None), np.array(REGIONS, dtype=object)[region]),
            "signed_up_on": signed_up,
            "owner_id": _csm(owner, first.has_owner),
            "csm_sentiment": np.where(first.has_owner, SENTIMENTS[sentiment], np.array(None)),
            "has_opted_in": pd.array([{"true": True, "false": False}.get(c) for c in consent], dtype="boolean"),
            "do_not_contact_until": quiet_until,
        }
    )
    return table, changes.table(end.astype("datetime64[us]"))


def _csm(number: Ints, has: Bools) -> Objects:
    return np.array([f"CSM-{x:02d}" if h else None for x, h in zip(number, has, strict=True)], dtype=object)


def _sentiments(history: History, changes: Changes, signed_at: Dates) -> Ints:
    """What the CSM notes of the mood: late, and wrong at times."""
    n = len(history.numbers)
    has_owner = history.states[0].has_owner
    changes.note(np.arange(n), signed_at, "csm_sentiment", np.where(has_owner, "green", np.array(None)))
    noted = np.full(n, GREEN)
    for t in range(len(history.months)):
        later = history.states[t + 1]
        day = np.minimum((history.uniforms[t][:, 14] * 80).astype(int), 27)
        differs = has_owner & (later.csm_sentiment != noted) & (day < history.customer_until(t))
        rows = np.flatnonzero(differs)
        when = history.starts_on(t).astype("datetime64[us]") + day.astype("timedelta64[D]") + np.timedelta64(16, "h")
        changes.note(rows, when[rows], "csm_sentiment", SENTIMENTS[later.csm_sentiment[rows]])
        noted = np.where(differs, later.csm_sentiment, noted)
    return noted


def _employees(history: History, changes: Changes, signed_at: Dates, u: Floats) -> Floats:
    """The head count: asked at sign-up, looked up again each June and December."""
    first = history.states[0]
    asked = np.maximum(np.round(np.exp(first.log_users) * (2 + 14 * u**2)), 2)
    everyone = np.arange(len(asked))
    changes.note(everyone, signed_at, "employee_count", asked.astype(int).astype(str).astype(object))
    known = asked.copy()
    for t, month in enumerate(history.months):
        if month.of_year % 6 != 5:
            continue
        state = history.states[t]
        found = np.maximum(np.round(asked * np.exp(0.7 * (state.log_users - first.log_users))), 2)
        rows = np.flatnonzero((history.customer_until(t) > 20) & (np.abs(found / known - 1) > 0.05))
        when = history.starts_on(t).astype("datetime64[us]") + np.timedelta64(20 * 24 + 3, "h")
        text = found[rows].astype(int).astype(str).astype(object)
        changes.note(rows, np.full(len(rows), when), "employee_count", text)
        known[rows] = found[rows]
    return known


def _quiet(history: History, changes: Changes, end: np.datetime64) -> Dates:
    """Until when those who asked for it are to be left in peace; the last word counts."""
    until = np.full(len(history.numbers), np.datetime64("NaT"), dtype="datetime64[D]")
    for t in history.window:
        asks = (history.states[t + 1].since_refusal == 0) & asks_for_quiet(history.uniforms[t])
        rows = np.flatnonzero(asks & (history.customer_until(t) > 28))
        on = history.starts_on(t) + 28
        if on >= end or not len(rows):
            continue
        when = np.full(len(rows), on.astype("datetime64[us]") - np.timedelta64(8, "h"))
        changes.note(rows, when, "do_not_contact_until", np.full(len(rows), str(on + QUIET_DAYS), dtype=object))
        until[rows] = on + QUIET_DAYS
    return until
