"""The list: capacity, holdout, order, stars, movement, and what would unblock."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from data.catalog import Catalog
from decisions.candidates import candidates
from decisions.experiments import held_out
from decisions.plan import plan
from decisions.ranking import ranked, segment, stars
from decisions.settings import Decide, Gates, Segments
from tests.decisions.accounts import AS_OF, accounts
from tests.decisions.test_gates import ORDER, SHUT


def listed(
    catalog: Catalog,
    rows: pd.DataFrame,
    *,
    previous: pd.DataFrame | None = None,
    refusals: pd.DataFrame | None = None,
    **money: Any,
) -> pd.DataFrame:
    decide = Decide(**({"holdout_share": 0.0} | money))
    offered = candidates(rows, refusals, catalog, Gates(), decide)
    planned = plan(offered, rows, catalog, decide, seed=7)
    return ranked(
        rows, offered, planned.rows, catalog, base_rate=0.1, gate_settings=Gates(), money=decide, segments=Segments(),
        refusals=refusals, previous=previous,
    )  # fmt: skip


@pytest.fixture(scope="module")
def crowd() -> pd.DataFrame:
    """400 accounts of four owners and of none, a third of them behind some gate."""
    rng = np.random.default_rng(5)
    changes = []
    for _ in range(400):
        row: dict[str, Any] = {
            "owner_id": rng.choice(["CSM-1", "CSM-2", "CSM-3", "CSM-4", None]),
            "propensity": float(rng.uniform(0.01, 0.6)),
            "plan_id": str(rng.choice(["starter", "pro", "enterprise"])),
            "has_reached_for_more": bool(rng.random() < 0.7),
            "seats": float(rng.integers(1, 200)),
        }
        if rng.random() < 0.33:
            row |= SHUT[str(rng.choice(ORDER))]
        changes.append(row)
    return accounts(*changes)


def test_contact_comes_first_and_by_priority(crowd: pd.DataFrame, catalog: Catalog) -> None:
    found = listed(catalog, crowd, holdout_share=0.1)
    assert found["rank"].tolist() == list(range(1, 401))
    assert sorted(found["account_id"]) == sorted(crowd["account_id"])
    assert found["assignment"].drop_duplicates().tolist() == [
        "contact", "beyond_capacity", "holdout", "nurture", "none",
    ]  # fmt: skip
    by_assignment = found.groupby("assignment", sort=False)
    for name in ("contact", "beyond_capacity"):
        assert by_assignment.get_group(name)["priority"].is_monotonic_decreasing
    # as soon as ranks are in order of assignment, one block follows the other
    assert (found["assignment"] != found["assignment"].shift()).sum() == 5


def test_each_owner_has_no_more_than_a_week_holds(crowd: pd.DataFrame, catalog: Catalog) -> None:
    found = listed(catalog, crowd, capacity_per_owner=7, capacity_without_owner=3)
    contact = found[found["assignment"] == "contact"]
    assert contact["owner_id"].value_counts().to_dict() == {f"CSM-{i}": 7 for i in range(1, 5)}
    assert contact["owner_id"].isna().sum() == 3
    # and those who wait are worth no more than those who do not
    beyond = found[found["assignment"] == "beyond_capacity"]
    for owner in ("CSM-1", "CSM-2", "CSM-3", "CSM-4"):
        waits = beyond.loc[beyond["owner_id"] == owner, "priority"]
        assert waits.max() <= contact.loc[contact["owner_id"] == owner, "priority"].min()


def test_no_capacity_contacts_nobody(crowd: pd.DataFrame, catalog: Catalog) -> None:
    found = listed(catalog, crowd, capacity_per_owner=0, capacity_without_owner=0)
    assert "contact" not in set(found["assignment"])


def test_each_account_gets_its_best_allowed_offer(crowd: pd.DataFrame, catalog: Catalog) -> None:
    found = listed(catalog, crowd).set_index("account_id")
    offered = candidates(crowd, None, catalog, Gates(), Decide())
    sells = {o.id for o in catalog.offers if not o.is_help}
    best = offered[offered["is_allowed"] & offered["offer_id"].isin(sells)].groupby("account_id")["priority"].max()
    sold = found[found["assignment"].isin(["contact", "beyond_capacity", "holdout"])]
    assert sorted(sold.index) == sorted(best.index)
    assert (sold["priority"] == best[sold.index]).all()
    allowed = set(map(tuple, offered.loc[offered["is_allowed"], ["account_id", "offer_id"]].to_numpy()))
    chosen = found["offer_id"].dropna().items()
    assert set(chosen) <= allowed
    assert found.loc[found["assignment"] == "none", "offer_id"].isna().all()


def test_whoever_is_not_sold_to_has_a_cause_and_a_way_out(crowd: pd.DataFrame, catalog: Catalog) -> None:
    found = listed(catalog, crowd)
    sold = found["assignment"].isin(["contact", "beyond_capacity", "holdout"])
    assert found.loc[sold, "blocked_by"].isna().all()
    assert found.loc[~sold, "blocked_by"].notna().all()


def test_help_goes_to_whom_nothing_is_sold_the_first_of_the_catalogue(catalog: Catalog) -> None:
    both = {"health_band": "red", "needs_help": True, "open_tickets": 1, "adoption_rate": 0.2}
    rows = accounts(both, both | {"needs_help": False}, both | {"needs_help": False, "adoption_rate": 0.9}, {})
    found = listed(catalog, rows).set_index("account_id")
    assert found["assignment"].tolist() != []
    assert found.loc["acc-000", ["assignment", "offer_id", "blocked_by"]].tolist() == ["nurture", "recovery", "unhappy"]
    assert found.loc["acc-001", ["assignment", "offer_id"]].tolist() == ["nurture", "training"]
    assert found.loc["acc-002", "assignment"] == "none"
    assert found.loc["acc-003", "assignment"] == "contact"
    calm = listed(catalog, accounts(both | {"open_tickets": 0})).iloc[0]
    assert calm["offer_id"] == "check_in"  # no open problem to solve: ask what is wrong
    off = listed(catalog, rows, nurture=False).set_index("account_id")
    assert off.loc["acc-000", "assignment"] == "none"


def test_the_holdout_is_stable_about_right_and_never_contacted(crowd: pd.DataFrame, catalog: Catalog) -> None:
    ids = pd.Series([f"A-{i}" for i in range(20_000)])
    out = held_out(ids, share=0.05, salt="2026")
    assert abs(out.mean() - 0.05) < 3 * (0.05 * 0.95 / 20_000) ** 0.5
    assert (held_out(ids[::-1], share=0.05, salt="2026")[::-1].to_numpy() == out.to_numpy()).all()
    wider = held_out(ids, share=0.10, salt="2026")
    assert (wider | ~out).all()  # a larger holdout keeps the smaller one
    other = held_out(ids, share=0.05, salt="2027")
    assert abs((other & out).mean() - 0.05**2) < 0.001  # another salt draws anew

    found = listed(catalog, crowd, holdout_share=0.3).set_index("account_id")
    held = held_out(pd.Series(found.index, index=found.index), share=0.3, salt="2026")
    assert not (held & (found["assignment"].isin(["contact", "beyond_capacity"]))).any()
    assert (held[found["assignment"] == "holdout"]).all()
    # next week other figures, the same holdout
    again = listed(catalog, crowd.assign(propensity=1 - crowd["propensity"]), holdout_share=0.3)
    still = again.set_index("account_id")["assignment"]
    assert not (still[found.index[found["assignment"] == "holdout"]].isin(["contact", "beyond_capacity"])).any()


def test_pscore_is_the_probability_of_the_draw(crowd: pd.DataFrame, catalog: Catalog) -> None:
    found = listed(catalog, crowd, holdout_share=0.2)
    drawn = {"contact": 0.8, "beyond_capacity": 0.8, "holdout": 0.2, "nurture": 1.0, "none": 1.0}
    assert (found["pscore"] == found["assignment"].map(drawn)).all()


def test_contact_by_and_expected_arr(catalog: Catalog) -> None:
    found = listed(catalog, accounts({}, {"has_opted_in": False, "adoption_rate": 0.9}), contact_within_days=5)
    first, second = found.iloc[0], found.iloc[1]
    assert first["contact_by_on"] == AS_OF + pd.Timedelta(days=5)
    cost = {o.id: o.contact_cost for o in catalog.offers}[first["offer_id"]]
    assert first["expected_arr"] == pytest.approx(0.5 * first["value"] - cost)
    assert pd.isna(second["contact_by_on"])
    assert pd.isna(second["expected_arr"])


def test_stars_begin_at_their_lift() -> None:
    lifts = pd.Series([0.0, 0.749, 0.75, 1.49, 1.5, 2.49, 2.5, 3.99, 4.0, 50.0])
    found = stars(lifts, 1.0, (0.75, 1.5, 2.5, 4.0))
    assert found.tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_segments_begin_at_their_seats() -> None:
    rows = pd.DataFrame({"seats": [0.0, 19, 20, 99, 100, None]})
    assert segment(rows, Segments()).tolist() == ["small", "small", "mid", "mid", "large", "small"]


def test_movement_since_the_list_before(catalog: Catalog) -> None:
    rows = accounts(*[{"propensity": p} for p in (0.9, 0.8, 0.7, 0.6)])
    previous = pd.DataFrame({"account_id": ["acc-001", "acc-000", "acc-002", "gone"], "rank": [1, 2, 3, 4]})
    found = listed(catalog, rows, previous=previous)
    assert found["account_id"].tolist() == [f"acc-00{i}" for i in range(4)]
    assert found["movement"].tolist() == ["up", "down", "same", "new"]
    assert found["movement_ranks"].tolist()[:3] == [1, -1, 0]
    assert pd.isna(found["movement_ranks"].iloc[3])
    assert set(listed(catalog, rows)["movement"]) == {"new"}


def test_what_would_unblock(catalog: Catalog) -> None:
    nothing = {
        "gated_events_28d": 2, "gated_analytics_28d": 0, "gated_security_28d": 0, "has_reached_for_more": False,
        "limit_active_users_peak_28d": 0.8, "limit_storage_gb_peak_28d": 0.1, "limit_api_calls_peak_28d": 0.1,
        "billing": "annual",
    }  # fmt: skip
    rows = accounts(
        {"tenure_days": 40},
        {"days_since_refusal": 30},
        nothing,
        nothing | {"limit_active_users_peak_28d": 0.9, "health_score": 44.0},
    )
    found = listed(catalog, rows).set_index("account_id")
    assert found["blocked_by"][rows["account_id"]].tolist() == [
        "onboarding", "recent_refusal", "not_applicable", "not_suitable",
    ]  # fmt: skip
    assert found["unblock_days"][rows["account_id"]].tolist()[:2] == [20, 60]
    assert found["unblock_days"][rows["account_id"]].isna().tolist() == [False, False, True, True]
    last = found.loc["acc-003"]
    assert last["closest_offer_id"] == "seats_20"
    assert last[["unblock_feature", "unblock_now", "unblock_target"]].tolist() == ["health_score", 44.0, 50.0]


def test_what_is_worth_nothing_is_never_the_closest(catalog: Catalog) -> None:
    gated = {"gated_events_28d": 0, "gated_analytics_28d": 0, "gated_security_28d": 0, "has_reached_for_more": False}
    low = {f"limit_{metric}_peak_28d": 0.1 for metric in ("active_users", "storage_gb", "api_calls")}
    rows = accounts(gated | low)
    found = listed(catalog, rows).iloc[0]
    assert found["closest_offer_id"] != "annual_billing"
    assert found["blocked_by"] == "not_applicable"


def test_same_input_same_list(crowd: pd.DataFrame, catalog: Catalog) -> None:
    shuffled = crowd.sample(frac=1, random_state=3)
    for money in ({}, {"holdout_share": 0.2}):
        first, second = listed(catalog, crowd, **money), listed(catalog, shuffled, **money)
        pd.testing.assert_frame_equal(first, second)


def only(catalog: Catalog, offer_id: str, **changed: Any) -> Catalog:
    """The catalogue with one offer, changed."""
    offer = next(o for o in catalog.offers if o.id == offer_id)
    return catalog.model_copy(update={"offers": [offer.model_copy(update=changed)]})


def test_waiting_for_the_same_offer_counts_from_its_own_refusal(catalog: Catalog) -> None:
    declined = pd.DataFrame({"account_id": ["acc-000"], "offer_id": ["seats_20"], "days_since_declined": [120]})
    rows = accounts({"days_since_refusal": 120.0})
    found = listed(only(catalog, "seats_20"), rows, refusals=declined).iloc[0]
    assert (found["blocked_by"], found["unblock_days"]) == ("recent_refusal", 60.0)  # 180 for the same offer


def test_a_discount_above_the_limit_needs_approval_and_costs(catalog: Catalog) -> None:
    offer = next(o for o in catalog.offers if o.id == "seats_20")
    dear = offer.discounts.model_copy(update={"steps_pct": [10.0], "approval_above_pct": 5.0})
    plain, discounted = (
        listed(only(catalog, "seats_20", **changed), accounts({})).iloc[0] for changed in ({}, {"discounts": dear})
    )
    assert (plain["needs_approval"], discounted["needs_approval"]) == (False, True)
    assert plain["expected_arr"] - discounted["expected_arr"] == pytest.approx(0.5 * 0.1 * plain["value"])


def test_the_first_step_of_the_playbook_sets_the_deadline(catalog: Catalog) -> None:
    found = listed(only(catalog, "seats_20"), accounts({})).iloc[0]
    assert found["contact_by_on"] == AS_OF + pd.Timedelta(days=3)
