"""Conditions of offers: what they may ask for, and that what is asked is what is tested."""

from collections.abc import Callable
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
import pytest

from data.catalog import Catalog, Condition, Offer
from data.cohort import cohort
from data.errors import BadInput
from data.known import calendar
from decisions import conditions
from features.build import dictionary, features
from features.health import Health
from features.lifecycle import Lifecycle


@pytest.fixture(scope="module")
def known(catalog: Catalog) -> dict[str, conditions.Kind]:
    return conditions.kinds(dictionary(catalog, Health(), Lifecycle()))


def asking(catalog: Catalog, **condition: Any) -> Catalog:
    """The catalogue with one offer, suitable on this condition."""
    offer = {"id": "it", "kind": "upgrade", "name": "It", "channels": ["csm"], "suitable": [condition]}
    return catalog.model_copy(update={"offers": [Offer.model_validate(offer)]})


@pytest.mark.parametrize(
    "condition",
    [
        {"when": "health_score", "at_least": 50, "at_most": 90},
        {"when": "plan_tier", "in": [1, 2]},
        {"when": "tenure_days", "equals": 180},
        {"when": "plan_id", "in": ["starter", "pro"]},
        {"when": "billing", "equals": "annual"},
        {"when": "lifecycle_stage", "in": ["onboarding", "adopting", "established", "renewal", "at_risk"]},
        {"when": "health_band", "equals": "green"},
        {"when": "segment", "equals": "mid"},
        {"when": "region", "equals": "whatever a company calls it"},
        {"when": "needs_help", "equals": False},
        {"when": "has_opted_in", "equals": True},
        {"when": "propensity", "at_least": 0.1},
    ],
    ids=str,
)
def test_what_may_be_asked(condition: dict[str, Any], catalog: Catalog, known: dict[str, conditions.Kind]) -> None:
    conditions.check(asking(catalog, **condition), known)


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ({"when": "helth_score", "at_least": 1}, "helth_score is no feature; did you mean health_score?"),
        ({"when": "zzz", "at_least": 1}, "zzz is no feature; see docs/features.md for what there is."),
        (
            {"when": "region", "at_most": 3},
            "region is a text, which is not more or less than another; use equals or in, not at_most.",
        ),
        ({"when": "region", "equals": 5}, "region is a text and never 5; give a text, in quotes."),
        ({"when": "region", "equals": True}, "region is a text and never true; give a text, in quotes."),
        ({"when": "tenure_days", "equals": "old"}, "tenure_days is a number and never old; give a number."),
        ({"when": "tenure_days", "in": [1, "2"]}, "tenure_days is a number and never 2; give a number."),
        ({"when": "plan_tier", "equals": True}, "plan_tier is a number and never true; give a number."),
        (
            {"when": "needs_help", "equals": "yes"},
            "needs_help is true or false; write equals: true or equals: false, and nothing else.",
        ),
        (
            {"when": "needs_help", "at_least": 1},
            "needs_help is true or false; write equals: true or equals: false, and nothing else.",
        ),
        (
            {"when": "plan_id", "equals": "Pro"},
            "plan_id is never Pro; it is one of free, starter, pro, enterprise.",
        ),
        ({"when": "billing", "in": ["monthly", "yearly"]}, "billing is never yearly; it is one of monthly, annual."),
        (
            {"when": "lifecycle_stage", "equals": "atrisk"},
            "lifecycle_stage is never atrisk; it is one of onboarding, adopting, established, renewal, at_risk.",
        ),
        (
            {"when": "renews_on", "at_least": 20260101},
            "renews_on is a date, and no condition can be on one; use a number of days, see docs/features.md.",
        ),
    ],
    ids=str,
)
def test_what_may_not_be_asked(
    condition: dict[str, Any], says: str, catalog: Catalog, known: dict[str, conditions.Kind]
) -> None:
    with pytest.raises(BadInput) as found:
        conditions.check(asking(catalog, **condition), known)
    assert str(found.value) == f"catalog.yaml: offer it: suitable: {says}"


def test_every_problem_of_every_offer_is_told(catalog: Catalog, known: dict[str, conditions.Kind]) -> None:
    base = {"kind": "upgrade", "name": "It", "channels": ["csm"]}
    wrong = [{"when": "one", "equals": 1}, {"when": "two", "equals": 1}]
    offers = [Offer.model_validate({**base, "id": i, "eligible": wrong[:1], "suitable": wrong[1:]}) for i in "ab"]
    with pytest.raises(BadInput) as found:
        conditions.check(catalog.model_copy(update={"offers": offers}), known)
    said = [line.split(" is no feature")[0] for line in str(found.value).splitlines()]
    assert said == [f"catalog.yaml: offer {i}: {part}" for i in "ab" for part in ("eligible: one", "suitable: two")]


def test_the_projects_own_catalogue_passes(catalog: Catalog, known: dict[str, conditions.Kind]) -> None:
    conditions.check(catalog, known)


def test_names_alone_are_enough_to_find_a_typo(catalog: Catalog) -> None:
    with pytest.raises(BadInput, match="did you mean mrr"):
        conditions.check(asking(catalog, when="mmr", at_least=1), ["mrr"])
    conditions.check(asking(catalog, when="mrr", at_least=1), ["mrr"])


def test_the_kinds_are_those_of_the_accounts_that_are_decided_on(
    catalog: Catalog,
    known: dict[str, conditions.Kind],
    tiny_company: Callable[[int], dict[str, pd.DataFrame]],
    on_engine: Callable[[dict[str, pd.DataFrame]], dict[str, ir.Table]],
) -> None:
    staged = on_engine(tiny_company(1))
    rows = cohort(
        staged["accounts"], staged["subscriptions"], staged["account_changes"], catalog, calendar([date(2026, 6, 1)])
    )
    wide = features(staged, rows, catalog, Health(), Lifecycle())
    later = {"margin", "propensity", "segment", "stars"}  # beside the features when it is decided
    assert set(wide.columns) == set(known) - later

    def kind(of: ibis.DataType) -> str:
        if of.is_boolean():
            return "flag"
        return "number" if of.is_numeric() else "text" if of.is_string() else "date"

    assert {name: kind(of) for name, of in wide.schema().items()} == {name: known[name] for name in wide.columns}


def test_the_stages_are_all_of_the_feature(
    catalog: Catalog,
    tiny_company: Callable[[int], dict[str, pd.DataFrame]],
    on_engine: Callable[[dict[str, pd.DataFrame]], dict[str, ir.Table]],
) -> None:
    stage = next(f for f in dictionary(catalog, Health(), Lifecycle()) if f.name == "lifecycle_stage")
    columns = {"tenure_days": "int64", "health_band": "string", "use_change_28d": "float64", "billing": "string",
               "days_to_renewal": "int64", "adoption_rate": "float64"}  # fmt: skip
    calm = {"tenure_days": 900, "health_band": "green", "use_change_28d": 0.0, "billing": "annual",
            "days_to_renewal": 300, "adoption_rate": 0.9}  # fmt: skip
    changes: list[dict[str, Any]] = [
        {"tenure_days": 1}, {"tenure_days": 100}, {}, {"days_to_renewal": 10}, {"health_band": "red"}
    ]  # fmt: skip
    rows = ibis.memtable(pd.DataFrame([calm | change for change in changes]), schema=columns)
    found = rows.mutate(stage=stage.of(rows)).execute()["stage"].tolist()
    assert tuple(found) == conditions.FIXED["lifecycle_stage"]


def test_a_comparison_of_texts_that_was_never_checked_is_told() -> None:
    accounts = pd.DataFrame({"plan_id": ["pro", None]})
    with pytest.raises(BadInput, match="a condition asks whether plan_id is more or less than a number"):
        conditions.holds(Condition(when="plan_id", at_least=1), accounts)
    with pytest.raises(BadInput, match="use equals or in"):
        conditions.holds(Condition(when="plan_id", at_most=1), accounts)
