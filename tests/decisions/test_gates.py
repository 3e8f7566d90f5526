"""Each gate just shut and just open at its border, in the contract's order; help passes all but two."""

from typing import Any

import pandas as pd
import pytest

from decisions.gates import GATES, first_blocking, opens_in_days
from decisions.settings import AccountCoolDown, Gates
from tests.decisions.accounts import AS_OF, accounts

ORDER = ["no_consent", "do_not_contact", "onboarding", "serious_ticket", "unhappy", "falling_use", "recent_refusal", "contact_limit"]  # fmt: skip  # noqa: E501  # the contract's sentence, unbroken
DAY = pd.Timedelta(days=1)
BORDERS: list[tuple[str | None, dict[str, Any]]] = [
    (None, {}),
    ("no_consent", {"has_opted_in": False}),
    ("no_consent", {"has_opted_in": None}),  # not known is no
    ("do_not_contact", {"do_not_contact_until": AS_OF + DAY}),
    (None, {"do_not_contact_until": AS_OF}),  # until that day
    (None, {"do_not_contact_until": AS_OF - DAY}),
    ("onboarding", {"tenure_days": 59}),
    (None, {"tenure_days": 60}),
    ("serious_ticket", {"open_serious_tickets": 1}),
    (None, {"open_serious_tickets": None}),
    ("unhappy", {"health_band": "red"}),
    (None, {"health_band": "yellow"}),
    (None, {"health_band": None}),
    ("unhappy", {"csm_sentiment": "red"}),
    (None, {"csm_sentiment": "yellow"}),
    (None, {"csm_sentiment": None}),
    ("unhappy", {"nps_latest": 6.0, "nps_age_days": 90.0}),
    (None, {"nps_latest": 6.0, "nps_age_days": 91.0}),
    (None, {"nps_latest": 7.0, "nps_age_days": 1.0}),
    (None, {"nps_latest": None, "nps_age_days": None}),
    ("falling_use", {"use_change_28d": -0.3}),
    (None, {"use_change_28d": -0.299}),
    (None, {"use_change_28d": None}),
    ("recent_refusal", {"days_since_refusal": 89}),
    (None, {"days_since_refusal": 90}),
    ("contact_limit", {"contacts_30d": 2}),
    (None, {"contacts_30d": 1}),
    (None, {"contacts_30d": None}),
]
SHUT = {gate: changes for gate, changes in BORDERS if gate}


def test_each_gate_at_its_border() -> None:
    found = first_blocking(accounts(*[changes for _, changes in BORDERS]), Gates())
    assert [None if pd.isna(gate) else gate for gate in found] == [gate for gate, _ in BORDERS]


def test_the_contracts_gates_in_its_order() -> None:
    assert [gate.id for gate in GATES] == ORDER
    assert set(SHUT) == set(ORDER)


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_of_several_the_first_in_order_is_named(first: int) -> None:
    everything: dict[str, Any] = {}
    for gate in ORDER[first:]:
        everything |= SHUT[gate]
    assert first_blocking(accounts(everything), Gates()).tolist() == [ORDER[first]]


def test_help_passes_all_but_two() -> None:
    found = first_blocking(accounts(*[SHUT[gate] for gate in ORDER]), Gates(), for_help=True)
    passed = {gate for gate, blocked in zip(ORDER, found, strict=True) if pd.isna(blocked)}
    assert set(ORDER) - passed == {"do_not_contact", "contact_limit"}


@pytest.mark.parametrize(
    ("off", "gate"),
    [
        (Gates(requires_consent=False), "no_consent"),
        (Gates(onboarding_days=None), "onboarding"),
        (Gates(blocks_serious_tickets=False), "serious_ticket"),
        (Gates(falling_use_below=None), "falling_use"),
        (Gates(cool_down_days=AccountCoolDown(declined=None)), "recent_refusal"),
        (Gates(contact_limits=()), "contact_limit"),
    ],
)
def test_a_gate_that_is_switched_off_stands_open(off: Gates, gate: str) -> None:
    assert first_blocking(accounts(SHUT[gate]), off).isna().all()
    others = [SHUT[g] for g in ORDER if g != gate]
    assert first_blocking(accounts(*others), off).tolist() == [g for g in ORDER if g != gate]


def test_without_the_nps_gate_red_still_blocks() -> None:
    off = Gates(unhappy_nps_below=None)
    found = first_blocking(accounts({"nps_latest": 0.0}, {"health_band": "red"}), off)
    assert [None if pd.isna(gate) else gate for gate in found] == [None, "unhappy"]


def test_gates_that_open_by_themselves_say_when() -> None:
    rows = accounts(
        {"do_not_contact_until": AS_OF + 12 * DAY},
        {"tenure_days": 59},
        {"days_since_refusal": 47},
        {"health_band": "red"},
        {},
    )
    days = opens_in_days(rows, first_blocking(rows, Gates()), Gates())
    assert days.tolist()[:3] == [12, 1, 43]
    assert days.isna().tolist() == [False, False, False, True, True]
    # and on that day they do stand open
    later = rows.assign(
        as_of=AS_OF + pd.to_timedelta(days.fillna(0), unit="D"),
        tenure_days=rows["tenure_days"] + days.fillna(0),
        days_since_refusal=rows["days_since_refusal"].astype("float64") + days.fillna(0),
    )
    assert first_blocking(later, Gates()).iloc[:3].isna().all()
