"""The features of a day from tables in which nothing later is left: what differs from them has read the future."""

from datetime import date

import ibis.expr.types as ir

from data.catalog import Catalog
from data.cohort import cohort
from data.known import calendar, known_alone
from features.build import Staged, features
from features.health import Health
from features.lifecycle import Lifecycle


def without_hindsight(
    staged: Staged, catalog: Catalog, health: Health, lifecycle: Lifecycle, *, as_of: date
) -> ir.Table:
    """One row per (account_id, as_of) of that day, as a run on that day would have built it.

    The cohort is selected anew as well. Features of a company's own are rebuilt as any other, whatever code makes them.
    """
    then = known_alone(staged, as_of)
    rows = cohort(then["accounts"], then["subscriptions"], then.get("account_changes"), catalog, calendar([as_of]))
    return features(then, rows, catalog, health, lifecycle)
