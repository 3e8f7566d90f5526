"""The page: everything inside it, nothing fetched, names shown as text, bars that add up, no one held out."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.catalog import Language, Text
from delivery import labels, outputs
from delivery.beside import Beside
from delivery.page import MOST_REASONS, page, rounded_to_sum
from delivery.sentences import Sentences
from delivery.words import LOWERS, RAISES
from tests.delivery.sample import NASTY, Week, make_beside, make_week


class Elements(HTMLParser):
    """The page's elements as a browser finds them: tag, attributes, text directly within."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None], str]] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self.found:
            tag, attrs, text = self.found[-1]
            self.found[-1] = (tag, attrs, text + data)

    def handle_endtag(self, tag: str) -> None:
        self.found.append(("/" + tag, {}, ""))

    def named(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        return [(attrs, text) for name, attrs, text in self.found if name == tag]


def render(week: Week, language: Language = "en") -> str:
    return page(
        week.ranked, week.reasons, week.candidates, week.triggers,
        catalog=week.catalog, language=language, summary=week.summary,
    )  # fmt: skip


def content(source: str) -> dict[str, Any]:
    (text,) = [text for attrs, text in Elements(source).named("script") if attrs.get("id") == "content"]
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def said(data: dict[str, Any], phrase: list[Any], language: int = 0) -> str:
    """A phrase as page.js puts it together."""
    place, *numbers = phrase
    return "".join(numbers[p] if isinstance(p, int) else p for p in data["sentences"][place][language])


@pytest.fixture(scope="module")
def week() -> Week:
    return make_week(60)


@pytest.fixture(scope="module")
def source(week: Week) -> str:
    return render(week)


@pytest.fixture(scope="module")
def data(source: str) -> dict[str, Any]:
    return content(source)


def test_the_sample_is_within_the_contract(week: Week) -> None:
    outputs.check_ranked(week.ranked)
    outputs.check_reasons(week.reasons, week.ranked)
    outputs.CANDIDATES.table(week.candidates)
    outputs.TRIGGERS.table(week.triggers)


def test_the_same_tables_make_the_same_bytes_whatever_the_order_of_their_rows(week: Week, source: str) -> None:
    shuffled = Week(
        *(t.sample(frac=1, random_state=1) for t in (week.ranked, week.reasons, week.candidates, week.triggers)),
        catalog=week.catalog,
        summary=week.summary,
    )
    assert render(shuffled) == source


def test_every_name_reaches_the_page_as_it_is_spelled(week: Week, data: dict[str, Any]) -> None:
    shown = week.ranked[week.ranked["assignment"] != "holdout"]
    assert data["accounts"]["name"] == shown["account_name"].tolist()
    assert set(NASTY) <= set(data["accounts"]["name"])


def test_what_stands_beside_an_account_reaches_its_card_and_nobody_elses(week: Week) -> None:
    shown = week.ranked.loc[week.ranked["assignment"] != "holdout", "account_id"].tolist()
    held_out = week.ranked.loc[week.ranked["assignment"] == "holdout", "account_id"].iloc[0]
    text = Text(en="14 of 20 accounts like this one added it", ja="20社のうち14社が追加しています")
    beside = Beside(peers={shown[3]: text, held_out: text}, moved={shown[5]: text})
    summary = replace(week.summary, capacity=(Text(en="In EMEA, one more", ja="EMEAでは"),))
    loaded = content(
        page(
            week.ranked, week.reasons, week.candidates, week.triggers,
            catalog=week.catalog, language="en", summary=summary, beside=beside,
        )
    )  # fmt: skip
    assert [i for i, phrase in enumerate(loaded["peers"]) if phrase] == [3]
    assert [i for i, phrase in enumerate(loaded["moved"]) if phrase] == [5]
    assert [said(loaded, loaded["peers"][3], language) for language in (0, 1)] == [text.en, text.ja]
    assert loaded["capacity"] == [["In EMEA, one more", "EMEAでは"]]


def test_what_a_card_tells_before_a_call_reaches_its_account_alone_and_in_both_languages(week: Week) -> None:
    beside = make_beside(week)
    loaded = content(
        page(
            week.ranked, week.reasons, week.candidates, week.triggers,
            catalog=week.catalog, language="ja", summary=week.summary, beside=beside, crm_url="https://crm/{account_id}",
        )
    )  # fmt: skip
    assert loaded["crm"] == "https://crm/{account_id}"
    for i, account in enumerate(loaded["accounts"]["id"]):
        for name, texts in (("persuadable", beside.persuadable), ("whatIfs", beside.what_ifs)):
            for place, language in enumerate(("en", "ja")):
                shown = [said(loaded, phrase, place) for phrase in loaded[name][i] or []]
                assert shown == [text[language] for text in texts.get(account, ())]
        story = beside.stories.get(account)
        is_called = loaded["accounts"]["list"][i] in ("contact", "nurture")
        assert (story is not None) == is_called
        if story is None:
            assert loaded["past"][i] is loaded["lines"][i] is None
            continue
        assert [(day, said(loaded, phrase)) for day, *phrase in loaded["past"][i]] == [
            ((on - pd.Timestamp(week.summary.as_of)).days, text.en) for on, text in story.moments
        ]
        assert all(day < 0 for day, *_ in loaded["past"][i])
        for (is_money, values, *phrase), line in zip(loaded["lines"][i], story.lines, strict=True):
            assert (bool(is_money), said(loaded, phrase, 1)) == (line.is_money, line.name.ja)
            assert values == pytest.approx(line.values, abs=0.5)


def test_without_a_pattern_there_is_no_link_and_without_a_past_no_story(data: dict[str, Any]) -> None:
    assert data["crm"] == ""
    for name in ("persuadable", "whatIfs", "past", "lines"):
        assert set(data[name]) == {None}


def test_no_name_becomes_an_element(source: str) -> None:
    elements = Elements(source)
    assert len(elements.named("script")) == 2
    assert not elements.named("b")
    assert "alert(1)</script>" not in source


def test_nothing_points_outside_the_page(source: str) -> None:
    for tag, attrs, _ in Elements(source).found:
        for name in ("src", "href", "srcset", "action"):
            assert (attrs.get(name) or "#").startswith(("#", "data:,")), (tag, attrs)
    assert "@import" not in source
    assert "url(" not in source


def test_the_policy_lets_only_the_pages_own_script_and_style_run(source: str) -> None:
    elements = Elements(source)
    (policy,) = [a["content"] for a, _ in elements.named("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    (script,) = [text for attrs, text in elements.named("script") if not attrs]
    (style,) = [text for _, text in elements.named("style")]
    for kind, text in (("script", script), ("style", style)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert not any(name.startswith("on") or name == "style" for _, attrs, _ in elements.found for name in attrs)


def test_those_held_out_are_nowhere_on_the_page(week: Week, source: str) -> None:
    held_out = week.ranked.loc[week.ranked["assignment"] == "holdout", "account_id"]
    assert len(held_out) > 0
    assert not [account for account in held_out if f'"{account}"' in source]
    assert "holdout" not in source.lower()


@pytest.mark.parametrize("language", ["en", "ja"])
def test_bars_add_up_to_the_propensity_as_shown(language: Language) -> None:
    week = make_week(60, language=language)
    data = content(render(week, language))
    exact = week.reasons.set_index(["account_id", "feature"])["points"]
    for i, account in enumerate(data["accounts"]["id"]):
        base, rest, n_rest, shown = data["why"][i]
        assert len(shown) == MOST_REASONS
        assert n_rest == 12 - MOST_REASONS
        assert base + rest + sum(row[0] for row in shown) == data["accounts"]["p"][i]
        assert base == pytest.approx(1000 * exact[account, "(base)"], abs=1)


def test_a_reason_shows_its_own_points_in_both_languages(week: Week, data: dict[str, Any]) -> None:
    rows = week.reasons[week.reasons["rank"] > 0].set_index(["account_id", "text_en"])
    for i, account in enumerate(data["accounts"]["id"]):
        for points, *phrase in data["why"][i][3]:
            row = rows.loc[(account, said(data, phrase))]
            assert points == pytest.approx(1000 * row["points"], abs=1)
            assert said(data, phrase, 1) == row["text_ja"]


def test_the_lists_own_first_reasons_stand_in_the_row_in_both_languages(week: Week, data: dict[str, Any]) -> None:
    japanese = week.reasons.set_index(["account_id", "text_en"])["text_ja"]
    shown = week.ranked[week.ranked["assignment"] != "holdout"].reset_index(drop=True)
    for i, row in shown.iterrows():
        first, second = data["top"][i]
        assert [RAISES + said(data, phrase) for _, *phrase in (first, second)] == [row["reason_1"], row["reason_2"]]
        assert said(data, first[1:], 1) == japanese[row["account_id"], row["reason_1"].removeprefix(RAISES)]


def test_a_row_shows_what_speaks_against_an_account_only_where_nothing_speaks_for_it(week: Week) -> None:
    ranked = week.ranked.assign(reason_1=f"{LOWERS}Late", reason_2=f"{LOWERS}Slow", reason_3=f"{RAISES}Loyal")
    ranked = ranked.assign(reason_4=None, reason_5=None)
    data = content(render(replace(week, ranked=ranked)))
    assert [said(data, phrase) for _, *phrase in data["top"][0]] == ["Loyal"]
    data = content(render(replace(week, ranked=ranked.assign(reason_3=None))))
    assert [mark + said(data, phrase) for mark, *phrase in data["top"][0]] == [f"{LOWERS}Late"]


def test_a_reason_of_the_list_is_on_the_card_however_small_it_is(week: Week) -> None:
    smallest = week.reasons[(week.reasons["account_id"] == "A00003") & (week.reasons["rank"] == 12)].iloc[0]
    ranked = week.ranked.copy()
    ranked.loc[ranked["account_id"] == "A00003", "reason_1"] = smallest["text_en"]
    data = content(render(replace(week, ranked=ranked)))
    i = data["accounts"]["id"].index("A00003")
    assert smallest["text_en"] in [said(data, phrase) for _, *phrase in data["why"][i][3]]


def test_features_that_say_the_same_are_one_bar_as_long_as_their_sum(week: Week) -> None:
    reasons = week.reasons.copy()
    mine = reasons["account_id"] == "A00002"
    first, second = reasons[mine & reasons["rank"].isin([1, 2])].index
    reasons.loc[second, ["text_en", "text_ja"]] = reasons.loc[first, ["text_en", "text_ja"]].tolist()
    data = content(render(replace(week, reasons=reasons)))
    _, _, n_rest, shown = data["why"][data["accounts"]["id"].index("A00002")]
    texts = [said(data, phrase) for _, *phrase in shown]
    assert len(set(texts)) == len(texts) == MOST_REASONS
    assert n_rest == 12 - MOST_REASONS - 1
    points = shown[texts.index(reasons.loc[first, "text_en"])][0]
    assert points == pytest.approx(1000 * reasons.loc[[first, second], "points"].sum(), abs=1)


def test_a_feature_without_a_sentence_speaks_by_its_name(week: Week) -> None:
    silent = week.reasons.assign(text_en=None, text_ja=None)
    data = content(render(replace(week, reasons=silent)))
    assert "Nps" in {said(data, phrase) for _, _, _, shown in data["why"] for _, *phrase in shown}


def test_an_account_left_alone_says_why_and_what_would_change_it(week: Week, data: dict[str, Any]) -> None:
    accounts = data["accounts"]
    alone = [i for i, kind in enumerate(accounts["list"]) if kind == "none"]
    assert alone
    for i in alone:
        assert data["gates"][accounts["blocked"][i]][0]
        assert said(data, accounts["unblock"][i])
        assert said(data, accounts["unblock"][i], 1)


def test_the_lists_own_sentence_on_what_would_change_it_is_kept_in_its_language(week: Week) -> None:
    sentence = "Close ticket T-118 (urgent)"
    ranked = week.ranked.assign(would_unblock=sentence, blocked_by="serious_ticket")
    data = content(render(replace(week, ranked=ranked)))
    assert said(data, data["accounts"]["unblock"][0]) == sentence
    assert said(data, data["accounts"]["unblock"][0], 1) == "問い合わせを解決し、お客様に報告する"


def test_refused_offers_come_with_their_gate_and_the_chosen_one_first(week: Week, data: dict[str, Any]) -> None:
    blocked = week.candidates.set_index(["account_id", "offer_id"])["blocked_by"]
    for i, account in enumerate(data["accounts"]["id"]):
        rows = data["else"][i]
        assert len(rows) == len(week.catalog.offers)
        if data["accounts"]["list"][i] in ("contact", "nurture"):
            assert rows[0][0] == data["accounts"]["offer"][i]
        for offer, gate, *_ in rows:
            stated = blocked[account, data["offers"][offer]["id"]]
            assert pd.isna(stated) if gate is None else gate_of(data, gate) == stated


def gate_of(data: dict[str, Any], gate: int) -> str:
    return next(name for name, words in labels.GATES.items() if words.name.en == data["gates"][gate][0])


def test_a_list_with_everything_unknown_still_makes_a_page(week: Week) -> None:
    """RavenStack's case: no owners, no health, no earlier list, no offers, nobody to contact, no signal."""
    unknown = [
        "owner_id",
        "segment",
        "renews_on",
        "health_score",
        "health_band",
        "offer_id",
        "channel",
        "expected_arr",
        "p_accept",
        "p_organic",
        "uplift",
        "contact_by_on",
        *(f"reason_{n}" for n in range(1, 6)),
        "movement",
        "movement_ranks",
    ]
    ranked = week.ranked.assign(**dict.fromkeys(unknown), assignment="none", triggers=[[] for _ in range(60)])
    nothing = Week(ranked, week.reasons, week.candidates.iloc[:0], week.triggers.iloc[:0], week.catalog, week.summary)
    data = content(render(nothing))
    assert data["glance"]["n_contact"] == 0
    assert data["glance"]["n_new"] is None
    assert data["top"] == [[] for _ in range(60)]
    assert all(rows == [] for rows in data["else"])


def test_both_languages_are_in_the_page_whichever_it_begins_with(week: Week) -> None:
    japanese = render(week, "ja")
    assert '<html lang="ja">' in japanese
    words = content(japanese)["words"]
    assert words["headline"] == ["Talk to {n} accounts this week", "今週ご連絡するお客様：{n}社"]
    assert not [name for name, (en, ja) in words.items() if not en or not ja]


def test_every_word_that_the_script_asks_for_exists(source: str, data: dict[str, Any]) -> None:
    script = Elements(source).named("script")[-1][1]
    asked = set(re.findall(r'\b(?:t|part|end|figure|step)\("(\w+[^\W_])"', script))
    asked |= set(re.findall(r"data\.words\.(\w+)", script)) | {"places_up", "places_down"}
    assert asked - set(data["words"]) == set()
    assert len(asked) > 40
    assert set(re.findall(r"data\.columns\.(\w+)", script)) <= set(data["columns"])


@given(
    st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=12),
)
def test_rounded_parts_sum_to_the_rounded_whole_and_none_is_off_by_one_or_more(points: list[float]) -> None:
    tenths = [1000 * p for p in points]
    total = round(sum(tenths))
    rounded = rounded_to_sum(tenths, total)
    assert sum(rounded) == total
    assert all(abs(r - t) < 1 + 1e-9 for r, t in zip(rounded, tenths, strict=True))


@given(st.lists(st.tuples(st.text(), st.text()), max_size=8))
def test_sentences_come_back_as_they_went_in(texts: list[tuple[str, str]]) -> None:
    sentences = Sentences()
    given_texts = [Text(en=en, ja=ja) for en, ja in texts]
    phrases = [sentences.add(text) for text in given_texts]
    for text, phrase in zip(given_texts, phrases, strict=True):
        assert said({"sentences": sentences.kept}, phrase) == text.en
        assert said({"sentences": sentences.kept}, phrase, 1) == text.ja


def test_five_thousand_accounts_stay_under_five_megabytes() -> None:
    assert len(render(make_week(5000)).encode()) < 5e6


STYLE = (Path(__file__).parents[2] / "delivery" / "page.css").read_text(encoding="utf-8")
PAIRS = [
    *[("ink", paper) for paper in ("ground", "paper", "sunk", "accent-soft", "warn-soft")],
    *[("soft", paper) for paper in ("ground", "paper", "sunk", "accent-soft")],
    *[("accent", paper) for paper in ("ground", "paper", "accent-soft")],
    *[("good", "good-soft"), ("warn", "warn-soft"), ("bad", "bad-soft"), ("warn", "accent-soft")],
    *[("good", "paper"), ("bad", "paper"), ("on-accent", "accent")],
]


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("pair", PAIRS, ids="-on-".join)
def test_text_can_be_read_on_what_it_stands_on(scheme: int, pair: tuple[str, str]) -> None:
    schemes = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", part)) for part in STYLE.split(":root {")[1:3]]
    lighter, darker = sorted((luminance(schemes[scheme][name]) for name in pair), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5
