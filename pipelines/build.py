"""Stage `build`: what was known of each account as of each day?

Reads   staged tables, cohort
Writes  training: one row per (account_id, as_of) of the snapshots; current: of the week that is scored;
        triggers: one row per (account_id, as_of, trigger) of that week
"""

from data.catalog import Catalog
from features.build import features
from features.triggers import fired
from pipelines import lake, paths, stage, tables
from pipelines.params import Params


def main() -> None:
    """Build the features."""
    params = Params.load()
    catalog = Catalog.load(paths.CATALOG)
    engine = lake.connect()
    staged = lake.staged(engine)
    cohort = engine.read_parquet(tables.COHORT.path)
    is_now = cohort.as_of == params.run.as_of
    for table, rows in ((tables.TRAINING, cohort.filter(~is_now)), (tables.CURRENT, cohort.filter(is_now))):
        built = features(staged, rows, catalog, params.health, params.lifecycle).cache()
        table.write(lake.frame(built, engine))
    now = fired(built, staged["usage"], staged.get("touchpoints"), params.triggers, catalog)
    tables.TRIGGERS.write(lake.frame(now, engine))


if __name__ == "__main__":
    stage.run(main)
