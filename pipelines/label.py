"""Stage `label`: did the account expand after each snapshot, and what may that snapshot be used for?

Reads   staged subscriptions
Writes  labels: one row per (account_id, as_of) that was active: is_expansion, and the block in time
"""

from data.catalog import Catalog
from data.known import calendar
from data.labels import expansion
from data.splits import blocks
from pipelines import lake, paths, stage, tables
from pipelines.params import Params


def main() -> None:
    """Label the snapshots."""
    params = Params.load()
    engine = lake.connect(params.engine)
    days = params.learning_days
    named = blocks(
        days,
        horizon_days=params.label.horizon_days,
        last_known=params.run.as_of,
        n_test=params.split.n_test,
        n_validation=params.split.n_validation,
    )
    rows = expansion(
        lake.staged(engine)["subscriptions"],
        Catalog.load(paths.CATALOG),
        calendar(days),
        horizon_days=params.label.horizon_days,
        min_growth=params.label.min_growth,
    )
    labels = lake.frame(rows, engine)
    tables.LABELS.write(labels.assign(block=labels["as_of"].dt.date.map(named)))


if __name__ == "__main__":
    stage.run(main)
