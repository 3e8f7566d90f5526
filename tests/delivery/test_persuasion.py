"""Why an account is persuadable: the largest columns by name, and nothing of the sum lost."""

import math

import pandas as pd
import pytest

from data.catalog import Catalog
from delivery.persuasion import BASE, N_NAMED, OF_OFFER, briefly, told
from features.build import dictionary
from features.health import Health
from features.lifecycle import Lifecycle
from models.response import RELATIVE


def test_the_largest_are_named_and_the_rest_is_one_row(catalog: Catalog) -> None:
    names = ["alone", "nps_latest", *(f"other_{i}" for i in range(10)), BASE]
    offered = [0.1, -0.9, *(0.01 * i for i in range(10)), -1.0]
    rows = pd.DataFrame({"feature": names, "offered": offered, "alone": 0.2})
    rows["uplift"] = rows["offered"] - rows["alone"]
    found = told(rows, dictionary(catalog, Health(), Lifecycle()))
    assert len(found) == N_NAMED + 2
    assert found[0]["text_en"] == "Where every account starts"
    assert (found[1]["feature"], found[1]["text_en"]) == ("nps_latest", "Latest NPS answer (0-10), last 365 days")
    for name in ("offered", "alone", "uplift"):
        assert sum(row[name] for row in found) == pytest.approx(float(rows[name].sum()))
    assert all(row["uplift"] == pytest.approx(row["offered"] - row["alone"]) for row in found)
    assert found[-1]["text_en"] == "6 others together"


def test_a_figure_a_level_and_what_is_for_the_team_alone_are_said(catalog: Catalog) -> None:
    named = dictionary(catalog, Health(), Lifecycle())
    names = ["nps_latest", "mrr", "industry=retail", "industry=media", "proposals_365d"]
    rows = pd.DataFrame({"feature": names, "offered": [0.5, 0.4, 0.3, 0.2, 0.1], "alone": 0.0})
    rows["uplift"] = rows["offered"]
    own = {"nps_latest": 9.0, "mrr": 1234.0, "industry": "retail", "proposals_365d": 2.0}
    found = told(rows, named, own, "EUR")[1:-1]
    assert [row["text_en"].split(": ")[-1] for row in found] == ["9", "€1,234", "retail", "not media", "2 (internal)"]
    assert [row["text_ja"].split(": ")[-1] for row in found] == ["9", "€1,234", "retail", "media以外", "2（社内用）"]
    described = {f.name: f.description.en for f in named}
    unknown = told(rows, named, {"nps_latest": None, "mrr": float("nan")}, "EUR")[1:3]
    assert [row["text_en"] for row in unknown] == [described["nps_latest"], described["mrr"]]


def test_of_which_product_an_offer_is_stands_in_one_row_and_on_no_card(catalog: Catalog) -> None:
    named = dictionary(catalog, Health(), Lifecycle())
    names = ["part=tier", "part=add_on:security", "alone", BASE]
    rows = pd.DataFrame({"feature": names, "offered": [0.5, 0.25, 0.1, -1.0], "alone": 0.0})
    rows["uplift"] = rows["offered"]
    product, other = told(rows, named)[1:-1]
    assert (product["uplift"], product["text_en"]) == (0.75, "Which product is offered")
    assert [text.en for text in briefly(rows, named)] == [f"▲ {OF_OFFER['alone'].en}"]
    assert other["text_en"] == OF_OFFER["alone"].en


def test_what_an_offer_meets_is_said_with_its_figure_where_there_is_one(catalog: Catalog) -> None:
    named = dictionary(catalog, Health(), Lifecycle())
    met = {"press_peak": 0.94, "press_days": 18.0, "met_tier": math.log1p(7), "idle_seats": 0.0, "alone": -3.2}
    none = {"press_latest": 0.0, "renewal_days": 365.0, "press_seats": float("nan")}
    for values, figures in ((met, ["94 %", "18 days", "7", "0 %", None]), (none, [None] * 3)):
        rows = pd.DataFrame({"feature": list(values), "value": list(values.values()), "alone": 0.0})
        rows["offered"] = rows["uplift"] = [1 / (i + 1) for i in range(len(rows))]
        expected = [OF_OFFER[n].en + (f": {f}" if f else "") for n, f in zip(values, figures, strict=True)]
        assert [row["text_en"] for row in told(rows, named)[1:-1]] == expected


def test_a_card_has_two_that_speak_for_it_and_one_against(catalog: Catalog) -> None:
    named = dictionary(catalog, Health(), Lifecycle())
    uplift = {"press_peak": -0.9, "press_days": 0.3, "idle_seats": -0.2, "alone": 0.5, "leaves": 0.4, "met_tier": 0.001}
    rows = pd.DataFrame({"feature": list(uplift), "uplift": list(uplift.values())})
    assert [text.ja for text in briefly(rows, named)] == [
        f"▲ {OF_OFFER['alone'].ja}", f"▲ {OF_OFFER['leaves'].ja}", f"▼ {OF_OFFER['press_peak'].ja}",
    ]  # fmt: skip
    assert briefly(rows[rows["uplift"] < 0.01], named) == ()


def test_every_column_of_an_offer_has_words() -> None:
    assert set(RELATIVE) <= set(OF_OFFER)
