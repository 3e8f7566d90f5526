"""Each trigger just fires and just does not at its border, with the day since when."""

import re
from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

import ibis
import pytest

from data.catalog import Catalog
from data.cohort import cohort
from data.errors import BadInput
from data.known import calendar
from features.build import features
from features.health import Health
from features.lifecycle import Lifecycle
from features.triggers import Triggers, fired, triggers, watched
from tests.conftest import to_arrow
from tests.golden.staged import table

D = date(2026, 6, 1)
QUIET: dict[str, tuple[str, Any]] = {
    "account_id": ("string", "a"), "as_of": ("date", D), "billing": ("string", "annual"),
    "renews_on": ("date", date(2027, 3, 1)), "days_to_renewal": ("int64", 273), "gated_events_28d": ("int64", 0),
    "deep_features_28d": ("int64", 0), "use_change_28d": ("float64", 0.0), "active_days_28d": ("int64", 20),
    "users_change_28d": ("float64", 0.0), "peak_users_28d": ("int64", 9), "nps_latest": ("float64", None),
    "nps_age_days": ("int64", None), "days_since_growth_event": ("int64", None), "trial_days_28d": ("int64", 0),
    **{f"limit_{m}_latest": ("float64", 0.1) for m in ("active_users", "storage_gb", "api_calls")},
    **{f"days_to_limit_{m}": ("float64", 365.0) for m in ("active_users", "storage_gb", "api_calls")},
}  # fmt: skip
YESTERDAY = date(2026, 5, 31)


def what_fires(
    engine: Any,
    catalog: Catalog,
    *touchpoints: dict[str, Any],
    settings: Triggers = Triggers(),  # noqa: B008  frozen
    found: Mapping[str, float] = MappingProxyType({}),
    **changed: Any,
) -> dict[str, date]:
    row = {name: changed.get(name, value) for name, (_, value) in QUIET.items()}
    rows = ibis.memtable({n: [v] for n, v in row.items()}, schema={n: kind for n, (kind, _) in QUIET.items()})
    usage = engine.create_table(
        ibis.util.gen_name("u"), to_arrow("usage", table("usage", [{"account_id": "b", "used_on": "2026-05-01"}]))
    )
    met = None
    if touchpoints:
        frame = table("touchpoints", [{"account_id": "a", "has_executive": True} | row for row in touchpoints])
        met = engine.create_table(ibis.util.gen_name("t"), to_arrow("touchpoints", frame))
    found = engine.to_pyarrow(fired(rows, usage, met, settings, catalog, found)).to_pylist()
    return {row["trigger"]: row["fired_on"] for row in found}


def test_nothing_fires_for_a_quiet_account(engine: Any, catalog: Catalog) -> None:
    assert what_fires(engine, catalog) == {}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"limit_storage_gb_latest": 0.79}, {}),
        ({"limit_storage_gb_latest": 0.8}, {"limit_storage_gb": YESTERDAY}),
        ({"limit_storage_gb_latest": 0.9}, {"limit_storage_gb_high": YESTERDAY}),  # one alert at a time
        ({"limit_storage_gb_latest": 1.4}, {"limit_storage_gb_high": YESTERDAY}),
        ({"limit_storage_gb_latest": None}, {}),
        ({"days_to_limit_api_calls": 30.0}, {"limit_api_calls_soon": YESTERDAY}),
        ({"days_to_limit_api_calls": 30.5}, {}),
        ({"days_to_limit_api_calls": 0.0}, {}),  # it is there already
        ({"gated_events_28d": 2}, {}),
        ({"gated_events_28d": 3}, {"gated_features": YESTERDAY}),
        ({"deep_features_28d": 3}, {"power_features": YESTERDAY}),
        ({"deep_features_28d": 2}, {}),
        ({"use_change_28d": 0.25, "active_days_28d": 8}, {"use_growing": YESTERDAY}),
        ({"use_change_28d": 0.24}, {}),
        ({"use_change_28d": 9.0, "active_days_28d": 7}, {}),  # growth from nearly nothing is none
        ({"users_change_28d": 0.2, "peak_users_28d": 3}, {"users_growing": YESTERDAY}),
        ({"users_change_28d": 5.0, "peak_users_28d": 2}, {}),
        ({"nps_latest": 9.0, "nps_age_days": 90}, {"promoter": date(2026, 3, 3)}),
        ({"nps_latest": 9.0, "nps_age_days": 91}, {}),
        ({"nps_latest": 8.0, "nps_age_days": 5}, {}),
        ({"days_to_renewal": 91, "renews_on": date(2026, 8, 31)}, {}),
        ({"days_to_renewal": 90, "renews_on": date(2026, 8, 30)}, {"renewal_90": D}),
        ({"days_to_renewal": 31, "renews_on": date(2026, 7, 2)}, {"renewal_90": date(2026, 4, 3)}),
        ({"days_to_renewal": 30, "renews_on": date(2026, 7, 1)}, {"renewal_30": D}),
        ({"days_to_renewal": 0, "renews_on": D}, {"renewal_30": date(2026, 5, 2)}),
        ({"days_to_renewal": 5, "renews_on": date(2026, 6, 6), "billing": "monthly"}, {}),
        ({"days_since_growth_event": 90}, {"life_event": date(2026, 3, 3)}),
        ({"days_since_growth_event": 91}, {}),
        ({"trial_days_28d": 1}, {"trial_active": YESTERDAY}),
    ],
)
def test_borders(changed: dict[str, Any], expected: dict[str, date], engine: Any, catalog: Catalog) -> None:
    assert what_fires(engine, catalog, **changed) == expected


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ("2026-04-02 23:00", {"executive_engaged": date(2026, 4, 2)}),
        ("2026-04-01 23:00", {}),
        ("2026-05-31 23:59", {"executive_engaged": YESTERDAY}),
        ("2026-06-01 00:00", {}),  # today is not known
    ],
)
def test_an_executive_met(held: str, expected: dict[str, date], engine: Any, catalog: Catalog) -> None:
    assert what_fires(engine, catalog, {"held_at": held}) == expected
    assert what_fires(engine, catalog, {"held_at": held, "has_executive": False}) == {}


def test_each_trigger_has_a_border_above(catalog: Catalog) -> None:
    def kind(trigger: str) -> str:
        return re.sub("active_users|storage_gb|api_calls", "metric", trigger)

    tested = {kind(i) for mark in test_borders.pytestmark for _, fires in mark.args[1] for i in fires}
    assert {kind(t.id) for t in triggers(Triggers(), catalog)} == tested | {"executive_engaged"}


AUTO = Triggers.model_validate(dict.fromkeys(set(Triggers.model_fields) - {"lasts_days", "found_in_data"}, "auto"))


def test_what_was_found_stands_in_for_auto_and_for_nothing_else(catalog: Catalog) -> None:
    found = {"gated_features": 7.0, "limit_storage_gb": 0.6, "gone": 1.0}
    given = Triggers.model_validate({"gated_events": "auto", "limit_share": 0.75})
    numbers = {t.id: t.number for t in triggers(given, catalog, found)}
    assert numbers["gated_features"] == 7.0
    assert numbers["limit_storage_gb"] == numbers["limit_api_calls"] == 0.75
    assert numbers == {t.id: t.number for t in triggers(Triggers(limit_share=0.75), catalog)} | {"gated_features": 7.0}
    of_one_metric = {t.id: t.number for t in triggers(AUTO, catalog, found)}
    assert (of_one_metric["limit_storage_gb"], of_one_metric["limit_api_calls"]) == (0.6, 0.8)


def test_a_found_number_moves_the_border(engine: Any, catalog: Catalog) -> None:
    found = {"gated_features": 24.0, "limit_storage_gb_high": 0.97, "renewal_30": 12.0}
    at = {
        "gated_events_28d": 24,
        "limit_storage_gb_latest": 0.95,
        "days_to_renewal": 20,
        "renews_on": date(2026, 6, 21),
    }
    assert what_fires(engine, catalog, settings=AUTO, found=found, **at) == {
        "gated_features": YESTERDAY,
        "limit_storage_gb": YESTERDAY,  # one at a time: the higher one no longer fires here
        "renewal_90": date(2026, 3, 23),
    }
    below = at | {"gated_events_28d": 23, "limit_storage_gb_latest": 0.1, "days_to_renewal": 12}
    assert set(what_fires(engine, catalog, settings=AUTO, found=found, **below)) == {"renewal_30"}


def test_found_in_data_is_no_key(catalog: Catalog) -> None:
    with pytest.raises(BadInput, match="found_in_data is no key: write `auto` at the threshold itself"):
        Triggers.parse({"found_in_data": ["gated_events"]}, file="params.yaml")


@pytest.mark.parametrize("seed", range(3))
def test_what_is_watched_fires_where_it_is_beyond_the_threshold(
    seed: int, tiny_company: Any, on_engine: Any, catalog: Catalog
) -> None:
    staged = on_engine(tiny_company(seed))
    days = calendar([D, date(2026, 5, 1)])
    rows = cohort(staged["accounts"], staged["subscriptions"], staged["account_changes"], catalog, days)
    wide = features(staged, rows, catalog, Health(), Lifecycle()).cache()
    settings = Triggers(gated_events=1, deep_features=1, limit_share=0.2, executive_days=150, promoter_from=5)
    named = triggers(settings, catalog)
    predictors = wide.drop("nps_age_days", "renews_on")  # as stage `find` has them
    values = watched(predictors, staged["touchpoints"], staged["surveys"], named).to_pyarrow().to_pylist()
    expected = {
        (row["account_id"], row["as_of"], t.id, row[t.id])
        for row in values
        for t in named
        if row[t.id] is not None and (row[t.id] >= t.number if t.at_least else row[t.id] <= t.number)
    }
    fires = fired(wide, staged["usage"], staged["touchpoints"], settings, catalog).to_pyarrow().to_pylist()
    assert {(row["account_id"], row["as_of"], row["trigger"], row["value"]) for row in fires} == expected
    assert len({trigger for *_, trigger, _ in expected}) >= 6
