"""What the lists add, in worlds whose truth is known: contact is given to those who would expand anyway."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from delivery.kpi_lift import lift
from delivery.kpis import TALKED

N, PLACES, ADDED = 400, 150, 20.0  # accounts, who of them can be contacted, what contact adds (MRR)


def world(rng: np.random.Generator, *, added: float = ADDED) -> pd.DataFrame:
    """One list. The list finds those with the most to come by themselves; a third is held out at random."""
    organic = rng.gamma(0.5, 60.0, N)
    is_out = rng.random(N) < 1 / 3
    order = np.argsort(-np.where(is_out, -1.0, organic), kind="stable")
    is_contact = np.isin(np.arange(N), order[:PLACES])
    return pd.DataFrame(
        {
            "as_of": pd.Timestamp("2026-06-01"),
            "account_id": [f"a{i:03d}" for i in range(N)],
            "assignment": np.where(is_out, "holdout", np.where(is_contact, "contact", "beyond_capacity")),
            "is_held_out": is_out,
            "did": np.where(is_contact, "declined", None),
            "added_mrr": organic + added * is_contact,
            "expected_arr": np.where(is_contact, 12 * added, np.nan),
        }
    )


def told(rows: pd.DataFrame) -> dict[str, Any]:
    return lift(rows, horizon_days=90, level=0.9, min_accounts=20, talked=TALKED)


@pytest.fixture(scope="module")
def worlds() -> list[tuple[pd.DataFrame, dict[str, Any]]]:
    made = [world(np.random.default_rng(seed)) for seed in range(120)]
    return [(rows, told(rows)) for rows in made]


def test_it_is_right_on_average_and_as_sure_as_it_says(worlds: list[tuple[pd.DataFrame, dict[str, Any]]]) -> None:
    errors, covered, naive = [], [], []
    for rows, found in worlds:
        truth = ADDED * PLACES / (~rows["is_held_out"]).sum()  # over all whom the draw left in
        errors.append(found["difference"] - truth)
        covered.append(found["low"] <= truth <= found["high"])
        mean = rows.groupby("assignment")["added_mrr"].mean()
        naive.append(mean["contact"] - mean["holdout"])
    assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(len(errors))
    assert 0.84 < np.mean(covered) < 0.98  # of 90 %; Student's by the smaller side is rather too wide than too narrow
    assert np.mean(naive) > 2 * ADDED  # those who were called against the holdout: twice what is true, and more


def test_per_contacted_it_is_what_contact_adds(worlds: list[tuple[pd.DataFrame, dict[str, Any]]]) -> None:
    each = [found["per_contacted"]["difference"] for _, found in worlds]
    assert abs(np.mean(each) - ADDED) < 3 * np.std(each) / np.sqrt(len(each))


def test_each_account_counts_once_from_its_first_list() -> None:
    rows = world(np.random.default_rng(1))
    again = rows.assign(as_of=pd.Timestamp("2026-06-08"), added_mrr=1e6)
    assert told(pd.concat([rows, again]))["difference"] == told(rows)["difference"]


def test_the_verdict_says_whether_anything_can_be_told() -> None:
    strong = told(world(np.random.default_rng(2), added=200.0))
    assert str(strong["verdict"]).startswith("The list adds: ")
    harm = told(world(np.random.default_rng(2), added=-200.0))
    assert str(harm["verdict"]).startswith("The list does harm: ")
    weak = told(world(np.random.default_rng(2), added=1.0))
    assert str(weak["verdict"]).startswith("Nothing can be told yet: the difference of ")
    assert "would not show with so few accounts" in str(weak["verdict"])
    few = told(world(np.random.default_rng(2)).head(40))
    assert few["difference"] is None
    assert "20 of each are needed" in str(few["verdict"])
