"""Reasons in words: every figure is the feature's own, in order of weight, with something to act on."""

import re
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data.catalog import Catalog
from delivery import words
from delivery.figures import spoken
from delivery.intervals import notes
from features.build import dictionary
from features.feature import Feature
from features.health import Health
from features.lifecycle import Lifecycle
from features.triggers import Triggers, triggers
from tests.features.wide import wide
from tests.golden.company import company

D = date(2026, 6, 1)
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def named(catalog: Catalog) -> list[Feature]:
    return dictionary(catalog, Health(), Lifecycle())


@pytest.fixture(scope="module")
def built(catalog: Catalog) -> tuple[pd.DataFrame, pd.DataFrame]:
    found, fired = wide(company(), catalog, [D])
    return found.reset_index(), fired


def reasons_of(built: pd.DataFrame, named: list[Feature], catalog: Catalog, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    names = ["(base)", *[f.name for f in named if f.is_predictor]]
    rows = [(account, name, rng.normal()) for account in built["account_id"] for name in names]
    frame = pd.DataFrame(rows, columns=["account_id", "feature", "contribution"])
    return words.reasons(frame.assign(as_of=pd.Timestamp(D), points=frame["contribution"] / 50), built, named, catalog)


def test_every_figure_is_the_features_own(built: Any, named: list[Feature], catalog: Catalog) -> None:
    features = built[0].set_index("account_id")
    said = reasons_of(built[0], named, catalog)
    by_name = {f.name: f for f in named}
    medians = features.groupby("plan_id")
    assert len(said) == 4 * (1 + sum(f.is_predictor for f in named))
    for row in said[said["feature"] != "(base)"].itertuples():
        f, value = by_name[row.feature], features.loc[row.account_id, row.feature]
        assert row.group == f.group
        for language, text in (("en", row.text_en), ("ja", row.text_ja)):
            inside = {"en": " (internal)", "ja": "（社内用）"}[language] if f.is_internal else ""
            if pd.isna(value):
                assert text == f.nothing[language] + inside
                continue
            if f.unit == "category":
                assert row.value_text == value
                continue
            assert row.value == pytest.approx(float(value))
            if f.speaks_through:
                continue
            figure = spoken(float(value), f.unit, language, currency="EUR")
            sentence = f.sentence[language].format(value=figure, s="" if figure == "1" else "s")
            if f.zero and value == 0:
                sentence = f.zero[language]
            assert text.startswith(sentence)
            assert text.endswith(inside)
            rest = text.removeprefix(sentence).removesuffix(inside)
            if f.name in words.NOT_COMPARED or f.unit == "sentiment":
                assert rest == ""
            else:
                plan = features.loc[row.account_id, "plan_id"]
                peers = pd.to_numeric(medians.get_group(plan)[f.name]).astype("float64").median()
                median = spoken(peers, f.unit, language, currency="EUR")
                if median == figure or abs(float(value) - peers) <= 0.05 * abs(peers):  # it would say nothing
                    assert rest == ""
                    continue
                assert median in rest
                assert catalog.plan(plan).name[language] in rest
        assert JAPANESE.search(row.text_ja)
        assert not JAPANESE.search(row.text_en)


def test_ranks_follow_size_with_the_base_first(built: Any, named: list[Feature], catalog: Catalog) -> None:
    for _, rows in reasons_of(built[0], named, catalog).groupby("account_id"):
        in_order = rows.sort_values("rank")
        assert in_order["feature"].iloc[0] == "(base)"
        assert in_order["rank"].tolist() == list(range(len(rows)))
        assert in_order["contribution"].iloc[1:].abs().is_monotonic_decreasing


def test_the_extreme_speaks_through_the_metric_that_attains_it(
    built: Any, named: list[Feature], catalog: Catalog
) -> None:
    said = reasons_of(built[0], named, catalog).set_index(["account_id", "feature"])
    assert said.loc[("ann", "limit_peak"), "text_en"].startswith("Storage peaked at 91 % of the limit in 28 days")
    assert said.loc[("ann", "limit_peak"), "text_ja"].startswith("ストレージは直近28日に最大で上限の91%")
    assert said.loc[("dot", "days_to_limit"), "text_en"].startswith("Storage: the limit is 3 days away at this pace")
    assert said.loc[("bob", "limit_peak"), "text_en"] == "No limit applies, or none is measured"


def test_categories_speak_by_name(built: Any, named: list[Feature], catalog: Catalog) -> None:
    said = reasons_of(built[0], named, catalog).set_index(["account_id", "feature"])
    assert said.loc[("ann", "lifecycle_stage"), "text_ja"].startswith(
        "ステージは更新時期（年間契約の終了が近い）（プロの"
    )
    assert said.loc[("ann", "billing"), "text_en"].startswith("Billed yearly (")
    assert said.loc[("ann", "billing"), "text_en"].endswith("% on Pro)")
    assert said.loc[("ann", "plan_id"), "text_en"] == "On the plan Pro"
    assert said.loc[("ann", "industry"), "text_en"] == "Industry not known"


def few(**points: float) -> pd.DataFrame:
    """Reasons of one account, from points by feature (`group__feature__acts` as names would be too clever)."""
    groups = {f: g for g, names in GROUPS.items() for f in names}
    rows = [("x", f, groups[f], p, f"{f} en", f"{f} ja") for f, p in points.items()]
    columns = ["account_id", "feature", "group", "points", "text_en", "text_ja"]
    base = pd.DataFrame([("x", "(base)", None, 0.2, None, None)], columns=columns)
    return pd.concat([base, pd.DataFrame(rows, columns=columns)], ignore_index=True)


GROUPS = {
    "use": ["events_7d", "active_days_28d", "peak_users_28d"],
    "limits": ["limit_peak", "limits_over_80"],
    "seats": ["seats", "seat_penetration"],
    "commerce": ["mrr", "plan_id"],
    "profile": ["industry"],
    "tenure": ["tenure_days"],
    "support": ["tickets_90d", "open_tickets"],
}


def said(named: list[Feature], n: int = 3, language: Any = "en", **points: float) -> list[str]:
    row = words.chosen(few(**points), named, n=n, language=language).iloc[0]
    return [row[f"reason_{i}"] for i in range(1, 6) if row[f"reason_{i}"] is not None]


def test_one_reason_a_group_by_what_the_group_adds_up_to(named: list[Feature]) -> None:
    found = said(named, events_7d=0.02, active_days_28d=0.02, limit_peak=0.03, limits_over_80=-0.01, mrr=0.025)
    assert found == ["▲ active_days_28d en", "▲ mrr en", "▲ limit_peak en"]  # 0.04, 0.025, 0.02


def test_the_speaker_agrees_with_its_group(named: list[Feature]) -> None:
    found = said(named, events_7d=-0.05, active_days_28d=0.03, peak_users_28d=0.04)
    assert found == ["▲ peak_users_28d en"] or found == ["▲ active_days_28d en"]
    assert "▼ events_7d en" not in found


def test_for_comes_before_against(named: list[Feature]) -> None:
    found = said(named, events_7d=0.01, mrr=-0.09, seats=-0.05)
    assert found == ["▲ events_7d en", "▼ mrr en", "▼ seats en"]


def test_at_least_one_that_can_be_acted_on(named: list[Feature]) -> None:
    rest = {"limit_peak": 0.09, "mrr": 0.08, "seats": 0.07, "tenure_days": 0.06}
    assert said(named, **rest, events_7d=0.01) == ["▲ limit_peak en", "▲ mrr en", "▲ events_7d en"]
    # where only one that speaks against can be acted on, that one
    assert said(named, **rest, events_7d=-0.01) == ["▲ limit_peak en", "▲ mrr en", "▼ events_7d en"]
    # where its group speaks already through another, it speaks in its stead
    found = said(named, **rest, peak_users_28d=0.2, events_7d=0.01)
    assert found == ["▲ events_7d en", "▲ limit_peak en", "▲ mrr en"]
    # where one is there already, nothing is forced
    assert said(named, **rest, events_7d=0.5)[0] == "▲ events_7d en"
    assert len(said(named, **rest, events_7d=0.01, n=1)) == 1
    # where there is none, none is made up
    assert said(named, **rest) == ["▲ limit_peak en", "▲ mrr en", "▲ seats en"]


def test_what_moves_nothing_is_no_reason(named: list[Feature]) -> None:
    assert said(named, mrr=0.0009, seats=0.001) == ["▲ seats en"]


def test_a_model_without_signal_gives_no_reasons(named: list[Feature]) -> None:
    assert words.chosen(few(mrr=0.0), named, n=5, language="en").empty


def test_reasons_in_japanese(named: list[Feature]) -> None:
    assert said(named, language="ja", mrr=0.1) == ["▲ mrr ja"]


def test_random_lists_keep_the_promises(named: list[Feature]) -> None:
    acts = {f.name for f in named if f.is_actionable}
    groups = {f: g for g, names in GROUPS.items() for f in names}
    for seed in range(60):
        rng = np.random.default_rng(seed)
        points = {f: float(rng.normal() * 10 ** rng.uniform(-4, -1)) for f in groups}
        found = said(named, n=4, **points)
        features = [text.split()[1] for text in found]
        assert len({groups[f] for f in features}) == len(features) <= 4
        for text, f in zip(found, features, strict=True):
            assert text[0] == ("▲" if points[f] > 0 else "▼")
        if any(abs(points[f]) >= 0.001 for f in acts & set(points)):
            assert acts & set(features)


def test_evidence_carries_its_value(built: Any, named: list[Feature], catalog: Catalog) -> None:
    told = words.evidence(built[1], named, triggers(Triggers(), catalog), catalog)
    by_trigger = told[told["account_id"] == "ann"].set_index("trigger")
    assert by_trigger.loc["executive_engaged", "evidence_en"] == "Met an executive 30 days ago"
    assert by_trigger.loc["gated_features", "evidence_ja"] == "直近28日に未契約の機能を6回試しています"
    assert by_trigger.loc["limit_storage_gb", "evidence_en"] == "Storage at 80 % of the limit"
    assert "value" not in told
    assert not told[["evidence_en", "evidence_ja"]].map(lambda text: "{" in text).any(axis=None)


def unblocked(row: dict[str, Any], named: list[Feature], catalog: Catalog, language: Any = "en") -> str | None:
    empty = {"blocked_by": None, "unblock_days": np.nan, "unblock_feature": None, "unblock_now": np.nan,
             "unblock_target": np.nan, "closest_offer_id": None}  # fmt: skip
    return words.would_unblock(pd.DataFrame([empty | row]).astype(object), named, catalog, language).iloc[0]


def test_would_unblock(named: list[Feature], catalog: Catalog) -> None:
    assert unblocked({}, named, catalog) is None
    wait = {"blocked_by": "recent_refusal", "unblock_days": 43.0}
    assert unblocked(wait, named, catalog) == "Wait 43 days"
    assert unblocked(wait, named, catalog, "ja") == "あと43日待つ"
    lacks = {"blocked_by": "not_suitable", "unblock_feature": "health_score", "unblock_now": 44.0,
             "unblock_target": 50.0, "closest_offer_id": "seats_20"}  # fmt: skip
    assert unblocked(lacks, named, catalog) == "20 % more seats: Health score (0-100): 50 or more (now 44)"
    assert "50以上（現在44）" in str(unblocked(lacks, named, catalog, "ja"))
    too_much = lacks | {"unblock_feature": "adoption_rate", "unblock_now": 0.7, "unblock_target": 0.5}
    assert "50 % or less (now 70 %)" in str(unblocked(too_much, named, catalog))
    assert (
        unblocked({"blocked_by": "serious_ticket"}, named, catalog) == "Resolve the ticket, and say so to the customer"
    )


def test_would_unblock_in_units_days_and_answers(named: list[Feature], catalog: Catalog) -> None:
    users = {"blocked_by": "not_applicable", "unblock_feature": "limit_active_users_peak_28d", "unblock_now": 0.8,
             "unblock_target": 0.85, "unblock_missing": 2.0, "unblock_unit": "active_users", "unblock_more": 1.0,
             "closest_offer_id": "seats_20"}  # fmt: skip
    assert unblocked(users, named, catalog) == (
        "20 % more seats: 2 more users (Active users: peak use ÷ limit, last 28 days: 85 % or more, now 80 %), "
        "and 1 more condition"
    )
    assert unblocked(users, named, catalog, "ja") == (
        "シート20%追加：あと2人（アクティブユーザー数：直近28日のピークの上限比が85%以上、現在80%）、ほか1条件"
    )
    one = users | {"unblock_missing": 1.0, "unblock_more": 0.0}
    assert "1 more user (" in str(unblocked(one, named, catalog))
    assert "condition" not in str(unblocked(one, named, catalog))
    nps = {"blocked_by": "unhappy", "unblock_feature": "nps_latest", "unblock_now": 4.0, "unblock_target": 7.0,
           "unblock_days": 12.0}  # fmt: skip
    assert unblocked(nps, named, catalog) == (
        "Put right what went wrong, then ask again how they feel (Latest NPS answer (0-10), last 365 days: 7 or more, "
        "now 4), or wait 12 days"
    )
    assert str(unblocked(nps, named, catalog, "ja")).endswith("7以上、現在4）、またはあと12日待つ")
    open_one = {"blocked_by": "not_applicable", "unblock_offer_id": "upgrade_next", "closest_offer_id": "bundle_growth",
                "unblock_days": 60.0}  # fmt: skip
    assert unblocked(open_one, named, catalog) == (
        "Next plan with Analytics: get an answer to “Upgrade to the next plan” first"
    )
    assert "先に「上位プランへのアップグレード」のご返答をいただく" in str(unblocked(open_one, named, catalog, "ja"))
    gain = {"blocked_by": "no_gain", "unblock_feature": "propensity", "unblock_now": 0.01, "unblock_target": 0.04,
            "closest_offer_id": "seats_20"}  # fmt: skip
    assert unblocked(gain, named, catalog) == "20 % more seats: Likelihood: 4 % or more (now 1 %)"
    mood = {
        "blocked_by": "unhappy",
        "unblock_feature": "csm_sentiment_level",
        "unblock_now": 0.0,
        "unblock_target": 1.0,
    }
    assert unblocked(mood, named, catalog) == "Put right what went wrong, then ask again how they feel"


def test_a_note_stands_behind_the_sentence_of_its_feature_and_account(
    built: Any, named: list[Feature], catalog: Catalog
) -> None:
    intervals = pd.DataFrame({"account_id": ["dot"], "metric": ["storage_gb"], "low": [7.0], "high": [20.0]})
    noted = notes(intervals, coverage=0.8, horizon_days=180)
    fired = words.evidence(built[1], named, triggers(Triggers(), catalog), catalog, noted)
    plain = words.evidence(built[1], named, triggers(Triggers(), catalog), catalog)
    soon = fired[(fired["account_id"] == "dot") & (fired["trigger"] == "limit_storage_gb_soon")]
    assert soon["evidence_en"].tolist() == ["Storage: the limit is 3 days away at this pace (80 %: 7 to 20 days)"]
    assert soon["evidence_ja"].tolist() == ["このペースではストレージが3日で上限に到達（80%の確率で7〜20日）"]
    pd.testing.assert_frame_equal(fired.drop(soon.index), plain.drop(soon.index))

    told = {language: words.sentences(built[0], named, catalog, language, noted) for language in words.LANGUAGES}
    at = built[0]["account_id"].tolist().index("dot")
    for feature in ("days_to_limit_storage_gb", "days_to_limit"):  # the first of all limits speaks through its own
        assert "3 days away at this pace (80 %: 7 to 20 days)" in told["en"][feature][at]
        assert "3日で上限に到達（80%の確率で7〜20日）" in told["ja"][feature][at]
    said = [sentence for of in told["en"].values() for i, sentence in enumerate(of) if i != at]
    assert not any("80 %:" in sentence for sentence in said)
