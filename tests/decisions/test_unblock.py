"""The nearest change that would open each candidate's first gate; and that, once made, it does open it."""

from typing import Any

import pandas as pd
import pytest

from data.catalog import Catalog, Offer
from decisions import past
from decisions.candidates import candidates
from decisions.lacks import limit_of
from decisions.settings import Decide, Gates
from decisions.unblock import unblock
from features.build import dictionary
from features.feature import Feature
from features.health import Health
from features.lifecycle import Lifecycle
from tests.decisions.accounts import AS_OF, accounts

CALM = {
    "gated_next_plan_28d": 0, "gated_events_28d": 0, "gated_analytics_28d": 0, "gated_security_28d": 0,
    "has_reached_for_more": False, "limit_active_users_peak_28d": 0.1, "limit_storage_gb_peak_28d": 0.1,
    "limit_api_calls_peak_28d": 0.1,
}  # fmt: skip


@pytest.fixture(scope="module")
def named(catalog: Catalog) -> list[Feature]:
    return dictionary(catalog, Health(), Lifecycle())


def found(
    catalog: Catalog, named: list[Feature], *changes: dict[str, Any], refusals: pd.DataFrame | None = None, **offer: Any
) -> pd.DataFrame:
    """What would open the one offer, a row per account."""
    it = {"kind": "upgrade", "id": "it", "name": "It", "channels": ["csm"], "changes": {"tier": 1}} | offer
    some = catalog.model_copy(update={"offers": [Offer.model_validate(it)]})
    rows = past.remembered(accounts(*changes), refusals, None, Gates())
    offered = candidates(rows, refusals, some, Gates(), Decide())
    got = unblock(rows, offered, some, Gates(), refusals=refusals, named=named, health=Health())
    blocked = offered[~offered["is_allowed"]]
    assert sorted(got["account_id"]) == sorted(blocked["account_id"])
    return got.sort_values("account_id").reset_index(drop=True)


def test_one_condition_gives_its_missing_amount_and_unit(catalog: Catalog, named: list[Feature]) -> None:
    few = found(catalog, named, {"gated_events_28d": 1}, applicable=[{"when": "gated_events_28d", "at_least": 3}])
    amount = ["unblock_feature", "unblock_now", "unblock_target", "unblock_missing", "unblock_unit"]
    assert few.iloc[0][amount].tolist() == ["gated_events_28d", 1.0, 3.0, 2.0, "count"]
    assert few.iloc[0]["unblock_more"] == 0
    unknown = found(catalog, named, {"health_score": None}, suitable=[{"when": "health_score", "at_least": 50}])
    assert unknown.iloc[0]["unblock_feature"] == "health_score"
    assert unknown.iloc[0][["unblock_now", "unblock_missing"]].isna().all()
    between = [{"when": "health_score", "at_least": 40, "at_most": 60}]
    both = found(catalog, named, {"health_score": 70.0}, {"health_score": 30.0}, suitable=between)
    assert both[["unblock_target", "unblock_missing"]].values.tolist() == [[60.0, 10.0], [40.0, 10.0]]


def test_a_share_of_a_limit_is_said_in_what_it_limits(catalog: Catalog, named: list[Feature]) -> None:
    press = [{"when": "limit_active_users_peak_28d", "at_least": 0.85}]
    one = found(catalog, named, {"limit_active_users_peak_28d": 0.8, "seats": 30.0}, applicable=press).iloc[0]
    assert one[["unblock_missing", "unblock_unit"]].tolist() == [2.0, "active_users"]  # 24 of 30; 25.5 are wanted
    gb = [{"when": "limit_storage_gb_peak_28d", "at_least": 0.8}]
    rows = {"limit_storage_gb_peak_28d": 0.7}, {"limit_storage_gb_peak_28d": 0.7, "add_ons": "extra_storage"}
    two = found(catalog, named, *rows, applicable=gb)
    assert two["unblock_missing"].tolist() == [25.0, 45.0]  # of 250, and of 450
    top = {"plan_id": "starter", "plan_tier": 1, "limit_storage_gb_peak_28d": None}
    assert found(catalog, named, top, applicable=gb)["unblock_missing"].isna().all()


def test_limits_are_those_of_the_features(catalog: Catalog) -> None:
    """As `features.limits.effective_limits` has them, for one running plan: seats, plan plus add-ons, or none."""
    rows = accounts(
        {"plan_id": "free", "seats": 5.0}, {"plan_id": "pro", "seats": 40.0, "add_ons": "api_pack extra_storage"},
        {"plan_id": "enterprise", "seats": 9.0, "add_ons": "extra_storage"},
    )  # fmt: skip
    by_metric = {m.id: limit_of(m, rows, catalog) for m in catalog.metrics}
    assert by_metric["active_users"].tolist() == [5.0, 40.0, 9.0]
    assert by_metric["storage_gb"].tolist()[:2] == [5.0, 450.0]
    assert by_metric["api_calls"].tolist()[:2] == [1000.0, 400_000.0]
    assert pd.isna([by_metric["storage_gb"][2], by_metric["api_calls"][2]]).all()


def test_a_flag_gives_the_nearest_of_its_ways(catalog: Catalog, named: list[Feature]) -> None:
    """In the peers' standard deviations: meetings vary by 2, the share of storage by 0.2 among these."""
    reach = [{"when": "has_reached_for_more", "equals": True}]
    peers = [{"gated_next_plan_28d": n, "limit_storage_gb_peak_28d": s} for n, s in ((8, 0.9), (4, 0.5), (6, 0.7))]
    near_meeting = CALM | {"gated_next_plan_28d": 2, "limit_storage_gb_peak_28d": 0.3}
    near_limit = CALM | {"gated_next_plan_28d": 0, "limit_storage_gb_peak_28d": 0.75}
    got = found(catalog, named, *peers, near_meeting, near_limit, applicable=reach)
    assert got["unblock_feature"].tolist() == ["gated_next_plan_28d", "limit_storage_gb_peak_28d"]
    assert got["unblock_missing"].tolist() == [1.0, 13.0]  # 0.05 of 250 GB is 12.5
    assert got["unblock_unit"].tolist() == ["count", "storage_gb"]
    # seats are bought, and no plan lifts them: being near them is no way
    seats = found(catalog, named, *peers, near_limit | {"limit_active_users_peak_28d": 0.79}, applicable=reach)
    assert seats["unblock_feature"].tolist() == ["limit_storage_gb_peak_28d"]
    # without the dictionary the flag itself is named, as no amount
    bare = found(catalog, [], near_meeting, applicable=reach)
    assert bare["unblock_feature"].tolist() == ["has_reached_for_more"]
    assert bare["unblock_target"].isna().all()


def test_of_several_the_nearest_is_named_and_the_others_counted(catalog: Catalog, named: list[Feature]) -> None:
    lists = {
        "applicable": [{"when": "gated_events_28d", "at_least": 10}, {"when": "tenure_days", "at_least": 500}],
        "suitable": [{"when": "health_score", "at_least": 95}],
    }
    # one more standard deviation of meetings is 2, of days 100; the account lacks 4 of the one and 100 of the other
    rows = [
        {"gated_events_28d": n, "tenure_days": d, "health_score": 96.0} for n, d in ((12, 700), (14, 800), (16, 600))
    ]
    got = found(catalog, named, *rows, {"gated_events_28d": 6, "tenure_days": 480, "health_score": 90.0}, **lists)
    assert got["unblock_feature"].tolist() == ["tenure_days"]
    assert got["unblock_missing"].tolist() == [20.0]
    assert got["unblock_more"].tolist() == [2.0]


def test_timed_gates_say_their_days(catalog: Catalog, named: list[Feature]) -> None:
    rows = [
        {"tenure_days": 48}, {"days_since_refusal": 30}, {"do_not_contact_until": AS_OF + pd.Timedelta(days=9)},
        {"contacts_30d": 2},
    ]  # fmt: skip
    got = found(catalog, named, *rows[:3])
    assert got["unblock_days"].tolist() == [12.0, 60.0, 9.0]
    assert got["unblock_feature"].isna().all()
    later = found(catalog, named, {}, launched_on="2026-06-21")
    assert later["unblock_days"].tolist() == [20.0]
    over = found(catalog, named, {}, valid_until="2026-05-21")
    assert over["unblock_days"].isna().all()


def test_the_same_offers_refusal_and_an_open_one(catalog: Catalog, named: list[Feature]) -> None:
    empty = dict.fromkeys(["days_since_accepted", "days_since_no_response", "days_since_proposed"], float("nan"))
    refusals = pd.DataFrame(
        [
            {"account_id": "acc-000", "offer_id": "it", "days_since_declined": 120.0, "open_for_days": None} | empty,
            {"account_id": "acc-001", "offer_id": "it", "days_since_declined": None, "open_for_days": 10.0} | empty,
        ]
    )
    got = found(catalog, named, {"days_since_refusal": 120}, {}, refusals=refusals)
    assert got["unblock_days"].tolist() == [60.0, 81.0]
    assert got["unblock_offer_id"].fillna("").tolist() == ["", "it"]


def test_gates_of_need_say_what_they_are_shut_for(catalog: Catalog, named: list[Feature]) -> None:
    rows = [
        {"open_serious_tickets": 2}, {"use_change_28d": -0.42}, {"nps_latest": 4.0, "nps_age_days": 79.0},
        {"health_band": "red", "health_score": 41.0}, {"csm_sentiment": "red", "csm_sentiment_level": 0},
        {"has_opted_in": False},
    ]  # fmt: skip
    got = found(catalog, named, *rows)
    assert got["unblock_feature"].fillna("").tolist() == [
        "open_serious_tickets", "use_change_28d", "nps_latest", "health_score", "csm_sentiment_level", "",
    ]  # fmt: skip
    assert got["unblock_missing"].round(6).tolist()[:5] == [2.0, 0.12, 3.0, 9.0, 1.0]
    assert got["unblock_days"].fillna(-1).tolist() == [-1, -1, 12.0, -1, -1, -1]
    both = found(catalog, named, {"health_band": "red", "health_score": 41.0, "nps_latest": 4.0, "nps_age_days": 9.0})
    assert both["unblock_more"].tolist() == [1.0]
    capped = {"csm_sentiment": "red", "csm_sentiment_level": 0, "health_band": "red", "health_score": 49.0}
    assert found(catalog, named, capped)["unblock_feature"].tolist() == ["csm_sentiment_level"]


def test_no_gain_says_the_chance_from_which_on_there_is_one(catalog: Catalog, named: list[Feature]) -> None:
    # 130 a month, 1,560 a year, at a cost of 156: from a tenth on
    starter = {"plan_id": "starter", "plan_tier": 1, "propensity": 0.04}
    got = found(catalog, named, starter, contact_cost=156).iloc[0]
    assert got[["unblock_feature", "unblock_now"]].tolist() == ["propensity", 0.04]
    assert got["unblock_target"] == pytest.approx(0.1)
    never = found(catalog, named, starter, contact_cost=5000).iloc[0]
    assert pd.isna(never["unblock_target"])


def test_what_is_named_opens_the_gate_once_it_is_so(catalog: Catalog, named: list[Feature]) -> None:
    """Of the catalogue's own offers: where nothing else fails, an account that is given what is missing may have it."""
    rows = past.remembered(
        accounts(*[CALM | {"gated_analytics_28d": g, "health_score": h, "limit_active_users_peak_28d": s}
                   for g in (0, 1, 2) for h in (45.0, 70.0) for s in (0.5, 0.84)]),
        None, None, Gates(),
    )  # fmt: skip
    offered = candidates(rows, None, catalog, Gates(), Decide())
    lacks = unblock(rows, offered, catalog, Gates(), named=named, health=Health())
    is_one = lacks["unblock_more"].eq(0) & lacks["unblock_target"].notna() & lacks["unblock_days"].isna()
    alone = lacks[is_one & (lacks["unblock_feature"] != "propensity")]
    assert alone["offer_id"].nunique() >= 4
    for lack in alone.itertuples():
        changed = rows[rows["account_id"] == lack.account_id].copy()
        changed[lack.unblock_feature] = lack.unblock_target
        changed["has_reached_for_more"] = (changed["gated_next_plan_28d"] >= 3) | (
            changed[["limit_storage_gb_peak_28d", "limit_api_calls_peak_28d"]] >= 0.8
        ).any(axis=1)
        again = candidates(changed, None, catalog, Gates(), Decide()).set_index("offer_id")
        blocked_by = again.loc[lack.offer_id, "blocked_by"]
        assert pd.isna(blocked_by) or blocked_by == "no_gain", lack  # another billing adds nothing as yet
