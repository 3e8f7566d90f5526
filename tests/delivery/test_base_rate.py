"""The page's one sentence on the level: the gravest that is true, in both languages, with the figures."""

from typing import Any

import pytest

from delivery.base_rate import note
from models.shift import Moved

AT_REST = Moved(0.100, 0.102, 0.02, -0.1, 0.14, has_moved=False)
RISEN = Moved(0.085, 0.112, 0.3, 0.1, 0.5, has_moved=True)
FALLEN = Moved(0.112, 0.085, -0.3, -0.5, -0.1, has_moved=True)


def reading(**changed: Any) -> dict[str, Any]:
    same = {"is_corrected": False, "distribution_moved": False, "rate_carried": 0.112, "rate_em": 0.2}
    return same | changed


@pytest.mark.parametrize("past", [None, AT_REST])
@pytest.mark.parametrize("read", [{}, reading()])
def test_where_nothing_moved_nothing_is_said(read: dict[str, Any], past: Moved | None) -> None:
    assert note(read, past) is None


@pytest.mark.parametrize("past", [None, RISEN])
def test_a_correction_is_said_before_all_else(past: Moved | None) -> None:
    told = note(reading(is_corrected=True, distribution_moved=True), past)
    assert told is not None
    for text in (told.en, told.ja):
        assert "11%" in text
        assert "20%" in text
    assert "seems to have moved from 11% to 20%" in told.en
    assert "11%から20%" in told.ja


def test_other_scores_that_are_left_as_they_are_say_what_to_trust() -> None:
    told = note(reading(distribution_moved=True), RISEN)
    assert told is not None
    assert "trust the order more than the percentages" in told.en
    assert "20%" not in told.en + told.ja  # an estimate that is not believed is no figure for a CS lead
    assert "順位を参考に" in told.ja


@pytest.mark.parametrize(("past", "en", "ja"), [(RISEN, "more often", "高く"), (FALLEN, "less often", "低く")])
def test_a_past_that_moved_says_in_which_direction(past: Moved, en: str, ja: str) -> None:
    told = note(reading(), past)
    assert told is not None
    assert en in told.en
    assert ja in told.ja
    for text in (told.en, told.ja):
        assert f"{past.rate_latest:.1%}" in text
        assert f"{past.rate_earlier:.1%}" in text
    assert note({}, past) == told


def test_it_is_one_sentence_of_each_language() -> None:
    for told in (note(reading(distribution_moved=True), None), note(reading(), RISEN)):
        assert told is not None
        assert told.en.count(". ") == 0
        assert told.en.endswith(".")
        assert told.ja.endswith("。")
