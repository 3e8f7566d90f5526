"""Why an account is persuadable: the largest columns by name, and nothing of the sum lost."""

import pandas as pd
import pytest

from data.catalog import Catalog
from delivery.persuasion import BASE, N_NAMED, OF_OFFER, told
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


def test_every_column_of_an_offer_has_words() -> None:
    assert set(RELATIVE) <= set(OF_OFFER)
