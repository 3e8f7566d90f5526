"""Contact limits by channel and period, cool-downs after each answer, exclusions, and help that comes first."""

from collections.abc import Callable
from datetime import date
from typing import Any, get_args

import ibis
import ibis.expr.types as ir
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.catalog import Catalog, NeedGate, Offer
from data.errors import BadInput
from data.known import calendar
from decisions import past
from decisions.candidates import candidates
from decisions.gates import GATES, first_blocking, opens_in_days
from decisions.instead import first_help
from decisions.settings import AccountCoolDown, ContactLimit, Decide, Gates
from features.proposals import contacts as contacts_of
from features.proposals import refusals as refusals_of
from tests.decisions.accounts import accounts

EMAIL_WEEKLY = {"channel": "email", "max": 1, "days": 7}
NOTHING = {"days_since_proposed": None, "days_since_accepted": None, "days_since_declined": None,
           "days_since_no_response": None, "open_for_days": None}  # fmt: skip


def said(*rows: dict[str, Any]) -> pd.DataFrame:
    """`refusals`: acc-000, acc-001 … have one row each, of the offer upgrade_next where they do not say."""
    given_rows = [
        NOTHING | {"account_id": f"acc-{i:03}", "offer_id": "upgrade_next"} | row for i, row in enumerate(rows)
    ]
    return pd.DataFrame(given_rows).astype(dict.fromkeys(NOTHING, "float64"))


def with_offers(catalog: Catalog, **changed: dict[str, Any]) -> Catalog:
    """The catalogue with these offers only, changed."""
    offers = [o.model_dump(by_alias=True) | changed[o.id] for o in catalog.offers if o.id in changed]
    return catalog.model_copy(update={"offers": [Offer.model_validate(o) for o in offers]})


def gates_of(
    catalog: Catalog, rows: pd.DataFrame, refusals: pd.DataFrame | None = None, gates: Gates | None = None
) -> pd.DataFrame:
    gates = gates or Gates()
    found = candidates(past.remembered(rows, refusals, None, gates), refusals, catalog, gates, Decide())
    return found.set_index(["account_id", "offer_id"])["blocked_by"].unstack()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    ages=st.lists(st.tuples(st.integers(1, 40), st.sampled_from(["csm", "email", None])), max_size=12),
    limit=st.builds(
        ContactLimit, channel=st.sampled_from(["csm", "email", None]), max=st.integers(1, 4), days=st.integers(1, 35)
    ),
)
def test_a_limit_counts_its_days_and_says_when_it_lets_one_through(
    ages: list[tuple[int, str | None]], limit: ContactLimit
) -> None:
    """Against a count by hand; and on the day that it names, but not the day before, it does stand open."""
    gates = Gates(contact_limits=(limit,))
    rows = pd.DataFrame({"account_id": "a", "channel": [c for _, c in ages], "age_days": [d for d, _ in ages]})
    contacts = rows.groupby(["account_id", "channel", "age_days"], dropna=False).size().reset_index(name="n_contacts")

    def counted(later: int) -> int:
        mine = [d + later for d, c in ages if limit.channel in (None, c)]
        return sum(d <= limit.days for d in mine)

    found = past.remembered(pd.DataFrame({"account_id": ["a"]}), None, contacts, gates).iloc[0]
    name = past.count_name(limit)
    assert found[name] == counted(0)
    free_in = found[f"{name}_free_in_days"]
    assert counted(int(free_in)) < limit.max
    assert free_in == 0 or counted(int(free_in) - 1) >= limit.max


def test_a_channel_that_is_full_leaves_the_others_free(catalog: Catalog) -> None:
    gates = Gates(contact_limits=[EMAIL_WEEKLY, {"channel": "csm", "max": 1, "days": 30}])  # type: ignore[arg-type]
    some = with_offers(catalog, upgrade_next={"channels": ["email", "csm"]}, training={"channels": ["email"]})
    rows = accounts({}, {}, {})
    contacts = pd.DataFrame(
        {"account_id": ["acc-000", "acc-001", "acc-001"], "channel": ["email", "email", "csm"], "age_days": [3, 3, 9],
         "n_contacts": 1}
    )  # fmt: skip
    rows = past.remembered(rows, None, contacts, gates)
    found = candidates(rows, None, some, gates, Decide()).set_index(["account_id", "offer_id"])
    upgrade = found.xs("upgrade_next", level="offer_id")
    assert upgrade["channel"].tolist()[0] == "csm"
    assert upgrade["channel"].tolist()[2] == "email"
    assert upgrade["blocked_by"].fillna("").tolist() == ["", "contact_limit", ""]
    assert found.xs("training", level="offer_id")["blocked_by"].fillna("").tolist() == ["contact_limit"] * 2 + [""]


def test_an_account_is_full_over_all_channels(catalog: Catalog) -> None:
    contacts = pd.DataFrame(
        {"account_id": ["acc-000", "acc-000"], "channel": ["email", "csm"], "age_days": [30, 12], "n_contacts": 1}
    )
    rows = past.remembered(accounts({}, {}), None, contacts, Gates())
    gate = first_blocking(rows, Gates())
    assert gate.fillna("").tolist() == ["contact_limit", ""]
    assert opens_in_days(rows, gate, Gates()).iloc[0] == 1
    assert first_blocking(rows, Gates(), for_help=True).fillna("").tolist() == ["contact_limit", ""]


def test_a_limit_on_what_was_never_counted_is_told() -> None:
    with pytest.raises(KeyError, match="contacts_7d"):
        first_blocking(accounts({}), Gates(contact_limits=[{"max": 1, "days": 7}]))  # type: ignore[list-item]
    with pytest.raises(BadInput, match=r"gates\.contact_limits: two limits are on email in 7 days; keep one"):
        _Gates.parse({"gates": {"contact_limits": [EMAIL_WEEKLY, EMAIL_WEEKLY | {"max": 2}]}}, file="params.yaml")


class _Gates(Gates.__base__):  # type: ignore[misc,name-defined]  # a file with the one section
    gates: Gates


@pytest.mark.parametrize(
    ("answer", "days", "gate"),
    [("accepted", 30, "contact_limit"), ("no_response", 14, "contact_limit")],
)
def test_after_an_answer_nothing_is_sold_and_help_goes_on(catalog: Catalog, answer: str, days: int, gate: str) -> None:
    name = f"days_since_{answer}"
    refusals = said({name: days - 1}, {name: days}, {"offer_id": "annual_billing", name: 1})
    found = gates_of(catalog, accounts({}, {}, {}), refusals)
    assert found["seats_20"].fillna("").tolist() == [gate, "", gate]
    assert found["training"].fillna("").tolist() == [
        "",
        "",
        "",
    ]  # the catalogue's own rest of training is on `accepted`
    off = Gates(cool_down_days=AccountCoolDown(**{answer: None}))
    assert gates_of(catalog, accounts({}, {}, {}), refusals, off)["seats_20"].isna().all()
    rows = past.remembered(accounts({}, {}, {}), refusals, None, Gates())
    left = opens_in_days(rows, first_blocking(rows, Gates()), Gates())
    assert left.iloc[0] == 1
    assert left.iloc[2] == days - 1


def test_an_offers_own_cool_down_is_its_own(catalog: Catalog) -> None:
    some = with_offers(
        catalog,
        upgrade_next={"cool_down_days": {"declined": 365, "accepted": 100}},
        seats_20={},
        training={"cool_down_days": {"declined": 60}},
    )
    refusals = said(
        {"days_since_declined": 364.0}, {"days_since_declined": 365.0}, {"days_since_accepted": 99.0},
        {"offer_id": "training", "days_since_declined": 59.0}, {"offer_id": "seats_20", "days_since_declined": 179.0},
    )  # fmt: skip
    found = gates_of(some, accounts(*[{}] * 5), refusals).fillna("")
    assert found["upgrade_next"].tolist() == ["recent_refusal", "", "contact_limit", "", ""]
    assert found["training"].tolist() == ["", "", "", "contact_limit", ""]  # help knows no recent_refusal
    assert found["seats_20"].tolist() == ["", "", "", "", "recent_refusal"]


def test_offers_that_exclude_one_another_in_both_directions(catalog: Catalog) -> None:
    some = with_offers(
        catalog, upgrade_next={"excludes": []}, bundle_growth={"excludes": ["upgrade_next"]}, seats_20={}
    )
    lately = said(
        {"days_since_proposed": 29.0}, {"days_since_proposed": 30.0},
        {"offer_id": "bundle_growth", "days_since_proposed": 1.0}, {"offer_id": "seats_20", "days_since_proposed": 1.0},
    )  # fmt: skip
    found = gates_of(some, accounts(*[{}] * 4), lately).fillna("")
    assert found["bundle_growth"].tolist() == ["not_applicable", "", "", ""]
    assert found["upgrade_next"].tolist() == ["", "", "not_applicable", ""]
    assert (found["seats_20"] == "").all()


def test_what_is_still_open_is_not_offered_again_nor_what_it_excludes(catalog: Catalog) -> None:
    some = with_offers(
        catalog, upgrade_next={"excludes": ["bundle_growth"]}, bundle_growth={"excludes": []}, seats_20={}
    )
    waiting = said({"open_for_days": 90.0, "days_since_proposed": 90.0}, {"open_for_days": 91.0})
    rows = accounts({}, {})
    found = gates_of(some, rows, waiting).fillna("")
    assert found.loc["acc-000"].to_dict() == {
        "upgrade_next": "not_applicable", "bundle_growth": "not_applicable", "seats_20": "",
    }  # fmt: skip
    assert (found.loc["acc-001"] == "").all()
    for_ever = gates_of(some, rows, waiting, Gates(open_proposal_days=None)).fillna("")
    assert (for_ever["bundle_growth"] == "not_applicable").all()
    wait = past.waits(some.offers[0], rows, waiting, some, Gates())
    assert wait["awaits"].tolist()[0] == "upgrade_next"
    assert wait["not_applicable"].tolist() == [1.0, 0.0]


def test_after_an_upgrade_no_second_tier_and_no_offer_leaps(catalog: Catalog) -> None:
    """One tier at a time: within an offer, and from week to week while the customer settles."""
    ladder = sorted(catalog.plans, key=lambda plan: plan.tier)
    for offer in catalog.offers:
        changed = next((o for o in catalog.offers if o.id == offer.changes.trial_of), offer).changes.tier or 0
        assert abs(changed) <= 1
        for i, plan in enumerate(ladder):
            above = catalog.plan_beside(plan.id, changed)
            assert above is None or abs(ladder.index(above) - i) <= 1
    climbing = [offer.id for offer in catalog.offers if (offer.changes.tier or 0) > 0]
    assert climbing
    found = gates_of(catalog, accounts({}), said({"days_since_accepted": 7.0, "days_since_proposed": 9.0}))
    assert found[climbing].notna().all(axis=None)


def test_without_proposals_nothing_is_known_and_nothing_waits(catalog: Catalog) -> None:
    gates = Gates(contact_limits=[EMAIL_WEEKLY, {"max": 1, "days": 14}])  # type: ignore[list-item]
    rows = past.remembered(accounts({"contacts_30d": None}), None, None, gates)
    assert first_blocking(rows, gates).isna().all()
    assert past.open_channels(rows, gates).all(axis=None)
    for offer in catalog.offers:
        wait = past.waits(offer, rows, None, catalog, gates)
        assert (wait.drop(columns="awaits") == 0).all(axis=None)
        assert wait["awaits"].isna().all()


def test_never_by_a_channel_holds_without_proposals_too(catalog: Catalog) -> None:
    gates = Gates(contact_limits=[{"channel": "in_app", "max": 0, "days": 1}])  # type: ignore[list-item]
    rows = past.remembered(accounts({}), None, None, gates)
    assert past.open_channels(rows, gates).loc[0].to_dict() == {"csm": True, "email": True, "in_app": False}


def test_help_that_stands_in_for_a_gate_comes_first(catalog: Catalog) -> None:
    some = with_offers(catalog, recovery={}, check_in={"instead_of": ["falling_use", "unhappy"]}, training={})
    helping = pd.DataFrame(
        [(a, o) for a in ("low", "open", "new") for o in ("training", "check_in", "recovery")],
        columns=["account_id", "offer_id"],
    )
    blocked = pd.Series({"low": "falling_use", "open": "serious_ticket", "new": None})
    found = first_help(helping, blocked, some).set_index("account_id")["offer_id"]
    assert found.to_dict() == {"low": "check_in", "open": "recovery", "new": "recovery"}
    silent = with_offers(catalog, **{name: {"instead_of": []} for name in ("recovery", "check_in", "training")})
    by_order = first_help(helping, blocked, silent)
    assert set(by_order["offer_id"]) == {"recovery"}


def test_the_gates_that_help_may_stand_in_for_are_those_that_it_passes() -> None:
    assert set(get_args(NeedGate)) == {gate.id for gate in GATES if gate.holds_help is None}


@pytest.mark.parametrize(
    ("offer", "says"),
    [
        ({"excludes": ["upgrad"]}, "offer it: excludes upgrad, which is no offer"),
        ({"excludes": ["none"]}, "offer it: excludes none, which is no offer"),
        ({"excludes": ["it"]}, "excludes itself; how soon it may be made again is said by cool_down_days"),
        ({"instead_of": ["unhappy"]}, "offer it sells something and stands in for nothing"),
        ({"kind": "enablement", "instead_of": ["unhapy"]}, "instead_of"),
        ({"cool_down_days": {"decline": 3}}, "did you mean declined"),
    ],
    ids=str,
)
def test_what_a_catalogue_may_not_say(offer: dict[str, Any], says: str, catalog: Catalog) -> None:
    content = catalog.model_dump(mode="json", by_alias=True)
    content["offers"] = [{"kind": "upgrade", "id": "it", "name": "It", "channels": ["csm"]} | offer]
    with pytest.raises(BadInput, match=says):
        Catalog.parse(content, file="catalog.yaml")


def test_the_past_is_what_was_known(
    tiny_company: Callable[[int], dict[str, pd.DataFrame]],
    on_engine: Callable[[dict[str, pd.DataFrame]], dict[str, ir.Table]],
    engine: ibis.BaseBackend,
) -> None:
    """`refusals` and `contacts` against a count in plain Python, row by row."""
    as_of = pd.Timestamp("2026-06-01")
    for seed in (1, 2, 3):
        proposals = tiny_company(seed)["proposals"]
        staged = on_engine({"proposals": proposals})["proposals"]
        found = engine.to_pandas(refusals_of(staged, calendar([date(2026, 6, 1)])))
        expected: dict[tuple[str, str], dict[str, int]] = {}
        n_contacts: dict[tuple[str, str, int], int] = {}
        for row in proposals.itertuples():
            if row.offer_id == "none" or row.known_on >= as_of:
                continue
            age = (as_of - row.proposed_at.normalize()).days
            mine = expected.setdefault((row.account_id, row.offer_id), {})
            outcome, since = "open", None
            if pd.notna(row.decided_at) and row.decided_at < as_of:
                outcome, since = row.outcome, (as_of - row.decided_at.normalize()).days
            elif row.outcome == "no_response" and age > 30:
                outcome, since = "no_response", age - 30
            seen = {"days_since_proposed": age}
            seen |= {"open_for_days": age} if outcome == "open" else {f"days_since_{outcome}": since}
            for name, days in seen.items():
                mine[name] = min(days, mine.get(name, 10**6))
            if age <= 60:
                key = (row.account_id, row.channel, age)
                n_contacts[key] = n_contacts.get(key, 0) + 1
        got = {
            (r["account_id"], r["offer_id"]): {k: int(r[k]) for k in NOTHING if pd.notna(r[k])}
            for r in found.to_dict("records")
        }
        assert got == expected
        counted = engine.to_pandas(contacts_of(staged, calendar([date(2026, 6, 1)]), days=60))
        assert {(r.account_id, r.channel, r.age_days): r.n_contacts for r in counted.itertuples()} == n_contacts
