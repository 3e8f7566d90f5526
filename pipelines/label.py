"""Stage `label`: did the account expand after each snapshot, and what may that snapshot be used for?

Reads   staged subscriptions
Writes  labels: one row per (account_id, as_of) that was active: is_expansion, and the block in time
"""

from collections.abc import Mapping
from datetime import date

import ibis.expr.types as ir
import pandas as pd
from ibis.backends import BaseBackend

from data.catalog import Catalog
from data.known import calendar
from data.labels import expansion
from data.splits import blocks
from pipelines import lake, paths, stage, tables
from pipelines.params import Params


def blocks_of(params: Params) -> dict[date, str]:
    """What each snapshot may be used for. Raises BadInput where the history is too short to learn from."""
    return blocks(
        params.learning_days,
        horizon_days=params.label.horizon_days,
        last_known=params.run.as_of,
        n_test=params.split.n_test,
        n_validation=params.split.n_validation,
    )


def labels(params: Params, catalog: Catalog, staged: Mapping[str, ir.Table], engine: BaseBackend) -> pd.DataFrame:
    """One row per (account_id, as_of) of the snapshots: is_expansion, and the block."""
    named = blocks_of(params)
    rows = expansion(
        staged["subscriptions"],
        catalog,
        calendar([*named]),
        horizon_days=params.label.horizon_days,
        min_growth=params.label.min_growth,
    )
    found = lake.frame(rows, engine)
    return found.assign(block=found["as_of"].dt.date.map(named))


def main() -> None:
    """Label the snapshots."""
    params = Params.load()
    engine = lake.connect(params.engine)
    tables.LABELS.write(labels(params, Catalog.load(paths.CATALOG), lake.staged(engine), engine))


if __name__ == "__main__":
    stage.run(main)
