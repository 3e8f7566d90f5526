"""What happened before is what was known by then: nothing of the day itself or later, no answer before its day."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow.parquet as pq
import pytest

from data.catalog import Catalog
from data.known import known_alone
from delivery.history import MRR, USE, Past
from pipelines import ledger
from pipelines.history import N_MONTHS, N_OF_EACH, N_WEEKS, past
from tests.conftest import AS_OF, to_arrow
from tests.golden.staged import table
from tests.pipelines import made_ledger

BASE: dict[str, list[dict[str, Any]]] = {
    "accounts": [{"account_id": "a", "signed_up_on": "2025-01-01"}],
    "subscriptions": [
        {"account_id": "a", "product_id": "starter", "quantity": 5.0, "mrr": 100.0, "valid_from_on": "2025-01-01",
         "valid_to_on": "2026-03-15"},
        {"account_id": "a", "product_id": "pro", "quantity": 5.0, "mrr": 200.0, "valid_from_on": "2026-03-15",
         "valid_to_on": "2026-06-20"},
    ],
    "usage": [
        {"account_id": "a", "used_on": "2026-05-31", "n_events": 4},
        {"account_id": "a", "used_on": "2026-05-24", "n_events": 8},
        {"account_id": "a", "used_on": "2026-05-24", "n_events": 50, "kind": "gated"},
        {"account_id": "a", "used_on": "2026-06-01", "n_events": 900},
    ],
}  # fmt: skip
CURRENT = pd.DataFrame({"account_id": ["a"], "tenure_days": [516.0], "limit_storage_gb_peak_28d": [0.2]})


def told(folder: Path, rows: dict[str, list[dict[str, Any]]], catalog: Catalog, **more: Any) -> Past:
    for name, given in rows.items():
        pq.write_table(to_arrow(name, table(name, given)), folder / f"{name}.parquet")
    return past(more.pop("current", CURRENT), catalog, AS_OF, staged_at=folder, **more)


def line(found: Past, name: str) -> list[float]:
    rows = found.lines[found.lines["line"] == name].sort_values("ago", ascending=False)
    return [float(value) for value in rows["value"]]


def test_a_company_with_the_three_tables_alone_has_a_history(tmp_path: Path, catalog: Catalog) -> None:
    found = told(tmp_path, BASE, catalog)
    events = found.events[["on", "kind", "what", "was"]].astype(object)
    assert [tuple(row) for row in events.where(events.notna(), None).itertuples(index=False)] == [
        (pd.Timestamp("2025-01-01"), "started", "starter", None),
        (pd.Timestamp("2026-03-15"), "moved", "pro", "starter"),
    ]
    assert line(found, MRR) == [100.0] * 10 + [200.0] * 3
    assert line(found, USE) == [0.0] * 10 + [8.0, 4.0]


def test_a_week_before_the_first_day_is_no_week_without_use(tmp_path: Path, catalog: Catalog) -> None:
    assert line(told(tmp_path, BASE, catalog, current=CURRENT.assign(tenure_days=15.0)), USE) == [0.0, 8.0, 4.0]


def test_an_answer_is_told_from_its_day_on_and_what_was_withheld_never(tmp_path: Path, catalog: Catalog) -> None:
    def proposal(day: str, outcome: str, decided: str | None = None, **more: Any) -> dict[str, Any]:
        return {"account_id": "a", "offer_id": "seats_20", "proposed_at": f"{day} 09:00", "outcome": outcome,
                "decided_at": decided and f"{decided} 09:00", **more}  # fmt: skip

    rows = [
        proposal("2026-03-01", "declined", "2026-03-09", reason="price", discount_pct=5.0),
        proposal("2026-04-01", "no_response"),
        proposal("2026-05-20", "no_response"),
        proposal("2026-05-26", "accepted", "2026-06-01", reason="other"),
        proposal("2026-06-02", "accepted", "2026-06-03"),
        proposal("2026-05-27", "no_response", offer_id="none"),
    ]
    found = told(tmp_path, {**BASE, "proposals": rows}, catalog).events
    made = found[found["kind"] == "proposed"].sort_values("on").astype(object)
    made = made.where(made.notna(), None)
    assert made[["answer", "reason", "after", "discount_pct"]].values.tolist() == [
        ["declined", "price", 8, 5.0], ["no_response", None, None, 0.0], ["open", None, None, 0.0],
        ["open", None, None, 0.0],
    ]  # fmt: skip
    assert "none" not in set(made["what"])


def test_the_newest_few_of_each_kind_are_kept(tmp_path: Path, catalog: Catalog) -> None:
    made = [
        {"account_id": "a", "offer_id": "seats_20", "proposed_at": f"2025-{month:02}-03 09:00"}
        for month in range(1, 13)
    ]
    lists = pd.DataFrame(
        {"account_id": ["a", "gone"], "as_of": pd.Timestamp("2026-05-25"), "rank": [3, 4],
         "offer_id": ["seats_20", None], "channel": ["csm", None], "assignment": ["contact", "nurture"]}
    )  # fmt: skip
    found = told(tmp_path, {**BASE, "proposals": made}, catalog, lists=lists).events
    proposed = found.loc[found["kind"] == "proposed", "on"]
    assert sorted(proposed.dt.month) == list(range(13 - N_OF_EACH, 13))
    listed = found[found["kind"] == "listed"]
    assert listed[["account_id", "what", "after"]].values.tolist() == [["a", "seats_20", 3]]
    assert "gone" not in set(found["account_id"])  # no longer an account of the week


def test_the_metric_nearest_its_limit_is_drawn(tmp_path: Path, catalog: Catalog) -> None:
    meters = [
        {"account_id": "a", "metric": metric, "measured_on": day, "value": value}
        for metric, value in (("storage_gb", 50.0), ("api_calls", 7.0))
        for day in ("2026-05-20", "2026-05-29", "2026-05-30")
    ]
    meters[0]["value"] = 40.0
    meters.append({"account_id": "a", "metric": "storage_gb", "measured_on": "2026-06-01", "value": 999.0})
    close = CURRENT.assign(limit_storage_gb_peak_28d=0.9, limit_api_calls_peak_28d=0.7)
    found = told(tmp_path, {**BASE, "meters": meters}, catalog, current=close)
    assert line(found, "storage_gb") == [40.0, 50.0]
    assert not line(found, USE)
    other = close.assign(limit_storage_gb_peak_28d=0.1)
    assert line(told(tmp_path, {**BASE, "meters": meters}, catalog, current=other), "api_calls") == [7.0, 14.0]
    assert line(told(tmp_path, {**BASE, "meters": meters}, catalog), USE)  # none is close


@pytest.mark.parametrize("seed", range(3))
def test_nothing_that_came_later_makes_a_difference(
    seed: int, tiny_company: Callable[[int], dict[str, pd.DataFrame]], catalog: Catalog, tmp_path: Path,
    engine: ibis.BaseBackend, on_engine: Callable[[dict[str, pd.DataFrame]], dict[str, ir.Table]],
) -> None:  # fmt: skip
    tables = tiny_company(seed)
    ids = tables["accounts"]["account_id"]
    current = pd.DataFrame({"account_id": ids, "tenure_days": 400.0, "limit_storage_gb_peak_28d": [0.9, 0.1] * 3})
    then = {name: engine.to_pyarrow(rows) for name, rows in known_alone(on_engine(tables), AS_OF).items()}
    found = []
    for name, made in (("now", {n: to_arrow(n, frame) for n, frame in tables.items()}), ("then", then)):
        (tmp_path / name).mkdir()
        for table_name, rows in made.items():
            pq.write_table(rows, tmp_path / name / f"{table_name}.parquet")
        found.append(past(current, catalog, AS_OF, staged_at=tmp_path / name))
    now, was = found
    assert len(now.events) > 10
    assert len(now.lines) > 10
    pd.testing.assert_frame_equal(now.events, was.events)
    pd.testing.assert_frame_equal(now.lines, was.lines)
    assert now.events["on"].max() < pd.Timestamp(AS_OF)
    assert now.lines["ago"].max() <= max(N_MONTHS, N_WEEKS)


def test_earlier_lists_are_those_of_earlier_weeks_and_name_whom_to_contact_or_help(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ledger.lists_before(made_ledger.LATER, n=4) is None
    made_ledger.make()
    found = ledger.lists_before(made_ledger.LATER, n=4)
    assert found is not None
    assert found[["account_id", "rank", "offer_id"]].values.tolist() == [
        ["A-1", 1, "upgrade_next"], ["A-3", 2, "seats_20"],
    ]  # fmt: skip
    assert set(found["as_of"]) == {made_ledger.EARLIER}
    later = ledger.lists_before(date(2026, 6, 8), n=1)
    assert later is not None
    assert set(later["as_of"]) == {made_ledger.LATER}
    assert "A-4" in set(later["account_id"])  # as it was delivered last


def test_a_week_reads_no_use_that_features_do_not_look_at() -> None:
    from pipelines.rollup import LOOKED_AT_DAYS

    assert 7 * N_WEEKS <= LOOKED_AT_DAYS
    assert date(2026, 6, 1) == AS_OF
