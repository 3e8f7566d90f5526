"""Stage `select`: which accounts are asked about, as of which days?

Reads   staged accounts, subscriptions, account_changes; usage, for how far the data reach
Writes  cohort: one row per (account_id, as_of) that is active, for the monthly snapshots and for the week that is
        scored
"""

from datetime import date

import ibis.expr.types as ir
from ibis.backends import BaseBackend

from data.catalog import Catalog
from data.cohort import cohort
from data.errors import BadInput
from data.known import calendar, known
from pipelines import lake, paths, stage, tables
from pipelines.params import Params

# So far before as_of may the newest use of anybody lie: a Friday before a Monday. Past that, days are missing, and
# missing days read as falling use: of every account, in every feature, in the gates and on the list.
MAX_SILENT_DAYS = 3


def newest_use(usage: ir.Table, as_of: date, engine: BaseBackend) -> date | None:
    """The day of the newest use of anybody that was known by `as_of`; None where there is none."""
    rows = known(usage, calendar([as_of]))
    newest = lake.frame(rows.aggregate(used_on=rows.used_on.max()), engine)["used_on"].iloc[0]
    return None if newest is None or newest != newest else newest.date()  # NaT


def stop_if_silent(newest: date | None, as_of: date, *, setting: str) -> None:
    """Raise BadInput where the newest use known by `as_of` is too old to score that day.

    setting: what the reader gave the day by, --as-of or params.yaml: run.as_of.

    >>> stop_if_silent(date(2026, 5, 29), date(2026, 6, 1), setting="--as-of")
    >>> stop_if_silent(None, date(2026, 6, 1), setting="--as-of")
    Traceback (most recent call last):
    data.errors.BadInput: --as-of 2026-06-01: no use is known before that day. Load older data, or score a later week.
    """
    if newest is None:
        raise BadInput(f"{setting} {as_of}: no use is known before that day. Load older data, or score a later week.")
    silent = (as_of - newest).days
    if silent > MAX_SILENT_DAYS:
        raise BadInput(
            f"the newest use is of {newest}, {silent} days before {setting} {as_of}: the missing days would "
            "read as falling use. Load newer data, or score an earlier week."
        )


def main() -> None:
    """Select the cohort."""
    params = Params.load()
    catalog = Catalog.load(paths.CATALOG)
    engine = lake.connect(params.engine)
    staged = lake.staged(engine)
    as_ofs = calendar(sorted({*params.learning_days, *params.recent_days, params.run.as_of}))
    rows = cohort(staged["accounts"], staged["subscriptions"], staged.get("account_changes"), catalog, as_ofs)
    cohort_rows = lake.frame(rows, engine)
    if not (cohort_rows["as_of"] == str(params.run.as_of)).any():
        raise BadInput(
            f"params.yaml: run.as_of is {params.run.as_of}, and no account is active as of that day; give a day that "
            f"the tables in {params.ingest.folder} reach."
        )
    newest = newest_use(staged["usage"], params.run.as_of, engine)
    stop_if_silent(newest, params.run.as_of, setting="params.yaml: run.as_of")
    tables.COHORT.write(cohort_rows)


if __name__ == "__main__":
    stage.run(main)
