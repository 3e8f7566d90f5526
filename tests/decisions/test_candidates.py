"""Every account × offer against an independent checker, on random accounts and random catalogues."""

from datetime import date
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.catalog import Catalog, Offer
from data.errors import BadInput
from decisions.candidates import candidates
from decisions.settings import Decide, Gates
from tests.decisions.accounts import AS_OF, WELL, accounts
from tests.decisions.test_gates import ORDER, SHUT


def decided(catalog: Catalog, *changes: dict[str, Any], refusals: pd.DataFrame | None = None) -> pd.DataFrame:
    found = candidates(accounts(*changes), refusals, catalog, Gates(), Decide())
    assert not found.duplicated(["account_id", "offer_id"]).any()
    assert len(found) == len(changes) * len(catalog.offers)
    return found.set_index(["account_id", "offer_id"])["blocked_by"].unstack()[[o.id for o in catalog.offers]]


def only(catalog: Catalog, **offer: Any) -> Catalog:
    """The catalogue with one offer."""
    given_offer = {"kind": "upgrade", "id": "it", "name": "It", "channels": ["csm"]} | offer
    return catalog.model_copy(update={"offers": [Offer.model_validate(given_offer)]})


def blocked(catalog: Catalog, *changes: dict[str, Any], **offer: Any) -> list[str | None]:
    found = decided(only(catalog, **offer), *changes)["it"]
    return [None if pd.isna(gate) else gate for gate in found]


def test_one_tier_up_and_never_a_leap(catalog: Catalog) -> None:
    plans = [{"plan_id": p.id, "plan_tier": p.tier} for p in catalog.plans]
    up = only(catalog, changes={"tier": 1})
    found = candidates(accounts(*plans), None, up, Gates(), Decide())
    assert found["is_allowed"].tolist() == [True, True, True, False]  # nothing above Enterprise
    prices = {p.id: p.price_per_month + 10 * p.price_per_seat for p in catalog.plans}
    steps = [prices["starter"] - prices["free"], prices["pro"] - prices["starter"], prices["enterprise"] - prices["pro"], 0]  # fmt: skip  # noqa: E501  # one line a plan up
    assert found["value"].tolist() == [12 * step for step in steps]
    with pytest.raises(ValueError, match="less than or equal to 1"):
        Offer.model_validate({"id": "x", "kind": "upgrade", "name": "x", "channels": ["csm"], "changes": {"tier": 2}})


def test_tiers_with_holes_are_climbed_by_place(catalog: Catalog) -> None:
    holed = catalog.model_copy(
        update={"plans": [p.model_copy(update={"tier": 10 * p.tier}) for p in reversed(catalog.plans)]}
    )
    found = candidates(accounts({"plan_id": "free"}), None, only(holed, changes={"tier": 1}), Gates(), Decide())
    assert found["value"].tolist() == [12 * (29 + 90)]


def test_an_add_on_that_is_owned_or_adds_nothing(catalog: Catalog) -> None:
    analytics = {"kind": "add_on", "changes": {"add_ons": ["analytics"]}}
    rows = [{}, {"add_ons": "analytics"}, {"add_ons": "api_pack analytics"}, {"add_ons": "api_pack"}]
    assert blocked(catalog, *rows, **analytics) == [None, "not_eligible", "not_eligible", None]
    # Enterprise holds sso and audit_log, and its storage has no limit
    top = {"plan_id": "enterprise", "plan_tier": 3}
    assert blocked(catalog, {}, top, kind="add_on", changes={"add_ons": ["security"]}) == [None, "not_eligible"]
    assert blocked(catalog, {}, top, kind="add_on", changes={"add_ons": ["extra_storage"]}) == [None, "not_eligible"]
    # in a bundle the add-on must add to the plan above
    bundle = {"kind": "bundle", "changes": {"tier": 1, "add_ons": ["security"]}}
    assert blocked(catalog, {}, {"plan_id": "starter"}, **bundle) == ["not_eligible", None]


def test_another_billing_more_seats_a_smaller_plan(catalog: Catalog) -> None:
    annual = {"kind": "retention", "changes": {"billing": "annual"}}
    assert blocked(catalog, {}, {"billing": "annual"}, **annual) == [None, "not_eligible"]
    seats = {"kind": "seats", "changes": {"seats_pct": 20}}
    rows = [{}, {"seats": 0.0}, {"plan_id": "free", "plan_tier": 0}]
    assert blocked(catalog, *rows, **seats) == [None, "not_eligible", "not_eligible"]
    down = {"kind": "retention", "changes": {"tier": -1}}
    assert blocked(catalog, {}, {"plan_id": "free"}, **down) == [None, "not_eligible"]


def test_campaigns_begin_and_end(catalog: Catalog) -> None:
    base = {"changes": {"tier": 1}}
    for dates, expected in (
        ({"launched_on": date(2026, 6, 1)}, None),
        ({"launched_on": date(2026, 6, 2)}, "offer_ended"),
        ({"valid_until": date(2026, 6, 1)}, None),
        ({"valid_until": date(2026, 5, 31)}, "offer_ended"),
    ):
        assert blocked(catalog, {}, **base, **dates) == [expected]


def test_where_nothing_tells_accounts_apart_nothing_is_sold_and_help_goes_on(catalog: Catalog) -> None:
    rows = accounts({}, {"health_band": "red"}, {"propensity": 0.9})
    seen = candidates(rows, None, catalog, Gates(), Decide())
    blind = candidates(rows, None, catalog, Gates(), Decide(), has_signal=False)
    is_help = blind["offer_id"].map({offer.id: offer.is_help for offer in catalog.offers})
    assert not blind[~is_help]["is_allowed"].any()
    key = ["account_id", "offer_id"]
    both = seen.merge(blind, on=key, suffixes=("", "_blind"))
    was_allowed = both["is_allowed"] & ~both["offer_id"].map(is_help.groupby(blind["offer_id"]).first())
    assert was_allowed.any()
    assert (both[was_allowed]["blocked_by_blind"] == "no_gain").all()
    others = both[~was_allowed]  # an earlier gate stays the cause that is told
    assert others["blocked_by"].fillna("").equals(others["blocked_by_blind"].fillna(""))
    on_faith = candidates(rows, None, catalog, Gates(), Decide(needs_signal=False), has_signal=False)
    pd.testing.assert_frame_equal(on_faith, seen)


def test_no_gain(catalog: Catalog) -> None:
    # 99 - 29 + 10 × (15 - 9) = 130 a month, 1560 a year
    offer = {"changes": {"tier": 1}, "contact_cost": 156}
    starter = {"plan_id": "starter", "plan_tier": 1}
    rows = [starter | {"propensity": p} for p in (0.1, 0.11)]
    assert blocked(catalog, *rows, **offer) == ["no_gain", None]
    half_price = starter | {"propensity": 0.11, "current_discount_pct": 50.0}
    assert blocked(catalog, half_price, **offer) == ["no_gain"]


def test_the_same_offers_refusal_lasts_longer(catalog: Catalog) -> None:
    refusals = pd.DataFrame(
        {
            "account_id": ["acc-000", "acc-001", "acc-002", "acc-003"],
            "as_of": AS_OF,
            "offer_id": ["upgrade_next", "upgrade_next", "seats_20", "upgrade_next"],
            "days_since_declined": [179.0, 180.0, 100.0, None],
        }
    )
    since = [{"days_since_refusal": d} for d in (179, 180, 100, None)]
    found = decided(catalog, *since, refusals=refusals)["upgrade_next"]
    assert [None if pd.isna(gate) else gate for gate in found] == ["recent_refusal", None, None, None]
    # and stands before contact_limit, as the contract has it
    late = decided(catalog, {"days_since_refusal": 120, "contacts_30d": 5}, refusals=refusals)
    assert late.loc["acc-000", "upgrade_next"] == "recent_refusal"
    assert late.loc["acc-000", "seats_20"] == "contact_limit"
    assert late.loc["acc-000", "training"] == "contact_limit"


def test_a_condition_on_nothing_known_is_told(catalog: Catalog) -> None:
    wrong = only(catalog, suitable=[{"when": "helth_score", "at_least": 1}])
    with pytest.raises(BadInput, match="offer it: suitable: helth_score is no feature; did you mean health_score"):
        candidates(accounts({}), None, wrong, Gates(), Decide())


def test_an_empty_catalogue_and_no_accounts(catalog: Catalog) -> None:
    none = catalog.model_copy(update={"offers": []})
    assert candidates(accounts({}), None, none, Gates(), Decide()).empty
    assert candidates(accounts({}).iloc[:0], None, catalog, Gates(), Decide()).empty


VALUES = {
    "plan_id": st.sampled_from(["free", "starter", "pro", "enterprise"]),
    "add_ons": st.sampled_from([None, "analytics", "analytics security", "extra_storage"]),
    "billing": st.sampled_from(["monthly", "annual"]),
    "seats": st.sampled_from([0.0, 1.0, 40.0]),
    "health_score": st.none() | st.sampled_from([20.0, 50.0, 80.0]),
    "gated_events_28d": st.integers(0, 4),
    "adoption_rate": st.none() | st.floats(0, 1),
    "propensity": st.floats(0, 1),
}
PASSES = ["do_not_contact", "contact_limit"]


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(["at_least", "at_most", "in", "equals"]))
    if kind in ("at_least", "at_most"):
        when = draw(st.sampled_from(["health_score", "gated_events_28d", "adoption_rate"]))
        return {"when": when, kind: draw(st.sampled_from([0.3, 2, 50]))}
    return {"when": "plan_id", kind: ["pro", "starter"] if kind == "in" else "pro"}


@st.composite
def offers(draw: st.DrawFn) -> dict[str, Any]:
    kind, changes = draw(
        st.sampled_from(
            [
                ("upgrade", {"tier": 1}),
                ("seats", {"seats_pct": 20}),
                ("add_on", {"add_ons": ["analytics"]}),
                ("bundle", {"tier": 1, "add_ons": ["analytics"]}),
                ("annual", {"billing": "annual"}),
                ("enablement", {}),
                ("retention", {"tier": -1}),
            ]
        )
    )
    some = st.lists(conditions(), max_size=1)
    return {
        "kind": kind, "changes": changes, "contact_cost": draw(st.sampled_from([0, 30, 5000])),
        "eligible": draw(some), "applicable": draw(some), "suitable": draw(some),
        "valid_until": draw(st.sampled_from([None, None, date(2026, 5, 1)])),
    }  # fmt: skip


def may(offer: Offer, row: dict[str, Any], shut: list[str], catalog: Catalog) -> bool:
    """Whether the contract allows this: written anew, for one account and one offer."""
    is_help = offer.kind in ("enablement", "retention")
    if any(gate in PASSES or not is_help for gate in shut):
        return False
    for c in [*offer.eligible, *offer.applicable, *offer.suitable]:
        value = row[c.when]
        if value is None:
            return False
        if (c.at_least is not None and value < c.at_least) or (c.at_most is not None and value > c.at_most):
            return False
        if (c.in_ is not None and value not in c.in_) or (c.equals is not None and value != c.equals):
            return False
    if offer.valid_until and date(2026, 6, 1) > offer.valid_until:
        return False
    ladder = ["free", "starter", "pro", "enterprise"]
    now = ladder.index(row["plan_id"])
    target = now + (offer.changes.tier or 0)
    if not 0 <= target < len(ladder):
        return False
    plans = {p.id: p for p in catalog.plans}
    old, new = plans[ladder[now]], plans[ladder[target]]
    gain = max(target - now, 0) and (
        new.price_per_month - old.price_per_month + row["seats"] * (new.price_per_seat - old.price_per_seat)
    )
    if offer.changes.add_ons:
        if "analytics" in (row["add_ons"] or ""):
            return False
        gain += 40 + 3 * row["seats"]
    if offer.changes.billing and row["billing"] == "annual":
        return False
    if offer.changes.seats_pct:
        if not row["seats"] or not old.price_per_seat:
            return False
        gain += -(-row["seats"] * 20 // 100) * old.price_per_seat
    return is_help or row["propensity"] * 12 * gain - offer.contact_cost > 0


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(
        st.tuples(st.fixed_dictionaries(VALUES), st.lists(st.sampled_from(ORDER), max_size=2)), min_size=1, max_size=25
    ),
    drawn=st.lists(offers(), min_size=1, max_size=5),
)
def test_no_offer_breaks_a_rule_and_none_is_withheld_for_nothing(
    rows: list[tuple[dict[str, Any], list[str]]], drawn: list[dict[str, Any]], catalog: Catalog
) -> None:
    named = [{"id": f"o{i}", "name": "o", "channels": ["csm"]} | offer for i, offer in enumerate(drawn)]
    some = catalog.model_copy(update={"offers": [Offer.model_validate(offer) for offer in named]})
    changes = []
    for values, shut in rows:
        row = dict(values)
        for gate in shut:
            row |= SHUT[gate]
        changes.append(row)
    found = candidates(accounts(*changes), None, some, Gates(), Decide())
    allowed = found.set_index(["account_id", "offer_id"])["is_allowed"]
    for i, (row, shut) in enumerate(zip(changes, (s for _, s in rows), strict=True)):
        for offer in some.offers:
            expected = may(offer, WELL | row, shut, catalog)
            assert allowed[f"acc-{i:03}", offer.id] == expected, (offer, row, shut)
    assert (found["blocked_by"].isna() == found["is_allowed"]).all()
    assert (found["rank"].notna() == found["is_allowed"]).all()
    for _, of_account in found[found["is_allowed"]].groupby("account_id"):
        in_order = of_account.sort_values("rank")
        assert in_order["rank"].tolist() == list(range(1, len(in_order) + 1))
        assert in_order["priority"].is_monotonic_decreasing


@pytest.mark.parametrize(("steps", "blocked_by", "discount"), [([0, 5], None, 0.0), ([5, 10], "no_gain", None)])
def test_help_without_a_discount_has_no_margin_to_hold(
    catalog: Catalog, steps: list[int], blocked_by: str | None, discount: float | None
) -> None:
    """A floor that no step leaves standing: undiscounted help adds nothing to the bill, and goes on."""
    told = {"steps_pct": steps, "min_margin_pct": 99}
    help_ = next(o for o in catalog.offers if o.is_help)
    open_to_all = {"applicable": [], "suitable": [], "eligible": []}
    changed = help_.model_copy(update={"discounts": help_.discounts.model_copy(update=told), **open_to_all})
    alone = catalog.model_copy(update={"offers": [changed]})
    (row,) = candidates(accounts({}), None, alone, Gates(), Decide()).to_dict("records")
    assert (None if pd.isna(row["blocked_by"]) else row["blocked_by"]) == blocked_by
    assert row["is_allowed"] == (blocked_by is None)
    assert (None if pd.isna(row["discount_pct"]) else row["discount_pct"]) == discount
