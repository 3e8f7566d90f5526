"""Answers read back: from any state that people leave a workbook in, and nothing guessed."""

import io
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest

from data.catalog import Language
from data.errors import BadInput
from delivery import labels
from delivery.answers import Answer, read
from delivery.workbook import HEADER_ROW, workbook
from tests.delivery.sample import AS_OF, Week, make_week

OWNER = "Aiko Tanaka"


@pytest.fixture(scope="module")
def week() -> Week:
    return make_week(120)


def answered(week: Week, fill: Callable[[Any, dict[str, int]], None], language: Language = "en") -> bytes:
    """The list's workbook after somebody filled in the sheet of OWNER; `fill` gets it and the columns by field."""
    content = workbook(week.ranked, catalog=week.catalog, language=language, summary=week.summary)
    book = openpyxl.load_workbook(io.BytesIO(content))
    sheet = book[OWNER]
    titles = {cell.value: cell.column for cell in sheet[HEADER_ROW + 1]}
    fill(sheet, {name: titles[word[language]] for name, word in labels.COLUMNS.items() if word[language] in titles})
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


FIRST = HEADER_ROW + 2


def ids(week: Week) -> list[str]:
    to_do = week.ranked[week.ranked["assignment"].isin(["contact", "nurture", "beyond_capacity"])]
    mine = to_do[to_do["owner_id"] == OWNER]
    order = mine["assignment"].map(["contact", "nurture", "beyond_capacity"].index)
    return mine.assign(order=order).sort_values(["order", "rank"])["account_id"].tolist()


@pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")
@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_answer_comes_back_in_either_language(week: Week, language: Language) -> None:
    def fill(sheet: Any, at: dict[str, int]) -> None:
        words = list(labels.ANSWERS.values())
        for i, word in enumerate(words):
            sheet.cell(FIRST + i, at["answer"], word[language])
        sheet.cell(FIRST + 1, at["answer_reason"], labels.DECLINE_REASONS["price"][language])
        sheet.cell(FIRST + 2, at["snooze_until"], datetime(2026, 7, 31))
        sheet.cell(FIRST + 2, at["note"], "back in August")
        sheet.cell(FIRST + 9, at["note"], "a note alone is no answer")

    found = read(answered(week, fill, language), name="list.xlsx")
    assert found.as_of == AS_OF
    assert found.refused == ()
    assert [a.answer for a in found.answers] == list(labels.ANSWERS)
    assert [a.account_id for a in found.answers] == ids(week)[: len(labels.ANSWERS)]
    assert found.answers[1].reason == "price"
    assert found.answers[2] == Answer(
        ids(week)[2], "snoozed", None, date(2026, 7, 31), "back in August", f"{OWNER}!{FIRST + 2}"
    )


@pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")
def test_moved_columns_rows_and_titles_do_no_harm(week: Week) -> None:
    def fill(sheet: Any, at: dict[str, int]) -> None:
        sheet.cell(FIRST, at["answer"], "Accepted")
        rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=HEADER_ROW + 1)]
        sheet.delete_rows(1, sheet.max_row)
        sheet.title = "mine, sorted"
        sheet.append(["my own heading"])
        sheet.append(["colour", *reversed(rows[0])])  # columns the other way round, and one of their own
        for row in reversed(rows[1:]):
            sheet.append(["red", *reversed(row)])

    found = read(answered(week, fill), name="copy.xlsx")
    assert [(a.account_id, a.answer) for a in found.answers] == [(ids(week)[0], "accepted")]
    assert found.as_of == AS_OF  # of the file's properties


@pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")
def test_what_cannot_be_taken_is_told_by_sheet_and_row(week: Week) -> None:
    def fill(sheet: Any, at: dict[str, int]) -> None:
        sheet.cell(FIRST, at["answer"], "perhaps")
        sheet.cell(FIRST + 1, at["answer"], "Snoozed")
        sheet.cell(FIRST + 2, at["answer"], "Snoozed")
        sheet.cell(FIRST + 2, at["snooze_until"], "soon")
        sheet.cell(FIRST + 3, at["answer_reason"], "Price")
        sheet.cell(FIRST + 4, at["answer"], "Declined")
        sheet.cell(FIRST + 4, at["answer_reason"], "too blue")
        sheet.cell(FIRST + 5, at["answer"], "declined")
        sheet.cell(FIRST + 6, at["answer"], "Accepted")
        sheet.cell(FIRST + 6, at["account_id"]).value = None

    found = read(answered(week, fill), name="list.xlsx")
    mine = ids(week)
    assert [(a.account_id, a.answer, a.reason) for a in found.answers] == [(mine[5], "declined", None)]
    assert found.refused == (
        f"{OWNER}!{FIRST}: {mine[0]}: 'perhaps' is none of the answers; choose one from the list.",
        f"{OWNER}!{FIRST + 1}: {mine[1]} is snoozed, but not until when; give a date.",
        f"{OWNER}!{FIRST + 2}: {mine[2]}: 'soon' is no date that can be read; write it like 2026-07-31.",
        f"{OWNER}!{FIRST + 3}: {mine[3]} has a reason or a date but no answer; choose one.",
        f"{OWNER}!{FIRST + 4}: {mine[4]}: 'too blue' is none of the reasons; choose one from the list.",
        f"{OWNER}!{FIRST + 6}: there is an answer but no account ID; put the ID back.",
    )


@pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")
def test_a_copy_of_a_sheet_counts_once_and_a_contrary_one_not_at_all(week: Week) -> None:
    def fill(sheet: Any, at: dict[str, int]) -> None:
        sheet.cell(FIRST, at["answer"], "Accepted")
        sheet.cell(FIRST + 1, at["answer"], "Accepted")
        copy = sheet.parent.copy_worksheet(sheet)
        copy.cell(FIRST + 1, at["answer"], "Declined")

    found = read(answered(week, fill), name="list.xlsx")
    assert [a.account_id for a in found.answers] == ids(week)[:1]
    (sentence,) = found.refused
    assert sentence.startswith(f"{ids(week)[1]} is answered differently on {OWNER}!{FIRST + 1} (accepted), ")


def test_no_workbook_and_no_sheet_to_answer_on() -> None:
    with pytest.raises(BadInput, match="this is no Excel workbook"):
        read(b"name,answer\n", name="list.csv")
    kept = io.BytesIO()
    openpyxl.Workbook().save(kept)
    with pytest.raises(BadInput, match="no sheet has the columns 'Account ID' and 'Answer'"):
        read(kept.getvalue(), name="other.xlsx")
