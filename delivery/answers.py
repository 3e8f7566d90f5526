"""Answers read back from the workbook: renamed, re-saved, re-ordered or partly filled, by Excel or by LibreOffice.

A sheet is read where a row holds the titles of the account's id and of the answer, in either language, wherever they
stand; whatever else people have added is passed over. What cannot be taken is told by sheet and row, never guessed.
"""

import io
import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from data.catalog import Text
from data.errors import BadInput
from delivery import labels

FIELDS = ("account_id", "answer", "answer_reason", "snooze_until", "note")
LOOKED_AT = 30  # rows from a sheet's top in which its titles are looked for
AS_OF = re.compile(r"as_of=(\d{4}-\d{2}-\d{2})")
SHAPES = ("%Y-%m-%d", "%Y/%m/%d", "%d %B %Y", "%d %b %Y", "%d.%m.%Y", "%Y年%m月%d日")


@dataclass(frozen=True)
class Answer:
    """One account's row as it was filled in; `where` is its sheet and row, as `CSM-04!12`."""

    account_id: str
    answer: str
    reason: str | None
    snoozed_until: date | None
    note: str | None
    where: str


@dataclass(frozen=True)
class Read:
    """What a workbook says: the list's day (None where it no longer tells), answers, and a sentence for each row that
    could not be taken."""

    as_of: date | None
    answers: tuple[Answer, ...]
    refused: tuple[str, ...]


def read(content: bytes, *, name: str) -> Read:
    """Everything that was answered in a workbook. Raises BadInput where the file is none, or holds no sheet to answer
    on. An account that was answered on several sheets alike counts once; unlike, not at all."""
    import openpyxl

    try:
        with warnings.catch_warnings():
            # of parts of a workbook that it does not keep, as data bars or a chart: nothing is kept here
            warnings.simplefilter("ignore", UserWarning)
            book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError):
        raise BadInput(f"{name}: this is no Excel workbook (.xlsx); save it as one, and give it again.") from None
    found: list[Answer] = []
    refused: list[str] = []
    has_sheet = False
    for sheet in book.worksheets:
        titles = _titles(sheet)
        if titles is None:
            continue
        has_sheet = True
        for one in _rows(sheet, *titles):
            if isinstance(one, Answer):
                found.append(one)
            else:
                refused.append(one)
    if not has_sheet:
        titles_of = f"{labels.COLUMNS['account_id'].en!r} and {labels.COLUMNS['answer'].en!r}"
        raise BadInput(f"{name}: no sheet has the columns {titles_of}; give the workbook that the list came in.")
    kept, contrary = _once(found)
    return Read(_as_of(book), kept, (*refused, *contrary))


def _titles(sheet: Any) -> tuple[int, dict[str, int]] | None:
    """The row of the titles, from 1, and the column of each field, from 0; None where there is no such row."""
    for number, cells in enumerate(sheet.iter_rows(max_row=LOOKED_AT, values_only=True), start=1):
        said = {str(cell).strip(): i for i, cell in reversed(list(enumerate(cells))) if cell is not None}
        at = {}
        for field in FIELDS:
            title = labels.COLUMNS[field]
            if place := [said[word] for word in (title.en, title.ja) if word in said]:
                at[field] = place[0]
        if "account_id" in at and "answer" in at:
            return number, at
    return None


def _rows(sheet: Any, titled: int, at: dict[str, int]) -> Iterator[Answer | str]:
    for number, cells in enumerate(sheet.iter_rows(min_row=titled + 1, values_only=True), start=titled + 1):

        def cell(field: str, cells: Sequence[Any] = cells) -> Any:
            value = cells[at[field]] if field in at and at[field] < len(cells) else None
            return value.strip() or None if isinstance(value, str) else value

        account, said = cell("account_id"), cell("answer")
        until, reason = cell("snooze_until"), cell("answer_reason")
        if said is None and until is None and reason is None:
            continue
        where = f"{sheet.title}!{number}"
        yield _understood(where, account, said, reason, until, cell("note"))


def _understood(where: str, account: Any, said: Any, reason: Any, until: Any, note: Any) -> Answer | str:
    """The answer, or a sentence on what is wrong with it."""
    if account is None:
        return f"{where}: there is an answer but no account ID; put the ID back."
    answer = _word(labels.ANSWERS, said)
    if said is None:
        return f"{where}: {account} has a reason or a date but no answer; choose one."
    if answer is None:
        return f"{where}: {account}: {said!r} is none of the answers; choose one from the list."
    why = _word(labels.DECLINE_REASONS, reason)
    if reason is not None and why is None:
        return f"{where}: {account}: {reason!r} is none of the reasons; choose one from the list."
    day = _day(until)
    if until is not None and day is None:
        return f"{where}: {account}: {until!r} is no date that can be read; write it like 2026-07-31."
    if answer == "snoozed" and day is None:
        return f"{where}: {account} is snoozed, but not until when; give a date."
    told = None if note is None else str(note)
    return Answer(str(account), answer, why if answer == "declined" else None, day, told, where)


def _word(words: dict[str, Text], said: Any) -> str | None:
    """The id of a word in either language, whatever its case; an id is its own word."""
    text = str(said).strip().casefold()
    return next((name for name, word in words.items() if text in (word.en.casefold(), word.ja, name)), None)


def _day(value: Any) -> date | None:
    """A day as Excel keeps it, or as people type it.

    >>> _day("2026/7/31"), _day("31 Jul 2026"), _day("2026年7月31日"), _day("soon")
    (datetime.date(2026, 7, 31), datetime.date(2026, 7, 31), datetime.date(2026, 7, 31), None)
    """
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    for shape in SHAPES:
        try:
            return datetime.strptime(str(value).strip(), shape).date()
        except ValueError:
            continue
    return None


def _once(found: Sequence[Answer]) -> tuple[tuple[Answer, ...], list[str]]:
    by_account: dict[str, list[Answer]] = {}
    for one in found:
        by_account.setdefault(one.account_id, []).append(one)
    kept, contrary = [], []
    for account, mine in by_account.items():
        if len({(a.answer, a.reason, a.snoozed_until) for a in mine}) == 1:
            kept.append(mine[0])
        else:
            places = ", ".join(f"{a.where} ({a.answer})" for a in mine)
            contrary.append(f"{account} is answered differently on {places}; keep one of them.")
    return tuple(kept), contrary


def _as_of(book: Any) -> date | None:
    """The list's day: from the file's properties, else from a title."""
    if told := AS_OF.search(book.properties.description or ""):
        return date.fromisoformat(told.group(1))
    for sheet in book.worksheets:
        for cells in sheet.iter_rows(max_row=3, values_only=True):
            for cell in cells:
                parts = str(cell).split(" · ") if cell is not None else []
                if len(parts) > 1 and (day := _day(parts[-1])):
                    return day
    return None
