"""The audit's page: whole without anything beside it, safe with any name, and down to the raw rows."""

import re
from html.parser import HTMLParser
from typing import Any, get_args

import pytest

from data.catalog import Catalog
from data.contract import RAW_TABLES
from delivery import audit
from delivery.audit_page import COUNTED_FROM, page
from features.feature import Group
from tests.delivery.golden import golden_week
from tests.golden.company import company

NASTY = "<script>alert(1)</script> & {{ 7 * 7 }} 株式会社"


PERSUASION = [
    {"feature": "nps", "uplift": 0.25, "offered": 0.5, "alone": 0.25, "text_en": "NPS: <b>9</b>", "text_ja": "NPS：9点"}
]


class Found(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="module")
def told(catalog: Catalog) -> dict[str, Any]:
    week = golden_week(catalog)
    manifest = {"as_of": "2026-06-01", "model_version": "model-1", "code_sha256": "c" * 64, "inputs_sha256": {"a": "b"}}
    raw = {name: rows[rows["account_id"] == "ann"] for name, rows in company().items()}
    frames = {name: week[name] for name in ("ranked", "reasons", "candidates", "triggers")}
    frames["ranked"] = frames["ranked"].assign(account_name=NASTY)
    change = {"goal": "3 stars", "text_en": "Logins: 3 → 9", "text_ja": "ログイン：3 → 9", "propensity_now": 0.1,
              "propensity_then": 0.2}  # fmt: skip
    line = {
        "entered_at": "2026-06-02T09:00:00Z",
        "kind": "answer",
        "who": "<b>Aiko</b>",
        "why": None,
        "value": "declined",
    }
    return audit.story(
        "ann", **frames, manifest=manifest, raw=raw, what_ifs=[change], persuasion=PERSUASION, decided=[line],
        delivery={"folder": "ledger/2026-06-01", "number": 3, "seal": "5ea1" * 16},
    )  # fmt: skip


def test_it_needs_nothing_and_runs_nothing(told: dict[str, Any]) -> None:
    text = page(told)
    found = Found(text)
    names = {tag for tag, _ in found.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "form", "base", "b"}
    assert not re.search(r"(https?:)?//|javascript:|\son\w+=", text)
    policy = next(a["content"] for tag, a in found.tags if tag == "meta" and "http-equiv" in a)
    assert str(policy).startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in str(policy)
    assert not any("style" in attributes for _, attributes in found.tags)
    assert NASTY in "".join(found.words)


def test_it_tells_the_whole_story(told: dict[str, Any]) -> None:
    words = "".join(Found(page(told)).words)
    for reason in told["reasons"][1:]:
        assert reason["text_en"] in words
        assert reason["text_ja"] in words
    assert "they add up." in words
    assert "Logins: 3 → 9" in words
    assert "answer by <b>Aiko</b>: declined" in words
    assert "Why it is persuadable to" in words
    for said in ("NPS: <b>9</b>", "NPS：9点", "+0.2500", "+0.5000"):
        assert said in words
    assert "Delivery 3, seal " + "5ea1" * 16 in words
    for offer in told["candidates"]:
        assert offer["offer_id"] in words


def test_every_feature_leads_to_its_raw_rows(told: dict[str, Any]) -> None:
    assert set(COUNTED_FROM) == set(get_args(Group))
    assert {name for names in COUNTED_FROM.values() for name in names} <= set(RAW_TABLES)
    text = page(told)
    found = Found(text)
    places = {a["id"] for tag, a in found.tags if tag == "details" and "id" in a}
    links = {str(a["href"]) for tag, a in found.tags if tag == "a"}
    assert links
    assert {link.removeprefix("#") for link in links} <= places
    assert places == {f"raw-{name}" for name in told["raw_rows"]}
    rows = [row for part in text.split("<tr>") if "<code>" in part and "log-odds" not in part for row in [part]]
    assert sum('href="#raw-' in row for row in rows) == len(told["reasons"]) - 1  # all but the base


def test_what_is_not_there_is_said(told: dict[str, Any]) -> None:
    wrong = {**told["propensity"], "adds_up": False}
    words = "".join(Found(page({**told, "raw_rows": None, "what_ifs": None, "propensity": wrong, "decided": []})).words)
    assert "THEY DO NOT ADD UP." in words
    assert "The tables that the list of 2026-06-01 was made of are no longer there" in words
    assert "The model of this list is no longer there to be asked." in words
    text = audit.as_text({**told, "raw_rows": None, "what_ifs": None})
    assert "the tables that the list of 2026-06-01 was made of are no longer there" in text
    assert "the model of this list is no longer there" in text
    assert "persuadable" not in "".join(Found(page({**told, "persuasion": None})).words)
