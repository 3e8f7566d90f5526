"""The workbook in LibreOffice: it opens, shows its text, runs none of it, and keeps its answers when saved again."""

import io
import subprocess
import warnings
import zipfile
from pathlib import Path

import openpyxl
import pytest

from delivery.workbook import HEADER_ROW, workbook
from tests.delivery.sample import NASTY, make_week

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
