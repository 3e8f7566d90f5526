"""The best way to make each offer: its factors, its discount, its channel."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.catalog import Catalog
from decisions.menu import best_ways, priced, steps_above_floor
from decisions.settings import Decide, Factors
from tests.decisions.accounts import AS_OF


def menu(catalog: Catalog, seed: int, n: int = 30) -> pd.DataFrame:
    """Every way to make every offer to n accounts; what is expected of each is made up."""
    rng = np.random.default_rng(seed)
    rows = [
        {"account_id": f"a{i}", "as_of": AS_OF, "offer_id": o.id, "channel": channel, "discount_pct": step}
        for i in range(n)
        for o in catalog.offers
        for channel, step in itertools.product(o.channels, o.discounts.steps_pct)
    ]
    found = pd.DataFrame(rows)
    found["p_accept"], found["p_organic"] = rng.uniform(0, 0.6, len(found)), rng.uniform(0, 0.2, len(found))
    found["uplift"] = found["p_accept"] - found["p_organic"]
    found["value"], found["context"] = rng.uniform(0, 3000, len(found)), rng.uniform(0.2, 1.1, len(found))
    found["harm"], found["se"] = rng.uniform(0, 40, len(found)), 10.0
    return found


def all_open(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(True, index=rows["account_id"].unique(), columns=["csm", "email", "in_app"])


def test_priority_is_the_product_of_its_factors_less_its_costs(catalog: Catalog) -> None:
    found = priced(menu(catalog, 0), catalog, Decide(levers={"trial": 0.3, "seats": 2.0}))
    kinds = {o.id: o.kind for o in catalog.offers}
    lever = found["offer_id"].map(kinds).map({"trial": 0.3, "seats": 2.0}).fillna(1.0)
    cost = found["offer_id"].map({o.id: o.contact_cost for o in catalog.offers})
    gain = found["uplift"] * found["context"] * found["value"]
    np.testing.assert_allclose(found["priority"], gain * lever - found["harm"] - cost)
    np.testing.assert_allclose(found["expected_arr"], gain - found["harm"] - cost)


@pytest.mark.parametrize("name", list(Factors.model_fields))
def test_each_factor_can_be_switched_off(catalog: Catalog, name: str) -> None:
    rows = menu(catalog, 1)
    levers = {"levers": {"upgrade": 3.0}}
    off = priced(rows, catalog, Decide(factors={name: False}, **levers))
    neutral = {"uplift": 1.0, "context": 1.0, "value": 1.0, "harm": 0.0}
    if name in neutral:
        same = priced(rows.assign(**{name: neutral[name]}), catalog, Decide(**levers))
    elif name == "levers":
        same = priced(rows, catalog, Decide(levers={}))
    else:
        free = [o.model_copy(update={"contact_cost": 0.0}) for o in catalog.offers]
        same = priced(rows, catalog.model_copy(update={"offers": free}), Decide(**levers))
    np.testing.assert_allclose(off["priority"], same["priority"])
    on = priced(rows, catalog, Decide(**levers))
    assert not np.allclose(off["priority"], on["priority"])


@given(seed=st.integers(0, 1000), margin=st.sampled_from([40.0, 60.0, 62.0, 80.0, 100.0]))
def test_no_other_way_above_the_floor_earns_more(catalog: Catalog, seed: int, margin: float) -> None:
    """Against a plain loop over every row."""
    rows, money = menu(catalog, seed, 4), Decide(gross_margin_pct=margin)
    best = best_ways(rows, all_open(rows), catalog, money).set_index(["account_id", "offer_id"])
    floors = {o.id: o.discounts.min_margin_pct for o in catalog.offers}
    seen: dict[tuple[str, str], float] = {}
    for row in priced(rows, catalog, money).itertuples():
        left = 100 * (1 - (1 - margin / 100) / (1 - row.discount_pct / 100))
        if left >= floors[row.offer_id]:
            key = (row.account_id, row.offer_id)
            seen[key] = max(seen.get(key, -np.inf), row.priority)
    assert set(best.index) == set(seen)
    for key, priority in seen.items():
        assert best.loc[key, "priority"] == pytest.approx(priority, abs=1e-6)


def test_of_equals_the_smallest_discount_and_the_first_channel(catalog: Catalog) -> None:
    rows = menu(catalog, 2, 3).assign(uplift=0.2, value=1000.0, context=1.0, harm=0.0)
    best = best_ways(rows, all_open(rows), catalog, Decide())
    first = {o.id: (o.channels[0], min(steps_above_floor(o, 80))) for o in catalog.offers}
    assert [(r.channel, r.discount_pct) for r in best.itertuples()] == [first[name] for name in best["offer_id"]]


def test_a_channel_that_is_used_up_is_passed_over_where_another_is_not(catalog: Catalog) -> None:
    rows = menu(catalog, 3, 6)
    is_open = all_open(rows)
    is_open.loc["a1", "csm"] = False
    best = best_ways(rows, is_open, catalog, Decide()).set_index("account_id").loc["a1"]
    others = {o.id: set(o.channels) - {"csm"} for o in catalog.offers}
    for row in best.itertuples():
        assert (row.channel != "csm") == bool(others[row.offer_id])
