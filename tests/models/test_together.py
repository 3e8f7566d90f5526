"""What goes together, against worlds whose truth is known: a ratio that was put there, none, nothing of the future."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from data.catalog import Catalog, Changes
from delivery.together import peers, report, sentence
from models import together_lift
from models.product_runs import runs
from models.similar import peers_took
from models.together import bundles, pairs
from models.together_settings import Combine

D = pd.Timestamp
UNTIL = D("2026-01-01")


def bought(*rows: tuple[str, str, str, str | None]) -> pd.DataFrame:
    """Subscriptions: account, product, from, to."""
    frame = pd.DataFrame(rows, columns=["account_id", "product_id", "valid_from_on", "valid_to_on"])
    days = frame[["valid_from_on", "valid_to_on"]].apply(pd.to_datetime).astype("datetime64[us]")
    return frame.assign(**days, known_on=days["valid_from_on"])


def world(seed: int, *, ratio: float, n: int = 1500) -> pd.DataFrame:
    """Accounts on Starter since 2024 that add storage and the API pack by chance, the latter `ratio` times as readily
    in the 180 days after storage."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[str, str, str, str | None]] = []
    start, days = D("2024-01-01"), 730
    for i in range(n):
        rows.append((f"A{i}", "starter", "2024-01-01", None))
        storage = int(rng.exponential(600))
        if storage < days:
            rows.append((f"A{i}", "extra_storage", str((start + pd.Timedelta(days=storage)).date()), None))
        daily = np.full(days, 1 / 3000)
        daily[storage + 1 : storage + 180] *= ratio
        hit = np.flatnonzero(rng.random(days) < daily)
        if len(hit) and hit[0] > 0:
            rows.append((f"A{i}", "api_pack", str((start + pd.Timedelta(days=int(hit[0]))).date()), None))
    return bought(*rows)


def of(table: pd.DataFrame, taken: str, then: str) -> pd.Series:
    return table.set_index(["taken", "then"]).loc[(taken, then)]


@pytest.fixture(scope="module")
def three(catalog: Catalog) -> Catalog:
    """The catalogue with the three products of the world above, and without offers."""
    add_ons = [a for a in catalog.add_ons if a.id in ("extra_storage", "api_pack")]
    plans = [plan for plan in catalog.plans if plan.id == "starter"]
    return catalog.model_copy(update={"plans": plans, "add_ons": add_ons, "offers": []})


@pytest.mark.parametrize("ratio", [1.0, 3.0])
def test_the_ratio_that_was_put_there_is_found(three: Catalog, ratio: float) -> None:
    """Over sixty worlds: right on average, and covered by 53 intervals or more. Rates of 6 and 16 % in the window
    make the ratio of shares a little less than that of the daily chances."""
    shares = 1 - np.exp(-179 * ratio / 3000), 1 - np.exp(-180 / 3000)
    truth = float(shares[0] / shares[1])
    worlds = [world(seed, ratio=ratio, n=700) for seed in range(60)]
    found = [of(pairs(rows, three, until=UNTIL), "extra_storage", "api_pack") for rows in worlds]
    lifts = np.array([row["lift"] for row in found])
    assert abs(lifts.mean() - truth) < 3 * lifts.std(ddof=1) / np.sqrt(len(lifts))
    assert sum(row["low"] <= truth <= row["high"] for row in found) >= 53
    assert all((row["low_of_all"] <= row["low"]) for row in found)
    assert all((row["n_at_risk"] > 150) for row in found)


def test_what_does_not_go_together_is_not_suggested_and_what_does_is(catalog: Catalog, three: Catalog) -> None:
    none = pairs(world(100, ratio=1.0), three, until=UNTIL)
    assert not len(bundles(none, three))
    table = pairs(world(101, ratio=4.0), three, until=UNTIL)
    suggested = bundles(table, three)
    assert suggested[["taken", "then"]].values.tolist() == [["extra_storage", "api_pack"]]
    both = next(offer for offer in catalog.offers if offer.id == "add_analytics")
    both = both.model_copy(update={"changes": Changes(add_ons=["api_pack", "extra_storage"])})
    held = three.model_copy(update={"offers": [both]})
    assert not len(bundles(table, held))  # it is offered already
    text = report(table, suggested, three, until="2026-01-01", days=180)
    assert "- Extra storage with API pack: " in text
    assert "None. " in report(none, bundles(none, three), three, until="2026-01-01", days=180)
    assert "0 pairs" in report(none.iloc[:0], none.iloc[:0], three, until="2026-01-01", days=180)


def test_nothing_of_the_future(three: Catalog) -> None:
    rows = world(3, ratio=2.0, n=400)
    before = pairs(rows, three, until=D("2025-06-01"))
    later = rows["known_on"] >= D("2025-06-01")
    assert later.any()
    assert len(before)
    pd.testing.assert_frame_equal(pairs(rows[~later], three, until=D("2025-06-01")), before)
    ended = rows.assign(valid_to_on=rows["valid_to_on"].where(rows["valid_to_on"].notna(), D("2025-06-01")))
    pd.testing.assert_frame_equal(pairs(ended, three, until=D("2025-06-01")), before)
    pd.testing.assert_frame_equal(pairs(rows.sample(frac=1, random_state=1), three, until=D("2025-06-01")), before)


def test_counts_and_order_read_by_eye(catalog: Catalog) -> None:
    rows = bought(
        *[(a, "starter", "2024-01-01", None) for a in "abcdef"],
        ("a", "analytics", "2024-06-01", None), ("a", "api_pack", "2024-07-01", None),  # 30 days after
        ("b", "analytics", "2024-06-01", None), ("b", "api_pack", "2025-03-01", None),  # too late to follow
        ("c", "api_pack", "2024-05-01", None), ("c", "analytics", "2024-06-01", None),  # the other way round
        ("d", "analytics", "2024-06-01", None), ("d", "api_pack", "2024-06-01", None),  # on one day: no order
        ("e", "analytics", "2025-11-01", None), ("e", "api_pack", "2025-11-05", None),  # the window is not over
    )  # fmt: skip
    row = of(pairs(rows, catalog, until=UNTIL, settings=Combine(min_at_risk=1)), "analytics", "api_pack")
    # a, b could add it; c and d run it on the day; e's window ends after the last day that may be looked at
    assert row[["n_at_risk", "n_added", "share"]].tolist() == [2, 1, 0.5]
    assert row[["n_both", "n_same_day"]].tolist() == [5, 1]
    assert row["first_share"] == 0.75
    assert row["median_days"] == 30.0


def test_a_change_of_terms_is_no_new_purchase() -> None:
    rows = bought(
        ("a", "pro", "2024-01-01", "2024-03-01"), ("a", "pro", "2024-03-01", "2024-05-01"),
        ("a", "pro", "2024-06-01", None), ("a", "api_pack", "2024-02-01", "2026-05-01"),
    )  # fmt: skip
    found = runs(rows, until=UNTIL)
    assert found[["product_id", "started_on"]].values.tolist() == [
        ["api_pack", D("2024-02-01")], ["pro", D("2024-01-01")], ["pro", D("2024-06-01")],
    ]  # fmt: skip
    assert found["ended_on"].tolist()[0] > UNTIL  # an end to come is not known
    assert found["is_first"].tolist() == [False, True, False]


def test_the_lift_of_an_offer_is_that_of_what_was_taken_lately(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pd.DataFrame(
        {"taken": ["extra_storage", "analytics"], "then": ["api_pack", "api_pack"], "shrunk_lift": [2.0, 0.4]}
    )
    asked = []

    def known(rows: pd.DataFrame, catalog: Catalog, *, until: pd.Timestamp, settings: Combine) -> pd.DataFrame:
        asked.append(until)
        return table

    monkeypatch.setattr(together_lift, "pairs", known)
    rows = bought(
        *[(a, "starter", "2024-01-01", None) for a in "abcd"],
        ("a", "extra_storage", "2025-12-01", None),
        ("b", "extra_storage", "2025-12-01", None), ("b", "analytics", "2025-12-01", None),
        ("c", "extra_storage", "2025-01-01", None),  # long ago
        ("d", "extra_storage", "2026-01-01", None),  # on the day itself: not known
    )  # fmt: skip
    accounts = pd.DataFrame({"account_id": list("abcd"), "as_of": UNTIL, "plan_id": "starter"}, index=[7, 8, 9, 10])
    found = together_lift.with_lifts(accounts, rows, catalog)
    assert asked == [UNTIL.to_period("Q").start_time]
    pd.testing.assert_frame_equal(found[accounts.columns], accounts)
    own = found.filter(like=together_lift.PREFIX)
    # 0.4 is farther from 1 than 2
    assert own[f"{together_lift.PREFIX}add_api_pack"].tolist() == pytest.approx(np.log([2.0, 0.4, 1.0, 1.0]))
    assert (own.drop(columns=f"{together_lift.PREFIX}add_api_pack") == 0.0).all(axis=None)


def test_no_lift_hangs_on_what_comes_later(catalog: Catalog) -> None:
    """Rows of two quarters: those that begin later, or on the day, change nothing of the earlier ones."""
    draw = np.random.default_rng(5)
    rows = bought(
        *[(f"A{i}", "starter", "2024-01-01", None) for i in range(400)],
        *[(f"A{i}", "extra_storage", str(D("2024-02-01") + pd.Timedelta(days=int(draw.integers(0, 500))))[:10], None)
          for i in range(300)],
        *[(f"A{i}", "api_pack", str(D("2024-06-01") + pd.Timedelta(days=int(draw.integers(0, 500))))[:10], None)
          for i in range(0, 400, 2)],
    )  # fmt: skip
    days = [D("2025-02-01"), D("2025-06-01")]
    accounts = pd.concat([use(400, day)[["account_id", "as_of", "plan_id"]] for day in days], ignore_index=True)
    found = together_lift.with_lifts(accounts, rows, catalog)
    assert (found.filter(like=together_lift.PREFIX) != 0).any(axis=None)
    early = rows[rows["valid_from_on"] < days[0]]
    again = together_lift.with_lifts(accounts[accounts["as_of"] == days[0]], early, catalog)
    pd.testing.assert_frame_equal(again, found[found["as_of"] == days[0]])


def use(n: int, as_of: pd.Timestamp, **more: Any) -> pd.DataFrame:
    """Accounts A0 … whose use rises with their number."""
    level = np.arange(n, dtype=float)
    base = {"account_id": [f"A{i}" for i in range(n)], "as_of": as_of, "plan_id": "starter", "seats": 5.0,
            "events_28d": np.exp(level), "active_days_28d": 5.0, "adoption_rate": 0.5, "limit_peak": 0.5,
            "tenure_days": 400.0}  # fmt: skip
    return pd.DataFrame(base | more)


def test_the_nearest_peers_are_counted_and_no_account_is_its_own(catalog: Catalog) -> None:
    n = 12
    then, now = D("2025-06-01"), D("2025-12-01")
    rows = bought(
        *[(f"A{i}", "starter", "2024-01-01", None) for i in range(n)],
        ("A1", "api_pack", "2025-08-01", None),  # took it within the half year
        ("A2", "api_pack", "2025-11-27", None),
        ("A3", "api_pack", "2025-01-01", None),  # had it already: could not take it
        ("A4", "api_pack", "2025-12-01", None),  # on the day itself: the future
        ("A11", "pro", "2025-09-01", None),
    )  # fmt: skip
    few = Combine(n_peers=3, min_peers=3)
    found = peers_took(use(n, now), use(n, then), rows, catalog, few).set_index(["account_id", "offer_id"])
    # A0's nearest of those that could: A1, A2, A4; A1's: A0, A2 and A4; A10's: A11, A9, A8
    assert found.loc[("A0", "add_api_pack"), ["n_peers", "n_took"]].tolist() == [3, 2]
    assert found.loc[("A1", "add_api_pack"), ["n_peers", "n_took"]].tolist() == [3, 1]
    assert found.loc[("A10", "upgrade_next"), ["n_peers", "n_took", "peers_took_share"]].tolist() == [3, 1, 1 / 3]
    assert found.loc[("A10", "bundle_growth"), "n_took"] == 0  # both of it, or it is not taken
    low, high = found.loc[("A0", "add_api_pack"), ["low", "high"]]
    assert 0 < low < 2 / 3 < high < 1
    assert found.xs("seats_20", level="offer_id")["n_peers"].isna().all()
    later = pd.concat([rows, bought(("A5", "api_pack", "2025-12-01", None), ("A6", "api_pack", "2026-02-01", None))])
    again = peers_took(use(n, now), use(n, then), later, catalog, few).set_index(["account_id", "offer_id"])
    pd.testing.assert_frame_equal(again, found)


def test_peers_are_on_the_same_plan_and_of_the_same_size_and_enough(catalog: Catalog) -> None:
    then, now = D("2025-06-01"), D("2025-12-01")
    rows = bought(*[(f"A{i}", "starter", "2024-01-01", None) for i in range(12)])
    few = Combine(n_peers=3, min_peers=3)
    large = use(12, then, seats=[5.0] * 3 + [50.0] * 9)
    found = peers_took(use(12, now), large, rows, catalog, few).set_index(["account_id", "offer_id"])
    assert found.xs("add_api_pack", level="offer_id")["n_peers"].notna().tolist() == [False] * 3 + [True] * 9
    other = peers_took(use(12, now), use(12, then, plan_id="pro"), rows, catalog, few)
    assert other["n_peers"].isna().all()
    too_new = peers_took(use(12, now), use(12, D("2025-07-01")), rows, catalog, few)
    assert too_new["n_peers"].isna().all()
    assert len(too_new) == 12 * len(catalog.offers)


def test_in_words(catalog: Catalog) -> None:
    offers = {offer.id: offer for offer in catalog.offers}
    assert sentence(14, 20, offers["add_analytics"], "pro", catalog, "en") == (
        "14 of 20 accounts like this one on Pro added Analytics within six months"
    )
    assert sentence(14, 20, offers["add_analytics"], "pro", catalog, "ja") == (
        "同じプロで利用状況の近い20社のうち14社が、6か月以内にアナリティクスを追加しています"
    )
    assert sentence(3, 20, offers["bundle_growth"], "starter", catalog, "en", days=90) == (
        "3 of 20 accounts like this one on Starter moved to Pro and added Analytics within three months"
    )
    assert "プロへ移行しています" in str(sentence(3, 20, offers["trial_next"], "starter", catalog, "ja"))
    assert sentence(1, 20, offers["add_analytics"], "pro", catalog, "en") is None
    assert sentence(float("nan"), float("nan"), offers["add_analytics"], "pro", catalog, "en") is None
    assert sentence(9, 20, offers["seats_20"], "pro", catalog, "en") is None


def test_peers_speak_of_the_offer_of_the_list_and_only_where_some_took_it(catalog: Catalog) -> None:
    ranked = pd.DataFrame(
        {
            "account_id": list("abcd"),
            "plan_id": "starter",
            "offer_id": ["add_api_pack", "add_api_pack", "upgrade_next", None],
        }
    )
    took = pd.DataFrame(
        {
            "account_id": list("abcd") * 2, "offer_id": ["add_api_pack"] * 4 + ["upgrade_next"] * 4,
            "n_took": [14, 1, 9, 9, 3, 3, 2, 3], "n_peers": 20,
        }
    )  # fmt: skip
    found = peers(ranked, took, catalog, days=180)
    assert set(found) == {"a", "c"}  # one account is an accident, and d is offered nothing
    assert found["a"].en == "14 of 20 accounts like this one on Starter added API pack within six months"
    assert found["c"].ja.startswith("同じ")
    assert "20社のうち2社" in found["c"].ja
