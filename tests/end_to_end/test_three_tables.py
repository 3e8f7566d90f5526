"""A company that has nothing but what is required: three CSV files, no column that may be null, no metrics.

From its tables to the list, the page and the workbook, a week with the champion, and the first answer.
"""

import io
import json
import subprocess
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from data.contract import RAW_TABLES
from delivery import outputs
from delivery.workbook import HEADER_ROW
from pipelines import company
from pipelines.params import Params
from tests.end_to_end.conftest import PROJECT, SMALL

Run = Callable[..., subprocess.CompletedProcess[str]]
REQUIRED = [table for table in RAW_TABLES.values() if table.is_required]
pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")
# All stages in one process, since what takes longest is to import.
STAGES = """
import importlib, pathlib, yaml

for name in yaml.safe_load(pathlib.Path("dvc.yaml").read_text())["stages"]:
    importlib.import_module(f"pipelines.{name}").main()
"""


def tables(small: Path, folder: Path) -> Path:
    """The small company's required tables as CSV, without a column that the contract lets be null."""
    folder.mkdir()
    for table in REQUIRED:
        rows = pd.read_parquet(small / f"data/lake/company/{table.name}.parquet")
        # a period without an end is one that runs: this column may be null, and is needed all the same
        kept = [name for name, column in table.columns.items() if not column.nullable or name == "valid_to_on"]
        rows[kept].to_csv(folder / f"{table.name}.csv", index=False)
    return folder


def catalog() -> dict[str, Any]:
    """The project's, of a company that meters nothing: no limits but seats, nothing said of them."""
    found: dict[str, Any] = yaml.safe_load((PROJECT / "catalog.yaml").read_text(encoding="utf-8"))
    found["metrics"] = []
    for product in [*found["plans"], *found["add_ons"]]:
        product["limits"] = {name: limit for name, limit in product.get("limits", {}).items() if name == "seats"}
    for offer in found["offers"]:
        conditions = offer.get("applicable", [])
        offer["applicable"] = [one for one in conditions if not one["when"].startswith("limit_")]
    return found


@pytest.fixture(scope="module")
def three(small: Path, run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its workspace after every stage."""
    place = tmp_path_factory.mktemp("three")
    own = place / "company"
    own.mkdir()
    params = company.merged(SMALL, {
        "run": {"company": "Three Tables"}, "simulate": {"accounts": 0}, "ingest": {"folder": "source"},
        "evaluate": {"rule_feature": "adoption_rate"},
    })  # fmt: skip
    (own / "params.yaml").write_text(yaml.safe_dump(params))
    (own / "catalog.yaml").write_text(yaml.safe_dump(catalog(), allow_unicode=True))
    (own / "sources.yaml").write_text("accounts: {path: accounts.csv, constants: {has_opted_in: true}}\n")
    workspace = company.prepare(PROJECT, own, tables(small, place / "tables"))
    (workspace / "stages.py").write_text(STAGES)
    told = run(workspace, "pipelines.preflight")
    assert told.returncode == 0, told.stderr
    told = run(workspace, "stages")
    assert told.returncode == 0, told.stderr
    return workspace


def workbook(file: Path) -> Any:
    return openpyxl.load_workbook(io.BytesIO(file.read_bytes()))  # given a path, openpyxl leaves the file open


def test_there_is_a_list_and_it_sells(three: Path) -> None:
    for output in outputs.OUTPUTS:
        assert pq.read_table(three / f"reports/weekly/{output.name}.parquet").schema.equals(output.schema)
    ranked = pd.read_parquet(three / "reports/weekly/ranked_accounts.parquet")
    contact = ranked[ranked["assignment"] == "contact"]
    # nobody has an owner: so many as there is room for without one, less who was drawn out
    params = Params.parse(yaml.safe_load((three / "params.yaml").read_text()), file="params.yaml")
    assert 3 <= len(contact) <= params.decide.capacity_without_owner
    assert contact["offer_id"].notna().all()
    assert contact["reason_1"].str.startswith(("▲", "▼")).all()
    assert ranked["p_accept"].isna().all()  # no answers to learn from, and none is made up
    assert "0 answered proposals" in json.loads((three / "reports/response.json").read_text())["note"]


def test_nothing_is_said_of_what_is_not_there(three: Path) -> None:
    reasons = pd.read_parquet(three / "reports/weekly/reasons.parquet")
    of_absent = {"limits", "support", "sentiment", "relationship", "life", "proposals"}
    assert set(reasons["group"].dropna()) & of_absent == set()
    triggers = pd.read_parquet(three / "reports/weekly/triggers.parquet")["trigger"]
    assert len(triggers) > 20
    assert not triggers.str.startswith(("limit_", "renewal_", "promoter", "life_event", "executive")).any()
    gates = set(pd.read_parquet(three / "reports/weekly/ranked_accounts.parquet")["blocked_by"].dropna())
    assert gates & {"no_consent", "do_not_contact", "serious_ticket", "recent_refusal", "contact_limit"} == set()


def test_what_is_not_there_is_told_once(three: Path) -> None:
    told = json.loads((three / "reports/validation.json").read_text())
    assert set(told["missing"]) == {table.name for table in RAW_TABLES.values() if not table.is_required}
    assert "owner_id" in told["tables"]["accounts"]["absent_columns"]


def test_page_and_workbook_show_it(three: Path) -> None:
    ranked = pd.read_parquet(three / "reports/weekly/ranked_accounts.parquet")
    first = ranked.loc[ranked["rank"] == 1, "account_name"].iloc[0]
    page = (three / "reports/weekly/index.html").read_text(encoding="utf-8")
    assert first in page
    assert "Three Tables" in page
    book = workbook(three / "reports/weekly/ranked_accounts.xlsx")
    assert book.sheetnames[1:] == ["All accounts", "No CSM"]
    cells = {
        str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row if cell is not None
    }
    assert first in cells
    assert cells & {"nan", "NaN", "NaT", "None", "<NA>"} == set()


def test_the_champion_makes_the_same_week_of_it(three: Path, run: Run) -> None:
    by_stages = (three / "reports/weekly/ranked_accounts.parquet").read_bytes()
    told = run(three, "pipelines.cli", "weekly", "--as-of", "2026-06-01")
    assert told.returncode == 0, told.stderr
    assert (three / "ledger/2026-06-01/ranked_accounts.parquet").read_bytes() == by_stages


def test_its_first_answer_begins_its_log(three: Path, run: Run) -> None:
    file = three / "answered.xlsx"
    book = workbook(three / "reports/weekly/ranked_accounts.xlsx")
    sheet = book["No CSM"]
    at = {cell.value: cell.column for cell in sheet[HEADER_ROW + 1]}
    account = sheet.cell(HEADER_ROW + 2, at["Account ID"]).value
    sheet.cell(HEADER_ROW + 2, at["Answer"], "Snoozed")
    sheet.cell(HEADER_ROW + 2, at["Snoozed until"], datetime(2026, 7, 1))
    book.save(file)
    told = run(three, "pipelines.cli", "feedback", str(file), "--on", "2026-06-02")
    assert told.returncode == 0, told.stderr
    told = run(three, "pipelines.ingest")
    assert told.returncode == 0, told.stderr
    log = pd.read_parquet(three / "data/lake/staged/proposals.parquet")
    assert log.loc[log["account_id"] == account, "outcome"].tolist() == ["open"]
    n_held_out = (pd.read_parquet(three / "reports/weekly/ranked_accounts.parquet")["assignment"] == "holdout").sum()
    assert (log["offer_id"] == "none").sum() == n_held_out > 0
    until = pd.read_parquet(three / "data/lake/staged/accounts.parquet").set_index("account_id")["do_not_contact_until"]
    assert until.dropna().to_dict() == {account: date(2026, 7, 1)}
