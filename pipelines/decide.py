"""Stage `decide`: whom to contact, about what, and whom to leave alone?

Reads   current, scores, staged proposals and subscriptions, the catalogue, the model's base rate, how the model was
        judged, the response
Writes  candidates: one row per (account_id, as_of, offer_id); decisions: one row per (account_id, as_of), ranked;
        lately: one row per account, what it took; worth: one row per region, what one more of its team would bring
"""

from pathlib import Path
from typing import Any

import ibis
import pandas as pd

from data.catalog import Catalog
from data.known import calendar
from decisions import past
from decisions.candidates import candidates
from decisions.limits import OWNER
from decisions.plan import plan
from decisions.ranking import ranked, segment, stars
from decisions.worth import by_column, worths
from features.build import dictionary
from features.proposals import contacts, refusals
from models.response import Response
from pipelines import engines, lake, paths, stage, tables, taken, written
from pipelines.params import Params

PROPOSALS = "proposals.parquet"
N_CHECKED = 10  # of the dearest limits: what one more brings is found by solving the week again


def remembered(params: Params, file: Path) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
    """`refusals` and `contacts` of decisions/past.py from the staged proposals; None twice where there are none."""
    if not file.is_file():
        return None, None
    engine = lake.connect()
    proposals = engines.put(engine, file)
    day = calendar([params.run.as_of])
    by_offer = refusals(proposals, day).order_by(ibis._.account_id, ibis._.offer_id)
    by_channel = contacts(proposals, day, days=past.longest_days(params.gates))
    by_channel = by_channel.order_by(ibis._.account_id, ibis._.age_days, ibis._.channel)
    return lake.frame(by_offer, engine), lake.frame(by_channel, engine)


def decided(
    params: Params,
    catalog: Catalog,
    current: pd.DataFrame,
    scores: pd.DataFrame,
    *,
    base_rate: float,
    has_signal: bool,
    lately: pd.DataFrame,
    proposals: Path = paths.STAGED / PROPOSALS,
    response: Response | None = None,
    previous: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Candidates and decisions of the week, and what one more of the team's time is worth.

    lately: what each account took (pipelines/taken.py). response: what was learnt of offers; without it, propensity
    stands in.
    """
    accounts = current.merge(scores, on=["account_id", "as_of"])
    # a condition of the catalogue may ask for these columns of the list
    accounts["segment"] = segment(accounts, params.segments)
    accounts["stars"] = stars(accounts["propensity"], base_rate, params.decide.stars_from_lift)
    refusals, contacts = remembered(params, proposals)
    accounts = past.remembered(accounts, refusals, contacts, params.gates)
    menu = None
    if response is not None and response.is_learnt:
        menu = response.menu(accounts.merge(lately, on=["account_id", "as_of"]), catalog)
    offered = candidates(accounts, refusals, catalog, params.gates, params.decide, menu=menu, has_signal=has_signal)
    before = set() if previous is None else set(previous.loc[previous["assignment"] == "contact", "account_id"])
    planned = plan(offered, accounts, catalog, params.decide, seed=params.run.seed, previous=before)
    decisions = ranked(
        accounts,
        offered,
        planned.rows,
        catalog,
        base_rate=base_rate,
        gate_settings=params.gates,
        money=params.decide,
        segments=params.segments,
        refusals=refusals,
        previous=previous,
        named=dictionary(catalog, params.health, params.lifecycle),
        health=params.health,
    )
    week = planned.week
    worth = by_column(worths(week, n_checked=N_CHECKED), week.ways, "region", limit_id=OWNER)
    return offered, decisions, worth.assign(uses=params.decide.week.owner_counts)


def has_signal(metrics: dict[str, Any], model_version: str) -> bool:
    """Whether the model tells accounts apart, as far as is known: one that was not judged has the benefit of the doubt.

    >>> judged = {"model_version": "a", "is_better_than_base_rate": False}
    >>> has_signal(judged, "a"), has_signal(judged, "b")
    (False, True)
    """
    return metrics["model_version"] != model_version or bool(metrics["is_better_than_base_rate"])


def of_the_newest_run(params: Params, catalog: Catalog) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """What `decided` gives by these parameters and this catalogue, of the tables that lie in the lake."""
    model = written.read_model()
    return decided(
        params,
        catalog,
        tables.CURRENT.read(),
        tables.SCORES.read(),
        lately=tables.LATELY.read(),
        base_rate=float(model.facts["rate_train"]),
        has_signal=has_signal(written.read_json(paths.METRICS), model.model_version),
        response=written.read_response(),
    )


def main() -> None:
    """Decide for every active account of the week."""
    params, catalog = Params.load(), Catalog.load(paths.CATALOG)
    tables.LATELY.write(taken.lately(tables.CURRENT.read(), catalog, params.combine))
    offered, decisions, worth = of_the_newest_run(params, catalog)
    tables.CANDIDATES.write(offered)
    tables.DECISIONS.write(decisions)
    tables.WORTH.write(worth)


if __name__ == "__main__":
    stage.run(main)
