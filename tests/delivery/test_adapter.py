"""The list as other systems take it: their names, nobody held out, no formulas; and a digest per CSM."""

import io
import json
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path

import pandas as pd
import pytest

from data.errors import BadInput
from delivery.adapter import Adapter, adapted, as_file
from delivery.digest import digests
from tests.delivery.sample import NASTY, Week, make_week

EXAMPLES = Path(__file__).parents[2] / "examples" / "adapters"


@pytest.fixture(scope="module")
def week() -> Week:
    return make_week(120)


def test_salesforce_gets_four_fields_by_its_own_id(week: Week) -> None:
    adapter = Adapter.load(EXAMPLES / "salesforce.yaml")
    rows = adapted(week.ranked, adapter, week.catalog)
    shown = week.ranked[week.ranked["assignment"] != "holdout"]
    assert [row["Account_External_Id__c"] for row in rows] == shown["account_id"].tolist()
    first = shown.iloc[0]
    assert rows[0]["Expansion_Likelihood_Pct__c"] == round(100 * first["propensity"], 1)
    assert rows[0]["Expansion_Insights__c"].split("\n")[0] == first["reason_1"]
    assert rows[0]["Expansion_Week__c"] == "2026-06-01"
    back = pd.read_csv(io.StringIO(as_file(rows, adapter)))
    assert len(back) == len(rows)
    assert back["Expansion_Stars__c"].tolist() == shown["stars"].tolist()


def test_prompts_are_of_those_whom_the_product_is_to_ask(week: Week) -> None:
    adapter = Adapter.load(EXAMPLES / "in_app.yaml")
    ranked = week.ranked.assign(channel=week.ranked["channel"].mask(week.ranked["rank"] <= 3, "in_app"))
    rows = json.loads(as_file(adapted(ranked, adapter, week.catalog), adapter))
    asked = ranked[(ranked["channel"] == "in_app") & (ranked["assignment"] == "contact")]
    assert [row["account"] for row in rows] == asked["account_id"].tolist()
    assert len(rows) >= 3
    assert rows[0]["trigger"] == list(asked["triggers"].iloc[0])
    assert rows[0]["text"] == {o.id: o.name.en for o in week.catalog.offers}[rows[0]["offer"]]


def test_a_name_that_looks_like_a_formula_stays_text(week: Week) -> None:
    told = {"to": "Name", "from": "account_name"}, {"to": "Source", "constant": "upsell"}
    adapter = Adapter.parse({"name": "x", "file": "x.csv", "key": "Name", "columns": list(told)}, file="x.yaml")
    back = pd.read_csv(io.StringIO(as_file(adapted(week.ranked, adapter, week.catalog), adapter)))
    assert set(back["Source"]) == {"upsell"}
    for name in NASTY:
        assert (f"'{name}" if name[0] in "=@" else name) in set(back["Name"])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"key": "other"}, "key other is none of the fields; it is one of Id"),
        ({"file": "../out.csv"}, "file"),
        ({"keep": {"colour": ["red"]}}, "keep: the list has no column colour"),
        ({"columns": [{"to": "Id", "from": "id"}]}, "the list has no column id"),
        ({"columns": [{"to": "Id"}]}, "id: give one of from and constant"),
        ({"columns": [{"to": "Id", "from": "stars"}, {"to": "Id", "from": "rank"}]}, "the field Id stands twice"),
    ],
)
def test_a_mapping_that_cannot_be_is_told(change: dict[str, object], says: str) -> None:
    given = {"name": "x", "file": "x.csv", "key": "Id", "columns": [{"to": "Id", "from": "account_id"}], **change}
    with pytest.raises(BadInput, match=says):
        Adapter.parse(given, file="x.yaml")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_digest_is_of_one_owner_and_can_be_read_back(week: Week, language: str) -> None:
    ranked = week.ranked.assign(account_name=week.ranked["account_name"].where(week.ranked["rank"] > 1, "Two\nlines"))
    made = list(digests(ranked, week.catalog, language, sender="upsell@example.test", page="list.html"))  # type: ignore[arg-type]  # parametrized
    contact = ranked[(ranked["assignment"] == "contact") & ranked["owner_id"].notna()]
    assert [owner for owner, _ in made] == sorted(contact["owner_id"].unique())
    for owner, message in made:
        text = message_from_bytes(message.as_bytes(), policy=SMTP).get_body().get_content()  # type: ignore[union-attr]
        mine = contact[contact["owner_id"] == owner]
        for name in mine["account_name"]:
            assert " ".join(name.split()) in text
        for name in contact.loc[contact["owner_id"] != owner, "account_name"]:
            assert name not in text or name in set(mine["account_name"])
        assert str(len(mine)) in message["Subject"]
