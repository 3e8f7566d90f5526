"""Stage `select`: which accounts are asked about, as of which days?

Reads   staged accounts, subscriptions, account_changes
Writes  cohort: one row per (account_id, as_of) that is active, for the monthly snapshots whose label is known and for
        the week that is scored
"""

from data.catalog import Catalog
from data.cohort import cohort
from data.errors import BadInput
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
    cohort_rows = lake.frame(rows, engine)
    if not (cohort_rows["as_of"] == str(params.run.as_of)).any():
        raise BadInput(
            f"params.yaml: run.as_of is {params.run.as_of}, and no account is active as of that day; give a day that "
            f"the tables in {params.ingest.folder} reach."
        )
    tables.COHORT.write(cohort_rows)


if __name__ == "__main__":
    stage.run(main)
