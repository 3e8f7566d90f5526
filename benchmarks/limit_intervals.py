"""How often do the 80 % intervals for the days until a limit hold on later data, and how wide are they?

Judged are accounts and metrics at half their limit or more that have not reached it, the limit held as it was on the
day, censored at 180 days, on snapshots that began after all that the intervals had learnt from was over. The coverage
is of those that are given an interval: the limit is likelier than 20 % to be reached. `_all` counts beside them those
of which "not within 180 days" is said, one statement that holds more often than promised, and that nothing short of
chance could make hold less often.

Merges its keys into benchmarks/results/features.json, for the company of `make run` and, as `limit_interval_large_…`,
for a simulated one of three times as many accounts: `python -m benchmarks.limit_intervals`.
"""

import tempfile
from pathlib import Path

import pandas as pd

from benchmarks.features import merged
from data.catalog import Catalog
from models.limit_coverage import ALL, FAR, GIVEN
from pipelines import lake, paths
from pipelines.forecast import judged, learning_rows
from pipelines.ingest import ingested
from pipelines.params import Params
from pipelines.simulate import world_of, write_company

TIMES, SEED_AFTER = 3, 12


def measured(params: Params, staged_at: Path) -> pd.DataFrame:
    """The report of stage `forecast` for the tables of a folder."""
    catalog = Catalog.load(paths.CATALOG)
    engine = lake.connect(params.engine)
    rows, outcomes, days = learning_rows(
        lake.staged(engine, staged_at), engine, catalog, params.run.as_of, params.forecast
    )
    return judged(rows, outcomes, days, params.forecast, params.run.seed)


def keys(report: pd.DataFrame, prefix: str) -> dict[str, float]:
    """The figures of the whole, and the least and the most coverage of a metric."""
    whole = report[report["by"] == ALL].set_index("group")
    metrics = report.loc[report["by"] == "metric", "coverage"]
    given, far = whole.loc[GIVEN], whole.loc[FAR]
    found = {
        "coverage": given["coverage"],
        "coverage_low": given["coverage_low"],
        "coverage_high": given["coverage_high"],
        "coverage_least_metric": metrics.min(),
        "coverage_most_metric": metrics.max(),
        "coverage_all": whole.loc[ALL, "coverage"],
        "coverage_far": far["coverage"],
        "share_far": far["n_rows"] / whole.loc[ALL, "n_rows"],
        "rows": given["n_rows"],
        "accounts": given["n_accounts"],
        "width_days": given["width_mean"],
        "width_median_days": given["width_median"],
    }
    return {f"{prefix}_{name}": round(float(value), 3) for name, value in found.items()}


def larger(params: Params, folder: Path) -> Path:
    """The staged tables of a company that is larger and shares no account with the one of `make run`."""
    catalog = Catalog.load(paths.CATALOG)
    given = params.simulate
    write_company(
        catalog, world_of(given.preset, given.world), accounts=TIMES * given.accounts, months=given.months,
        seed=given.seed + SEED_AFTER, ends_on=given.ends_on, out=folder / "company",
    )  # fmt: skip
    elsewhere = params.model_copy(
        update={"ingest": params.ingest.model_copy(update={"folder": str(folder / "company")})}
    )
    ingested(elsewhere, catalog, staged_at=folder / "staged", quarantine_at=folder / "quarantine")
    return folder / "staged"


def main() -> None:
    """Measure and write."""
    params = Params.load()
    report = measured(params, paths.STAGED)
    print(report.to_string(index=False, float_format="%.3f"))
    found = keys(report, "limit_interval")
    with tempfile.TemporaryDirectory() as name:
        report = measured(params, larger(params, Path(name)))
        print(report.to_string(index=False, float_format="%.3f"))
        found |= keys(report, "limit_interval_large")
    merged(found)


if __name__ == "__main__":
    main()
