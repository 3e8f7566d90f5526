"""Expansion, word for word as the contract has it, and against a slow oracle that shares no line with the code."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.catalog import Catalog
from data.frames import to_pandas
from data.known import calendar
from data.labels import expansion
from tests.golden.staged import table

D = date(2026, 3, 1)
H = 90
END = D + timedelta(days=H)
MIDDLE = D + timedelta(days=40)
Row = dict[str, Any]


def labelled(on_engine: Any, catalog: Catalog, rows: Sequence[Row], days: Sequence[date] = (D,)) -> dict[Any, bool]:
    frame = table("subscriptions", [{"account_id": "a", "valid_from_on": date(2025, 1, 1)} | row for row in rows])
    staged = on_engine({"subscriptions": frame})
    found = to_pandas(
        expansion(staged["subscriptions"], catalog, calendar(list(days)), horizon_days=H, min_growth=0.10).to_pyarrow()
    )
    assert not found.duplicated(["account_id", "as_of"]).any()
    keys = zip(found["account_id"], found["as_of"].dt.date, strict=True)
    return dict(zip(keys, found["is_expansion"].astype(bool), strict=True))


def pro(**more: Any) -> Row:
    return {"product_id": "pro", "quantity": 10.0, "mrr": 200.0} | more


def then(before: Row, on: date = MIDDLE, **changed: Any) -> list[Row]:
    """Terms that change on a day."""
    return [before | {"valid_to_on": on}, before | changed | {"valid_from_on": on}]


def add_on(**more: Any) -> Row:
    return {"product_id": "analytics", "mrr": 20.0} | more


CASES: dict[str, tuple[list[Row], bool]] = {
    "nothing happens": ([pro()], False),
    "a higher tier": (then(pro(), product_id="enterprise", mrr=500.0), True),
    "a higher tier for less money": (then(pro(), product_id="enterprise", mrr=100.0), True),
    "a lower tier": (then(pro(), product_id="starter", mrr=90.0), False),
    "a lower tier, with an add-on that makes up for it": (
        [*then(pro(), product_id="starter", mrr=190.0), add_on(mrr=40.0, valid_from_on=MIDDLE)],
        True,
    ),
    "seats up, exactly at the border": (then(pro(), quantity=11.0, mrr=220.0), True),
    "seats up, just below the border": (then(pro(), quantity=11.0, mrr=219.99), False),
    "seats up, at a border that floats miss": (then(pro(mrr=300.3), quantity=11.0, mrr=330.33), True),
    "seats up without money": (then(pro(), quantity=50.0), False),
    "an add-on that makes the border": ([pro(), add_on(valid_from_on=MIDDLE)], True),
    "an add-on that does not": ([pro(), add_on(mrr=19.9, valid_from_on=MIDDLE)], False),
    "an add-on bought and dropped": ([pro(), add_on(valid_from_on=MIDDLE, valid_to_on=END - timedelta(days=2))], False),
    "a new price list": (then(pro(), mrr=400.0), False),
    "a discount's end": (then(pro(discount_pct=50.0), mrr=400.0, discount_pct=0.0), False),
    "a price rise beside too small a change": (
        [*then(pro(), mrr=400.0), add_on(mrr=10.0, valid_from_on=MIDDLE)],
        False,
    ),
    "a price rise beside a change that is enough": ([*then(pro(), mrr=400.0), add_on(valid_from_on=MIDDLE)], True),
    "an add-on's price rise": ([pro(), *then(add_on(), mrr=90.0)], False),
    "a price cut eats the growth": ([*then(pro(), mrr=150.0), add_on(mrr=60.0, valid_from_on=MIDDLE)], False),
    "another billing with more money": (then(pro(), billing="annual", mrr=230.0), True),
    "from 0, paid": (
        [pro(product_id="free", mrr=0.0), add_on(mrr=0.5, valid_from_on=MIDDLE)],
        True,
    ),
    "from 0, still 0": (then(pro(product_id="free", mrr=0.0), quantity=20.0), False),
    "from 0, only a price": (then(pro(product_id="free", mrr=0.0), mrr=30.0), False),
    "left": ([pro(valid_to_on=MIDDLE)], False),
    "left, add-on runs on": ([pro(valid_to_on=MIDDLE), add_on(mrr=900.0)], False),
    "left and came back the same": (
        [pro(valid_to_on=MIDDLE), pro(valid_from_on=END - timedelta(days=5))],
        False,
    ),
    "left and came back bigger": (
        [pro(valid_to_on=MIDDLE), pro(quantity=20.0, mrr=390.0, valid_from_on=END - timedelta(days=5))],
        True,
    ),
    "up and down again": (
        [
            pro(valid_to_on=MIDDLE),
            pro(quantity=20.0, mrr=400.0, valid_from_on=MIDDLE, valid_to_on=END - timedelta(days=9)),
            pro(valid_from_on=END - timedelta(days=9)),
        ],
        False,
    ),
    "a change on D is in the window": (then(pro(), on=D, quantity=20.0, mrr=400.0), True),
    "a change the day before D is not": (then(pro(), on=D - timedelta(days=1), quantity=20.0, mrr=400.0), False),
    "a change on the last day of the window": (then(pro(), on=END - timedelta(days=1), quantity=20.0, mrr=400.0), True),
    "a change on D + h is not in it": (then(pro(), on=END, quantity=20.0, mrr=400.0), False),
    "leaving on D + h is not in it": (
        [pro(valid_to_on=MIDDLE), pro(quantity=20.0, mrr=400.0, valid_from_on=MIDDLE, valid_to_on=END)],
        True,
    ),
    "leaving on the last day of the window": (
        [
            pro(valid_to_on=MIDDLE),
            pro(quantity=20.0, mrr=400.0, valid_from_on=MIDDLE, valid_to_on=END - timedelta(days=1)),
        ],
        False,
    ),
    "a second plan beside the first": ([pro(), {"product_id": "starter", "mrr": 30.0, "valid_from_on": MIDDLE}], True),
    "a second, higher plan beside the first": (
        [pro(), {"product_id": "enterprise", "mrr": 0.0, "valid_from_on": MIDDLE}],
        True,
    ),
    "the higher of two plans ends, more money": (
        [pro(product_id="enterprise", mrr=50.0, valid_to_on=MIDDLE), *then(pro(), quantity=15.0, mrr=300.0)],
        True,
    ),
}


def test_every_case_of_the_contract(on_engine: Any, catalog: Catalog) -> None:
    rows = [row | {"account_id": name} for name, (history, _) in CASES.items() for row in history]
    found = labelled(on_engine, catalog, rows)
    assert {name for name, _ in found} == set(CASES)
    wrong = {name: found[name, D] for name, (_, expected) in CASES.items() if found[name, D] != expected}
    assert not wrong


def test_who_is_not_active_on_d_is_not_asked(on_engine: Any, catalog: Catalog) -> None:
    rows = [pro(account_id="new", valid_from_on=D), pro(account_id="gone", valid_to_on=D - timedelta(days=1))]
    rows += [add_on(account_id="add-on only"), pro(account_id="there")]
    assert set(labelled(on_engine, catalog, rows)) == {("there", D)}


def tier(catalog: Catalog, product_id: str) -> int | None:
    return next((p.tier for p in catalog.plans if p.id == product_id), None)


def slow_expansion(rows: Sequence[Row], catalog: Catalog, day: date) -> bool | None:
    """The contract in plain Python, account by account; None for who is not in the cohort."""

    def in_force(at: date) -> dict[str, Row]:
        # what was known before `at`: begun by the day before, and not ended by the day before
        eve = at - timedelta(days=1)
        runs = [r for r in rows if r["valid_from_on"] <= eve and (r["valid_to_on"] is None or r["valid_to_on"] > eve)]
        assert len({r["product_id"] for r in runs}) == len(runs)
        return {r["product_id"]: r for r in runs}

    first, last = in_force(day), in_force(day + timedelta(days=H))
    tiers = [[t for p in state if (t := tier(catalog, p)) is not None] for state in (first, last)]
    if not tiers[0]:
        return None
    if not tiers[1]:
        return False
    if max(tiers[1]) > max(tiers[0]):
        return True
    paid = 0.0
    for product, row in last.items():
        old = first.get(product)
        if old and old["quantity"] == row["quantity"] and old["billing"] == row["billing"]:
            paid += min(row["mrr"], old["mrr"])
        else:
            paid += row["mrr"]
    was = sum(row["mrr"] for row in first.values())
    # cents, so that the border is exact
    return paid > 0 if was == 0 else round(100 * paid) * 10 >= round(100 * was) * 11


@st.composite
def histories(draw: st.DrawFn) -> list[Row]:
    """A few products of one account, each a chain of terms with changes and gaps around the window's ends."""
    rows: list[Row] = []
    near = [-1, 0, 1, 45, H - 1, H, H + 1]
    products = st.sampled_from(["free", "starter", "pro", "analytics", "security"])
    for product in draw(st.lists(products, min_size=1, max_size=3, unique=True)):
        cuts = sorted(draw(st.sets(st.sampled_from(near) | st.integers(-60, 150), min_size=1, max_size=5)))
        days = [D + timedelta(days=cut) for cut in cuts]
        for i, start in enumerate(days):
            if draw(st.integers(0, 5)) == 0:
                continue  # a gap
            end = days[i + 1] if i + 1 < len(days) else draw(st.sampled_from([None, start + timedelta(days=30)]))
            rows.append(
                {
                    "product_id": product,
                    "quantity": float(draw(st.integers(1, 3))),
                    "mrr": float(draw(st.sampled_from([0, 10, 100, 110, 121, 200]))),
                    "billing": draw(st.sampled_from(["monthly", "monthly", "annual"])),
                    "valid_from_on": start,
                    "valid_to_on": end,
                }
            )
    return rows


@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(accounts=st.lists(histories(), min_size=30, max_size=60))
def test_as_a_slow_oracle_says(accounts: list[list[Row]], on_engine: Any, catalog: Catalog) -> None:
    days = [D, D + timedelta(days=1), D + timedelta(days=31)]
    ids = [f"a{i:02}" for i in range(len(accounts))]
    rows = [row | {"account_id": i} for i, history in zip(ids, accounts, strict=True) for row in history]
    if not rows:
        return
    found = labelled(on_engine, catalog, rows, days)
    expected = {
        (i, day): said
        for i, history in zip(ids, accounts, strict=True)
        for day in days
        if (said := slow_expansion(history, catalog, day)) is not None
    }
    assert found == expected


def test_the_oracle_sees_both_answers(catalog: Catalog) -> None:
    """An oracle that always said no would agree with nothing."""
    rest = {"quantity": 1.0, "billing": "monthly", "valid_from_on": date(2025, 1, 1), "valid_to_on": None}
    filled = {name: [rest | r for r in history] for name, (history, _) in CASES.items()}
    said = {name: slow_expansion(history, catalog, D) for name, history in filled.items()}
    assert said == {name: expected for name, (_, expected) in CASES.items()}


def test_a_rise_of_price_alone_can_never_expand(on_engine: Any, catalog: Catalog) -> None:
    rises = [1.05, 1.1, 2.0, 10.0]
    rows = [row | {"account_id": f"x{rise}"} for rise in rises for row in then(pro(), mrr=200.0 * rise)]
    assert not any(labelled(on_engine, catalog, rows).values())


MORE: dict[str, tuple[list[Row], float]] = {
    "nothing happens": ([pro()], 0.0),
    "too little to be an expansion": (then(pro(), quantity=11.0, mrr=219.0), 0.0),
    "seats up": (then(pro(), quantity=20.0, mrr=400.0), 200.0),
    "seats up beside an add-on whose price rose": (
        [*then(pro(), quantity=20.0, mrr=400.0), *then(add_on(), mrr=90.0)],
        200.0,
    ),
    "a higher tier for less money": (then(pro(), product_id="enterprise", mrr=100.0), 0.0),
    "from free": (then(pro(product_id="free", mrr=0.0), product_id="starter", mrr=90.0), 90.0),
    "it left": ([pro(valid_to_on=MIDDLE)], 0.0),
}


@pytest.mark.parametrize("name", MORE)
def test_what_an_expansion_added_is_counted_as_the_label_counts(name: str, on_engine: Any, catalog: Catalog) -> None:
    rows, expected = MORE[name]
    frame = table("subscriptions", [{"account_id": "a", "valid_from_on": date(2025, 1, 1)} | row for row in rows])
    staged = on_engine({"subscriptions": frame})
    found = expansion(staged["subscriptions"], catalog, calendar([D]), horizon_days=H, min_growth=0.10)
    assert to_pandas(found.to_pyarrow())["added_mrr"].tolist() == [pytest.approx(expected)]


@pytest.mark.parametrize("horizon", [1, 30, 365])
def test_the_horizon_is_the_settings(horizon: int, on_engine: Any, catalog: Catalog) -> None:
    for on, expected in ((D + timedelta(days=horizon - 1), True), (D + timedelta(days=horizon), False)):
        history = then(pro(account_id="a", valid_from_on=date(2025, 1, 1)), on, quantity=20.0, mrr=400.0)
        frame = table("subscriptions", history)
        rows = on_engine({"subscriptions": frame})["subscriptions"]
        found = expansion(rows, catalog, calendar([D]), horizon_days=horizon, min_growth=0.1)
        assert pd.Series(to_pandas(found.to_pyarrow())["is_expansion"]).tolist() == [expected]
