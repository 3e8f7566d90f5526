"""Events by name: only those that the feature counts, and nothing where the company keeps none."""

from datetime import date

import pandas as pd

from delivery.happened import notes

AS_OF = date(2026, 6, 1)


def test_each_feature_names_only_what_it_counts() -> None:
    rows = [
        ("a", "2026-05-31", "hiring"), ("a", "2025-12-04", "merger"), ("a", "2025-12-02", "funding"),
        ("b", "2025-05-31", "merger"), ("c", "2026-01-02", "flood"),
    ]  # fmt: skip
    events = pd.DataFrame(rows, columns=["account_id", "happened_on", "kind"])
    told = notes(events.assign(happened_on=pd.to_datetime(events["happened_on"])), AS_OF)
    # 2025-12-02 is 181 days ago; b's merger 366
    assert told["life_events_180d"]["a"].en == "(hiring on 31 May 2026, merger on 4 Dec 2025)"
    assert told["life_events_180d"]["a"].ja == "（2026年5月31日に採用強化、2025年12月4日に合併）"
    assert told["life_events_180d"]["c"].en == "(Flood on 2 Jan 2026)"
    assert told["days_since_growth_event"] == {"a": told["days_since_growth_event"]["a"]}
    assert told["days_since_growth_event"]["a"].en == "(hiring on 31 May 2026)"
    assert told["days_since_upheaval"]["a"].en == "(merger on 4 Dec 2025)"
    assert set(told["days_since_upheaval"]) == {"a"}


def test_a_company_that_keeps_no_events_says_nothing() -> None:
    assert notes(None, AS_OF) == {}
