"""`upsell measure` on two weeks and eight accounts, made by hand: every figure here was worked out on paper."""

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from data import answers as store
from data.errors import BadInput
from delivery.kpi_words import as_text
from delivery.outputs import RANKED_ACCOUNTS, STRING
from pipelines import ledger, paths
from pipelines.cli import cli
from pipelines.measure import measure
from pipelines.override import record
from tests.pipelines.made_ledger import BASE, written

PROJECT = Path(__file__).parents[2]
FIRST, SECOND, LATER = date(2026, 6, 1), date(2026, 6, 8), date(2026, 9, 7)
# account: (assignment, owner, offer) in each week
LISTS: dict[date, dict[str, tuple[str, str | None, str | None]]] = {
    FIRST: {
        "A1": ("contact", "C1", "upgrade_next"), "A2": ("contact", "C1", "upgrade_next"),
        "A3": ("contact", "C2", "upgrade_next"), "A4": ("contact", "C2", "seats_20"),
        "A5": ("beyond_capacity", "C2", "upgrade_next"), "A6": ("holdout", "C1", "seats_20"),
        "A7": ("holdout", "C1", "seats_20"), "A8": ("none", None, None),
    },
    SECOND: {
        "A4": ("contact", "C2", "seats_20"), "A5": ("contact", "C2", "upgrade_next"),
        "A8": ("contact", None, "upgrade_next"), "A6": ("holdout", "C1", "seats_20"),
        "A7": ("holdout", "C1", "seats_20"), "A1": ("none", "C1", None), "A2": ("none", "C1", None),
        "A3": ("none", "C2", None),
    },
}  # fmt: skip
# (as_of, account, answer, answered_on)
ANSWERS = [
    (FIRST, "A1", "accepted", "2026-06-03"), (FIRST, "A2", "accepted", "2026-06-04"),
    (FIRST, "A3", "declined", "2026-06-04"), (FIRST, "A6", "held_out", "2026-06-03"),
    (SECOND, "A4", "snoozed", "2026-06-10"), (SECOND, "A8", "wrong_contact", "2026-06-10"),
]  # fmt: skip
GROWN = {"A1": 150.0, "A2": 130.0, "A7": 110.0}  # MRR from July on, of 100
CHURNED = "A8"


def listed(as_of: date) -> pd.DataFrame:
    found = []
    for rank, (account, (assignment, owner, offer)) in enumerate(LISTS[as_of].items(), start=1):
        is_contact = assignment == "contact"
        found.append(BASE | {
            "rank": rank, "account_id": account, "account_name": account, "owner_id": owner, "offer_id": offer,
            "assignment": assignment, "discount_pct": 10.0 if account == "A2" else 0.0 if offer else None,
            "p_accept": 0.5 if offer else None, "expected_arr": 120.0 if is_contact else None, "channel": None,
        })  # fmt: skip
    frame = pd.DataFrame(found).reindex(columns=[column.name for column in RANKED_ACCOUNTS.columns])
    texts = [column.name for column in RANKED_ACCOUNTS.columns if column.type == STRING]
    frame = frame.assign(**{name: frame[name].astype(object).where(frame[name].notna(), None) for name in texts})
    days = {name: pd.to_datetime(frame[name]) for name in ("renews_on", "contact_by_on")}
    return frame.assign(as_of=pd.Timestamp(as_of), **days)


def deliver(as_of: date, decide: dict[str, Any]) -> None:
    manifest = {"as_of": str(as_of), "parameters": {"decide": decide}, "outputs_sha256": {}}
    files = {ledger.LIST: written(RANKED_ACCOUNTS.table(listed(as_of))), ledger.MANIFEST: json.dumps(manifest).encode()}
    ledger.keep(files, as_of, None)


def source(folder: Path, *, used_until: str) -> None:
    """The company's tables: all pay 100, some more from July on; one leaves in August."""
    folder.mkdir(exist_ok=True)
    accounts = [f"A{i}" for i in range(1, 9)]
    told = {"account_name": "x", "signed_up_on": "2025-01-01", "has_opted_in": True}
    pd.DataFrame({"account_id": accounts}).assign(**told).to_csv(folder / "accounts.csv", index=False)
    rows = []
    for account in accounts:
        end = "2026-07-01" if account in GROWN else "2026-08-01" if account == CHURNED else None
        rows.append((f"{account}-1", account, 10, 100.0, "2025-01-01", end))
        if account in GROWN:  # more seats: a higher price alone would not count
            rows.append((f"{account}-2", account, 15, GROWN[account], "2026-07-01", None))
    names = ["subscription_id", "account_id", "quantity", "mrr", "valid_from_on", "valid_to_on"]
    terms = pd.DataFrame(rows, columns=names).assign(product_id="starter", discount_pct=0, billing="monthly")
    terms.to_csv(folder / "subscriptions.csv", index=False)
    days = pd.date_range("2026-05-01", used_until, freq="D")
    usage = pd.DataFrame({"used_on": days}).assign(account_id="A1", feature="dashboards", kind="used", n_events=1)
    usage.assign(n_users=1, feature=feature()).to_csv(folder / "usage.csv", index=False)
    proposal = {"proposal_id": "P-1", "account_id": "A4", "offer_id": "seats_20", "proposed_at": "2026-06-02T09:00:00Z",
                "channel": "csm", "discount_pct": 0, "outcome": "no_response"}  # fmt: skip
    pd.DataFrame([proposal]).to_csv(folder / "proposals.csv", index=False)


def feature() -> str:
    found: str = yaml.safe_load((PROJECT / "catalog.yaml").read_text(encoding="utf-8"))["features"][0]["id"]
    return found


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make(tmp_path)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("measured"))
        make(Path.cwd())
        return measure(LATER)


def make(tmp_path: Path) -> Path:
    """A folder with the two weeks, their answers and the company's tables."""
    params = yaml.safe_load((PROJECT / "params.yaml").read_text(encoding="utf-8"))
    params["ingest"]["folder"] = "source"
    params["measure"] |= {"min_answers": 2, "min_accounts": 2}
    paths.PARAMS.write_text(yaml.safe_dump(params, allow_unicode=True), encoding="utf-8")
    shutil.copy(PROJECT / "catalog.yaml", tmp_path)
    paths.SOURCES.write_text("{}\n")
    source(tmp_path / "source", used_until="2026-09-06")
    for week in (FIRST, SECOND):
        deliver(week, {})
    kept = pd.DataFrame(ANSWERS, columns=["as_of", "account_id", "answer", "answered_on"]).reindex(
        columns=store.COLUMNS
    )
    paths.ANSWERS.parent.mkdir()
    kept.to_csv(paths.ANSWERS, index=False)
    return tmp_path


def test_what_was_done_with_the_lists(found: dict[str, Any]) -> None:
    first, second, total = found["weeks"]["2026-06-01"], found["weeks"]["2026-06-08"], found["total"]
    assert (first["n_listed"], first["n_held_out"], first["n_worked_on"]) == (4, 2, 4)
    assert (second["n_listed"], second["n_worked_on"], second["n_contacted"]) == (3, 2, 1)
    assert first["answers"] == {
        "accepted": 2, "declined": 1, "no_response": 1, "snoozed": 0, "already_in_talks": 0, "open": 0,
        "wrong_contact": 0,
    }  # fmt: skip
    assert (total["answers"]["snoozed"], total["answers"]["wrong_contact"]) == (1, 1)
    assert (total["n_contacted"], total["n_answered"]) == (5, 3)
    assert total["owners"]["C1"] == {"n_listed": 2, "n_worked_on": 2, "share": 1.0}
    assert total["owners"]["C2"] == {"n_listed": 4, "n_worked_on": 3, "share": 0.75}  # A5 was left alone
    assert total["owners"]["(no CSM)"] == {"n_listed": 1, "n_worked_on": 1, "share": None}  # one tells no share
    assert total["discount"] == {"n_accepted": 2, "n_discounted": 1, "mean_pct": 5.0}
    assert found["n_later"] == 0


def test_acceptance_by_offer_against_what_was_predicted(found: dict[str, Any]) -> None:
    acceptance = found["total"]["acceptance"]
    upgrade = acceptance["upgrade_next"]
    assert (upgrade["n_accepted"], upgrade["n_decided"], upgrade["predicted"]) == (2, 3, 0.5)
    # Wilson's interval of 2 in 3: (2 + 1.92 ± 1.96 √(2·1/3 + 0.96)) ÷ (3 + 3.84)
    assert (upgrade["share"], upgrade["low"], upgrade["high"]) == pytest.approx((2 / 3, 0.2077, 0.9385), abs=1e-4)
    assert upgrade["verdict"] == "as predicted, as far as can be told"
    assert acceptance["seats_20"]["share"] is None
    assert acceptance["seats_20"]["note"] == "too few to tell: 1 decided, 2 are needed"


def test_the_lift_is_of_all_that_could_be_contacted_against_the_holdout(found: dict[str, Any]) -> None:
    found = found["total"]["lift"]
    # the list: 50, 30, 0, 0, 0, 0 (the last from the second week on); held out: 0, 10
    assert (found["n_list"], found["n_held_out"]) == (6, 2)
    assert (found["mean_list"], found["mean_held_out"], found["difference"]) == (13.33, 5.0, 8.33)
    # variances 466.67 and 50: √(466.67/6 + 50/2) = 10.138; Student's 97.5 % with one degree of freedom is 12.706
    assert (found["low"], found["high"]) == (-120.48, 137.15)
    assert found["share_contacted"] == pytest.approx(4 / 6, abs=1e-6)  # a wrong contact was none
    assert found["per_contacted"]["difference"] == 12.5
    assert found["hoped_for"] == 8.75  # 7 × 120 a year, by month, over 8 accounts
    assert found["verdict"].startswith("Nothing can be told yet: the difference of 8.33 MRR an account may be chance.")


def test_top_ranks_and_the_company(found: dict[str, Any]) -> None:
    top = found["weeks"]["2026-06-01"]["top"]
    assert (top["n"], top["n_expanded"], top["share"], top["base_rate"]) == (4, 2, 0.5, 3 / 8)
    company = found["company"]
    assert (company["from"], company["to"]) == ("2026-06-01", "2026-09-07")
    assert (company["start_mrr"], company["expansion_mrr"], company["churned_mrr"]) == (800.0, 90.0, 100.0)
    assert (company["nrr"], company["grr"], company["upsell_conversion"]) == (0.9875, 0.875, 0.375)
    assert company["average_upgrade"] == 30.0


def test_of_a_day_only_what_was_known_before_it(place: Path) -> None:
    found = measure(date(2026, 6, 4))
    assert set(found["weeks"]) == {"2026-06-01"}
    answers = found["total"]["answers"]
    assert (answers["accepted"], answers["declined"]) == (1, 0)
    assert answers["open"] == 1  # nobody could know yet that A4 would not answer
    assert found["n_later"] == 4
    assert found["total"]["lift"]["verdict"].startswith("Nothing can be told yet: 0 accounts of the list and 0 of the")
    assert found["total"]["top"]["share"] is None
    assert "4 answers were given on 2026-06-04 or later" in as_text(found)


def test_where_the_tables_end_no_expansion_is_missing(place: Path) -> None:
    source(place / "source", used_until="2026-08-01")
    found = measure(LATER)
    assert found["total"]["lift"]["difference"] is None
    assert found["total"]["top"]["base_rate"] is None
    assert found["company"]["to"] == "2026-08-02"


def test_an_account_left_out_for_a_week_is_no_holdout(place: Path) -> None:
    for week in (FIRST, SECOND):
        deliver(week, {"holdout_share": 1e-9, "holdout_salt": "2026"})
    found = measure(LATER)["total"]["lift"]
    assert (found["n_list"], found["n_held_out"], found["difference"]) == (8, 0, None)


def test_what_people_entered_into_the_ledger_counts(place: Path) -> None:
    record("feedback", "A5", SECOND, who="Ben", value="contacted")
    record("answer", "A3", FIRST, who="Ben", value="accepted")  # the store knows better: it was read later
    found = measure(date(2100, 1, 1))
    assert found["total"]["owners"]["C2"]["n_worked_on"] == 4
    assert (found["total"]["answers"]["open"], found["total"]["answers"]["accepted"]) == (1, 2)


def test_same_state_same_bytes_and_keys_in_order(place: Path) -> None:
    measure(LATER)
    once = paths.MEASURE.read_bytes()
    measure(LATER)
    assert paths.MEASURE.read_bytes() == once
    told = json.loads(once)
    assert list(told) == sorted(told)


def test_before_any_list_there_is_nothing_to_tell(place: Path) -> None:
    with pytest.raises(BadInput, match="no list of an earlier day was delivered"):
        measure(FIRST)
    told = CliRunner().invoke(cli, ["measure", "--as-of", "2026-09-07"])
    assert told.exit_code == 0, told.exception
    assert "upgrade_next: 2 of 3, 67% (21% to 94%); 50% predicted" in told.output
    assert "C2: 3 of 4" in told.output
