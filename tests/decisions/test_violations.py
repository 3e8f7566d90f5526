"""No decision breaks a rule, by a checker that shares no code with it; and the checker sees it where one does."""

from collections import Counter
from typing import Any

import pandas as pd
import pytest

from benchmarks.violations import decided_and_checked
from decisions import conditions, gates
from features import offers as mechanics
from tests.decisions.checker import Checker
from tests.decisions.random_company import AS_OF

SEEDS = (*range(42, 47), 1_000_002, 2_000_033)  # the last two: margin floors that no step leaves standing


def test_twenty_thousand_candidates_break_no_rule() -> None:
    """The million: python -m benchmarks.violations."""
    n_candidates = n_contacts = 0
    for seed in SEEDS:
        some, contacts, broken = decided_and_checked(seed)
        assert not broken, (seed, broken[:5])
        n_candidates, n_contacts = n_candidates + some, n_contacts + contacts
    assert n_candidates >= 20_000
    assert n_contacts > 100


def test_a_gate_left_open_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_blocks(accounts: pd.DataFrame, *_: Any, **__: Any) -> pd.Series:
        return pd.Series(None, index=accounts.index, dtype="object")

    monkeypatch.setattr(gates, "first_blocking", none_blocks)
    seen = Counter(one.rule for seed in SEEDS for one in decided_and_checked(seed, 120)[2])
    assert set(gates_of_the_contract()) <= set(seen)


def test_conditions_and_what_is_possible_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def all_true(of: Any, accounts: pd.DataFrame, *_: Any) -> pd.Series:
        return pd.Series(True, index=accounts.index)

    monkeypatch.setattr(conditions, "all_hold", all_true)
    monkeypatch.setattr(mechanics, "is_possible", all_true)
    seen = Counter(one.rule for seed in SEEDS for one in decided_and_checked(seed, 60)[2])
    assert {"not_eligible", "not_applicable", "not_suitable"} <= set(seen)


def gates_of_the_contract() -> list[str]:
    return ["no_consent", "do_not_contact", "onboarding", "serious_ticket", "unhappy", "falling_use", "recent_refusal", "contact_limit"]  # fmt: skip  # noqa: E501  # the contract's sentence, unbroken


def test_each_rule_of_the_week_is_seen() -> None:
    offers: list[dict[str, Any]] = [
        {
            "id": "up", "kind": "upgrade", "changes": {"tier": 1}, "channels": ["csm", "email"], "contact_cost": 60,
            "discounts": {"steps_pct": [0, 10, 50], "approval_above_pct": 5, "min_margin_pct": 60},
        }
    ]  # fmt: skip
    plans = [{"id": p, "tier": i, "features": [], "limits": {}} for i, p in enumerate(("free", "pro", "top"))]
    well = {
        "has_opted_in": True,
        "plan_id": "free",
        "owner_id": "o",
        "seats": 1,
        "billing": "annual",
        "propensity": 0.5,
    }
    rules = {
        "requires_consent": True, "onboarding_days": None, "blocks_serious_tickets": True, "unhappy_nps_below": None,
        "unhappy_nps_days": 90, "falling_use_below": None, "same_offer_refusal_days": 180,
        "cool_down_days": {"accepted": None, "declined": 90, "no_response": None},
        "contact_limits": [{"channel": None, "max": 2, "days": 30}],
    }  # fmt: skip
    week = {
        "owner_counts": "hours", "owner_channels": ["csm"], "hours": {"csm": 1.0}, "hours_of": {"up": 2.0},
        "per_owner": 3, "without_owner": 0, "budget": 100.0,
        "limits": [{"id": "mails", "channels": ["email"], "max": 0}],
    }  # fmt: skip
    rows = {i: well | {"account_id": i} for i in "abc"}
    checker = Checker({"plans": plans, "offers": offers}, rules, rows, [], AS_OF, week)
    way = {"offer_id": "up", "channel": "csm", "discount_pct": 0, "value": 100.0, "p_accept": None}

    def seen(*of: dict[str, Any], withheld: tuple[str, ...] = ()) -> set[str]:
        chosen = [way | one for one in of]
        return {one.rule for one in checker.of_week(chosen, [way | {"account_id": i} for i in "abc"], withheld)}

    assert seen({"account_id": "a"}) == set()
    assert seen({"account_id": "a"}, withheld=("a",)) == {"holdout"}
    assert seen({"account_id": "a"}, {"account_id": "a"}) == {"one_action", "limit owner", "limit budget"}
    assert seen({"account_id": "a", "channel": "email"}) == {"not_a_candidate", "limit mails"}
    assert seen({"account_id": "a", "channel": "in_app"}) == {"not_a_candidate", "channel"}
    assert seen({"account_id": "a", "discount_pct": 7}) == {"not_a_candidate", "discount_step"}
    # half of 200 given away to one of two: 50, beside the contact's 60
    assert seen({"account_id": "a", "discount_pct": 50}) == {"not_a_candidate", "discount_floor", "limit budget"}
    assert seen({"account_id": "a", "discount_pct": 10, "needs_approval": False}) == {"not_a_candidate", "approval"}
