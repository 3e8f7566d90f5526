"""Stage `build`: what was known of each account as of each day?

Reads   staged tables, cohort
Writes  training: one row per (account_id, as_of) of the snapshots, predictors only;
        current: of the week that is scored, with all that conditions and people ask for
"""

from data.catalog import Catalog
from features.build import dictionary, features
from pipelines import engines, lake, paths, stage, tables
from pipelines.params import Params


def main() -> None:
    """Build the features."""
    params = Params.load()
    catalog = Catalog.load(paths.CATALOG)
    engine = lake.connect(params.engine)
    staged = lake.staged(engine)
    cohort = engines.put(engine, tables.COHORT.path)
    is_now = cohort.as_of == params.run.as_of
    predictors = [f.name for f in dictionary(catalog, params.health, params.lifecycle) if f.is_predictor]

    past = features(staged, cohort.filter(~is_now), catalog, params.health, params.lifecycle)
    tables.TRAINING.write(lake.frame(past.select("account_id", "as_of", *predictors), engine))

    now = features(staged, cohort.filter(is_now), catalog, params.health, params.lifecycle)
    tables.CURRENT.write(lake.frame(now, engine))


if __name__ == "__main__":
    stage.run(main)
