"""Stage `respond`: what does making an offer add to what an account would do by itself?

Reads   staged proposals and subscriptions, cohort, training and recent features, the catalogue
Writes  models/response/: response.json beside boosters as text; response.json among the reports: how acceptance is
        calibrated on later proposals, what was hardly ever proposed, what each kind adds, and to whom discounts go
"""

import pandas as pd

from data.catalog import Catalog
from data.frames import to_pandas
from models import response_log, response_report
from models.response import Response
from pipelines import engines, lake, paths, stage, tables, taken, written
from pipelines.params import Params

LOG = ("proposal_id", "account_id", "offer_id", "proposed_at", "channel", "discount_pct", "pscore", "outcome")


def snapshots() -> tuple[pd.DataFrame, list[str]]:
    """Every monthly snapshot before the scored week, its features beside its terms; and the features' names."""
    features = pd.concat([tables.TRAINING.read(), tables.RECENT.read()], ignore_index=True)
    cohort = tables.COHORT.read()
    predictors = [name for name in features.columns if name not in tables.TRAINING.key]
    beside = [name for name in cohort.columns if name not in predictors]
    return features.merge(cohort[beside], on=list(tables.TRAINING.key)), predictors


def proposals(params: Params) -> pd.DataFrame:
    """The log as it was known on the scored day; no rows where the company keeps none."""
    engine = lake.connect(params.engine)
    table = lake.staged(engine).get("proposals")
    if table is None:
        return pd.DataFrame({name: pd.Series(dtype="object") for name in LOG})
    rows = to_pandas(engines.fetched(table, engine))
    return response_log.known(rows, pd.Timestamp(params.run.as_of))


def main() -> None:
    """Learn the response, or say why not."""
    params = Params.load()
    catalog = Catalog.load(paths.CATALOG)
    known, predictors = snapshots()
    known = taken.beside(known, catalog, params.combine)
    log = proposals(params)
    model = Response.fit(log, known, catalog, predictors=predictors, settings=params.respond, seed=params.run.seed)
    written.model(model.to_files(), paths.RESPONSE)
    current = taken.beside(tables.CURRENT.read(), catalog, params.combine)
    about = response_report.report(
        model, log, known, current, catalog, predictors, params.respond, seed=params.run.seed
    )
    written.as_json(paths.RESPONSE_REPORT, about)


if __name__ == "__main__":
    stage.run(main)
