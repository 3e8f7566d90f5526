"""Stage `forecast`: which snapshots learn, which judge, and what it says where there is nothing to say."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.catalog import Catalog
from models.settings import Forecast
from pipelines import forecast as stage
from tests.conftest import to_arrow
from tests.golden.staged import table

AS_OF = date(2026, 6, 1)


@given(
    st.dates(date(2025, 1, 1), date(2027, 1, 1)),
    st.integers(30, 1500),
    st.integers(14, 250),
    st.integers(1, 9),
    st.integers(1, 6),
)
def test_what_learns_was_over_before_what_judges_began(
    as_of: date, age: int, horizon: int, every: int, n_judged: int
) -> None:
    settings = Forecast(horizon_days=horizon, every_weeks=every, n_judged=n_judged)
    first = as_of - timedelta(days=age)
    days = stage.past_days(as_of, first, settings)
    over = timedelta(days=horizon)
    assert all(first <= day and day + over <= as_of and day.weekday() == as_of.weekday() for day in days)
    judge, learn = stage.blocks(days, settings)
    assert len(judge) == min(n_judged, len(days))
    assert all(day + over <= min(judge) for day in learn)
    assert set(learn) <= set(days) - set(judge)


def company(n_days: int) -> dict[str, pd.DataFrame]:
    """Accounts whose storage grows by 1 GB a day from nothing, measured weekly, and one that stands still."""
    ids = [f"A{i:02}" for i in range(12)]
    start = AS_OF - timedelta(days=n_days)
    meters = [
        {"account_id": a, "metric": "storage_gb", "measured_on": start + timedelta(days=n),
         "value": 140.0 if a == "A00" else 100.0 + (n + 13 * i) % 200}
        for i, a in enumerate(ids) for n in range(0, n_days, 7)
    ]  # fmt: skip
    plans = [{"account_id": a, "product_id": "pro", "valid_from_on": date(2023, 1, 1)} for a in ids]
    return {"meters": table("meters", meters), "subscriptions": table("subscriptions", plans)}


def learnt(tables: dict[str, pd.DataFrame], on_engine: Any, engine: ibis.BaseBackend, catalog: Catalog) -> Any:
    settings = Forecast(min_reached=10)
    staged = on_engine(tables)
    rows, outcomes, days = stage.learning_rows(staged, engine, catalog, AS_OF, settings)
    report = stage.judged(rows, outcomes, days, settings, seed=1)
    model = stage.limit_interval.fit(rows, outcomes, settings, seed=1)
    return staged, rows, outcomes, days, report, model


def test_rows_and_outcomes_stand_in_one_order(on_engine: Any, engine: ibis.BaseBackend, catalog: Catalog) -> None:
    _, rows, outcomes, days, report, model = learnt(company(900), on_engine, engine, catalog)
    assert rows[stage.KEY].equals(outcomes[stage.KEY])
    assert set(rows["as_of"]) == set(pd.to_datetime(days))
    assert len(report)
    assert model.booster_text
    assert outcomes.loc[rows["account_id"] == "A00", "reached_after"].isna().all()
    assert outcomes.loc[rows["account_id"] != "A00", "reached_after"].notna().all()


def test_the_week_reads_nothing_of_its_own_day(on_engine: Any, engine: ibis.BaseBackend, catalog: Catalog) -> None:
    tables = company(900)
    staged, *_, model = learnt(tables, on_engine, engine, catalog)
    before = stage.forecast(model, staged, engine, catalog, AS_OF, Forecast())
    late = tables["meters"].iloc[:12].assign(
        account_id=[f"A{i:02}" for i in range(12)], measured_on=pd.Timestamp(AS_OF), value=240.0,
        known_on=pd.Timestamp(AS_OF),
    )  # fmt: skip
    more = {**tables, "meters": pd.concat([tables["meters"], late], ignore_index=True)}
    staged, _, _, _, _, again = learnt(more, on_engine, engine, catalog)
    assert again.to_files() == model.to_files()
    pd.testing.assert_frame_equal(stage.forecast(again, staged, engine, catalog, AS_OF, Forecast()), before)
    assert (before["low"] <= before["high"].fillna(180)).all()


def test_a_young_company_is_not_judged(on_engine: Any, engine: ibis.BaseBackend, catalog: Catalog) -> None:
    for n_days, n_snapshots in ((200, 0), (300, 3)):
        *_, days, report, _ = learnt(company(n_days), on_engine, engine, catalog)
        assert len(days) == n_snapshots
        assert not len(report)


@pytest.mark.parametrize("has_file", [True, False])
def test_without_meters_it_says_so_once_and_writes_no_rows(
    has_file: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = Path(__file__).parents[2]
    for name in ("params.yaml", "catalog.yaml"):
        (tmp_path / name).write_text((project / name).read_text(encoding="utf-8"), encoding="utf-8")
    staged = tmp_path / "data/lake/staged"
    staged.mkdir(parents=True)
    tables = company(100)
    tables |= {"usage": table("usage", [{"account_id": "A00", "used_on": date(2026, 5, 1)}])}
    tables |= {"accounts": table("accounts", [{"account_id": "A00", "signed_up_on": date(2023, 1, 1)}])}
    tables["meters"] = tables["meters"].iloc[:0]
    for name, frame in tables.items():
        if name != "meters" or has_file:
            stage.tables.pq.write_table(to_arrow(name, frame), staged / f"{name}.parquet")
    monkeypatch.chdir(tmp_path)
    stage.main()
    assert capsys.readouterr().err == stage.NO_METERS + "\n"
    assert not len(stage.tables.LIMITS.read())
    assert list(pd.read_csv(stage.COVERAGE)) == stage.limit_coverage.COLUMNS
    assert stage.read_model().booster_text is None


def test_no_model_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(stage.limit_interval.BadInput, match="run `dvc repro`"):
        stage.read_model(tmp_path)
