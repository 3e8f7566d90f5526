"""Stage `forecast`: between which days is a limit reached, and do such intervals hold?

Reads   staged meters and subscriptions
Writes  limits/model/: booster.txt and intervals.json, learnt from every snapshot whose horizon is over;
        limits/current.parquet: one row per (account_id, as_of, metric) of the week at half its limit or more;
        limit_intervals.csv: coverage and width of intervals learnt earlier, on snapshots that began after all that
        they had learnt from was over
"""

import sys
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import ibis.expr.types as ir
import pandas as pd
from ibis.backends import BaseBackend

from data.catalog import Catalog
from data.known import calendar, known
from data.reached import reached
from features.headroom import PREDICTORS, headroom
from models import limit_coverage, limit_interval
from models.limit_interval import LimitIntervals
from models.settings import Forecast
from pipelines import lake, paths, stage, tables, written
from pipelines.params import Params

KEY = ["account_id", "as_of", "metric"]
MODEL = paths.LIMITS / "model"
COVERAGE = paths.REPORTS / "limit_intervals.csv"
HISTORY_DAYS = 56  # of meters before the first snapshot
NO_METERS = "There are no meters of a limited metric, so there is no interval for the days until a limit."


def past_days(as_of: date, first: date, settings: Forecast) -> list[date]:
    """The snapshots whose horizon was over by `as_of`, the latest first; all of as_of's weekday.

    >>> [str(day) for day in past_days(date(2026, 6, 1), date(2025, 10, 1), Forecast())]
    ['2025-12-01', '2025-11-03', '2025-10-06']
    """
    weeks = limit_interval.n_weeks(settings.horizon_days)
    latest = as_of - timedelta(weeks=weeks)
    n = max(0, (latest - first).days // (7 * settings.every_weeks) + 1)
    return [latest - timedelta(weeks=settings.every_weeks * k) for k in range(n)]


def blocks(days: list[date], settings: Forecast) -> tuple[list[date], list[date]]:
    """Of the snapshots: those that judge, and those whose horizon was over before the first of them."""
    judge = days[: settings.n_judged]
    over = judge[-1] - timedelta(weeks=limit_interval.n_weeks(settings.horizon_days)) if judge else None
    return judge, [day for day in days if over and day <= over]


def learning_rows(
    staged: Mapping[str, ir.Table], engine: BaseBackend, catalog: Catalog, as_of: date, settings: Forecast
) -> tuple[pd.DataFrame, pd.DataFrame, list[date]]:
    """Headroom and outcomes in one order, of all snapshots whose horizon was over by `as_of`, and those days."""
    first = first_measured(staged, engine, catalog, as_of)
    days = past_days(as_of, first + timedelta(days=HISTORY_DAYS), settings) if first else []
    if not days:
        return _none(), _none(outcomes=True), []
    meters, subscriptions = staged["meters"], staged["subscriptions"]
    rows = headroom(meters, subscriptions, catalog, days, from_share=settings.from_share).cache()
    outcomes = reached(rows, meters, subscriptions, catalog, horizon_days=settings.horizon_days, known_by=as_of)
    return _sorted(lake.frame(rows, engine)), _sorted(lake.frame(outcomes, engine)), days


def first_measured(staged: Mapping[str, ir.Table], engine: BaseBackend, catalog: Catalog, as_of: date) -> date | None:
    """The first day that was metered, as far as it is known; None where nothing is."""
    if "meters" not in staged or not catalog.metrics:
        return None
    rows = known(staged["meters"], calendar([as_of]))
    first = lake.frame(rows.aggregate(first_on=rows.measured_on.min()), engine)["first_on"].iloc[0]
    return None if pd.isna(first) else first.date()


def judged(rows: pd.DataFrame, outcomes: pd.DataFrame, days: list[date], settings: Forecast, seed: int) -> pd.DataFrame:
    """Coverage on the latest snapshots by what was learnt from those before; no rows for a company too young."""
    judge, learn = blocks(days, settings)
    is_learnt, is_judged = (rows["as_of"].isin(pd.to_datetime(block)) for block in (learn, judge))
    if not is_learnt.any() or not is_judged.any():
        return pd.DataFrame(columns=limit_coverage.COLUMNS)
    model = limit_interval.fit(rows[is_learnt], outcomes[is_learnt], settings, seed=seed)
    if model.booster_text is None:
        return pd.DataFrame(columns=limit_coverage.COLUMNS)
    asked = rows[is_judged]
    return limit_coverage.judged(
        model.intervals(asked),
        outcomes[is_judged],
        asked["share"],
        coverage=settings.coverage,
        horizon_days=settings.horizon_days,
    )


def forecast(
    model: LimitIntervals, staged: Mapping[str, ir.Table], engine: BaseBackend, catalog: Catalog, as_of: date,
    settings: Forecast,
) -> pd.DataFrame:  # fmt: skip
    """The intervals of the week of `as_of`; no rows where the company has no meters."""
    if model.booster_text is None or "meters" not in staged or not catalog.metrics:
        return model.intervals(_none())
    rows = headroom(staged["meters"], staged["subscriptions"], catalog, [as_of], from_share=settings.from_share)
    return model.intervals(_sorted(lake.frame(rows, engine)))


def read_model(folder: Path = MODEL) -> LimitIntervals:
    """The intervals' model that this stage wrote. Raises BadInput where it is absent or was changed."""
    return LimitIntervals.from_files({p.name: p.read_text(encoding="utf-8") for p in sorted(folder.glob("*"))})


def _sorted(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values(KEY).reset_index(drop=True)


def _none(*, outcomes: bool = False) -> pd.DataFrame:
    """No rows, with the columns and types that rows have."""
    numbers = ["reached_after", "seen_days"] if outcomes else ["limit", *PREDICTORS]
    plain: dict[str, str] = {"account_id": "str", "as_of": "datetime64[us]", "metric": "str"}
    return pd.DataFrame(
        {name: pd.Series(dtype=kind) for name, kind in (plain | dict.fromkeys(numbers, "float64")).items()}
    )


def main() -> None:
    """Run the stage."""
    params = Params.load()
    catalog, settings, as_of, seed = Catalog.load(paths.CATALOG), params.forecast, params.run.as_of, params.run.seed
    engine = lake.connect(params.engine)
    staged = lake.staged(engine)
    rows, outcomes, days = learning_rows(staged, engine, catalog, as_of, settings)
    report = judged(rows, outcomes, days, settings, seed)
    model = limit_interval.fit(rows, outcomes, settings, seed=seed)
    if first_measured(staged, engine, catalog, as_of) is None:
        print(NO_METERS, file=sys.stderr)
    elif model.booster_text is None:
        print(f"No intervals for the days until a limit: {model.facts['note']}.", file=sys.stderr)
    elif not len(report):
        print("The company is too young to judge the intervals for the days until a limit.", file=sys.stderr)
    written.model(model.to_files(), MODEL)
    tables.LIMITS.write(forecast(model, staged, engine, catalog, as_of, settings))
    written.text(COVERAGE, report.to_csv(index=False, float_format="%.4f"))


if __name__ == "__main__":
    stage.run(main)
