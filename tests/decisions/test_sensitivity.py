"""Dropping a factor, on tables small enough to work out by eye."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from data.catalog import Catalog
from decisions.candidates import candidates
from decisions.plan import plan
from decisions.ranking import ranked
from decisions.sensitivity import (
    FACTORS,
    by_gate,
    factors,
    priority,
    sensitivity,
    wasted_discount,
    wins,
    within_capacity,
)
from decisions.settings import Decide, Gates, Segments
from tests.decisions.accounts import accounts

OWNERS = pd.DataFrame(
    {"account_id": ["a", "b", "c", "held"], "owner_id": ["x", "x", None, "x"],
     "assignment": ["contact", "beyond_capacity", "contact", "holdout"]}
)  # fmt: skip


def row(account: str, offer: str, uplift: float, value: float, **more: Any) -> dict[str, Any]:
    base = {"account_id": account, "offer_id": offer, "uplift": uplift, "value": value, "context": 1.0, "lever": 1.0,
            "harm": 0.0, "contact_cost": 0.0, "is_allowed": True, "discount_pct": 0.0}  # fmt: skip
    return base | more


# a: by all factors upgrade (0.2 × 1,000 = 200) before seats (0.5 × 300 = 150); b: 0.6 × 400 − 50 = 190, one place only
ROWS = pd.DataFrame(
    [
        row("a", "upgrade_next", 0.2, 1000),
        row("a", "seats_20", 0.5, 300),
        row("b", "seats_20", 0.6, 400, contact_cost=50.0),
        row("c", "upgrade_next", 0.1, 800, harm=30.0),
        row("held", "upgrade_next", 0.9, 5000),
        row("b", "upgrade_next", 0.9, 9000, is_allowed=False),
    ]
)
ONE_EACH = within_capacity(OWNERS, per_owner=1, without_owner=1)


def test_each_factor_dropped_in_turn(catalog: Catalog) -> None:
    found, moves = sensitivity(ROWS, OWNERS, catalog, ONE_EACH)
    table = found.set_index("factor")
    # with all: a's upgrade 200 and c's 50
    assert (table["expected"] + table["lost"]).tolist() == [250.0] * len(FACTORS)
    # all uplifts the same: a's upgrade stays the dearest. All values the same: b's chance of 0.6 is the best, less 50
    assert table.loc["uplift", ["n_same", "n_leaving", "n_changing", "lost"]].tolist() == [2, 0, 0, 0.0]
    assert table.loc["value", ["n_entering", "n_leaving", "lost"]].tolist() == [1, 1, 10.0]
    # without its cost b is worth 240, and takes a's place; without harm nothing moves
    assert table.loc["contact_cost", ["n_same", "n_entering", "n_leaving", "lost"]].tolist() == [1, 1, 1, 10.0]
    assert table.loc["harm", ["n_same", "n_entering", "lost"]].tolist() == [2, 0, 0.0]
    assert table.loc[["context", "levers"], "lost"].tolist() == [0.0, 0.0]
    by_offer = moves[moves["factor"] == "value"].set_index("offer_id")
    assert by_offer.loc["seats_20", ["with_all", "without"]].tolist() == [0, 1]
    assert by_offer.loc["upgrade_next", ["with_all", "without"]].tolist() == [2, 1]


def test_another_offer_for_the_same_account_is_a_change(catalog: Catalog) -> None:
    found, _ = sensitivity(ROWS[ROWS["account_id"] == "a"], OWNERS, catalog, ONE_EACH)
    assert found.set_index("factor").loc["value", ["n_changing", "n_entering", "lost"]].tolist() == [1, 0, 50.0]


def test_nothing_lost_is_ever_less_than_nothing(catalog: Catalog) -> None:
    """By its own measure no list is worth more than the one that is chosen by it."""
    rng = np.random.default_rng(4)
    n = 300
    rows = pd.DataFrame(
        {
            "account_id": [f"A{i // 3}" for i in range(n)],
            "offer_id": ["upgrade_next", "seats_20", "add_analytics"] * 100,
            "uplift": rng.uniform(-0.1, 0.4, n), "value": rng.lognormal(6, 1, n), "context": rng.uniform(0.3, 1, n),
            "lever": rng.choice([0.5, 1.0], n), "harm": rng.uniform(0, 20, n), "contact_cost": 30.0,
            "is_allowed": rng.random(n) < 0.7, "discount_pct": 0.0,
        }
    )  # fmt: skip
    owners = pd.DataFrame(
        {"account_id": [f"A{i}" for i in range(100)], "owner_id": ["x", "y"] * 50, "assignment": "contact"}
    )
    found, moves = sensitivity(rows, owners, catalog, within_capacity(owners, per_owner=10, without_owner=0))
    assert (found["lost"] >= -1e-9).all()
    assert (found["n_entering"] + found["n_same"] + found["n_changing"] == found["n_contact"]).all()
    totals = moves.groupby("factor")["without"].sum()
    assert totals.to_dict() == found.set_index("factor")["n_contact"].to_dict()
    assert found.set_index("factor").loc["uplift", "lost"] > 0


def listed(rows: pd.DataFrame, offered: pd.DataFrame, catalog: Catalog, money: Decide) -> pd.DataFrame:
    planned = plan(offered, rows, catalog, money, seed=7).rows
    return ranked(
        rows, offered, planned, catalog, base_rate=0.1, gate_settings=Gates(), money=money, segments=Segments()
    )


def test_where_the_response_is_not_learnt_the_identity_is_the_one_that_is_used(catalog: Catalog) -> None:
    rows = accounts(*[{"propensity": p, "owner_id": o} for p, o in ((0.5, "x"), (0.3, "x"), (0.2, "y"), (0.4, None))])
    decide = Decide(holdout_share=0.0, capacity_per_owner=1, capacity_without_owner=1)
    offered = candidates(rows, None, catalog, Gates(), decide)
    sells = offered["offer_id"].map({o.id: not o.is_help for o in catalog.offers})
    mine = offered[sells]
    assert priority(factors(mine, rows, catalog)).tolist() == pytest.approx(mine["priority"].tolist())
    decisions = listed(rows, offered, catalog, decide)
    choose = within_capacity(decisions, per_owner=1, without_owner=1)
    contacted = decisions[decisions["assignment"] == "contact"]
    assert sorted(choose(mine)["account_id"]) == sorted(contacted["account_id"])
    found, _ = sensitivity(offered, decisions, catalog, choose)
    assert (found["expected"] + found["lost"]).tolist() == pytest.approx([contacted["priority"].sum()] * len(FACTORS))


def test_gates_and_wins_of_a_real_list(catalog: Catalog) -> None:
    rows = accounts({}, {"tenure_days": 3}, {"tenure_days": 5}, {"health_band": "red"})
    offered = candidates(rows, None, catalog, Gates(), Decide())
    decisions = listed(rows, offered, catalog, Decide())
    gates = by_gate(offered, decisions, catalog).set_index("gate")
    assert gates.loc["onboarding"].tolist() == [0.5, 0.5]
    assert gates.loc["unhappy", "accounts"] == 0.25
    found = wins(offered)
    both = found.merge(found, left_on=["winner", "loser"], right_on=["loser", "winner"], suffixes=("", "_back"))
    assert (both["n"] + both["n_back"] == both["n_both"]).all()
    assert (found.loc[found["n"] > 0, "margin"] >= 0).all()


def test_discounts_to_those_who_would_have_bought_anyway() -> None:
    rows = pd.DataFrame(
        {"discount_pct": [10.0, 20.0], "value": [900.0, 800.0], "p_accept": [0.5, 0.4], "p_organic": [0.6, 0.1]}
    )
    # 100 × 0.5 + 200 × 0.4 = 130 is given away; of that, 100 × 0.5 (no more than accept) and 200 × 0.1 for nothing
    assert wasted_discount(rows) == {"n_discounted": 2, "expected": 130.0, "to_sure_things": 70.0, "share": 0.538462}
    unknown = wasted_discount(rows.assign(p_organic=np.nan))
    assert unknown == {"n_discounted": 2, "expected": None, "to_sure_things": None, "share": None}
    assert wasted_discount(rows.assign(discount_pct=0.0))["share"] is None
