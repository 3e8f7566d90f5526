"""The features of a day are the same from all tables as from those in which nothing later is left, to the last bit."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pandas as pd
import pytest

from data.catalog import Catalog
from data.cohort import cohort
from data.contract import MOVING_ATTRIBUTES, RAW_TABLES
from data.frames import to_pandas
from data.known import calendar, known_alone
from features.build import dictionary, features
from features.health import Health
from features.hindsight import without_hindsight
from features.lifecycle import Lifecycle

D = date(2026, 6, 1)
Tables = dict[str, pd.DataFrame]


def named(catalog: Catalog) -> list[str]:
    """The key and all features; other columns of the cohort are for display, and may be as they are today."""
    return ["account_id", "as_of", *[f.name for f in dictionary(catalog, Health(), Lifecycle())]]


@pytest.mark.parametrize("seed", [3, 4])
def test_the_features_are_the_same(
    seed: int, tiny_company: Callable[[int], Tables], on_engine: Callable[[Tables], Any], catalog: Catalog
) -> None:
    staged = on_engine(tiny_company(seed))
    rows = cohort(staged["accounts"], staged["subscriptions"], staged["account_changes"], catalog, calendar([D]))
    written = features(staged, rows, catalog, Health(), Lifecycle())
    rebuilt = without_hindsight(staged, catalog, Health(), Lifecycle(), as_of=D)
    frames = [to_pandas(t.select(*named(catalog)).order_by("account_id").to_pyarrow()) for t in (written, rebuilt)]
    assert len(frames[0]) > 0
    pd.testing.assert_frame_equal(*frames, check_exact=True)


def test_nothing_of_the_day_or_later_is_left(
    tiny_company: Callable[[int], Tables], on_engine: Callable[[Tables], Any]
) -> None:
    tables = tiny_company(5)
    then = {name: to_pandas(rows.to_pyarrow()) for name, rows in known_alone(on_engine(tables), D).items()}
    day = pd.Timestamp(D)
    for name, rows in then.items():
        before = tables[name][tables[name]["known_on"] < day]
        assert 0 < len(rows) == len(before)
        for column, spec in RAW_TABLES[name].columns.items():
            if spec.type in ("date", "timestamp") and column not in ("renews_on", *MOVING_ATTRIBUTES):
                assert not (pd.to_datetime(rows[column]) >= day).any(), (name, column)
    assert then["accounts"][list(MOVING_ATTRIBUTES)].isna().all().all()
    assert then["accounts"]["industry"].notna().any()
    is_open = then["tickets"]["closed_at"].isna()
    assert is_open.any()
    assert then["tickets"].loc[is_open, "csat"].isna().all()
    assert then["tickets"].loc[~is_open, "csat"].notna().any()


def test_an_answer_is_known_from_its_day_and_silence_after_thirty(
    tiny_company: Callable[[int], Tables], on_engine: Callable[[Tables], Any]
) -> None:
    tables = tiny_company(5)
    first = tables["proposals"].iloc[[0]]
    moments = {
        "accepted in time": ("accepted", "2026-05-01", "2026-05-31 23:59:59"),
        "accepted that day": ("accepted", "2026-05-01", "2026-06-01"),
        "silent for 31 days": ("no_response", "2026-05-01", None),
        "silent for 30 days": ("no_response", "2026-05-02", None),
        "silent since the evening": ("no_response", "2026-05-01 23:00:00", None),
    }
    rows = [
        first.assign(
            proposal_id=name, outcome=outcome, proposed_at=pd.Timestamp(at), reason="price",
            decided_at=pd.Timestamp(decided) if decided else pd.NaT, known_on=pd.Timestamp(at).normalize(),
        )
        for name, (outcome, at, decided) in moments.items()
    ]  # fmt: skip
    staged = on_engine({"proposals": pd.concat(rows, ignore_index=True)})
    then = to_pandas(known_alone(staged, D)["proposals"].to_pyarrow()).set_index("proposal_id")
    assert then["outcome"].to_dict() == {
        "accepted in time": "accepted",
        "accepted that day": "open",
        "silent for 31 days": "no_response",
        "silent for 30 days": "open",
        "silent since the evening": "no_response",
    }
    assert then["reason"].notna().to_dict() == {name: name == "accepted in time" for name in moments}
