"""Stage `build`: what was known of each account as of each day?

Reads   staged tables, cohort
Writes  training: one row per (account_id, as_of) of the snapshots, predictors only;
        current: of the week that is scored, with all that conditions and people ask for;
        triggers: one row per (account_id, as_of, trigger) of that week;
        directions: one row per predictor that declares which way it moves the score (+1 or -1)
"""

import pandas as pd

from data.catalog import Catalog
from features.build import dictionary, features
from features.triggers import fired
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
    predictors = [f for f in dictionary(catalog, params.health, params.lifecycle) if f.is_predictor]
    rises = {f.name: f.rises for f in predictors if f.rises}
    tables.DIRECTIONS.write(pd.DataFrame({"feature": list(rises), "rises": list(rises.values())}))

    past = features(staged, cohort.filter(~is_now), catalog, params.health, params.lifecycle)
    tables.TRAINING.write(lake.frame(past.select("account_id", "as_of", *[f.name for f in predictors]), engine))

    now = features(staged, cohort.filter(is_now), catalog, params.health, params.lifecycle).cache()
    tables.CURRENT.write(lake.frame(now, engine))
    triggers = fired(now, staged["usage"], staged.get("touchpoints"), params.triggers, catalog)
    tables.TRIGGERS.write(lake.frame(triggers, engine))


if __name__ == "__main__":
    stage.run(main)
