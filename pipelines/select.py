"""Stage `select`: which accounts are asked about, as of which days?

Reads   staged accounts, subscriptions, account_changes
Writes  cohort: one row per (account_id, as_of) that is active, for the monthly snapshots whose label is known and for
        the week that is scored
"""

from data.catalog import Catalog
from data.cohort import cohort
from data.known import calendar
from pipelines import lake, paths, stage, tables
from pipelines.params import Params


def main() -> None:
    """Select the cohort."""
    params = Params.load()
    catalog = Catalog.load(paths.CATALOG)
    engine = lake.connect(params.engine)
    staged = lake.staged(engine)
    as_ofs = calendar(sorted({*params.learning_days, params.run.as_of}))
    rows = cohort(staged["accounts"], staged["subscriptions"], staged.get("account_changes"), catalog, as_ofs)
    tables.COHORT.write(lake.frame(rows, engine))


if __name__ == "__main__":
    stage.run(main)
