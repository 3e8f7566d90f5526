"""The workbook in LibreOffice: it opens, shows its text, runs none of it, and keeps its answers when saved again."""

import io
import subprocess
import warnings
import zipfile
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest

from delivery.answers import read
from delivery.workbook import HEADER_ROW, workbook
from tests.delivery.sample import AS_OF, NASTY, make_week

pytestmark = pytest.mark.system


def converted(content: bytes, to: str, folder: Path) -> Path:
    source = folder / "in" / "list.xlsx"
    source.parent.mkdir()
    source.write_bytes(content)
    subprocess.run(
        ["soffice", f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless", "--convert-to", to,
         "--outdir", str(folder), str(source)],
        check=True, capture_output=True, timeout=180,
    )  # fmt: skip
    return folder / f"list.{to}"


def test_the_printed_workbook_shows_names_as_text_in_both_scripts(tmp_path: Path) -> None:
    week = make_week(60, language="ja")
    content = workbook(week.ranked, catalog=week.catalog, language="ja", summary=week.summary)
    pdf = converted(content, "pdf", tmp_path)
    text = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], check=True, capture_output=True).stdout.decode()
    for shown in ("今週ご連絡するお客様", "株式会社サンプル製作所", "<script>alert(1)</script>", "Aiko Tanaka"):
        assert shown in text
    assert "#NAME" not in text
    assert "Err:" not in text


def test_saved_again_it_keeps_text_as_text_and_the_lists_to_answer_from(tmp_path: Path) -> None:
    week = make_week(60)
    content = workbook(week.ranked, catalog=week.catalog, language="en", summary=week.summary)
    again = converted(content, "xlsx", tmp_path).read_bytes()
    assert zipfile.is_zipfile(io.BytesIO(again))
    with warnings.catch_warnings():
        # openpyxl knows no data bars of Excel 2010 and says that it drops them; nothing here reads them back.
        warnings.filterwarnings("ignore", message=".*extension is not supported", category=UserWarning)
        book = openpyxl.load_workbook(io.BytesIO(again))
    assert not [c for sheet in book for row in sheet.iter_rows() for c in row if c.data_type == "f"]
    names = [row[1].value for row in book["All accounts"].iter_rows(min_row=HEADER_ROW + 2)]
    assert names[: len(NASTY)] == list(NASTY)
    kinds = [rule.type for rule in book["Aiko Tanaka"].data_validations.dataValidation]
    assert sorted(kinds) == ["date", "list", "list"]


@pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")
def test_answers_given_in_a_file_that_it_saved_come_back(tmp_path: Path) -> None:
    week = make_week(60)
    book = openpyxl.load_workbook(
        io.BytesIO(workbook(week.ranked, catalog=week.catalog, language="ja", summary=week.summary))
    )
    sheet = book["Aiko Tanaka"]
    at = {cell.value: cell.column for cell in sheet[HEADER_ROW + 1]}
    first, second = (sheet.cell(HEADER_ROW + 2 + i, at["アカウントID"]).value for i in range(2))
    sheet.cell(HEADER_ROW + 2, at["結果"], "承諾")
    sheet.cell(HEADER_ROW + 3, at["結果"], "保留")
    sheet.cell(HEADER_ROW + 3, at["再連絡日"], datetime(2026, 7, 31))
    kept = io.BytesIO()
    book.save(kept)
    found = read(converted(kept.getvalue(), "xlsx", tmp_path).read_bytes(), name="again.xlsx")
    assert found.refused == ()
    assert found.as_of == AS_OF
    assert [(a.account_id, a.answer, a.snoozed_until) for a in found.answers] == [
        (first, "accepted", None), (second, "snoozed", date(2026, 7, 31)),
    ]  # fmt: skip
