"""`upsell feedback FILE.xlsx`: what CSMs answered in the workbook, into the store of answers.

The store is answers/answers.csv, one row per account and week; the next run joins it to `proposals` and to the
accounts' `do_not_contact_until` (pipelines/answered.py). A file that is read twice changes nothing the second time; an
answer that has changed takes the place of the earlier one. With the first answers to a week come the accounts that its
list held out, which nobody sees: without them nothing could be learnt of what the list brings. Each answer is a line of
the ledger, too (pipelines/entries.py).
"""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from data import answers as store
from data.errors import BadInput
from delivery import answers
from pipelines import answered, ledger, paths
from pipelines.params import Params
from pipelines.seals import Entry

OF_LIST = ("account_id", "owner_id", "offer_id", "channel", "discount_pct", "pscore", "assignment")
KEY = ["as_of", "account_id"]
DRAWN = ("contact", "holdout")  # a machine chose these, by its pscore; a person chose the others


@dataclass(frozen=True)
class Understood:
    """What a file says of a week's list, and what that changes in the store. rows: as the store keeps them."""

    as_of: date
    rows: pd.DataFrame
    n_new: int
    n_changed: int
    n_held_out: int
    refused: tuple[str, ...]

    def as_text(self) -> str:
        """For the terminal: what was understood, then what was not."""
        count = self.rows["answer"].value_counts().to_dict()
        lines = [f"Answers to the list of {self.as_of}: {sum(count.values())} understood."]
        lines += [f"  {str(name).replace('_', ' ')}: {n}" for name, n in sorted(count.items())]
        n_known = len(self.rows) - self.n_new - self.n_changed
        lines.append(f"{self.n_new} new, {self.n_changed} changed, {n_known} known already.")
        if self.n_held_out:
            lines.append(f"{self.n_held_out} accounts of the holdout are now known to learning.")
        if self.refused:
            lines.append(f"{len(self.refused)} not taken:")
            lines += [f"  {sentence}" for sentence in self.refused]
        return "\n".join(lines)


def feedback(file: Path, *, as_of: date | None = None, today: date, is_dry: bool = False) -> Understood:
    """Read a workbook of answers and keep them. as_of: where the file no longer says whose list it is.

    today: the day on which the answers became known. Raises BadInput where the file or its list is not as it should
    be; nothing is written then, nor where `is_dry`.
    """
    if not file.is_file():
        raise BadInput(f"{file}: there is no such file; give the workbook that was answered in.")
    said = answers.read(file.read_bytes(), name=str(file))
    day = as_of or said.as_of
    if day is None:
        raise BadInput(f"{file}: it does not say of which week its list is; add --as-of.")
    if today < day:
        raise BadInput(f"{file}: its list is of {day}, which is later than today ({today}); correct --as-of.")
    ledger.keep_found()
    listed = ledger.of_week(day, list(OF_LIST))
    if listed is None:
        raise BadInput(f"{file}: no list of {day} was delivered here ({paths.LEDGER}/ has none); correct --as-of.")
    wait_days = Params.load().feedback.in_talks_days
    by_account = {str(row["account_id"]): row for row in listed.to_dict("records")}
    rows, refused = [], list(said.refused)
    for one in said.answers:
        row = by_account.get(one.account_id)
        if row is None or row["assignment"] == "holdout":
            refused.append(f"{one.where}: {one.account_id} is not on the list of {day}; correct the ID.")
        elif one.snoozed_until is not None and one.snoozed_until <= day:
            until = one.snoozed_until
            refused.append(f"{one.where}: {one.account_id} is snoozed until {until}, which is over; correct it.")
        elif not isinstance(row["offer_id"], str) and one.answer in ("accepted", "declined"):
            refused.append(f"{one.where}: {one.account_id} had no offer on the list; leave the answer empty.")
        else:
            rows.append(_kept(one, row, day, today, wait_days))
    found = pd.DataFrame(rows, columns=list(store.COLUMNS))
    return _merged(found, _held_out(listed, day, today), day, tuple(refused), is_dry=is_dry)


def _kept(one: answers.Answer, row: dict[Any, Any], day: date, today: date, wait_days: int) -> dict[str, Any]:
    wait = one.snoozed_until
    if one.answer == "already_in_talks" and wait is None:
        wait = day + timedelta(days=wait_days)
    is_drawn = row["assignment"] in DRAWN and row["pscore"] < 1
    return {
        **{name: row[name] for name in ("account_id", "owner_id", "offer_id", "channel", "discount_pct")},
        "as_of": day, "pscore": row["pscore"] if is_drawn else None, "answer": one.answer, "reason": one.reason,
        "wait_until": wait, "answered_on": today, "note": one.note,
    }  # fmt: skip


def _held_out(listed: pd.DataFrame, day: date, today: date) -> pd.DataFrame:
    rows = listed[listed["assignment"] == "holdout"]
    told = rows[["account_id", "owner_id", "offer_id", "channel", "discount_pct", "pscore"]]
    return told.assign(as_of=day, answer="held_out", reason=None, wait_until=None, answered_on=today, note=None)


def _merged(
    found: pd.DataFrame, held_out: pd.DataFrame, day: date, refused: tuple[str, ...], *, is_dry: bool
) -> Understood:
    """The store with these rows in it. What is known already stays, with the day on which it was first known."""
    before, fresh = answered.read().set_index(KEY), _typed(found).set_index(KEY)
    is_known = fresh.index.isin(before.index)
    same = _told(fresh[is_known]).to_numpy() == _told(before.loc[fresh.index[is_known]]).to_numpy()
    changed = fresh[is_known][~same]
    new = fresh[~is_known]
    held = _typed(held_out).set_index(KEY) if len(fresh) else fresh
    held = held[~held.index.isin(before.index)]
    if (len(new) or len(changed) or len(held)) and not is_dry:
        stays = before[~before.index.isin(changed.index)]
        kept = pd.concat([part.astype("object") for part in (stays, changed, new, held) if len(part)]).reset_index()
        _write(kept)
        _entered(pd.concat([new, changed]).reset_index(), day)
    return Understood(day, fresh.reset_index(), len(new), len(changed), len(held), refused)


def _entered(rows: pd.DataFrame, day: date) -> None:
    """A line of the ledger for each answer that is new or changed, beside the list that it answers."""
    entry = Entry(paths.LEDGER / str(day))
    for row in rows.astype("object").where(rows.notna(), None).to_dict("records"):
        until = row["wait_until"]
        ledger.record(
            "answer",
            entry,
            {
                "account_id": row["account_id"],
                "who": row["owner_id"] or "(nobody's account)",
                "why": row["reason"] or row["note"],
                "value": row["answer"],
                "about": {"offer_id": row["offer_id"], "discount_pct": row["discount_pct"]},
                "until": f"{until:%Y-%m-%d}" if until else None,
            },
        )


def _typed(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[list(store.COLUMNS)].assign(**{name: pd.to_datetime(rows[name]) for name in store.DAYS})


def _told(rows: pd.DataFrame) -> pd.Series:
    """What was answered, as one text per row."""
    told = rows[["answer", "reason", "wait_until", "note"]].astype("object")
    return told.where(told.notna(), "").astype("str").agg("|".join, axis=1)


def _write(rows: pd.DataFrame) -> None:
    rows = rows[list(store.COLUMNS)].sort_values(["as_of", "account_id"], kind="stable")
    days = {name: pd.to_datetime(rows[name]).dt.strftime("%Y-%m-%d") for name in store.DAYS}
    paths.ANSWERS.parent.mkdir(parents=True, exist_ok=True)
    beside = paths.ANSWERS.with_suffix(".partial")
    rows.assign(**days).to_csv(beside, index=False)
    beside.replace(paths.ANSWERS)
