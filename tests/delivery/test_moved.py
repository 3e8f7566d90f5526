"""What moved an account since the last list, in the account's own words."""

import pandas as pd

from delivery.moved import moved_by


def week(*rows: tuple[str, str, str | None, float, str | None]) -> pd.DataFrame:
    names = ["account_id", "feature", "group", "points", "text_en"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(text_ja=frame["text_en"])


THEN = week(
    ("a", "(base)", None, 0.10, None), ("a", "seats", "limits", 0.02, "20 seats"),
    ("a", "storage", "limits", 0.01, "1 GB"),
    ("a", "nps", "mood", 0.03, "NPS 9"), ("a", "use", "use", 0.002, "used 3 days"),
    ("b", "(base)", None, 0.10, None), ("b", "seats", "limits", 0.020, "20 seats"),
    ("gone", "(base)", None, 0.10, None),
)  # fmt: skip
NOW = week(
    ("a", "(base)", None, 0.10, None), ("a", "seats", "limits", 0.05, "26 seats"),
    ("a", "storage", "limits", 0.02, "2 GB"),
    ("a", "nps", "mood", 0.01, None), ("a", "use", "use", 0.005, "used 4 days"),
    ("b", "(base)", None, 0.10, None), ("b", "seats", "limits", 0.021, "20 seats"),
    ("new", "(base)", None, 0.10, None), ("new", "seats", "limits", 0.05, "9 seats"),
)  # fmt: skip


def test_the_ideas_that_changed_most_speak_by_the_feature_that_did_as_it_is_now() -> None:
    found = moved_by(NOW, THEN)
    assert set(found) == {"a"}  # b moved by a tenth of a point; the new one has no week before
    # limits: +3.0 and +1.0; the mood has no sentence and is spelled; use moved by less than half a point
    assert found["a"].en == "Since the last list: 16% → 18%. +4.0 points: 26 seats; -2.0 points: Nps"
    assert found["a"].ja == "前回のリストから：16% → 18%。26 seats（+4.0ポイント）、Nps（-2.0ポイント）"


def test_the_base_is_no_reason() -> None:
    moved = NOW.assign(points=NOW["points"].where(NOW["feature"] != "(base)", 0.3))
    assert moved_by(moved, NOW) == {}


def test_the_first_list_has_moved_nowhere() -> None:
    assert moved_by(NOW, None) == {}
