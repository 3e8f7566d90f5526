"""A list is answered in its workbook, the answers are read back, and two Mondays and a training follow."""

import io
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
import yaml

from delivery.workbook import HEADER_ROW
from pipelines import answered, ingest, respond
from pipelines.params import Params
from tests.delivery.test_in_libreoffice import converted

Run = Callable[..., subprocess.CompletedProcess[str]]
LISTED, NEXT, AFTER = date(2026, 6, 1), date(2026, 6, 8), date(2026, 6, 15)
IN_TALKS_DAYS = 10
BACK = "Kopie von ranked_accounts (2).xlsx"
ASKED = ["owner_id", "offer_id", "assignment", "blocked_by", "would_unblock"]
ROWS_FROM = HEADER_ROW + 2
SAID: dict[str, dict[str, Any]] = {
    "accepted": {"Answer": "Accepted"},
    "declined": {"Answer": "Declined", "Reason, if declined": "Price"},
    "snoozed": {"Answer": "Snoozed", "Snoozed until": datetime(2026, 6, 12)},
    "already_in_talks": {"Answer": "Already in talks"},
    "wrong_contact": {"Answer": "Wrong contact", "Note": "Left the company; ask the office"},
    "nonsense": {"Answer": "Perhaps"},
}
pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")


@dataclass(frozen=True)
class Walk:
    """The workspace after all of it, the account of each answer, and what `upsell feedback` said, once and again."""

    workspace: Path
    account: dict[str, str]
    told: subprocess.CompletedProcess[str]
    again: subprocess.CompletedProcess[str]
    store: bytes  # after the first time

    def row(self, answer: str, as_of: date) -> dict[str, Any]:
        """What the list of a week says of the account that gave this answer."""
        ranked = pd.read_parquet(self.workspace / "ledger" / str(as_of) / "ranked_accounts.parquet")
        found = ranked.loc[ranked["account_id"] == self.account[answer], ASKED].iloc[0]
        return {name: None if pd.isna(value) else value for name, value in found.items()}


def two_more_weeks(company: Path) -> None:
    """Use goes on as in the last two weeks, so that two more can be scored."""
    for table, day in (("usage", "used_on"), ("meters", "measured_on")):
        rows = pd.read_parquet(company / f"{table}.parquet")
        late = rows[rows[day] >= LISTED - timedelta(days=14)]
        more = late.assign(**{day: [on + timedelta(days=14) for on in late[day]]})
        pd.concat([rows, more]).to_parquet(company / f"{table}.parquet")


def steady(workspace: Path) -> list[str]:
    """Accounts to contact whom nobody has asked for half a year, and whose use is not falling: nothing but an answer
    keeps them off the next lists."""
    ranked = pd.read_parquet(workspace / "reports/weekly/ranked_accounts.parquet")
    asked = pd.read_parquet(workspace / "data/lake/company/proposals.parquet")
    lately = asked.loc[asked["proposed_at"] >= pd.Timestamp("2025-12-01"), "account_id"]
    current = pd.read_parquet(workspace / "data/lake/features/current.parquet").set_index("account_id")
    rows = ranked[(ranked["assignment"] == "contact") & ranked["owner_id"].notna()]
    rows = rows[~rows["account_id"].isin(lately) & (rows["account_id"].map(current["use_change_28d"]) > -0.1)]
    found: list[str] = rows["account_id"].tolist()
    return found


def workbook(file: Path) -> Any:
    return openpyxl.load_workbook(io.BytesIO(file.read_bytes()))  # given a path, openpyxl leaves the file open


def answer(file: Path, said: dict[str, dict[str, Any]], back: Path) -> None:
    """The workbook as it comes back: answered by account, and every CSM's rows in another order."""
    book = workbook(file)
    for sheet in book.worksheets[2:]:
        titles = [cell.value for cell in sheet[HEADER_ROW + 1]]
        rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=ROWS_FROM)]
        for number, row in enumerate(reversed(rows), start=ROWS_FROM):
            told = dict(zip(titles, row, strict=True))
            told |= said.get(told["Account ID"], {})
            for column, title in enumerate(titles, start=1):
                sheet.cell(number, column).value = told[title]
    book.save(back)


@pytest.fixture(scope="module")
def walk(small: Path, run: Run, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    place = tmp_path_factory.mktemp("answers") / "walk"
    shutil.copytree(small, place, symlinks=True, ignore=shutil.ignore_patterns(".dvc", "mlflow.db*", "mlruns"))
    params = yaml.safe_load((place / "params.yaml").read_text())
    params["feedback"]["in_talks_days"] = IN_TALKS_DAYS
    (place / "params.yaml").write_text(yaml.safe_dump(params, allow_unicode=True))
    assert run(place, "pipelines.register").returncode == 0
    two_more_weeks(place / "data/lake/company")
    account = dict(zip(SAID, steady(place), strict=False))
    said = {account[name]: cells for name, cells in SAID.items()}
    answer(place / "reports/weekly/ranked_accounts.xlsx", said, place / BACK)
    told = run(place, "pipelines.cli", "feedback", BACK, "--on", "2026-06-03")
    store = (place / "answers/answers.csv").read_bytes()
    again = run(place, "pipelines.cli", "feedback", BACK, "--on", "2026-06-05")
    for as_of in (NEXT, AFTER):
        week = run(place, "pipelines.cli", "weekly", "--as-of", str(as_of))
        assert week.returncode == 0, week.stderr
    return Walk(place, account, told, again, store)


def test_what_is_understood_is_told_and_the_bad_row_by_its_place(walk: Walk) -> None:
    assert (walk.told.returncode, walk.told.stderr) == (0, "")
    assert "Answers to the list of 2026-06-01: 5 understood." in walk.told.stdout
    assert "5 new, 0 changed, 0 known already." in walk.told.stdout
    (refused,) = walk.told.stdout.split("1 not taken:\n")[1].splitlines()
    owner, bad = walk.row("nonsense", LISTED)["owner_id"], walk.account["nonsense"]
    assert refused.startswith(f"  {owner}!")
    assert refused.endswith(f": {bad}: 'Perhaps' is none of the answers; choose one from the list.")


def test_a_second_reading_has_no_effect(walk: Walk) -> None:
    assert walk.again.returncode == 0
    assert "0 new, 0 changed, 5 known already." in walk.again.stdout
    assert (walk.workspace / "answers/answers.csv").read_bytes() == walk.store


@pytest.mark.parametrize(
    ("name", "gate", "words", "opens"),
    [
        ("declined", "recent_refusal", "Said no recently", "Wait 85 days"),  # 90 from the day of the answer
        ("accepted", "contact_limit", "Contacted often enough lately", "Wait 25 days"),  # 30 from it
        ("snoozed", "do_not_contact", "Asked not to be contacted for now", "Wait 4 days"),
        ("already_in_talks", "do_not_contact", "Asked not to be contacted for now", "Wait 3 days"),
    ],
)
def test_whoever_answered_is_off_the_next_list_by_the_right_gate(
    walk: Walk, name: str, gate: str, words: str, opens: str
) -> None:
    assert walk.row(name, LISTED)["assignment"] == "contact"
    row = walk.row(name, NEXT)
    assert (row["assignment"], row["blocked_by"], row["would_unblock"]) == ("none", gate, opens)
    assert row["offer_id"] is None
    sheet = workbook(walk.workspace / "ledger" / str(NEXT) / "ranked_accounts.xlsx")["All accounts"]
    titles = [cell.value for cell in sheet[HEADER_ROW + 1]]
    rows = [dict(zip(titles, cells, strict=True)) for cells in sheet.iter_rows(min_row=ROWS_FROM, values_only=True)]
    shown = next(cells for cells in rows if cells["Account ID"] == walk.account[name])
    assert (shown["Why not now"], shown["What would change that"]) == (words, opens)


@pytest.mark.parametrize("name", ["wrong_contact", "nonsense"])
def test_who_gave_no_answer_stays(walk: Walk, name: str) -> None:
    assert walk.row(name, NEXT)["blocked_by"] is None


@pytest.mark.parametrize("name", ["snoozed", "already_in_talks"])
def test_they_come_back_when_their_day_has_come(walk: Walk, name: str) -> None:
    row = walk.row(name, AFTER)
    assert row["blocked_by"] is None
    assert row["assignment"] in ("contact", "beyond_capacity")

    # what was put off is no longer waited for: it may be made again, and is what suits them best, as before
    assert row["offer_id"] == walk.row(name, LISTED)["offer_id"]


def test_the_refused_stay_away(walk: Walk) -> None:
    row = walk.row("declined", AFTER)
    assert (row["blocked_by"], row["would_unblock"]) == ("recent_refusal", "Wait 78 days")


def test_the_next_training_reads_them_with_the_odds_of_their_draw(walk: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(walk.workspace)
    ingest.main()
    params = Params.load()
    ripe = LISTED + timedelta(days=35)  # what is younger is left out whole, quick answers with it
    log = respond.proposals(params.model_copy(update={"run": params.run.model_copy(update={"as_of": ripe})}))
    learnt = log[log["proposal_id"].str.startswith("LIST-2026-06-01-")].set_index("account_id")
    ranked = pd.read_parquet("ledger/2026-06-01/ranked_accounts.parquet").set_index("account_id")
    held_out = set(ranked.index[ranked["assignment"] == "holdout"])
    # the snoozed and those in talks have not decided, the wrong contact was never asked
    assert set(learnt.index) == {walk.account["accepted"], walk.account["declined"], *held_out}
    assert learnt["pscore"].tolist() == ranked.loc[learnt.index, "pscore"].tolist()
    assert learnt.loc[walk.account["declined"], ["outcome", "offer_id"]].tolist() == [
        "declined", walk.row("declined", LISTED)["offer_id"],
    ]  # fmt: skip
    assert (learnt.loc[sorted(held_out), "offer_id"] == "none").all()
    today = respond.proposals(params.model_copy(update={"run": params.run.model_copy(update={"as_of": NEXT})}))
    assert not today["proposal_id"].str.startswith("LIST-").any()
    assert len(answered.read()) == 5 + len(held_out)


@pytest.mark.system
def test_saved_again_by_libreoffice_it_says_the_same(walk: Walk, run: Run, tmp_path: Path) -> None:
    again = converted((walk.workspace / BACK).read_bytes(), "xlsx", tmp_path)
    told = run(walk.workspace, "pipelines.cli", "feedback", str(again), "--on", "2026-06-05")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout == walk.again.stdout
    assert (walk.workspace / "answers/answers.csv").read_bytes() == walk.store
