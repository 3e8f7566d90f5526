"""From a workbook of answers to the store, and from the store to the tables of the next run."""

import io
import json
import shutil
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.contract import ACCOUNT_CHANGES, ACCOUNTS, PROPOSALS
from data.errors import BadInput
from data.sources import connect
from delivery.outputs import RANKED_ACCOUNTS
from delivery.workbook import workbook
from pipelines import answered, entries, ledger, paths, seals
from pipelines.feedback import feedback
from tests.delivery.sample import AS_OF, Week, make_week

PROJECT = Path(__file__).parents[2]
TODAY = date(2026, 6, 4)
pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")


@pytest.fixture(scope="module")
def week() -> Week:
    made = make_week(120)
    is_drawn = made.ranked["assignment"] == "contact"
    return replace(made, ranked=made.ranked.assign(pscore=made.ranked["pscore"].mask(is_drawn, 0.93)))


@pytest.fixture
def place(week: Week, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose ledger holds the week's list."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(PROJECT / "params.yaml", tmp_path)
    listed = pa.BufferOutputStream()
    pq.write_table(RANKED_ACCOUNTS.table(week.ranked), listed)
    told = {"as_of": str(AS_OF), "outputs_sha256": {}}
    files = {"ranked_accounts.parquet": listed.getvalue().to_pybytes(), "manifest.json": json.dumps(told).encode()}
    ledger.keep(files, AS_OF, None)
    return tmp_path


def filled(week: Week, answers: dict[str, tuple[Any, ...]]) -> Path:
    """The week's workbook with answers by account: (answer, reason, until)."""
    content = workbook(week.ranked, catalog=week.catalog, language="en", summary=week.summary)
    book = openpyxl.load_workbook(io.BytesIO(content))
    for sheet in book.worksheets[2:]:
        titles = {cell.value: cell.column for cell in sheet[3]}
        for row in range(4, sheet.max_row + 1):
            if told := answers.get(sheet.cell(row, titles["Account ID"]).value):
                for title, value in zip(("Answer", "Reason, if declined", "Snoozed until"), told, strict=False):
                    sheet.cell(row, titles[title], value)
    file = Path("answers.xlsx")
    book.save(file)
    return file


def of(week: Week, assignment: str, n: int) -> list[str]:
    found: list[str] = week.ranked.loc[week.ranked["assignment"] == assignment, "account_id"].tolist()
    return found[:n]


def test_twice_the_same_file_changes_nothing_the_second_time(week: Week, place: Path) -> None:
    a, b, c, d = of(week, "contact", 4)
    (waiting,) = of(week, "beyond_capacity", 1)
    file = filled(
        week,
        {a: ("Accepted",), b: ("Declined", "Price"), c: ("Snoozed", None, datetime(2026, 9, 1)),
         d: ("Already in talks",), waiting: ("Accepted",)},
    )  # fmt: skip
    first = feedback(file, today=TODAY)
    n_held_out = int((week.ranked["assignment"] == "holdout").sum())
    assert (first.n_new, first.n_changed, first.n_held_out) == (5, 0, n_held_out)
    kept = paths.ANSWERS.read_bytes()
    said = {line["account_id"]: line for line in entries.read(paths.LEDGER)}
    assert {line["kind"] for line in said.values()} == {"answer"}
    assert (said[b]["value"], said[b]["why"], said[c]["until"]) == ("declined", "price", "2026-09-01")
    again = feedback(file, today=date(2026, 6, 9))
    assert (again.n_new, again.n_changed, again.n_held_out) == (0, 0, 0)
    assert paths.ANSWERS.read_bytes() == kept
    assert len(entries.read(paths.LEDGER)) == 5
    assert seals.verify(paths.LEDGER) == []
    rows = answered.read().set_index("account_id")
    ranked = week.ranked.set_index("account_id")
    assert rows.loc[a, "pscore"] == ranked.loc[a, "pscore"]
    assert pd.isna(rows.loc[waiting, "pscore"])  # nobody drew it: a person chose
    assert rows.loc[d, "wait_until"] == pd.Timestamp("2026-07-01")
    assert (rows.loc[of(week, "holdout", 99), "answer"] == "held_out").all()


def test_an_answer_that_changed_takes_the_place_of_the_earlier_one(week: Week, place: Path) -> None:
    a, b = of(week, "contact", 2)
    feedback(filled(week, {a: ("Snoozed", None, datetime(2026, 9, 1)), b: ("Accepted",)}), today=TODAY)
    told = feedback(filled(week, {a: ("Declined", "No need"), b: ("Accepted",)}), today=date(2026, 6, 20))
    assert (told.n_new, told.n_changed) == (0, 1)
    rows = answered.read().set_index("account_id")
    assert rows.loc[a, ["answer", "reason"]].tolist() == ["declined", "no_need"]
    assert pd.isna(rows.loc[a, "wait_until"])
    assert rows.loc[b, "answered_on"] == pd.Timestamp(TODAY)


def test_rows_that_cannot_be_taken_are_told_and_the_others_kept(week: Week, place: Path) -> None:
    a, b = of(week, "contact", 2)
    file = filled(week, {a: ("Accepted",), b: ("Snoozed", None, datetime(2026, 6, 1))})
    book = openpyxl.load_workbook(file)
    sheet = book.worksheets[2]
    titles = {cell.value: cell.column for cell in sheet[3]}
    row = sheet.max_row + 1
    for title, value in (("Account ID", of(week, "holdout", 1)[0]), ("Answer", "Accepted")):
        sheet.cell(row, titles[title], value)
    book.save(file)
    told = feedback(file, today=TODAY, is_dry=True)
    assert not paths.ANSWERS.exists()
    assert [sentence.split(": ", 1)[1] for sentence in told.refused if "over" in sentence] == [
        f"{b} is snoozed until 2026-06-01, which is over; correct it."
    ]
    assert any("is not on the list of 2026-06-01" in sentence for sentence in told.refused)
    assert "1 new, 0 changed, 0 known already." in told.as_text()
    assert "2 not taken:" in told.as_text()


@pytest.mark.parametrize(
    ("as_of", "today", "says"),
    [(date(2026, 6, 8), TODAY, "later than today"), (date(2026, 5, 25), TODAY, "no list of 2026-05-25 was delivered")],
)
def test_of_a_list_that_was_never_delivered(week: Week, place: Path, as_of: date, today: date, says: str) -> None:
    file = filled(week, {of(week, "contact", 1)[0]: ("Accepted",)})
    with pytest.raises(BadInput, match=says):
        feedback(file, as_of=as_of, today=today)
    with pytest.raises(BadInput, match="there is no such file"):
        feedback(Path("gone.xlsx"), today=today)


def test_answers_join_proposals_and_waits_the_accounts(week: Week, place: Path) -> None:
    a, b, c = of(week, "contact", 3)
    told = {a: ("Declined", "Price"), b: ("Snoozed", None, datetime(2026, 9, 1)), c: ("Wrong contact",)}
    feedback(filled(week, told), today=TODAY)
    rows = answered.read()
    engine = connect()
    known = [a, b, c, *of(week, "holdout", 1)]
    schemas = {table.name: table.arrow_schema() for table in (ACCOUNTS, ACCOUNT_CHANGES, PROPOSALS)}
    held = [{"account_id": account, "do_not_contact_until": None} for account in known]
    held[1]["do_not_contact_until"] = date(2026, 12, 24)  # b
    empty = {name: [] for name in schemas}
    for name, rows_of in (empty | {"accounts": held}).items():
        engine.register(name, pa.Table.from_pylist(rows_of, schema=schemas[name]))
    clean = {name: f"SELECT * FROM {name}" for name in schemas}  # noqa: S608  the contract's own names
    found = answered.joined(clean, engine, rows)
    log = engine.sql(found["proposals"]).df().set_index("account_id")
    assert set(log.index) == {a, b, *of(week, "holdout", 1)}  # accounts that the company does not know are left out
    assert log.loc[a, ["outcome", "reason"]].tolist() == ["declined", "price"]
    assert log.loc[a, "decided_at"] == pd.Timestamp("2026-06-04 12:00")
    assert log.loc[b, "outcome"] == "open"
    assert log.loc[b, "decided_at"] == pd.Timestamp("2026-08-31 12:00")  # on 1 September it may be made again
    assert log.loc[of(week, "holdout", 1)[0], ["offer_id", "outcome"]].tolist() == ["none", "no_response"]
    held_out = week.ranked.set_index("account_id").loc[of(week, "holdout", 1)[0]]
    assert log.loc[of(week, "holdout", 1)[0], "pscore"] == pytest.approx(held_out["pscore"])
    until = engine.sql(found["accounts"]).df().set_index("account_id")["do_not_contact_until"]
    assert until[b] == pd.Timestamp("2026-12-24")  # the later one holds
    assert until.drop(b).isna().all()
    changes = engine.sql(found["account_changes"]).df()
    assert changes[["account_id", "field", "value"]].values.tolist() == [[b, "do_not_contact_until", "2026-09-01"]]
    # a proposal that the company itself keeps by that id stays as it stands there
    own = log.reset_index().assign(outcome="accepted")[schemas["proposals"].names]
    engine.register("own", own)
    again = engine.sql(answered.joined({**clean, "proposals": "SELECT * FROM own"}, engine, rows)["proposals"]).df()
    assert again.set_index("account_id").loc[a, "outcome"] == "accepted"
    assert not again.duplicated("proposal_id").any()


def test_nobody_has_answered(place: Path) -> None:
    clean = {"accounts": "SELECT 1"}
    assert answered.joined(clean, connect()) == clean
