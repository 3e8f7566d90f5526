"""Features and triggers of a company held in pandas, each on an engine of its own."""

from collections.abc import Sequence
from datetime import date

import ibis
import pandas as pd

from data.catalog import Catalog
from data.cohort import cohort
from data.contract import RAW_TABLES
from data.frames import to_pandas
from data.known import calendar
from features.build import features
from features.health import Health
from features.lifecycle import Lifecycle
from features.triggers import Triggers, fired
from tests.conftest import to_arrow


def wide(tables: dict[str, pd.DataFrame], catalog: Catalog, days: Sequence[date]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The features by (account_id, as_of), and the triggers that fired."""
    engine = ibis.duckdb.connect(threads=1)
    engine.raw_sql("SET TimeZone = 'UTC'")
    schemas = {name: ibis.Schema.from_pyarrow(RAW_TABLES[name].arrow_schema()) for name in tables}
    staged = {
        name: engine.create_table(name, to_arrow(name, frame), schema=schemas[name]) for name, frame in tables.items()
    }
    rows = cohort(
        staged["accounts"], staged["subscriptions"], staged.get("account_changes"), catalog, calendar(list(days))
    )
    built = features(staged, rows, catalog, Health(), Lifecycle()).cache()
    now = fired(built, staged["usage"], staged.get("touchpoints"), Triggers(), catalog)
    found = to_pandas(built.to_pyarrow()).set_index(["account_id", "as_of"]).sort_index()
    triggers = to_pandas(now.to_pyarrow()).sort_values(["account_id", "as_of", "trigger"], ignore_index=True)
    return found, triggers
