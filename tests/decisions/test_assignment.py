"""The week: limits and floors hold, nothing better is left out, equals stand by name, the order of rows is nothing."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.catalog import Catalog
from data.errors import BadInput
from decisions.assignment import Assigned, assign, ways
from decisions.limits import limits_of
from decisions.turnover import explained
from decisions.week_settings import Fairness, Limit, Quality, Week
from decisions.worth import by_column, one_more, worths
from tests.decisions.accounts import accounts

OWNER = Limit(id="owner", max=2, per="owner_id", channels=["csm"])


def some_ways(seed: int, n_accounts: int = 8, owners: int = 2) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    rows = [
        {
            "account_id": f"a{i}", "offer_id": f"o{j}", "channel": random.choice(["csm", "email"]), "discount_pct": 0.0,
            "priority": float(random.integers(1, 40)), "owner_id": f"CSM-{i % owners}", "region": "EMEA",
            "contact_cost": float(random.choice([5.0, 20.0])), "discount_cost": float(random.integers(0, 3)),
            "hours": float(random.choice([0.5, 1.0, 2.0])), "p_accept": round(float(random.random()), 2),
        }
        for i in range(n_accounts)
        for j in range(2)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def every_week(rows: pd.DataFrame) -> np.ndarray:
    """Every choice of at most one way per account: (choices, ways), true where taken."""
    of_account = [[-1, *group] for group in rows.groupby("account_id").indices.values()]
    picked = np.array(list(itertools.product(*of_account)))
    taken = np.zeros((len(picked), len(rows) + 1), dtype=bool)
    np.put_along_axis(taken, picked, True, axis=1)  # nothing falls into the last column
    return taken[:, :-1]


def within(
    weeks: np.ndarray, rows: pd.DataFrame, *, per_owner: dict[str, int], budget: float, emails: float = np.inf
) -> np.ndarray:
    """Whether each choice keeps to the limits."""
    cost = (rows["contact_cost"] + rows["discount_cost"]).to_numpy()
    fits = (weeks @ cost <= budget) & (weeks @ (rows["channel"] == "email").to_numpy().astype(float) <= emails)
    for owner, room in per_owner.items():
        fits &= weeks @ ((rows["owner_id"] == owner) & (rows["channel"] == "csm")).to_numpy().astype(float) <= room
    return fits


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6))
def test_no_week_within_the_limits_and_floors_is_worth_more(seed: int) -> None:
    rows = some_ways(seed, 6)
    previous = ["a1", "a2", "a4", "gone"]
    limits = [OWNER, Limit(id="budget", uses="money", max=70), Limit(id="mails", channels=["email"], max=1)]
    week = Week(max_turnover=0.5, quality=Quality(column="p_accept", at_least_mean=0.3))
    found = assign(rows, limits, week, previous=previous)
    asked = found.floors[found.floors["floor"] == "turnover"].set_index("group")["bound"]

    weeks = every_week(rows)
    good = within(weeks, rows, per_owner={"CSM-0": 2, "CSM-1": 2}, budget=70, emails=1)
    good &= weeks @ (rows["p_accept"].to_numpy() - 0.3) >= -1e-9
    for owner, least in asked.items():
        mine = rows["account_id"].isin(previous) & (rows["owner_id"] == owner)
        good &= weeks @ mine.to_numpy().astype(float) >= least
    assert found.value == pytest.approx((weeks @ rows["priority"].to_numpy())[good].max())
    assert found.is_exact
    taken = rows.index.isin(found.chosen.index)
    assert good[(weeks == taken).all(axis=1)].tolist() == [True]


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6))
def test_the_order_of_rows_is_nothing_and_equals_stand_by_name(seed: int) -> None:
    rows = some_ways(seed, 20, 3).assign(priority=lambda r: r["priority"] // 15 + 1)  # full of equals
    limits = [OWNER, Limit(id="budget", uses="money", max=120)]
    found = assign(rows, limits)
    shuffled = assign(rows.sample(frac=1, random_state=seed), limits)
    columns = ["account_id", "offer_id", "channel"]
    assert found.chosen[columns].to_numpy().tolist() == shuffled.chosen[columns].to_numpy().tolist()
    # no account outside could take the place of a later one that is its equal in all that counts
    left = rows[~rows["account_id"].isin(found.chosen["account_id"])]
    same = ["priority", "channel", "owner_id", "contact_cost", "discount_cost"]
    both = found.chosen.merge(left, on=same, suffixes=("", "_left"))
    assert (both["account_id"] < both["account_id_left"]).all()


def test_owners_without_a_name_have_their_own_capacity() -> None:
    rows = some_ways(3, 12, 1).assign(owner_id=lambda r: r["owner_id"].where(r["account_id"] > "a4"), channel="csm")
    found = assign(rows, limits_of(Week(), per_owner=4, without_owner=1))
    assert found.limits[["group", "used", "max"]].to_numpy().tolist() == [["", 1.0, 1.0], ["CSM-0", 4.0, 4.0]]


def test_hours_and_what_was_used_before() -> None:
    rows = some_ways(4, 10, 1).assign(channel="csm")
    limits = [Limit(id="owner", uses="hours", max=5, per="owner_id", days=30)]
    used = pd.DataFrame({"limit_id": ["owner"], "group": ["CSM-0"], "used": [2.5]})
    found = assign(rows, limits, used=used)
    assert found.chosen["hours"].sum() <= 2.5
    assert found.limits["used_before"].tolist() == [2.5]
    over = used.assign(used=9.0)
    assert assign(rows, limits, used=over).chosen.empty  # nothing is left, and nothing is owed


def test_turnover_keeps_who_is_still_allowed_and_says_whom_it_moved() -> None:
    rows = pd.DataFrame(
        {
            "account_id": list("abcdef"), "offer_id": "o", "channel": "csm", "discount_pct": 0.0,
            "priority": [60.0, 50, 40, 30, 20, 10], "owner_id": "CSM-1",
        }
    )  # fmt: skip
    three = [Limit(id="owner", max=3, per="owner_id")]
    free = assign(rows, three)
    assert free.chosen["account_id"].tolist() == ["a", "b", "c"]
    held = assign(rows, three, Week(max_turnover=0.34), previous=["d", "e", "f", "no longer allowed"])
    assert held.chosen["account_id"].tolist() == ["a", "d", "e"]  # of three, two stay: the better ones
    assert held.floors[["asked", "bound", "got"]].to_numpy().tolist() == [[2.0, 2.0, 2.0]]
    # what the bound costs at the margin: one fewer would bring b for e (30 more), one more would cost a for f (50)
    assert 30 <= held.floors["price"].item() <= 50
    told = explained(held.chosen, free.chosen)
    assert told[["account_id", "moved"]].to_numpy().tolist() == [["b", "waits"], ["c", "waits"], ["d", "kept"], ["e", "kept"]]  # fmt: skip  # noqa: E501  # read as one line
    # with room for one alone the bound is cut to what there is
    one = assign(rows, [Limit(id="owner", max=1, per="owner_id")], Week(max_turnover=0.0), previous=["e", "f"])
    assert one.chosen["account_id"].tolist() == ["e"]
    assert one.floors[["asked", "bound", "got"]].to_numpy().tolist() == [[2.0, 1.0, 1.0]]


def test_fairness_shares_what_is_shared() -> None:
    rows = pd.DataFrame(
        {
            "account_id": list("abcd"), "offer_id": "o", "channel": "email", "discount_pct": 0.0,
            "priority": [100.0, 90, 10, 8], "owner_id": ["rich", "rich", "poor", "poor"],
        }
    )  # fmt: skip
    limits = [Limit(id="owner", max=2, per="owner_id"), Limit(id="mails", channels=["email"], max=2)]
    assert assign(rows, limits).chosen["account_id"].tolist() == ["a", "b"]
    fair = assign(rows, limits, Week(fairness=Fairness(of="money", share=0.5)))
    assert fair.chosen["account_id"].tolist() == ["a", "c"]
    assert (fair.floors["got"] >= fair.floors["bound"]).all()
    # more than all can have is cut to the most that all can: 100 of 190, and 10 of 18
    most = assign(rows, limits, Week(fairness=Fairness(of="money", share=1.0)))
    assert most.chosen["account_id"].tolist() == ["a", "c"]
    contacts = assign(rows, limits, Week(fairness=Fairness(of="contacts", share=0.5)))
    assert contacts.chosen.groupby("owner_id").size().to_dict() == {"poor": 1, "rich": 1}


@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6))
def test_one_more_is_worth_what_solving_again_says(seed: int) -> None:
    rows = some_ways(seed, 6)

    weeks = every_week(rows)

    def best(per_owner: dict[str, int], budget: float) -> float:
        fits = within(weeks, rows, per_owner=per_owner, budget=budget)
        return float((weeks @ rows["priority"].to_numpy())[fits].max())

    found = assign(rows, [OWNER.model_copy(update={"max": 1.0}), Limit(id="budget", uses="money", max=60)])
    room = {"CSM-0": 1, "CSM-1": 1}
    assert one_more(found, "owner", "CSM-0") == pytest.approx(best(room | {"CSM-0": 2}, 60) - best(room, 60))
    assert one_more(found, "budget", by=5) == pytest.approx(best(room, 65) - best(room, 60))
    with pytest.raises(KeyError, match="no limit"):
        one_more(found, "e-mails")


def test_the_price_of_a_contact_is_the_next_account() -> None:
    rows = some_ways(9, 40, 4).assign(channel="csm").sort_values("offer_id").drop_duplicates("account_id")
    found: Assigned = assign(rows, [OWNER])
    waiting = rows[~rows["account_id"].isin(found.chosen["account_id"])].groupby("owner_id")["priority"].max()
    worth = worths(found)
    assert worth.set_index("group")["price"].sort_index().tolist() == waiting.sort_index().tolist()
    assert worth["one_more"].tolist() == worth["price"].tolist()
    assert by_column(worth, found.ways, "region")["worth"].tolist() == [waiting.max()]


def test_ways_count_hours_and_money(catalog: Catalog) -> None:
    frame = accounts({}, {"propensity": 0.2})
    offered = pd.DataFrame(
        {
            "account_id": ["acc-000", "acc-001"], "as_of": frame["as_of"], "offer_id": ["upgrade_next", "training"],
            "channel": ["csm", "email"], "discount_pct": [10.0, 0.0], "is_allowed": [True, True],
            "p_accept": [float("nan"), 0.4], "value": [900.0, 0.0], "priority": [10.0, 0.0],
        }
    )  # fmt: skip
    rows = ways(offered, frame, catalog, Week(hours={"csm": 1.5, "email": 0.2}, hours_of={"upgrade_next": 3}))
    assert rows["hours"].tolist() == [3.0, 0.2]
    assert rows["contact_cost"].tolist() == [60.0, 30.0]
    assert rows["discount_cost"].tolist() == pytest.approx([0.5 * 1000 * 0.1, 0.0])  # 900 is what 10 % off 1,000 leaves
    assert len(ways(offered.assign(is_allowed=False), frame, catalog, Week())) == 0


def test_bad_input_is_said() -> None:
    rows = some_ways(1, 3)
    with pytest.raises(BadInput, match="there is no column planet to count by"):
        assign(rows, [Limit(id="x", max=1, per="planet")])
    with pytest.raises(BadInput, match="priority is missing for 1 of 6"):
        assign(rows.assign(priority=rows["priority"].where(rows.index != 2)), [OWNER])
    with pytest.raises(BadInput, match="stands once"):
        assign(pd.concat([rows, rows]), [OWNER])
    unknown = rows.assign(p_accept=rows["p_accept"].where(rows["account_id"] != "a1"))
    with pytest.raises(BadInput, match="not known of 2 of 6"):
        assign(unknown, [OWNER], Week(quality=Quality(column="p_accept", at_least_mean=0.5)))
    with pytest.raises(BadInput, match="the id owner stands twice"):
        Week.parse({"limits": [{"id": "owner", "max": 1}]}, file="params.yaml")
    with pytest.raises(BadInput, match="max_of needs per"):
        Week.parse({"limits": [{"id": "x", "max": 1, "max_of": {"a": 2}}]}, file="params.yaml")


def test_nobody_is_a_week_too() -> None:
    rows = some_ways(1, 3)
    for none in (rows.iloc[:0], rows.assign(priority=-1.0)):
        found = assign(none, [OWNER], Week(max_turnover=0.1), previous=["a1"])
        assert found.chosen.empty
        assert found.value == 0
