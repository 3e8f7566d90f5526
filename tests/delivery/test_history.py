"""What happened, in words: every kind of event in both languages, ids that the catalogue forgot, and lines."""

from typing import Any

import pandas as pd
import pytest

from data.catalog import Catalog
from data.term_changes import KINDS
from delivery import labels
from delivery.history import EVENTS, LINES, MRR, USE, Past, Story, stories

DAY = pd.Timestamp("2026-05-01")
NO_LINES = pd.DataFrame(columns=list(LINES))


def story(catalog: Catalog, *events: dict[str, Any], lines: pd.DataFrame = NO_LINES) -> Story:
    rows = [{"account_id": "a", "on": DAY, **event} for event in events]
    frame = pd.DataFrame(rows, columns=list(EVENTS))
    return stories(Past(frame, lines), catalog).get("a", Story())


@pytest.mark.parametrize(
    ("event", "en", "ja"),
    [
        ({"kind": "started", "what": "pro"}, "Started on Pro", "プロで利用開始"),
        ({"kind": "moved", "what": "pro", "was": "starter"}, "Moved from Starter to Pro", "スターターからプロへ変更"),
        ({"kind": "left", "was": "pro"}, "Left Pro", "プロを解約"),
        ({"kind": "seats", "before": 1200.0, "after": 1250.0}, "Seats 1,200 → 1,250", "シート数 1,200 → 1,250"),
        ({"kind": "added", "what": "analytics"}, "Added Analytics", "アナリティクスを追加"),
        ({"kind": "dropped", "what": "analytics"}, "Dropped Analytics", "アナリティクスを解除"),
        ({"kind": "billing", "what": "annual", "was": "monthly"}, "Billing monthly → yearly", "支払い 月払い → 年払い"),
        (
            {"kind": "proposed", "what": "add_analytics", "channel": "email", "discount_pct": 5.0, "answer": "declined",
             "reason": "price", "after": 6.0},
            "Proposed “Add Analytics” (Email), 5% off: declined after 6 days (price)",
            "「アナリティクスの追加」を提案（メール）、5%割引：お断り（6日後）、理由は価格",
        ),
        (
            {"kind": "proposed", "what": "retired_offer", "answer": "open", "discount_pct": 0.0},
            "Proposed “Retired offer”: not answered yet",
            "「Retired offer」を提案：返答待ち",
        ),
        (
            {"kind": "listed", "what": "add_analytics", "after": 3.0},
            "On the list, rank 3: Add Analytics", "リスト掲載（3位）：アナリティクスの追加",
        ),
        ({"kind": "helped", "after": 40}, "On the list to be helped, rank 40", "支援対象としてリスト掲載（40位）"),
    ],
)  # fmt: skip
def test_each_event_in_both_languages(catalog: Catalog, event: dict[str, Any], en: str, ja: str) -> None:
    ((on, text),) = story(catalog, event).moments
    assert (on, text.en, text.ja) == (DAY, en, ja)


def test_every_kind_has_words() -> None:
    assert {*KINDS, "listed", "helped"} <= set(labels.HISTORY)
    assert set(labels.OUTCOMES) == {"accepted", "declined", "no_response", "open"}


def test_changes_of_terms_on_one_day_are_one_moment_and_the_newest_comes_first(catalog: Catalog) -> None:
    later = DAY + pd.Timedelta(days=1)
    found = story(
        catalog,
        {"kind": "moved", "what": "pro", "was": "starter"},
        {"kind": "proposed", "what": "add_analytics", "answer": "accepted"},
        {"kind": "seats", "before": 5, "after": 8},
        {"kind": "added", "what": "analytics", "on": later},
    ).moments
    assert [(on, text.en) for on, text in found] == [
        (later, "Added Analytics"),
        (DAY, "Moved from Starter to Pro; seats 5 → 8"),
        (DAY, "Proposed “Add Analytics”: accepted"),
    ]


def test_lines_are_told_oldest_first_money_first_and_only_where_there_are_enough_points(catalog: Catalog) -> None:
    points = [("a", USE, ago, 10.0 * ago) for ago in (0, 2, 1)]
    points += [("a", MRR, ago, value) for ago, value in ((0, 3.0), (1, 2.0), (2, 1.0), (3, float("nan")))]
    points += [("a", "storage_gb", 0, 1.0), ("a", "storage_gb", 1, 1.0)]  # two points are no line
    points += [("a", "a metric that is gone", ago, 1.0) for ago in range(5)]
    found = story(catalog, lines=pd.DataFrame(points, columns=list(LINES))).lines
    assert [(line.is_money, line.values) for line in found] == [(True, (1.0, 2.0, 3.0)), (False, (20.0, 10.0, 0.0))]
    assert [line.name.ja for line in found] == ["MRR（12か月）", "週ごとの利用回数"]
