"""The check of the list's figures: raw tables with answers known by head, and what is changed in a sentence found."""

import json
import shutil
from datetime import date, datetime
from pathlib import Path

import pandas as pd
import pytest

from benchmarks import figures
from benchmarks.by_hand import raw
from benchmarks.by_hand.compared import Reader
from benchmarks.by_hand.figures import figures as by_hand

DAY = pd.Timestamp("2026-06-01")
PAGE = """
| `events_28d` | count | model act | Events in the last 28 days | {value} events in the last 28 days | 直近28日の操作回数は{value}回 |
| `gated_events_28d` | count | model | Meetings | A locked feature was tried {value} times in 28 days | 直近28日に未契約の機能を{value}回試しています |
| `limit_storage_gb_peak_28d` | share | model | Storage | Storage peaked at {value} of the limit in 28 days | ストレージは直近28日に最大で上限の{value} |
| `limit_peak` | share | model | Highest | The tightest limit was at {value} in the last 28 days | 最も逼迫した上限は直近28日で{value} |
| `seats_change_180d` | change | model | Seats | Seats changed by {value} in 180 days | シート数は180日で{value} |
| `mrr` | money | model | MRR | Pays {value} a month | 月額{value} |
| `plan_id` | category | model | Plan | On the plan {value} | プランは{value} |
| `billing` | category | model | Billing | Billed {value} | 支払いは{value} |
| `close_hours_180d` | hours | model | Hours | Tickets were closed in {value} on average | 問い合わせの平均解決時間は{value} |
| `life_events_180d` | count | model | Events | {value} events in the company in 180 days | 直近180日の企業イベントは{value}件 |
| `days_since_upheaval` | days | model | Days | {value} since a merger or reorganisation | 合併・組織再編から{value}経過 |
| `days_since_refusal` | days | model internal | Days | Last declined {value} ago | 最後の辞退から{value}経過 |
"""  # noqa: E501  a table of docs/features.md, as it stands there
RIGHT = [
    ("ann", "events_28d", "30 events in the last 28 days (median on Pro: 10)",
     "直近28日の操作回数は30回（プロの中央値：10）"),
    ("ann", "gated_events_28d", "A locked feature was tried 5 times in 28 days",
     "直近28日に未契約の機能を5回試しています"),
    ("bob", "gated_events_28d", "No locked feature was tried in 28 days", "直近28日に未契約の機能は試されていません"),
    ("ann", "limit_peak", "Storage peaked at 80 % of the limit in 28 days (80 %: within 35 days) (median on Pro: 20 %)",
     "ストレージは直近28日に最大で上限の80%（80%の確率で35日以内）（プロの中央値：20%）"),
    ("ann", "seats_change_180d", "Seats changed by +100 % in 180 days", "シート数は180日で100%増"),
    ("bob", "seats_change_180d", "Seats changed by 0 % in 180 days", "シート数は180日で横ばい"),
    ("ann", "mrr", "Pays €1,399 a month", "月額€1,399"),
    ("ann", "plan_id", "On the plan Pro", "プランはプロ"),
    ("ann", "billing", "Billed yearly (67% on Pro)", "支払いは年払い（プロの67%）"),
    ("bob", "close_hours_180d", "Tickets were closed in 2.1 days on average", "問い合わせの平均解決時間は2.1日"),
    ("ann", "life_events_180d", "1 event in the company in 180 days (hiring on 3 May 2026) (median on Pro: 0)",
     "直近180日の企業イベントは1件（2026年5月3日に採用強化）（プロの中央値：0）"),
    ("cyd", "days_since_upheaval", "No merger or reorganisation known in a year", "直近1年の合併・組織再編の情報なし"),
    ("bob", "days_since_refusal", "Has never declined (internal)", "断られたことはありません（社内用）"),
]  # fmt: skip
WRONG = [  # which of the right ones, its language, what stands there instead, and in which part that differs
    (0, "en", "31 events in the last 28 days (median on Pro: 10)", "figure"),
    (0, "ja", "直近28日の操作回数は1,030回（プロの中央値：10）", "figure"),
    (0, "en", "30 events in the last 28 days (median on Pro: 20)", "peers"),
    (0, "en", "30 events in the last 28 days (median on Free: 10)", "peers"),
    (0, "ja", "直近28日の操作回数は30回", "peers"),
    (1, "en", "No locked feature was tried in 28 days", "figure"),
    (3, "en", "Storage peaked at 81 % of the limit in 28 days (median on Pro: 20 %)", "figure"),
    (4, "ja", "シート数は180日で100%減", "figure"),
    (6, "en", "Pays €1,400 a month", "figure"),
    (7, "en", "On the plan Starter", "figure"),
    (8, "en", "Billed monthly (67% on Pro)", "figure"),
    (8, "en", "Billed yearly (33% on Pro)", "peers"),
    (9, "en", "Tickets were closed in 2.2 days on average", "figure"),
    (10, "en", "1 event in the company in 180 days (hiring on 4 May 2026) (median on Pro: 0)", "figure"),
    (12, "en", "Has never declined", "figure"),
]


def tables() -> dict[str, pd.DataFrame]:
    """Three accounts on Pro. What lies on the day itself is not known on it."""
    ids = ["ann", "bob", "cyd"]
    begun, raised = date(2025, 1, 1), date(2026, 5, 2)
    terms = [
        ("ann", 10.0, 700.0, "annual", begun, raised), ("ann", 20.0, 1399.0, "annual", raised, None),
        ("bob", 10.0, 249.0, "annual", begun, None), ("cyd", 10.0, 249.0, "monthly", begun, None),
    ]  # fmt: skip
    use = [
        ("ann", date(2026, 5, 30), "tasks", "used", 30, 4), ("ann", date(2026, 5, 31), "sso", "gated", 5, 1),
        ("ann", date(2026, 6, 1), "tasks", "used", 1000, 9), ("bob", date(2026, 5, 10), "tasks", "used", 10, 2),
        ("cyd", date(2026, 4, 20), "tasks", "used", 7, 1),
    ]  # fmt: skip
    storage = [("ann", 11, 100.0), ("ann", 18, 150.0), ("ann", 25, 200.0), ("bob", 25, 50.0), ("cyd", 25, 50.0)]
    tickets = [
        ("ann", datetime(2025, 11, 1), datetime(2025, 12, 20), 2.0),
        ("bob", datetime(2026, 5, 1, 10), datetime(2026, 5, 3, 12), None),
        ("cyd", datetime(2026, 5, 30), datetime(2026, 6, 2), 1.0),
    ]  # fmt: skip
    changes = [("ann", datetime(2025, 1, 1), "100"), ("ann", datetime(2026, 6, 1), "400")]
    events = [("ann", date(2026, 5, 3), "hiring"), ("bob", date(2024, 9, 1), "merger")]
    return {
        "accounts": pd.DataFrame({"account_id": ids, "signed_up_on": begun, "industry": "media", "region": "EMEA"}),
        "subscriptions": pd.DataFrame(
            terms, columns=["account_id", "quantity", "mrr", "billing", "valid_from_on", "valid_to_on"]
        ).assign(product_id="pro", discount_pct=0.0, renews_on=date(2026, 1, 1)),
        "usage": pd.DataFrame(use, columns=["account_id", "used_on", "feature", "kind", "n_events", "n_users"]),
        "meters": pd.DataFrame(
            [(account, date(2026, 5, day), value) for account, day, value in storage],
            columns=["account_id", "measured_on", "value"],
        ).assign(metric="storage_gb"),
        "tickets": pd.DataFrame(tickets, columns=["account_id", "opened_at", "closed_at", "csat"]).assign(
            severity="low", category="bug"
        ),
        "surveys": pd.DataFrame({"account_id": ["ann"], "answered_at": [datetime(2026, 5, 1)], "nps": [9]}),
        "touchpoints": pd.DataFrame(
            {"account_id": ["bob"], "held_at": [datetime(2026, 5, 22, 9)], "kind": "demo", "n_attendees": [3],
             "has_executive": [False]}
        ),
        "life_events": pd.DataFrame(events, columns=["account_id", "happened_on", "kind"]),
        "proposals": pd.DataFrame(
            {"account_id": ["bob"], "proposed_at": [datetime(2026, 5, 28)], "offer_id": "training",
             "outcome": "declined", "decided_at": [datetime(2026, 6, 2)], "reason": "price"}
        ),
        "account_changes": pd.DataFrame(changes, columns=["account_id", "changed_at", "value"]).assign(
            field="employee_count"
        ),
    }  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / raw.COMPANY
    folder.mkdir(parents=True)
    for name, rows in tables().items():
        rows.to_parquet(folder / f"{name}.parquet", index=False)
    for name in ("catalog.yaml", "params.yaml"):
        shutil.copy(name, tmp_path / name)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/features.md").write_text(PAGE, encoding="utf-8")
    return tmp_path


def test_figures_are_those_known_by_head(run: Path) -> None:
    found = by_hand(raw.known(run, DAY)).loc["ann"]
    known = {
        "events_28d": 30, "days_since_use": 2, "features_used_28d": 1, "limit_storage_gb_latest": 0.8,
        "days_to_limit_storage_gb": 7, "term_changes_365d": 1, "days_since_term_change": 30, "days_to_renewal": 214,
        "seat_penetration": 0.2, "use_vs_peers": 1, "nps_latest": 9, "tenure_days": 516, "tickets_90d": 0,
    }  # fmt: skip
    assert {name: found[name] for name in known} == pytest.approx(known)


def test_right_sentences_agree_and_wrong_ones_are_found(run: Path) -> None:
    reader = Reader(raw.known(run, DAY), PAGE)
    for reason in RIGHT:
        found = reader.read(*reason)
        assert found.is_by_hand, reason
        assert (found.figure, found.peers) == (None, None), reason
    for n, language, text, part in WRONG:
        account, feature, en, ja = RIGHT[n]
        found = reader.read(account, feature, *((text, ja) if language == "en" else (en, text)))
        assert [name for name in ("figure", "peers") if getattr(found, name)] == [part], text


def test_a_sentence_that_claims_more_than_its_window_is_found(run: Path) -> None:
    reader = Reader(raw.known(run, DAY), PAGE)
    old = "No merger or reorganisation known", "合併・組織再編の情報なし"  # one was, long ago: as it was once said
    assert reader.read("bob", "days_since_upheaval", *old).figure
    within = "No merger or reorganisation known in a year", "直近1年の合併・組織再編の情報なし"
    assert not reader.read("bob", "days_since_upheaval", *within).figure
    nothing = "No ticket of the last 180 days is closed", "直近180日の問い合わせに解決済みのものはありません"
    assert not reader.read("ann", "close_hours_180d", *nothing).figure  # one was closed lately, that is older
    assert not reader.read("cyd", "close_hours_180d", *nothing).figure  # it will be closed, which is not known yet


def test_the_list_is_drawn_compared_and_counted(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    weekly = run / figures.WEEKLY
    weekly.mkdir(parents=True)
    rows = pd.DataFrame(RIGHT, columns=["account_id", "feature", "text_en", "text_ja"])
    rows["rank"] = rows.groupby("account_id").cumcount() + 1
    rows.loc[0, "text_ja"] = "直近28日の操作回数は40回（プロの中央値：20）"
    rows.to_parquet(weekly / "reasons.parquet")
    shown = {f"reason_{i + 1}": [f"▲ {RIGHT[i][2]}" if i in (0, 1) else None] for i in range(5)}
    shown["reason_3"] = ["▼ 7 seats"]
    pd.DataFrame({"account_id": ["ann"], **shown}).to_parquet(weekly / "ranked_accounts.parquet")
    (weekly / "manifest.json").write_text('{"as_of": "2026-06-01"}', encoding="utf-8")
    monkeypatch.chdir(run)
    figures.RESULTS.parent.mkdir(parents=True)
    figures.RESULTS.write_text('{"others": 1, "figures_old": 2}', encoding="utf-8")
    figures.main(["--accounts", "1"])
    found = json.loads(figures.RESULTS.read_text(encoding="utf-8"))
    assert found["others"] == 1
    assert "figures_old" not in found
    assert (found["figures_checked"], found["figures_differ"], found["figures_all_checked"]) == (3, 2, len(RIGHT))
    assert (found["figures_medians_checked"], found["figures_medians_differ"]) == (1, 1)
    out = capsys.readouterr().out
    assert "ann events_28d: said '40', recomputed 30" in out
    assert "said '20' for its peers on プロ, recomputed 10" in out
    assert "said '7 seats', which is none of the account's reasons" in out
