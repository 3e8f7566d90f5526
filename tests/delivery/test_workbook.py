"""The workbook: text stays text, answers are validated, no one held out, the same bytes each time."""

import io
import warnings
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

import openpyxl
import pandas as pd
import pytest

from data.catalog import Language, Text
from delivery import labels
from delivery.beside import Beside
from delivery.workbook import HEADER_ROW, LONGEST_ADDRESS, sheet_names, workbook
from tests.delivery.sample import NASTY, OWNERS, Week, make_week


def made(week: Week, language: Language = "en") -> bytes:
    return workbook(week.ranked, catalog=week.catalog, language=language, summary=week.summary)


def read(content: bytes) -> Any:
    with warnings.catch_warnings():
        # openpyxl knows no data bars of Excel 2010 and says that it drops them; nothing here reads them back.
        warnings.filterwarnings("ignore", message=".*extension is not supported", category=UserWarning)
        return openpyxl.load_workbook(io.BytesIO(content))


def table(sheet: Any) -> pd.DataFrame:
    """A list sheet as a frame, its titles as columns."""
    head, *rows = list(sheet.iter_rows(min_row=HEADER_ROW + 1, values_only=True))
    return pd.DataFrame(rows, columns=list(head))


@pytest.fixture(scope="module")
def week() -> Week:
    return make_week(120)


@pytest.fixture(scope="module")
def book(week: Week) -> Any:
    return read(made(week))


def test_two_runs_make_the_same_bytes(week: Week) -> None:
    assert made(week) == made(week)


def test_a_summary_all_accounts_and_a_sheet_per_owner(book: Any) -> None:
    owners = sorted(owner for owner in OWNERS if owner)
    assert book.sheetnames == ["Summary", "All accounts", *owners, "No CSM"]


def test_everyone_but_those_held_out_is_in_all_accounts(week: Week, book: Any) -> None:
    shown = week.ranked[week.ranked["assignment"] != "holdout"]
    assert table(book["All accounts"])["Account ID"].tolist() == shown["account_id"].tolist()
    held_out = set(week.ranked.loc[week.ranked["assignment"] == "holdout", "account_id"])
    assert held_out
    for sheet in book:
        assert not held_out & {cell.value for row in sheet.iter_rows() for cell in row}


def test_each_owner_gets_the_accounts_with_something_to_do_and_only_those(week: Week, book: Any) -> None:
    to_do = week.ranked[week.ranked["assignment"].isin(["contact", "nurture", "beyond_capacity"])]
    for owner in OWNERS:
        mine = to_do[to_do["owner_id"].isna() if owner is None else to_do["owner_id"] == owner]
        sheet = table(book["No CSM" if owner is None else owner])
        assert sorted(sheet["Account ID"]) == sorted(mine["account_id"])
        kinds = sheet["This week"].tolist()
        assert kinds == sorted(kinds, key=["Contact", "Help first", "Next in line"].index)


def test_what_accounts_like_it_did_stands_in_its_row(week: Week) -> None:
    account = week.ranked.loc[week.ranked["assignment"] == "contact", "account_id"].iloc[0]
    text = Text(en="14 of 20 added it", ja="20社のうち14社が追加")
    summary = replace(week.summary, capacity=(Text(en="In EMEA, one more", ja="EMEAでは"),))
    told = Beside(peers={account: text}, moved={account: text})
    book = read(workbook(week.ranked, catalog=week.catalog, language="ja", summary=summary, beside=told))
    rows = table(book[labels.SHEETS["all"].ja]).set_index("アカウントID")
    for column in ("似たお客様の動き", "変動の理由"):
        assert rows[column].dropna().to_dict() == {account: text.ja}
    cells = [cell.value for row in book.worksheets[0].iter_rows() for cell in row]
    assert "EMEAでは" in cells
    assert labels.PAGE["capacity"].ja in cells


def test_no_text_is_a_formula_and_names_are_as_they_are_spelled(book: Any) -> None:
    assert not [c for sheet in book for row in sheet.iter_rows() for c in row if c.data_type == "f"]
    assert table(book["All accounts"])["Account"].tolist()[: len(NASTY)] == list(NASTY)


def test_numbers_and_dates_are_numbers_and_dates(week: Week, book: Any) -> None:
    read_back = table(book["All accounts"])
    first = week.ranked.iloc[0]
    assert read_back["MRR"][0] == pytest.approx(first["mrr"])
    assert read_back["Contact by"][0] == first["contact_by_on"].to_pydatetime()
    (cell,) = [c for c in book["All accounts"][HEADER_ROW + 2] if c.value == read_back["MRR"][0]]
    assert "€" in cell.number_format


def test_a_name_leads_to_the_accounts_card(week: Week) -> None:
    ranked = week.ranked.copy()
    ranked.loc[0, "account_id"] = 'A&B #1"/ü'
    content = workbook(ranked, catalog=week.catalog, language="en", summary=week.summary)
    link = read(content)["All accounts"].cell(HEADER_ROW + 2, 2).hyperlink
    assert f"{link.target}#{link.location}" == "index.html#account=A%26B%20%231%22%2F%C3%BC"


def links(week: Week, crm_url: str, **changed: Any) -> list[tuple[Any, str | None]]:
    """The cells of all accounts' ids, and where they lead."""
    ranked = week.ranked.assign(**changed)
    content = workbook(ranked, catalog=week.catalog, language="en", summary=week.summary, crm_url=crm_url)
    sheet = read(content)["All accounts"]
    (column,) = [cell.column for cell in sheet[HEADER_ROW + 1] if cell.value == "Account ID"]
    cells = [sheet.cell(row, column) for row in range(HEADER_ROW + 2, sheet.max_row + 1)]
    assert all(cell.data_type == "s" for cell in cells)
    return [
        (c.value, c.hyperlink and c.hyperlink.target + (f"#{c.hyperlink.location}" if c.hyperlink.location else ""))
        for c in cells
    ]


def test_an_id_leads_to_its_record_in_the_crm_where_there_is_a_pattern(week: Week, book: Any) -> None:
    shown = week.ranked.loc[week.ranked["assignment"] != "holdout", "account_id"].tolist()
    assert links(week, "https://crm.example.com/a/{account_id}/view#top") == [
        (account, f"https://crm.example.com/a/{account}/view#top") for account in shown
    ]
    assert all(target is None for _, target in links(week, ""))
    titled = [cell.value for cell in book["Aiko Tanaka"][HEADER_ROW + 1]]
    content = workbook(
        week.ranked, catalog=week.catalog, language="en", summary=week.summary, crm_url="http://c/{account_id}"
    )
    with_link = [cell.value for cell in read(content)["Aiko Tanaka"][HEADER_ROW + 1]]
    assert sorted(with_link) == sorted(titled)
    assert with_link[2] == "Account ID"


def test_an_id_of_any_spelling_is_text_and_cannot_lead_elsewhere(week: Week) -> None:
    ids = [*NASTY, "../../x?y#z", "x" * 2_100]
    ids += [f"A{i}" for i in range(len(week.ranked) - len(ids))]
    found = dict(links(week, "https://crm.example.com/{account_id}", account_id=ids, assignment="contact"))
    assert list(found) == ids
    for account in ids:
        expected = f"https://crm.example.com/{quote(account, safe='')}"
        assert found[account] == (expected if len(expected) <= LONGEST_ADDRESS else None)
    assert found["x" * 2_100] is None


def test_beyond_what_excel_takes_names_and_ids_are_plain_text(week: Week, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("delivery.workbook.MOST_LINKS", 5)
    found = links(week, "https://crm.example.com/{account_id}")
    assert [target is not None for _, target in found] == [True] * 2 + [False] * (len(found) - 2)
    assert [account for account, _ in found] == [
        a for a, kind in zip(week.ranked["account_id"], week.ranked["assignment"], strict=True) if kind != "holdout"
    ]
    sheet = read(made(week))["All accounts"]
    names = [sheet.cell(row, 2) for row in range(HEADER_ROW + 2, sheet.max_row + 1)]
    assert [cell.hyperlink is not None for cell in names] == [True] * 5 + [False] * (len(names) - 5)
    assert names[7].value == NASTY[7]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_answers_are_validated_on_every_row_of_an_owners_sheet(week: Week, language: Language) -> None:
    sheet = read(made(week, language))["Aiko Tanaka"]
    at = {cell.value: cell.column_letter for cell in sheet[HEADER_ROW + 1]}
    rules = {str(rule.sqref): rule for rule in sheet.data_validations.dataValidation}
    span = f"{HEADER_ROW + 2}:{{0}}{sheet.max_row}"
    for title, words in (("answer", labels.ANSWERS), ("answer_reason", labels.DECLINE_REASONS)):
        letter = at[labels.COLUMNS[title][language]]
        rule = rules[letter + span.format(letter)]
        assert rule.type == "list"
        assert rule.formula1 == '"' + ",".join(text[language] for text in words.values()) + '"'
        assert rule.showErrorMessage
    letter = at[labels.COLUMNS["snooze_until"][language]]
    until = rules[letter + span.format(letter)]
    assert (until.type, until.operator) == ("date", "greaterThan")
    assert int(until.formula1) == (datetime(2026, 6, 1) - datetime(1899, 12, 30)).days


def test_sheets_can_be_sorted_filtered_and_read_with_the_head_in_sight(book: Any) -> None:
    for sheet in book.worksheets[1:]:
        assert not sheet.protection.sheet
        assert sheet.freeze_panes == f"C{HEADER_ROW + 2}"
        (only,) = sheet.tables.values()
        assert only.autoFilter is not None
        assert sheet.print_title_rows == f"${HEADER_ROW + 1}:${HEADER_ROW + 1}"


def test_help_first_says_why_not_to_sell(week: Week, book: Any) -> None:
    read_back = table(book["All accounts"]).set_index("Account ID")
    helped = week.ranked[week.ranked["assignment"] == "nurture"]
    assert len(helped)
    for row in helped.itertuples():
        assert read_back.loc[row.account_id, "Why"] == labels.GATES[row.blocked_by].name.en
        assert read_back.loc[row.account_id, "What would change that"] == labels.GATES[row.blocked_by].would_unblock.en


def test_a_company_without_owners_offers_or_contacts_still_gets_a_workbook(week: Week) -> None:
    nobody = week.ranked.assign(owner_id=None, assignment="none", offer_id=None, health_score=None, health_band=None)
    book = read(workbook(nobody, catalog=week.catalog, language="ja", summary=week.summary))
    assert book.sheetnames == ["概要", "全アカウント"]
    empty = read(workbook(nobody.iloc[:0], catalog=week.catalog, language="en", summary=week.summary))
    assert empty.sheetnames == ["Summary", "All accounts"]


def test_owners_whose_names_no_sheet_may_bear() -> None:
    names = sheet_names(["a/b", "A:B", "history", "[x]*?", "'quoted'", "田" * 40, "", ""])
    assert len({name.lower() for name in names}) == len(names)
    for name in names:
        assert 1 <= len(name) <= 31
        assert not set(name) & set("[]:*?/\\")
        assert name.lower() != "history"


def test_owners_with_such_names_get_their_sheets_and_the_summary_leads_there(week: Week) -> None:
    owners = pd.Series(["O'Hara / Ops", "=cmd", "x" * 60] * 40)
    content = workbook(week.ranked.assign(owner_id=owners), catalog=week.catalog, language="en", summary=week.summary)
    book = read(content)
    targets = {cell.hyperlink.location for row in book["Summary"].iter_rows() for cell in row if cell.hyperlink} - {
        None
    }
    for name in book.sheetnames[2:]:
        quoted = name.replace("'", "''")
        assert f"'{quoted}'!A1" in targets
