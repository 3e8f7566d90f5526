"""What a person decides about a list: entered for good, or refused with a sentence."""

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from data.errors import BadInput
from pipelines import entries, seals
from pipelines.cli import cli
from pipelines.override import override, record
from tests.pipelines.made_ledger import make

AS_OF = date(2026, 6, 1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("override")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        make()
    return place


@pytest.fixture
def ledger(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return Path("ledger")


def upsell(*words: str) -> Result:
    return CliRunner().invoke(cli, words, catch_exceptions=True)


def test_an_override_says_who_when_why_and_what(ledger: Path) -> None:
    told = upsell("override", "A-1", "--as-of", "2026-06-01", "--who", "Aiko", "--why", "Asked for it",
                  "--offer", "trial_next", "--assignment", "nurture")  # fmt: skip
    assert told.exit_code == 0, told.exception
    line = entries.read(ledger)[-1]
    assert (line["kind"], line["account_id"], line["as_of"], line["who"], line["why"]) == (
        "override", "A-1", "2026-06-01", "Aiko", "Asked for it",
    )  # fmt: skip
    assert line["before"] == {"offer_id": "upgrade_next", "assignment": "contact"}
    assert line["after"] == {"offer_id": "trial_next", "assignment": "nurture"}
    assert line["seal"] == seals.Entry(ledger / "2026-06-01").seal
    assert line["entered_at"].endswith("Z")
    assert told.output.startswith(f"Entry {line['number']}, A-1 as of 2026-06-01: offer_id upgrade_next → trial_next,")
    seal = entries.newest(ledger)["sha256"]
    assert seal in told.output
    assert seals.verify(ledger, seal) == []


def test_an_override_against_a_gate_names_it(ledger: Path) -> None:
    line = override("A-2", AS_OF, who="Ben", why="They called", after={"offer_id": "upgrade_next"})
    assert (line["before"], line["against"]) == ({"offer_id": None}, "no_consent")
    line = override("A-2", AS_OF, who="Ben", why="They called", after={"assignment": "contact"})
    assert (line["before"], line["against"]) == ({"assignment": "none"}, "no_consent")
    assert override("A-1", AS_OF, who="Ben", why="Away", after={"assignment": "none"})["against"] is None


def test_lines_follow_one_another(ledger: Path) -> None:
    n = len(entries.read(ledger))
    for who in ("Aiko", "Ben"):
        override("A-1", AS_OF, who=who, why="so", after={"channel": "email"})
    record("approval", "A-3", AS_OF, who="Head", value="approved")
    record("answer", "A-3", AS_OF, who="Ben", value="snoozed", until=date(2026, 7, 1))
    raw = entries.lines(ledger)
    assert [json.loads(line)["number"] for line in raw] == list(range(1, n + 5))
    assert seals.verify(ledger) == []


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "account": ({"account_id": "A-9"}, "A-9: no such account on the list of 2026-06-01."),
    "week": (
        {"as_of": date(2026, 6, 8)},
        "no list of that day was delivered and sealed; the weeks there are: 2026-05-25",
    ),
    "who": ({"who": " "}, "--who is empty"),
    "why": ({"why": ""}, "--why is empty"),
    "nothing": ({"after": {"offer_id": None}}, "nothing is overridden: give --offer"),
    "offer": ({"after": {"offer_id": "free_lunch"}}, "--offer free_lunch: it must be one of"),
    "assignment": ({"after": {"assignment": "call"}}, "--assignment call: it must be one of contact, holdout"),
    "discount": ({"after": {"discount_pct": 120.0}}, "--discount 120: a discount is between 0 and 100 per cent."),
    "the same": ({"after": {"assignment": "contact"}}, "says that already \\(assignment contact\\)"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_override_is_a_sentence_and_no_line(ledger: Path, case: str) -> None:
    changed, sentence = BAD[case]
    given: dict[str, Any] = {
        "account_id": "A-1",
        "as_of": AS_OF,
        "who": "Aiko",
        "why": "so",
        "after": {"channel": "email"},
    }
    given |= changed
    before = (ledger / entries.FILE).read_bytes()
    with pytest.raises(BadInput, match=sentence):
        override(given["account_id"], given["as_of"], who=given["who"], why=given["why"], after=given["after"])
    assert (ledger / entries.FILE).read_bytes() == before


def test_a_bad_record_is_a_sentence(ledger: Path) -> None:
    with pytest.raises(BadInput, match="--value maybe: it must be one of accepted, declined, snoozed"):
        record("answer", "A-1", AS_OF, who="Aiko", value="maybe")
    with pytest.raises(BadInput, match="--until goes with --value snoozed"):
        record("answer", "A-1", AS_OF, who="Aiko", value="snoozed")
    with pytest.raises(BadInput, match="A-1: nobody has to approve"):
        record("approval", "A-1", AS_OF, who="Head", value="approved")
