"""RevOps' questions to a ledger of which the answers are known."""

import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.pipelines.made_ledger import make

QUESTIONS = Path(__file__).parents[2] / "docs/questions"
MAY, JUNE = datetime.date(2026, 5, 25), datetime.date(2026, 6, 1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("questions")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        make()
    return place


@pytest.fixture
def ask(made: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(made)

    def answer(name: str) -> list[dict[str, Any]]:
        connection = duckdb.connect()
        connection.execute((QUESTIONS / "ledger.sql").read_text(encoding="utf-8"))
        found = connection.execute((QUESTIONS / f"{name}.sql").read_text(encoding="utf-8"))
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    return answer


def test_discounts_without_approval(ask: Any) -> None:
    # in May the head of sales approved A-3's; in June nobody did, and A-1 was given 15 % by hand
    found = ask("discounts_without_approval")
    assert [(r["as_of"], r["account_id"], r["discount_pct"], r["approver"], r["by"]) for r in found] == [
        (JUNE, "A-1", 15.0, "nobody was asked", "override by Aiko"),
        (JUNE, "A-3", 10.0, "Head of Sales", "list"),
    ]


def test_pitched_against_a_gate(ask: Any) -> None:
    found = ask("pitched_against_a_gate")
    assert [(r["as_of"], r["account_id"], r["offer_id"], r["gate"], r["by"]) for r in found] == [
        (MAY, "A-2", "upgrade_next", "no_consent", "proposal P-1"),
        (JUNE, "A-2", "upgrade_next", "no_consent", "override by Aiko"),
    ]
    assert found[1]["why"] == "They called us"


def test_reasons_changed_after_delivery(ask: Any) -> None:
    (found,) = ask("reasons_changed_after_delivery")
    assert (found["account_id"], found["delivery"], found["delivered_again"]) == ("A-1", "2026-06-01.1", "2026-06-01")
    assert (found["no_longer_said"], found["said_now"]) == (["▲ Use"], ["▲ Limits"])


def test_what_owners_did(ask: Any) -> None:
    found = {(r.pop("as_of"), r.pop("owner_id")): r for r in ask("what_owners_did")}
    assert set(found) == {(week, owner) for week in (MAY, JUNE) for owner in ("CSM-1", "CSM-2")}
    counts = ("n_to_contact", "n_contacted", "n_accepted", "n_declined", "n_snoozed", "n_overridden", "n_left")
    assert [found[MAY, "CSM-1"][c] for c in counts] == [1, 1, 0, 1, 0, 0, 0]
    assert [found[MAY, "CSM-2"][c] for c in counts] == [1, 1, 1, 0, 0, 0, 0]
    assert [found[JUNE, "CSM-1"][c] for c in counts] == [1, 1, 0, 0, 0, 2, 0]
    assert [found[JUNE, "CSM-2"][c] for c in counts] == [2, 0, 0, 0, 0, 0, 2]
    assert found[JUNE, "CSM-2"]["expected_arr_left"] == 200


def test_effect_of_a_policy_change(ask: Any) -> None:
    (found,) = ask("effect_of_a_policy_change")
    assert found == {
        "before": "2026-06-01.1",
        "after": "2026-06-01",
        "is_same_week": True,
        "n_contact_before": 2,
        "n_contact_after": 3,
        "n_entered": 1,
        "n_left": 0,
        "expected_arr_before": 200.0,
        "expected_arr_after": 300.0,
        "gates_that_opened": ["unhappy"],
    }


def test_every_question_is_documented() -> None:
    page = (QUESTIONS.parent / "questions.md").read_text(encoding="utf-8")
    for file in QUESTIONS.glob("*.sql"):
        assert f"questions/{file.name}" in page
        assert all(len(line) <= 120 for line in file.read_text(encoding="utf-8").splitlines())
