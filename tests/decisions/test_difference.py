"""Two lists side by side, on a table small enough to read."""

from typing import Any

import pandas as pd
import pytest

from decisions.difference import difference, is_same

COLUMNS = ["account_id", "owner_id", "assignment", "blocked_by", "offer_id", "channel", "discount_pct", "expected_arr"]
BEFORE = pd.DataFrame(
    [
        ("stays", "x", "contact", None, "seats", "csm", 0.0, 100.0),
        ("leaves", "x", "contact", None, "seats", "csm", 0.0, 80.0),
        ("enters", "y", "none", "onboarding", None, None, None, None),
        ("changes", "y", "contact", None, "seats", "csm", 0.0, 60.0),
        ("waits", None, "beyond_capacity", None, "seats", "email", 0.0, 50.0),
    ],
    columns=COLUMNS,
)
AFTER = pd.DataFrame(
    [
        ("stays", "x", "contact", None, "seats", "csm", 0.0, 90.0),
        ("leaves", "x", "none", "contact_limit", None, None, None, None),
        ("enters", "y", "contact", None, "upgrade", "csm", 5.0, 300.0),
        ("changes", "y", "contact", None, "seats", "email", 0.0, 70.0),
        ("waits", None, "beyond_capacity", None, "seats", "email", 0.0, 50.0),
    ],
    columns=COLUMNS,
)


def test_who_enters_leaves_and_changes_and_what_it_moves() -> None:
    found = difference(BEFORE, AFTER)
    assert found["n_contact"] == {"before": 3, "after": 3}
    assert found["expected_arr"] == {
        "before": 240.0, "after": 460.0, "change": 220.0, "entering": 300.0, "leaving": -80.0, "changing": 10.0,
        "revalued": -10.0,
    }  # fmt: skip
    assert [row["account_id"] for row in found["leaving"]] == ["leaves"]
    assert [row["account_id"] for row in found["changing"]] == ["changes"]
    assert found["entering"] == [
        {
            "account_id": "enters", "owner_id": "y", "assignment_before": "none", "blocked_by_before": "onboarding",
            "offer_id_before": None, "channel_before": None, "discount_pct_before": None,
            "assignment_after": "contact", "blocked_by_after": None, "offer_id_after": "upgrade",
            "channel_after": "csm", "discount_pct_after": 5.0, "expected_arr_change": 300.0,
        }
    ]  # fmt: skip
    assert found["gates"] == {"onboarding": {"before": 1, "after": 0}, "contact_limit": {"before": 0, "after": 1}}
    assert found["assignments"]["none"] == {"before": 1, "after": 1}
    assert found["owners"] == {
        "": {"before": 0, "after": 0, "expected_arr_change": 0.0},
        "x": {"before": 2, "after": 1, "expected_arr_change": -90.0},
        "y": {"before": 1, "after": 2, "expected_arr_change": 310.0},
    }


def test_the_parts_add_up() -> None:
    arr = difference(BEFORE, AFTER)["expected_arr"]
    assert arr["entering"] + arr["leaving"] + arr["changing"] + arr["revalued"] == pytest.approx(arr["change"])
    assert arr["after"] - arr["before"] == pytest.approx(arr["change"])


def test_the_same_list_is_the_same_in_any_order() -> None:
    assert is_same(difference(BEFORE, BEFORE.sample(frac=1, random_state=1)))
    assert not is_same(difference(BEFORE, AFTER))
    assert difference(BEFORE, AFTER) == difference(BEFORE.iloc[::-1], AFTER.iloc[::-1])


@pytest.mark.parametrize(
    "changed",
    [{"assignment": "nurture"}, {"blocked_by": "unhappy"}, {"discount_pct": 5.0}, {"expected_arr": 1.0}],
    ids=str,
)
def test_every_difference_is_one(changed: dict[str, Any]) -> None:
    other = BEFORE.copy()
    for name, value in changed.items():
        other.loc[0, name] = value
    assert not is_same(difference(BEFORE, other))
