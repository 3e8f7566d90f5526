"""What a yes is worth and what an answer leaves behind, in money worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from data.catalog import Catalog
from models import worth
from models.aftermath import Logs, Ratios
from models.realised import Seats
from models.worth import Alone

SEAT, STORAGE = 15.0, 35.0  # list prices a month, of the project's catalogue: a seat on Pro, the storage add-on
HALF = -np.log(0.5)  # how often, where the chance of at least once is a half


def accounts(**changed: object) -> pd.DataFrame:
    row = {
        "account_id": "A", "as_of": pd.Timestamp("2026-06-01"), "plan_id": "pro", "seats": 100.0, "mrr": 1599.0,
        "billing": "monthly", "add_ons": None, "current_discount_pct": 0.0, "days_to_renewal": 20.0,
        "health_score": 100.0,
    }  # fmt: skip
    return pd.DataFrame([{**row, **changed}])


def by_itself(catalog: Catalog, **chances: float) -> Alone:
    """Nobody leaves and nothing happens but what is named: `seats=0.5`."""
    names = {part.name for part in worth.all_parts(catalog)} | {"leave"}
    in_year = {name: np.array([chances.get(name.replace(":", "_"), 0.0)]) for name in names}
    return Alone(in_year, in_year, {}, 1 - in_year["leave"])


def head_start(catalog: Catalog, offer_id: str, known: Seats, **chances: float) -> float:
    offer = next(o for o in catalog.offers if o.id == offer_id)
    found = worth.worth(offer, accounts(), catalog, by_itself(catalog, **chances), {}, known)
    return float(found.head_start[0])


@pytest.mark.parametrize(("forestalled", "left"), [(0.0, 1.0), (1.0, 0.5), (0.4, 0.8)])
def test_seats_keep_what_later_growth_does_not_take_the_place_of(
    forestalled: float, left: float, catalog: Catalog
) -> None:
    found = head_start(catalog, "seats_20", Seats(0.3, forestalled), seats=0.5)
    assert found == pytest.approx(12 * 20 * SEAT * left)


def test_what_is_priced_by_the_seat_is_worth_more_where_seats_grow(catalog: Catalog) -> None:
    at_rest = head_start(catalog, "add_analytics", Seats(0.3, 0.4))
    assert at_rest == pytest.approx(12 * (40 + 3 * 100))
    growing = head_start(catalog, "add_analytics", Seats(0.3, 0.4), seats=0.5)
    assert growing == pytest.approx(12 * (40 + 3 * 100 * (1 + 0.3 * HALF)))
    assert head_start(catalog, "add_storage", Seats(0.3, 0.4), seats=0.5) == pytest.approx(12 * STORAGE)


def side(catalog: Catalog, ratios: Ratios, rows: pd.DataFrame, *, without: tuple[str, ...] = (), **chances: float):  # type: ignore[no-untyped-def]
    return worth.side_effects(ratios, rows, catalog, by_itself(catalog, **chances), Seats(0.2, 0.5), without=without)


def test_a_quarter_without_growth_costs_what_would_have_come_in_it(catalog: Catalog) -> None:
    nothing_for_a_quarter = Ratios(grow=Logs(early=(-50.0, 0.0)))
    found = side(catalog, nothing_for_a_quarter, accounts(), add_on_extra_storage=0.5)
    assert found.money[0] == pytest.approx(12 * STORAGE * (0.5 - 0.5**0.75))
    found = side(catalog, nothing_for_a_quarter, accounts(), seats=0.5)
    assert found.money[0] == pytest.approx(-12 * 20 * SEAT * 0.25 * HALF * (1 - 0.5 * 0.5))
    left_out = side(catalog, nothing_for_a_quarter, accounts(), without=("seats",), seats=0.5)
    assert left_out.money[0] == 0.0


def test_a_refusal_before_the_renewal_may_cost_the_customer(catalog: Catalog) -> None:
    twice = Ratios(leave=Logs(early=(np.log(2.0), 0.0)))
    soon, late = (accounts(billing="annual", days_to_renewal=days) for days in (70.0, 250.0))
    lost = side(catalog, twice, soon, leave=0.1).money[0]
    assert lost == pytest.approx(12 * 1599 * (0.9**2 - 0.9), rel=0.02)
    assert abs(side(catalog, twice, late, leave=0.1).money[0]) < 0.02 * abs(lost)


def test_no_figure_of_an_account_hangs_on_who_else_is_asked_about(catalog: Catalog) -> None:
    """Of an account whose health is not known, too: once, that of the mean of the others was taken."""
    amiss = Ratios(grow=Logs(early=(0.0, -2.0)), leave=Logs(late=(0.0, 1.0)))
    unknown, ill = accounts(health_score=None), accounts(health_score=10.0)
    both = pd.concat([unknown, ill], ignore_index=True)
    alone = by_itself(catalog, seats=0.5, leave=0.1)
    together = worth.side_effects(amiss, both, catalog, alone.take(np.array([0, 0])), Seats(0.2, 0.5)).money
    apart = [worth.side_effects(amiss, rows, catalog, alone, Seats(0.2, 0.5)).money[0] for rows in (unknown, ill)]
    assert together.tolist() == apart
    assert together[0] == 0.0 > together[1]
