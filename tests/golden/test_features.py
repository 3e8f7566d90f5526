"""Every feature of four customers, against figures that were worked out by hand from their rows."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from data.catalog import Catalog
from features.build import dictionary
from features.health import Health
from features.lifecycle import Lifecycle
from tests.features.wide import wide
from tests.golden.company import company

D = date(2026, 6, 1)
LINES = [line for line in (Path(__file__).parent / "features.csv").read_text().splitlines() if line[0] != "#"]
EXPECTED = [line.split(",", 3)[:3] for line in LINES[1:]]


@pytest.fixture(scope="module")
def built(catalog: Catalog) -> tuple[pd.DataFrame, pd.DataFrame]:
    found, fired = wide(company(), catalog, [D])
    return found.droplevel("as_of"), fired


@pytest.mark.parametrize(("account", "feature", "expected"), EXPECTED, ids=[f"{a}-{f}" for a, f, _ in EXPECTED])
def test_by_hand(account: str, feature: str, expected: str, built: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    found = built[0].loc[account, feature]
    if not expected:
        assert pd.isna(found)
    elif isinstance(found, str) or expected in ("True", "False"):
        assert str(found) == expected
    else:
        assert float(found) == pytest.approx(float(expected), rel=1e-5)


def test_every_feature_was_worked_out_by_hand(catalog: Catalog) -> None:
    shown = {"industry", "region", "billing", "plan_tier", "plan_features_used_28d", "core_features_used_28d"}
    named = {f.name for f in dictionary(catalog, Health(), Lifecycle())}
    by_hand = {feature for _, feature, _ in EXPECTED}
    assert by_hand <= named | {"health_band"}
    assert named - by_hand - shown <= {"gated_features_90d", "limit_active_users_peak_28d"}


def test_triggers_by_hand(built: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    _, fired = built
    said = {(row.account_id, row.trigger): (f"{row.fired_on:%m-%d}", round(row.value, 3)) for row in fired.itertuples()}
    assert said == {
        ("ann", "limit_storage_gb"): ("05-31", 0.8),
        ("ann", "limit_active_users_high"): ("05-31", 0.9),
        ("ann", "gated_features"): ("05-30", 6),
        ("ann", "users_growing"): ("05-31", 5),
        ("ann", "promoter"): ("05-20", 9),
        ("ann", "renewal_30"): ("06-01", 30),  # planned long ago: this is the day it came within 30 days
        ("ann", "life_event"): ("04-02", 60),
        ("ann", "executive_engaged"): ("05-02", 30),
        ("ann", "trial_active"): ("05-25", 1),
        ("dot", "limit_storage_gb_high"): ("05-31", 0.95),
        ("dot", "limit_storage_gb_soon"): ("05-31", 3.333),
    }
    assert (fired["expires_on"] == pd.Timestamp("2026-06-29")).all()
