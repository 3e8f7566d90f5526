"""Stage `build`: what was known of each account as of each day?

Reads   staged tables, cohort
Writes  training: one row per (account_id, as_of) of the snapshots whose label is known, predictors only;
        recent: the same of the later ones, whose proposals have their answers already;
        current: of the week that is scored, with all that conditions and people ask for;
        directions: one row per predictor that declares which way it moves the score (+1 or -1)
"""

import pandas as pd

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
    predictors = [f for f in dictionary(catalog, params.health, params.lifecycle) if f.is_predictor]
    rises = {f.name: f.rises for f in predictors if f.rises}
    tables.DIRECTIONS.write(pd.DataFrame({"feature": list(rises), "rises": list(rises.values())}))

    past = features(staged, cohort.filter(~is_now), catalog, params.health, params.lifecycle)
    rows = lake.frame(past.select("account_id", "as_of", *[f.name for f in predictors]), engine)
    is_learnt = rows["as_of"].dt.date.isin(params.learning_days)
    tables.TRAINING.write(rows[is_learnt])
    tables.RECENT.write(rows[~is_learnt])

    now = features(staged, cohort.filter(is_now), catalog, params.health, params.lifecycle)
    tables.CURRENT.write(lake.frame(now, engine))


if __name__ == "__main__":
    stage.run(main)
